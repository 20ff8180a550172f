"""The journal reaches the lake exactly once, as it was sealed, whatever dies on the way."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from aurora.audit.records import decision_record, outcome_record, override_record
from aurora.errors import DataError
from aurora.identity.keys import create_key
from aurora.ingest import journal
from aurora.ingest.journal import copy_journal
from aurora.store.journal import JournalRecord
from aurora.store.lake import read_lake
from aurora.store.paths import TenantPaths
from aurora.store.state import StateStore
from contracts.messages.decisions import (
    Candidate,
    Decision,
    OutcomeRequest,
    OverrideRequest,
    RouteLlmRequest,
    RouteTaskRequest,
)

NOW = dt.datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=dt.UTC)
ROOT = Path(__file__).parents[2]
WORKER = Path(__file__).with_name("journal_worker.py")


def clock() -> dt.datetime:
    return NOW


@pytest.fixture
def store(paths: TenantPaths) -> Iterator[StateStore]:
    with StateStore.open(paths, clock=clock) as opened:
        yield opened


def decision(number: int, **changed: object) -> Decision:
    made = Decision(
        decision_id=f"dec-{number:06d}",
        tenant_id="demo",
        region="ae-dubai",
        kind="route_task",
        mode="act",
        status="chosen",
        action="amal",
        reason="lowest cost of those that may",
        confidence=0.75,
        propensity=0.9,
        decided_at=NOW + dt.timedelta(microseconds=number),
        actor_id="person:amal",
        policy_id="weighted_score",
        bundle_hash=None,
        rule_pack_hash="r" * 64,
        rules_checked=("residency", "budget"),
        snapshot_id=7,
        feature_hash=None,
        seed=4_000_000_000,
        request=RouteTaskRequest(task_type="viewing", task_id=f"task-{number}"),
        candidates=(Candidate(candidate_id="amal", is_eligible=True, cost_usd=Decimal("0.25"), propensity=0.9),),
        expected_cost_usd=Decimal("0.1234567891"),
    )
    return msgspec.structs.replace(made, **changed)


def append(store: StateStore, *records: JournalRecord) -> None:
    store.append(records).result()


def rows(paths: TenantPaths, table: str) -> list[dict[str, object]]:
    with read_lake(paths) as lake:
        return lake.query(f"SELECT * FROM raw.{table} ORDER BY journal_seq").to_dicts()


def test_a_decision_lands_as_it_was_sealed(store: StateStore, paths: TenantPaths):
    sealed = decision_record(decision(1), elapsed_us=321)
    append(store, sealed)
    assert copy_journal(paths, clock=clock) == 1
    (row,) = rows(paths, "decision")
    assert row["receipt_hash"] == hashlib.sha256(sealed.body).hexdigest()
    assert (row["decide_us"], row["rules_checked_count"], row["seed"]) == (321, 2, 4_000_000_000)
    assert row["expected_cost_usd"] == Decimal("0.123456789")
    assert (row["baseline_cost_usd"], row["bundle_hash"], row["conversation_id"]) == (None, None, None)
    assert (row["task_id"], row["decided_at"], row["journal_seq"]) == ("task-1", NOW + dt.timedelta(microseconds=1), 1)
    assert row["context"].encode() in sealed.body
    assert row["candidates"].encode() in sealed.body
    assert msgspec.json.decode(row["context"])["kind"] == "route_task"
    assert msgspec.json.decode(row["candidates"])[0]["candidate_id"] == "amal"


def test_what_is_not_known_of_a_decision_stays_null(store: StateStore, paths: TenantPaths):
    asked = RouteLlmRequest(prompt='سؤال "مع" اقتباس', conversation_id="conv-1")
    append(store, decision_record(decision(1, kind="route_llm", request=asked, status="abstained", action=None)))
    copy_journal(paths, clock=clock)
    (row,) = rows(paths, "decision")
    assert (row["decide_us"], row["action"], row["task_id"]) == (None, None, None)
    assert row["conversation_id"] == "conv-1"
    assert msgspec.json.decode(row["context"])["prompt"] == asked.prompt


def test_outcomes_and_overrides_land_beside_their_decision(store: StateStore, paths: TenantPaths):
    made = decision(1)
    report = OutcomeRequest(is_success=True, quality=0.5, cost_usd=Decimal("0.3"), duration_ms=900, note="fine")
    change = OverrideRequest(action="human", reason="the owner wants it so")
    append(
        store,
        decision_record(made),
        outcome_record(report, made, outcome_id="out-1", actor_id="agent:amal", now=NOW),
        override_record(change, made, override_id="ovr-1", actor_id="person:omar", now=NOW),
    )
    assert copy_journal(paths, clock=clock) == 3
    (outcome,), (override,) = rows(paths, "outcome"), rows(paths, "override")
    assert (outcome["decision_id"], outcome["cost_usd"], outcome["is_success"]) == ("dec-000001", Decimal("0.3"), True)
    assert (outcome["occurred_at"], outcome["note"], outcome["journal_seq"]) == (NOW, "fine", 2)
    assert (override["override_action"], override["reason"]) == ("human", "the owner wants it so")
    assert (override["actor_id"], override["journal_seq"]) == ("person:omar", 3)


def test_copying_again_adds_only_what_is_new(store: StateStore, paths: TenantPaths):
    append(store, decision_record(decision(1)))
    assert [copy_journal(paths, clock=clock) for _ in range(2)] == [1, 0]
    append(store, decision_record(decision(2)))
    assert [copy_journal(paths, clock=clock) for _ in range(2)] == [1, 0]
    assert [row["decision_id"] for row in rows(paths, "decision")] == ["dec-000001", "dec-000002"]
    marks = [(row["journal_seq"], row["row_count"], row["ingested_at"]) for row in rows(paths, "journal_offset")]
    assert marks == [(1, 1, NOW), (2, 1, NOW)]


def test_records_of_keys_are_passed_over(store: StateStore, paths: TenantPaths):
    create_key(store, actor_id="owner", label="first", scopes=("decide",), created_by="test", now=NOW)
    assert copy_journal(paths, clock=clock) == 0
    assert [row["journal_seq"] for row in rows(paths, "journal_offset")] == [1]
    append(store, decision_record(decision(1)))
    assert copy_journal(paths, clock=clock) == 1
    assert [row["journal_seq"] for row in rows(paths, "decision")] == [2]


def test_a_long_journal_lands_in_bounded_transactions(store: StateStore, paths: TenantPaths, monkeypatch):
    monkeypatch.setattr(journal, "_BATCH_ENTRIES", 400)
    append(store, *[decision_record(decision(number)) for number in range(1, 1001)])
    assert copy_journal(paths, clock=clock) == 1000
    assert [row["journal_seq"] for row in rows(paths, "journal_offset")] == [400, 800, 1000]


def test_big_records_end_a_batch_before_many_are_held(store: StateStore, paths: TenantPaths, monkeypatch):
    monkeypatch.setattr(journal, "_BATCH_BYTES", 2**20)
    asked = RouteLlmRequest(prompt="p" * 20_000)
    append(store, *[decision_record(decision(number, kind="route_llm", request=asked)) for number in range(1, 501)])
    assert copy_journal(paths, clock=clock) == 500
    assert [row["row_count"] for row in rows(paths, "journal_offset")] == [200, 200, 100]


def test_a_record_that_cannot_be_read_stops_the_copy_by_name(store: StateStore, paths: TenantPaths):
    append(store, decision_record(decision(1)))
    broken = JournalRecord(
        record_id="out-9", kind="outcome", subject_id="dec-000001", actor_id="a", recorded_at=NOW, body=b'{"quality":'
    )
    append(store, broken)
    with pytest.raises(DataError, match="record 2") as caught:
        copy_journal(paths, clock=clock)
    assert (caught.value.field, caught.value.rule) == ("journal.2", "contract")
    assert "audit verify" in caught.value.next_step
    assert rows(paths, "decision") == []


def test_without_a_journal_nothing_happens(paths: TenantPaths):
    assert copy_journal(paths, clock=clock) == 0
    assert rows(paths, "journal_offset") == []


def test_kills_at_any_moment_lose_and_double_nothing(store: StateStore, paths: TenantPaths):
    count = 1_200
    append(store, *[decision_record(decision(number), elapsed_us=number) for number in range(1, count + 1)])
    draw = random.Random(11)
    kills, is_done = 0, False
    while not is_done:
        worker = subprocess.Popen(
            [sys.executable, str(WORKER), str(paths.data_dir)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
        )
        with worker:
            assert worker.stdout is not None
            worker.stdout.readline()
            try:
                # the first ones die early, later ones live long enough to get on
                is_done = worker.wait(timeout=draw.uniform(0.1, 0.5 + 0.4 * kills)) == 0
            except subprocess.TimeoutExpired:
                worker.send_signal(signal.SIGKILL)
                kills += 1
    found = rows(paths, "decision")
    assert [row["journal_seq"] for row in found] == list(range(1, count + 1))
    assert [row["decide_us"] for row in found] == list(range(1, count + 1))
    assert sum(row["row_count"] for row in rows(paths, "journal_offset")) == count
    assert kills >= 2
