"""Decisions of all kinds replay byte for byte from what was kept, and what was changed since is named. On a real lake."""

from __future__ import annotations

import dataclasses
import datetime as dt
import random
import shutil
import zlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import polars as pl
import pytest

from aurora.audit.records import decision_record, decision_seed
from aurora.decisions.conflicts import opened, question_of, resolved, scored
from aurora.decisions.features import FILE, FeatureRow, feature_hash, publish_features
from aurora.decisions.ledger_round import learn
from aurora.decisions.loading import load_engine
from aurora.decisions.modes import Switches, read_switches, stop_acting
from aurora.decisions.replay import replay_sample, replay_these
from aurora.decisions.skew import check_skew, training_features
from aurora.errors import NotFoundError
from aurora.ingest.journal import copy_journal
from aurora.settings import Settings
from aurora.store.lake import LakeWriter, create_lake, read_lake, write_lake
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.state import StateStore
from contracts.messages.conflicts import ConflictRequest, ConflictScoreRequest
from contracts.messages.decisions import (
    DecisionRequest,
    Demand,
    OpenTask,
    RebalanceRequest,
    Recommendation,
    RouteLlmRequest,
    RouteTaskRequest,
    ScaleLimits,
    ScaleRequest,
    Trial,
    TuneRequest,
)

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
KINDS = {"route_task", "route_llm", "resolve_conflict", "scale", "rebalance", "tune"}
SWITCHES = Switches(act_shares=(("route_task", "", 0.4),), shadow_policies=(("route_task", "best_single"),))


def clock() -> dt.datetime:
    return NOW


def _mart(paths: TenantPaths, *, success: float) -> None:
    rows = [
        {
            "assistant_id": who,
            "task_type": what,
            "task_count": 40,
            "success_share": success,
            "duration_p50_ms": 900.0,
            "cost_usd_mean": Decimal("0.02"),
            "open_task_count": 1,
        }
        for who in ("clara", "omar", "nina", "laila")
        for what in ("lead_follow_up", "kyc_check")
    ]
    frame = pl.DataFrame(rows, schema_overrides={"cost_usd_mean": pl.Decimal(18, 9)})

    def build(lake: LakeWriter) -> None:
        columns = (
            "assistant_id VARCHAR, task_type VARCHAR, task_count BIGINT, success_share DOUBLE, duration_p50_ms DOUBLE"
        )
        lake.execute(
            f"CREATE OR REPLACE TABLE mart.assistant_features ({columns}, cost_usd_mean DECIMAL(18,9), open_task_count BIGINT)"
        )
        lake.append("assistant_features", frame)

    write_lake(paths, "mart", build, author="test", message="features")


def _requests(count: int) -> Iterator[DecisionRequest]:
    draw = random.Random(4)
    for number in range(count):
        match number % 6:
            case 0 | 1 | 2:
                yield RouteTaskRequest(
                    task_type=draw.choice(["lead_follow_up", "kyc_check"]),
                    task_id=f"task-{number}",
                    mode=draw.choice(["advise", "act"]),
                    privacy_class=draw.choice(["internal", "sensitive"]),
                )
            case 3:
                yield RouteLlmRequest(prompt="fee " * draw.randrange(1, 30))
            case 4:
                history = Demand(window_s=900, ends_at=NOW, demand=(draw.uniform(5, 90), None, 20.0), replicas=3)
                yield ScaleRequest(target_id="clara", history=history, limits=ScaleLimits(replica_rate=10.0))
            case _:
                trials = (Trial(value=0.4, task_count=90, success_count=draw.randrange(40, 90)),)
                yield TuneRequest(assistant_id="clara", parameter="temperature", trials=trials)
    tasks = tuple(OpenTask(task_id=f"t{n}", task_type="lead_follow_up", assistant_id="clara") for n in range(9))
    yield RebalanceRequest(tasks=tasks)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> TenantPaths:
    """Decisions of every kind under two feature snapshots, with modes, shadows and a learnt ledger."""
    paths = create_tenant(tmp_path_factory.mktemp("replay"), "demo", "ae-dubai")
    create_lake(paths)
    with StateStore.open(paths, clock=clock) as store:
        for number, success in enumerate((0.9, 0.5)):
            _mart(paths, success=success)
            publish_features(paths, clock=lambda at=NOW - dt.timedelta(hours=2 - number): at)
            engine = load_engine(paths, Settings())
            records = []
            for at, request in enumerate(_requests(120)):
                decision = engine.decide(
                    request,
                    actor_id="person:amal",
                    decision_id=f"dec_{number}_{at:04}",
                    decided_at=NOW + dt.timedelta(minutes=number),
                    seed=decision_seed(f"dec_{number}_{at:04}"),
                    live=(("omar", "down"),) if at % 5 == 0 else (),
                    switches=SWITCHES,
                )
                records.append(decision_record(decision))
            store.append(records).result()
            _settle(store, paths, number)
    copy_journal(paths, clock=clock)
    return paths


def _settle(store: StateStore, paths: TenantPaths, number: int) -> None:
    """Conflicts resolved under what was learnt so far, then scored, then learnt from."""
    engine = load_engine(paths, Settings())
    known = []
    for at in range(3):
        words = (
            Recommendation(assistant_id="laila", action="kyc_hold", confidence=0.7),
            Recommendation(assistant_id="amira", action="kyc_pass", confidence=0.9),
        )
        request = ConflictRequest(subject_id=f"task-{at}", topic="kyc_check", recommendations=words)
        conflict, record = opened(
            request, actor_id="aurora", region="ae-dubai", now=NOW, conflict_id=f"con_{number}_{at}"
        )
        decision = engine.decide(
            question_of(conflict), actor_id="aurora", decision_id=f"dec_c{number}_{at}", decided_at=NOW, seed=at
        )
        store.append([record, decision_record(decision), resolved(conflict, decision)]).result()
        right = ConflictScoreRequest(right_action="kyc_hold")
        scores, record = scored(conflict, right, actor_id="person:amal", now=NOW)
        store.append([record]).result()
        known.append(scores)
    learn(paths, known, engine, now=NOW)


def test_random_decisions_of_all_kinds_replay_equal(company: TenantPaths):
    report = replay_sample(company, Settings(), sample=1000, seed=7)
    assert report.drifted == []
    assert report.is_equal
    assert report.counts["equal"] == 2 * (121 + 3)
    assert set(report.kinds) == KINDS
    assert replay_sample(company, Settings(), sample=20, seed=1).counts.total() == 20


def test_a_silently_changed_row_of_published_features_is_input_drift(company: TenantPaths):
    def change(to: str) -> None:
        sql = "UPDATE raw.feature_snapshot SET success_share = success_share {} WHERE assistant_id = 'clara' AND task_type = 'kyc_check' AND published_at < '2026-11-21 10:30:00+00'"
        write_lake(company, "raw", lambda lake: lake.execute(sql.format(to)), author="intruder", message="quiet")

    change("- 0.25")
    try:
        report = replay_sample(company, Settings(), sample=1000, seed=7)
        assert set(report.counts) == {"equal", "input_drift"}
        assert 60 < report.counts["input_drift"] < 80
        first = report.drifted[0]
        assert "feature" in first.reason
        (one,) = replay_these(company, Settings(), [first.decision_id])
        assert one.verdict == "input_drift"
    finally:
        change("+ 0.25")
    assert replay_sample(company, Settings(), sample=1000, seed=7).is_equal


def test_a_changed_pack_or_reliability_is_input_drift_and_a_lost_one_is_missing(company: TenantPaths):
    for kind in ("pack", "reliability"):
        verdicts: set[str] = set()
        for file in sorted((company.serving / "archive" / kind).glob("*.z")):
            content = file.read_bytes()
            changed = zlib.decompress(content).replace(b"0.9", b"0.8").replace(b'_count":3', b'_count":7')
            file.write_bytes(zlib.compress(changed))
            verdicts |= set(replay_sample(company, Settings(), sample=1000, seed=7).counts)
            file.unlink()
            verdicts |= set(replay_sample(company, Settings(), sample=1000, seed=7).counts)
            file.write_bytes(content)
        assert verdicts >= {"input_drift", "input_missing"}


def test_an_engine_that_decides_otherwise_is_named(company: TenantPaths, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("aurora.decisions.slates.PRIOR_TASKS", 5.0)
    report = replay_sample(company, Settings(), sample=1000, seed=7)
    assert report.counts["engine_drift"] > 50
    assert "candidates" in report.drifted[0].reason
    with pytest.raises(NotFoundError, match="no decision"):
        replay_these(company, Settings(), ["dec_nobody"])


def test_the_share_that_may_act_and_the_shadows_choice_stand_on_the_receipt(company: TenantPaths):
    with StateStore.open(company, clock=clock) as store:
        made = replay_these(company, Settings(), [entry.record_id for entry in store.page("decision", limit=1000)])
        assert read_switches(store) == Switches()
    tasks = [one.again for one in made if one.kind == "route_task" and one.again is not None]
    asked = [one for one in tasks if one.request.mode == "act" and one.action is not None]
    acting = [one for one in asked if one.mode == "act"]
    assert {one.act_share for one in asked} == {0.4}
    assert 0.2 < len(acting) / len(asked) < 0.6
    by_task: dict[str, set[str]] = {}
    for one in asked:
        by_task.setdefault(str(one.request.task_id), set()).add(one.mode)  # type: ignore[union-attr]
    assert all(len(modes) == 1 for modes in by_task.values())
    shadows = [(one, one.shadows[0]) for one in tasks if one.shadows is not msgspec.UNSET]
    assert len(shadows) > 50
    for one, shadow in shadows:
        assert shadow.policy_id == "best_single"
        assert (shadow.action is None) == (shadow.propensity == 0)
        assert shadow.taken_propensity == (1.0 if shadow.action == one.action else 0.0)


# features -------------------------------------------------------------------------------------


def test_training_sees_what_was_published_before_each_decision(company: TenantPaths):
    with read_lake(company) as lake:
        seen = training_features(lake)
    assert seen.filter(pl.col("published_at") > pl.col("decided_at")).is_empty()
    shares = (
        seen.group_by(pl.col("decision_id").str.slice(0, 5)).agg(pl.col("success_share").unique()).sort("decision_id")
    )
    assert shares["success_share"].to_list() == [[0.9], [0.5]]


def test_serving_and_training_see_the_same_on_ten_thousand_keys_and_a_planted_skew_is_found(
    tmp_path_factory: pytest.TempPathFactory,
):
    paths = create_tenant(tmp_path_factory.mktemp("skew"), "demo", "ae-dubai")
    create_lake(paths)
    _mart(paths, success=0.7)

    def widen(lake: LakeWriter) -> None:
        lake.execute(
            "INSERT INTO mart.assistant_features SELECT 'clara', 'made_up_' || i, i, (i % 97) / 97.0, i * 1.5, "
            "CAST(i / 7919.0 AS DECIMAL(18,9)), i % 5 FROM range(10000) AS t(i)"
        )

    write_lake(paths, "mart", widen, author="test", message="many")
    publish_features(paths, clock=clock)
    report = check_skew(paths)
    assert (report.published_count, report.differing_count) == (10_008, 0)
    row = "UPDATE raw.feature_snapshot SET open_task_count = 99 WHERE task_type = 'made_up_17'"
    write_lake(paths, "raw", lambda lake: lake.execute(row), author="intruder", message="quiet")
    found = check_skew(paths)
    assert (found.differing_count, found.examples) == (1, ["clara on made_up_17: open_task_count differ"])
    file = paths.serving / FILE
    content = msgspec.json.decode(file.read_bytes())
    content["rows"][5000]["success_share"] = 0.123
    rows = msgspec.convert(content["rows"], tuple[FeatureRow, ...], strict=False)
    file.write_bytes(msgspec.json.encode(content | {"feature_hash": feature_hash(rows)}))
    assert check_skew(paths).differing_count == 10_008  # a snapshot that the lake does not hold


def test_what_stands_on_receipts_is_what_training_would_expect(company: TenantPaths, tmp_path: Path):
    report = check_skew(company)
    assert report.decided_count > 200
    assert report.differing_count == 0
    shutil.copytree(company.data_dir, tmp_path / "copy")
    copy = dataclasses.replace(company, data_dir=tmp_path / "copy")
    with StateStore.open(copy, clock=clock) as store:
        entry = store.page("decision", limit=1000)
        body = next(one for one in entry if one.record_id.startswith("dec_1_") and b'"route_task"' in one.body)
        made = replay_these(copy, Settings(), [body.record_id])[0].again
        assert made is not None
        wrong = tuple(
            msgspec.structs.replace(one, quality=0.111) if one.is_eligible else one for one in made.candidates
        )
        skewed = msgspec.structs.replace(made, decision_id="dec_z", candidates=wrong)
        store.append([decision_record(skewed)]).result()
    found = check_skew(copy)
    assert found.differing_count == sum(one.is_eligible for one in wrong)
    assert "dec_z" in found.examples[0]


def test_the_kill_switch_makes_all_advise(company: TenantPaths):
    engine = load_engine(company, Settings())
    change, _ = stop_acting(SWITCHES, is_stopped=True, reason="Drill", actor_id="owner", now=NOW)
    stopped = Switches(change.is_stopped, change.act_shares, change.shadow_policies)
    for number in range(30):
        decision = engine.decide(
            RouteTaskRequest(task_type="lead_follow_up", task_id=f"t{number}", mode="act"),
            actor_id="a",
            decision_id="d",
            decided_at=NOW,
            seed=number,
            switches=stopped,
        )
        assert (decision.mode, decision.act_share) == ("advise", 0.0)
