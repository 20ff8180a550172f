"""What-if: a proposal replayed over decisions of a real engine in a real lake, beside an outcome that is known."""

from __future__ import annotations

import datetime as dt
import json
import random
from decimal import Decimal
from pathlib import Path

import msgspec
import polars as pl
import pytest
from typer.testing import CliRunner

from apps.cli import app
from aurora.audit.records import decision_record, decision_seed, outcome_record
from aurora.decisions.features import publish_features
from aurora.decisions.loading import load_engine
from aurora.decisions.modes import Switches
from aurora.decisions.policy import ConfiguredPolicy, Estimate, policies
from aurora.errors import DataError, UsageError
from aurora.ingest.journal import copy_journal
from aurora.packs import PolicySettings, load_pack
from aurora.settings import Settings
from aurora.store.lake import LakeWriter, create_lake, write_lake
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.state import StateStore
from contracts.messages.decisions import Decision, OutcomeRequest, RouteTaskRequest, canonical
from ml.what_if.effect import Pair, effect
from ml.what_if.flips import Contest, flips
from ml.what_if.history import what_if
from ml.what_if.proposal import Asked, propose
from ml.what_if.why import explain

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
SUCCESS = {"clara": 0.9, "nina": 0.5}
"""The truth; the features know it."""
COST = {"clara": "0.05", "nina": "0.01"}
COUNT = 400


def clock() -> dt.datetime:
    return NOW


def _features(lake: LakeWriter) -> None:
    rows = [
        {
            "assistant_id": who,
            "task_type": what,
            "task_count": 4000,
            "success_share": SUCCESS[who],
            "duration_p50_ms": 900.0 if who == "clara" else 400.0,
            "cost_usd_mean": Decimal(COST[who]),
            "open_task_count": 0,
        }
        for who in SUCCESS
        for what in ("lead_follow_up", "kyc_check")
    ]
    columns = "assistant_id VARCHAR, task_type VARCHAR, task_count BIGINT, success_share DOUBLE, duration_p50_ms DOUBLE"
    lake.execute(
        f"CREATE OR REPLACE TABLE mart.assistant_features ({columns}, cost_usd_mean DECIMAL(18,9), open_task_count BIGINT)"
    )
    lake.append("assistant_features", pl.DataFrame(rows, schema_overrides={"cost_usd_mean": pl.Decimal(18, 9)}))


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> TenantPaths:
    """A half of its tasks went to the cheapest, as a canary; outcomes are drawn by the truth."""
    paths = create_tenant(tmp_path_factory.mktemp("what_if"), "demo", "ae-dubai")
    create_lake(paths)
    write_lake(paths, "mart", _features, author="test", message="features")
    publish_features(paths, clock=clock)
    engine, draw = load_engine(paths, Settings()), random.Random(3)
    half = Switches(shadow_policies=(("route_task", "cheapest"),), canary_shares=(("route_task", 0.5),))
    records = []
    for at in range(COUNT):
        decision = engine.decide(
            RouteTaskRequest(
                task_type="lead_follow_up", candidates=("clara", "nina", "support", "laila"), task_id=f"task-{at}"
            ),
            actor_id="person:amal",
            decision_id=f"dec_{at:04}",
            decided_at=NOW - dt.timedelta(days=20, minutes=-at),
            seed=decision_seed(f"dec_{at:04}"),
            switches=half,
        )
        records.append(decision_record(decision))
        told = OutcomeRequest(is_success=draw.random() < SUCCESS[str(decision.action)])
        records.append(
            outcome_record(told, decision, outcome_id=f"out_{at}", actor_id="person:amal", now=decision.decided_at)
        )
    with StateStore.open(paths, clock=clock) as store:
        store.append(records).result()
    copy_journal(paths, clock=clock)
    return paths


def _try(paths: TenantPaths, **asked: object) -> dict[str, object]:
    wanted = msgspec.convert(asked, type=dict)
    return what_if(Asked(kind="route_task", **wanted), paths, Settings(), now=NOW).as_dict()


def test_the_cheapest_is_cheaper_by_what_the_receipts_say_and_worse_by_what_outcomes_say(company: TenantPaths):
    found = _try(company, policy_id="cheapest")
    assert (found["count"], found["left_out"], found["violation_count"]) == (COUNT, {}, 0)
    assert found["refusals"] == []
    assert 0.4 < found["otherwise"]["after"] < 0.6
    assert [(one["from"], one["to"]) for one in found["moves"]] == [("clara", "nina")]
    per_decision = (float(COST["nina"]) - float(COST["clara"])) * found["otherwise"]["after"]
    assert found["cost_usd"]["change"] == pytest.approx(per_decision, rel=0.1)
    assert found["cost_change_usd"] == pytest.approx(found["cost_usd"]["change"] * COUNT)
    assert found["latency_ms"]["change"] < 0
    success = found["success"]
    assert success["low"] < 0.5 * (SUCCESS["nina"] - SUCCESS["clara"]) < success["high"] < 0


def test_small_samples_are_refused_by_name(company: TenantPaths):
    again = _try(company, policy_id="weighted_score", epsilon=0.0)
    assert again["refusals"] == []  # the other half of the log is this very policy
    assert again["success"]["change"] > 0
    few = what_if(Asked(kind="route_task", policy_id="cheapest"), company, Settings(), now=NOW, limit=40).as_dict()
    assert few["success"] is None
    assert {one["rule"] for one in few["refusals"]} == {"effective_count", "otherwise_count"}
    assert few["cost_usd"]["change"] < 0  # of the receipts, and so told all the same


def test_what_the_log_never_could_have_done_is_refused_by_name(company: TenantPaths):
    pairs = []
    for at in range(150):
        made = _receipt(company, at)
        surely = tuple(
            msgspec.structs.replace(one, propensity=float(one.candidate_id == made.action)) for one in made.candidates
        )
        never = tuple(
            msgspec.structs.replace(one, propensity=float(one.is_eligible and one.candidate_id != made.action))
            for one in made.candidates
        )
        pairs.append(
            Pair(
                made=msgspec.structs.replace(made, candidates=surely, propensity=1.0),
                again=msgspec.structs.replace(made, candidates=never),
                reward=1.0,
            )
        )
    found = effect(pairs, policy_id="weighted_score")
    assert found.unsupported_share == 1.0
    assert "support" in {one.rule for one in found.refusals}
    assert found.success is None


def test_a_floor_of_confidence_leaves_decisions_to_a_person(company: TenantPaths):
    found = _try(company, policy_id="weighted_score", min_confidence=0.99)
    assert found["left_to_person"]["after"] == 1.0
    assert found["cost_usd"] is None
    assert found["moves"][0]["to"] is None


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        (Asked(kind="route_task", policy_id="latest_wins"), "policy"),
        (Asked(kind="route_task", epsilon=0.9), "epsilon"),
        (Asked(kind="route_task", bundle="champion"), "bundle"),
        (Asked(kind="route_llm", bundle="0123456789"), "bundle"),
        (Asked(kind="route_task", parameters={"charm": 1.0}), "policies.weighted_score.parameters.charm"),
    ],
)
def test_a_proposal_that_cannot_be_is_refused_by_its_field(company: TenantPaths, asked: Asked, field: str):
    with pytest.raises((UsageError, DataError)) as caught:
        propose(asked, load_pack(Settings().packs_dir, Settings().pack), company)
    assert caught.value.field == field


def test_without_history_the_refusal_has_a_name(company: TenantPaths):
    with pytest.raises(DataError) as caught:
        what_if(Asked(kind="tune"), company, Settings(), now=NOW)
    assert caught.value.rule == "history"


def test_taking_what_a_rule_forbade_is_counted(company: TenantPaths):
    made = _receipt(company, 0)
    forbidden = msgspec.structs.replace(
        made,
        candidates=tuple(
            msgspec.structs.replace(one, is_eligible=False, vetoes=(_rule_veto(),), propensity=0.0)
            if one.candidate_id == "nina"
            else one
            for one in made.candidates
        ),
    )
    assert effect([Pair(made=forbidden, again=made)], policy_id="weighted_score").violation_count == 1
    assert effect([Pair(made=made, again=made)], policy_id="weighted_score").violation_count == 0


def _rule_veto():
    from contracts.messages.decisions import Veto

    return Veto(source="rule", rule_id="four_eyes", reason="Not alone.")


def _receipt(paths: TenantPaths, at: int) -> Decision:
    from aurora.audit.records import read_decision
    from aurora.store.journal import StateReader

    with StateReader(paths) as state:
        return read_decision(state, f"dec_{at:04}")


def _contest(**nina: object) -> Contest:
    policy = policies()["weighted_score"]
    given = {"quality": 0.5, "prior_quality": 0.5, "cost_usd": Decimal("0.01"), "latency_ms": 400.0, "load_share": 0.0}
    return Contest(
        estimates=(
            Estimate("clara", 0.9, 0.9, Decimal("0.05"), 900.0, 0.0),
            Estimate("nina", **{**given, **nina}),  # type: ignore[arg-type]
        ),
        configured=ConfiguredPolicy(policy, PolicySettings(), policy.parameters),
    )


def test_the_smallest_change_turns_the_choice_and_a_smaller_one_does_not():
    contest = _contest()
    found = {one.figure if one.figure != "parameter" else one.of: one for one in flips(contest)}
    turned = found["quality"]
    assert contest.preferred == "clara"
    assert (turned.of, turned.winner) == ("nina", "nina")
    for value, winner in ((turned.after, "nina"), (turned.after - 1e-6, "clara")):
        assert _contest(quality=value, prior_quality=value).preferred == winner
    weight = found["success_weight"]
    assert weight.after < 0.6
    assert "latency_ms" not in found  # not even an answer at once would make up for so much success


def test_one_decision_is_explained_by_what_it_was_made_from(company: TenantPaths):
    why = explain(_receipt(company, 1), company, Settings())
    assert why.is_exact
    assert (why.preferred, why.alternative, why.stands_in, why.floor) == ("clara", "nina", False, None)
    assert {one.figure for one in why.flips} >= {"quality", "parameter"}
    kept_out = {one.candidate_id: one for one in why.barriers}
    assert {veto.rule_id for veto in kept_out["laila"].vetoes} == {"skill"}
    assert kept_out["laila"].would_be_preferred is None


def test_a_rule_that_kept_the_best_out_is_named_with_its_text(company: TenantPaths):
    engine = load_engine(company, Settings())
    request = RouteTaskRequest(task_type="lead_follow_up", max_cost_usd=Decimal("0.02"), candidates=("clara", "nina"))
    made = engine.decide(request, actor_id="person:amal", decision_id="dec_capped", decided_at=NOW, seed=1, live=())
    assert made.action == "nina"
    why = explain(made, company, Settings())
    (barrier,) = why.barriers
    assert (barrier.candidate_id, barrier.would_be_preferred) == ("clara", True)
    assert [rule.rule_id for rule in why.rules] == [veto.rule_id for veto in barrier.vetoes]
    assert why.rules[0].reason == barrier.vetoes[0].reason
    assert canonical(made) == canonical(msgspec.json.decode(canonical(made), type=Decision))


def test_the_command_tells_the_same_as_the_function(company: TenantPaths, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AURORA_DATA_DIR", str(Path(company.data_dir)))
    wanted = ["decision", "what-if", "--kind", "route_task", "--policy", "cheapest", "--set", "x=1"]
    assert isinstance(CliRunner().invoke(app, wanted).exception, DataError)
    since = (NOW - dt.timedelta(days=20)).strftime("%Y-%m-%dT%H:%M:%S")
    result = CliRunner().invoke(app, [*wanted[:-2], "--since", since, "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["count"] == COUNT - 1
    assert told["proposal"]["policy_id"] == "cheapest"
    text = CliRunner().invoke(app, wanted[:-2]).stdout
    assert "would have taken what a rule forbade 0 times" in text
