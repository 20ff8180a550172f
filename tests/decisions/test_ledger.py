"""The conflict ledger: found in what assistants report, resolved, scored by what came of it, learnt from."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence

import msgspec
import polars as pl
import pytest

from aurora.audit.records import outcome_record, read_decision
from aurora.decisions.conflicts import every_conflict, list_conflicts, read_conflict
from aurora.decisions.contradictions import find_conflicts
from aurora.decisions.ledger_round import run_round
from aurora.decisions.loading import load_engine
from aurora.decisions.reliability import (
    FILE,
    Voice,
    load_reliability,
    measure,
    pool,
    publish_reliability,
)
from aurora.errors import DataError, NotFoundError
from aurora.ingest.journal import copy_journal
from aurora.settings import Settings
from aurora.store.lake import create_lake, read_lake, write_lake
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.state import StateStore
from contracts.messages.conflicts import Conflict
from contracts.messages.decisions import OutcomeRequest, Recommendation

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


def clock() -> dt.datetime:
    return NOW


def _said(who: str, what: str, about: str, *, minutes: float = 5, sure: float = 0.8) -> dict[str, object]:
    at = NOW - dt.timedelta(minutes=minutes)
    return {
        "ai_decision_id": f"{who}/{about}/{what}",
        "assistant_id": who,
        "about_contract": "task",
        "about_id": about,
        "ai_decision_kind": what,
        "decided_at": at,
        "is_automated": True,
        "is_material": True,
        "confidence": sure,
        "receipt_hash": "a1",
        "updated_at": at,
        "source": "test",
        "is_sample": False,
        "region": "ae-dubai",
        "batch_id": "b",
        "batch_seq": 1,
        "row_number": 1,
        "ingested_at": NOW,
    }


def _handed(giver: str, taker: str, task: str) -> dict[str, object]:
    at = NOW - dt.timedelta(minutes=3)
    return {
        "handoff_id": f"{giver}-{taker}-{task}",
        "from_assistant_id": giver,
        "to_assistant_id": taker,
        "handoff_state": "accepted",
        "task_id": task,
        "requested_at": at,
        "updated_at": at,
        "source": "test",
        "is_sample": False,
        "region": "ae-dubai",
        "batch_id": "b",
        "batch_seq": 1,
        "row_number": 1,
        "ingested_at": NOW,
    }


def _land(paths: TenantPaths, table: str, rows: Sequence[dict[str, object]]) -> None:
    write_lake(paths, "raw", lambda lake: lake.append(table, pl.DataFrame(rows)), author="test", message=table)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> TenantPaths:
    """What assistants said, after one round of the ledger, an outcome for each resolution, and a second round."""
    paths = create_tenant(tmp_path_factory.mktemp("ledger"), "demo", "ae-dubai")
    create_lake(paths)
    _land(
        paths,
        "ai_decision",
        [
            _said("laila", "kyc_hold", "t1", minutes=9, sure=0.6),
            _said("amira", "kyc_pass", "t1", sure=0.99),
            _said("laila", "kyc_hold", "t2"),
            _said("amira", "kyc_hold", "t2"),  # they agree
            _said("laila", "kyc_hold", "t3"),
            _said("rashid", "price_fair", "t3"),  # about something else
            _said("laila", "kyc_hold", "t4", minutes=300),
            _said("amira", "kyc_pass", "t4"),  # hours later: things may have changed
            _said("laila", "kyc_hold", "t5", minutes=60 * 24 * 30),
            _said("amira", "kyc_pass", "t5", minutes=60 * 24 * 30),  # long ago
        ],
    )
    _land(
        paths,
        "handoff",
        [_handed("clara", "omar", "t9"), _handed("nina", "laila", "t9"), _handed("clara", "omar", "t8")],
    )
    return paths


def test_contradictions_are_found_once_and_only_where_words_exclude_each_other(company: TenantPaths):
    engine = load_engine(company, Settings())
    with read_lake(company) as lake:
        found = find_conflicts(lake, engine.pack.policies, now=NOW, region="ae-dubai")
    conflicts = [msgspec.json.decode(one.body, type=Conflict) for one in found]
    assert {(one.topic, one.subject_id, one.detected_by) for one in conflicts} == {
        ("kyc_check", "t1", "recommendations"),
        ("handoff", "t9", "handoffs"),
    }
    first = next(one for one in conflicts if one.subject_id == "t1")
    assert [(word.assistant_id, word.action) for word in first.recommendations] == [
        ("laila", "kyc_hold"),
        ("amira", "kyc_pass"),
    ]


def test_a_round_finds_resolves_scores_and_learns_and_the_same_round_does_nothing(company: TenantPaths):
    engine = load_engine(company, Settings())
    done = run_round(company, engine, clock=clock)
    assert (done.found_count, done.resolved_count + done.escalated_count) == (2, 2)
    again = run_round(company, engine, clock=clock)
    assert (again.found_count, again.resolved_count, again.scored_count) == (0, 0, 0)
    with StateStore.open(company, clock=clock) as store:
        conflict = next(one for one in every_conflict(store) if one.subject_id == "t1")
        decision = read_decision(store, str(conflict.decision_id))
        assert decision.action == conflict.action is not None
        bad = OutcomeRequest(is_success=False)
        store.append([outcome_record(bad, decision, outcome_id="out_1", actor_id="laila", now=NOW)]).result()
    scored = run_round(company, engine, clock=clock)
    assert scored.scored_count == 1
    with StateStore.open(company, clock=clock) as store:
        conflict = read_conflict(store, conflict.conflict_id)
        assert (conflict.conflict_state, conflict.scored_by, conflict.is_resolution_right) == (
            "scored",
            "outcome",
            False,
        )
        assert conflict.right_action != decision.action
        page = list_conflicts(store, conflict_state=None, before=None, limit=1)
        rest = list_conflicts(store, conflict_state=None, before=page.next_cursor, limit=5)
        assert len({one.conflict_id for one in [*page.conflicts, *rest.conflicts]}) == 2
        with pytest.raises(NotFoundError, match="no conflict"):
            read_conflict(store, "con_none")
    learnt = load_reliability(company)
    assert learnt is not None
    assert {(row.assistant_id, row.right_count, row.wrong_count) for row in learnt.rows} == {
        (word.assistant_id, int(word.action == conflict.right_action), int(word.action != conflict.right_action))
        for word in conflict.recommendations
    }
    copy_journal(company, clock=clock)
    with read_lake(company) as lake:
        states = lake.query(
            f"SELECT conflict_state, right_action FROM raw.conflict WHERE conflict_id = '{conflict.conflict_id}' ORDER BY journal_seq"
        )
    assert states["conflict_state"].to_list() == ["open", "resolved", "scored"]
    assert states["right_action"].to_list() == [None, None, conflict.right_action]


def test_reliability_that_was_changed_is_refused(company: TenantPaths):
    learnt = measure(_history(60), {}, published_at=NOW)
    paths = create_tenant(company.data_dir, "other", "ae-dubai")
    publish_reliability(paths, learnt)
    assert load_reliability(paths) == learnt
    file = paths.serving / FILE
    file.write_bytes(file.read_bytes().replace(b'"right_count":', b'"right_count":1'))
    with pytest.raises(DataError, match="hash"):
        load_reliability(paths)


def _history(count: int) -> list[Conflict]:
    """Laila is right nine times of ten, whatever either of them says of itself."""
    draw = random.Random(2)
    found = []
    for number in range(count):
        at = NOW + dt.timedelta(minutes=number)
        words = (
            Recommendation(assistant_id="laila", action="kyc_hold", confidence=draw.uniform(0.5, 0.8)),
            Recommendation(assistant_id="amira", action="kyc_pass", confidence=draw.uniform(0.7, 0.99)),
        )
        found.append(
            Conflict(
                conflict_id=f"con_{number}",
                conflict_state="scored",
                subject_id=f"t{number}",
                topic="kyc_check",
                recommendations=words,
                detected_by="api",
                detected_at=at,
                updated_at=at,
                actor_id="a",
                region="ae-dubai",
                right_action="kyc_hold" if draw.random() < 0.9 else "kyc_pass",
            )
        )
    return found


def test_what_confidence_is_worth_is_learnt():
    learnt = measure(_history(400), {}, published_at=NOW)
    assert learnt.confidence_weight == 0.0
    right, wrong = learnt.row("laila", "kyc_check"), learnt.row("amira", "kyc_check")
    assert right is not None
    assert wrong is not None
    assert right.right_count == wrong.wrong_count > 330
    voices = [
        Voice("laila", "kyc_hold", 0.5, 0.5, right.right_count, right.wrong_count, right.confidence_logit_mean),
        Voice("amira", "kyc_pass", 0.99, 0.5, wrong.right_count, wrong.wrong_count, wrong.confidence_logit_mean),
    ]
    chance = pool(voices, confidence_weight=learnt.confidence_weight, temperature=learnt.temperature)
    assert chance["kyc_hold"] == pytest.approx(0.9, abs=0.06)
    assert sum(chance.values()) == pytest.approx(1.0)
    assert measure(reversed(_history(400)), {}, published_at=NOW) == learnt
