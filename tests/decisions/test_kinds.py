"""Each kind decides: candidates, vetoes, score, receipt, confidence, and a person where it is not sure."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from aurora.compliance.rules import compile_rules
from aurora.decisions.engine import Engine, receipt
from aurora.decisions.kinds.transport import NEVER, place
from aurora.decisions.loading import load_engine
from aurora.decisions.reliability import Reliability, ReliabilityRow
from aurora.errors import DataError
from aurora.packs import Pack, PolicySettings, Rule
from aurora.settings import Settings
from aurora.store.paths import TenantPaths, create_tenant
from contracts.messages.decision_details import Pooled, Rebalanced, Scaled, Tuned
from contracts.messages.decisions import (
    Decision,
    DecisionRequest,
    Demand,
    OpenTask,
    RebalanceRequest,
    Recommendation,
    ResolveConflictRequest,
    RouteLlmRequest,
    RouteTaskRequest,
    ScaleLimits,
    ScaleRequest,
    Trial,
    TuneRequest,
)

Decide = Callable[..., Decision]
NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


def _with(engine: Engine, paths: TenantPaths, *, reliability: Reliability | None = None, **changed: Any) -> Engine:
    pack: Pack = msgspec.structs.replace(engine.pack, **changed)
    return Engine(paths, pack, compile_rules(pack.rules), reliability=reliability)


def _conflict(*words: tuple[str, str, float], **changed: Any) -> ResolveConflictRequest:
    said = tuple(
        Recommendation(
            assistant_id=who, action=what, confidence=sure, recommended_at=NOW - dt.timedelta(minutes=9 - number)
        )
        for number, (who, what, sure) in enumerate(words)
    )
    return ResolveConflictRequest(subject_id="task-1", topic="kyc_check", recommendations=said, **changed)


def _reliability(**counts: tuple[int, int]) -> Reliability:
    rows = tuple(
        ReliabilityRow(assistant_id=who, topic="kyc_check", right_count=right, wrong_count=wrong)
        for who, (right, wrong) in counts.items()
    )
    return Reliability(
        reliability_hash="h", published_at=NOW, scored_count=200, confidence_weight=0.0, temperature=1.0, rows=rows
    )


def _scale(*demand: float | None, replicas: int = 3, **limits: Any) -> ScaleRequest:
    history = Demand(window_s=900, ends_at=NOW, demand=demand, replicas=replicas)
    bounds = {"replica_rate": 10.0, "max_replicas": 20, "replica_usd_per_hour": Decimal("0.4")} | limits
    return ScaleRequest(target_id="clara", history=history, limits=ScaleLimits(**bounds))


def _tune(*trials: tuple[float, int, int], **changed: Any) -> TuneRequest:
    evidence = tuple(Trial(value=value, task_count=count, success_count=good) for value, count, good in trials)
    asked = {"assistant_id": "clara", "parameter": "temperature", "trials": evidence, "value": 0.4} | changed
    return TuneRequest(**asked)


def _tasks(count: int, holder: str | None, task_type: str = "lead_follow_up") -> tuple[OpenTask, ...]:
    return tuple(OpenTask(task_id=f"{holder}-{n:03}", task_type=task_type, assistant_id=holder) for n in range(count))


REQUESTS: dict[str, DecisionRequest] = {
    "route_task": RouteTaskRequest(task_type="lead_follow_up"),
    "route_llm": RouteLlmRequest(prompt="What is the transfer fee?"),
    "resolve_conflict": _conflict(("laila", "kyc_hold", 0.7), ("amira", "kyc_pass", 0.9)),
    "scale": _scale(20.0, 40.0, 60.0),
    "rebalance": RebalanceRequest(tasks=(*_tasks(30, "clara"), *_tasks(2, "omar"))),
    "tune": _tune((0.4, 100, 60), (0.3, 100, 80)),
}


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> TenantPaths:
    return create_tenant(tmp_path_factory.mktemp("kinds"), "demo", "ae-dubai")


@pytest.fixture(scope="module")
def engine(paths: TenantPaths) -> Engine:
    return load_engine(paths, Settings())


@pytest.fixture(scope="module")
def curious(paths: TenantPaths, engine: Engine) -> Engine:
    """The shipped engine, but every policy explores, and no confidence is too low."""
    declared = engine.pack.policies
    eager = {name: PolicySettings(epsilon=0.3, parameters=one.parameters) for name, one in declared.policies.items()}
    return _with(engine, paths, policies=msgspec.structs.replace(declared, policies=eager))


@pytest.mark.parametrize("kind", REQUESTS)
def test_every_kind_logs_propensities_of_admissible_candidates_alone(curious: Engine, decide: Decide, kind: str):
    for seed in range(40):
        decision = decide(curious, REQUESTS[kind], seed=seed)
        eligible = [one for one in decision.candidates if one.is_eligible]
        assert decision.status == "chosen"
        assert all(bool(one.vetoes) != one.is_eligible for one in decision.candidates)
        assert sum(one.propensity for one in decision.candidates) == pytest.approx(1.0, abs=1e-12)
        assert min(one.propensity for one in eligible) == pytest.approx(
            1.0 if len(eligible) == 1 else 0.3 / len(eligible)
        )
        assert {one.propensity for one in decision.candidates if not one.is_eligible} <= {0.0}
        assert decision.propensity == next(one.propensity for one in eligible if one.candidate_id == decision.action)


@pytest.mark.parametrize("kind", REQUESTS)
def test_every_kind_repeats_its_bytes_and_reads_back(paths: TenantPaths, curious: Engine, decide: Decide, kind: str):
    again = _with(curious, paths)
    for seed in range(5):
        content, digest = receipt(decide(curious, REQUESTS[kind], seed=seed))
        assert receipt(decide(again, REQUESTS[kind], seed=seed)) == (content, digest)
        assert receipt(msgspec.json.decode(content, type=Decision)) == (content, digest)


@pytest.mark.parametrize("kind", REQUESTS)
def test_every_kind_abstains_with_reasons_where_nothing_is_admissible(
    paths: TenantPaths, engine: Engine, decide: Decide, kind: str
):
    forbids: Rule = msgspec.structs.replace(
        engine.pack.rules[0], rule_id="gen_999", applies_to=tuple(REQUESTS), violates_when="TRUE", reason="Not today."
    )
    request = REQUESTS[kind]
    if kind == "tune":
        request = msgspec.structs.replace(request, parameter="mood")
    if kind == "rebalance":
        request = RebalanceRequest(tasks=_tasks(3, "clara"))
    decision = decide(_with(engine, paths, rules=(forbids,)), request)
    if kind == "rebalance":
        assert isinstance(decision.details, Rebalanced)
        assert len(decision.details.unplaced) == 3
        assert "Not today." in decision.details.unplaced[0].reason
        assert (decision.status, decision.details.moves) == ("abstained", ())
        return
    assert (decision.status, decision.action, decision.propensity) == ("abstained", None, None)
    assert decision.reason.startswith("A person decides: none of") or "A person decides: none of" in decision.reason


# conflicts ------------------------------------------------------------------------------------


def test_whoever_was_right_more_often_outweighs_whoever_is_surer(paths: TenantPaths, engine: Engine, decide: Decide):
    request = _conflict(("laila", "kyc_hold", 0.6), ("amira", "kyc_pass", 0.95))
    known = _with(engine, paths, reliability=_reliability(laila=(90, 10), amira=(30, 70)))
    decision = decide(known, request)
    assert decision.action == "kyc_hold"
    assert decision.confidence > 0.9
    assert isinstance(decision.details, Pooled)
    assert {(one.assistant_id, one.right_count) for one in decision.details.recommenders} == {
        ("laila", 90),
        ("amira", 30),
    }
    turned = _with(engine, paths, reliability=_reliability(laila=(30, 70), amira=(90, 10)))
    assert decide(turned, request).action == "kyc_pass"


def test_two_weak_voices_can_outweigh_a_strong_one(paths: TenantPaths, engine: Engine, decide: Decide):
    known = _with(engine, paths, reliability=_reliability(laila=(700, 300), amira=(650, 350), theodora=(650, 350)))
    alone = _conflict(("laila", "kyc_hold", 0.7), ("amira", "kyc_pass", 0.7), min_confidence=0.5)
    both = _conflict(
        ("laila", "kyc_hold", 0.7), ("amira", "kyc_pass", 0.7), ("theodora", "kyc_pass", 0.7), min_confidence=0.5
    )
    assert decide(known, alone).action == "kyc_hold"
    assert decide(known, both).action == "kyc_pass"


def test_a_tie_goes_to_a_person(paths: TenantPaths, engine: Engine, decide: Decide):
    known = _with(engine, paths, reliability=_reliability(laila=(500, 500), amira=(500, 500)))
    decision = decide(known, _conflict(("laila", "kyc_hold", 0.7), ("amira", "kyc_pass", 0.7)))
    assert decision.status == "abstained"
    assert "below the 0.60" in decision.reason


def test_a_voice_that_may_not_speak_is_not_heard(paths: TenantPaths, engine: Engine, decide: Decide):
    rules = (
        msgspec.structs.replace(
            engine.pack.rules[0],
            rule_id="gen_999",
            applies_to=("resolve_conflict",),
            violates_when="candidate.candidate_id = 'kyc_pass' AND request.privacy_class = 'sensitive'",
            reason="Sensitive cases are not passed by machines.",
        ),
    )
    strict = _with(engine, paths, rules=rules, reliability=_reliability(laila=(10, 90), amira=(99, 1)))
    request = _conflict(
        ("laila", "kyc_hold", 0.7), ("amira", "kyc_pass", 0.9), privacy_class="sensitive", min_confidence=0.0
    )
    decision = decide(strict, request)
    assert decision.action == "kyc_hold"
    vetoed = next(one for one in decision.candidates if one.candidate_id == "kyc_pass")
    assert [veto.rule_id for veto in vetoed.vetoes] == ["gen_999"]
    off = decide(strict, msgspec.structs.replace(request, privacy_class="internal"), live=(("amira", "disabled"),))
    assert off.action == "kyc_hold"
    strange = _conflict(("nobody", "kyc_pass", 0.9), ("laila", "kyc_hold", 0.7), min_confidence=0.0)
    assert decide(strict, strange).action == "kyc_hold"


def test_what_right_and_wrong_are_worth_turns_the_choice(paths: TenantPaths, engine: Engine, decide: Decide):
    known = _with(engine, paths, reliability=_reliability(laila=(65, 35), amira=(60, 40)))
    request = _conflict(("laila", "kyc_hold", 0.7), ("amira", "kyc_pass", 0.7), min_confidence=0.0)
    assert decide(known, request).action == "kyc_hold"
    worth = [Decimal(1), Decimal(500)]
    priced = tuple(
        msgspec.structs.replace(one, gain_usd=gain) for one, gain in zip(request.recommendations, worth, strict=True)
    )
    decision = decide(known, msgspec.structs.replace(request, recommendations=priced))
    assert decision.action == "kyc_pass"
    assert max(one.utility_usd or 0 for one in decision.candidates) > 100


def test_words_that_agree_are_no_conflict(engine: Engine, decide: Decide):
    with pytest.raises(DataError, match="agree"):
        decide(engine, _conflict(("laila", "kyc_hold", 0.7), ("amira", "kyc_hold", 0.7)))


# scale ----------------------------------------------------------------------------------------


def test_scaling_follows_the_plan_inside_its_limits(engine: Engine, decide: Decide):
    decision = decide(engine, _scale(20, 40, 70))
    assert (decision.action, decision.expected_cost_usd) == ("replicas=10", Decimal("1.000000000"))
    assert isinstance(decision.details, Scaled)
    assert (decision.details.planned_replicas, decision.details.decided_by) == (10, "reactive")
    tight = decide(engine, _scale(20, 40, 70, max_replicas=8))
    assert tight.action == "replicas=8"
    assert {one.vetoes[0].rule_id for one in tight.candidates if one.vetoes} == {"limits"}
    stranger = decide(engine, msgspec.structs.replace(_scale(20), target_id="nobody"))
    assert (stranger.status, stranger.candidates[0].vetoes[0].rule_id) == ("abstained", "known")


def test_limits_that_cannot_serve_the_demand_are_a_persons_matter(engine: Engine, decide: Decide):
    decision = decide(engine, _scale(90, 95, 99, 96, replicas=2, max_replicas=2))
    assert decision.status == "abstained"
    assert "below the 0.50" in decision.reason


# rebalance ------------------------------------------------------------------------------------


def test_the_transport_is_the_exact_least():
    numbers = np.random.default_rng(5)
    for _ in range(60):
        groups, places = numbers.integers(1, 7), numbers.integers(1, 6)
        costs = numbers.integers(0, 1000, (groups, places))
        costs[numbers.random((groups, places)) < 0.25] = NEVER
        supply, capacity = numbers.integers(0, 6, groups), numbers.integers(0, 8, places)
        loads = np.cumsum(numbers.integers(0, 60, (places, 8)), axis=1)
        found = place(costs, supply, capacity, loads, unplaced_cost=2000)
        slots = [(at, k) for at in range(places) for k in range(capacity[at])]
        rows = [
            [min(costs[g, at], 10**9) + loads[at, k] for at, k in slots]
            for g in range(groups)
            for _ in range(supply[g])
        ]
        table = np.array([[*row, *[2000] * len(rows)] for row in rows], dtype=np.int64)
        assert found.cost == (table[linear_sum_assignment(table)].sum() if rows else 0)
        assert (found.flows.sum(axis=0) <= capacity).all()
        assert (found.flows.sum(axis=1) + found.unplaced == supply).all()


def test_work_of_an_absent_assistant_goes_to_its_backup(engine: Engine, decide: Decide):
    request = RebalanceRequest(tasks=(*_tasks(5, "clara"), *_tasks(3, "omar")))
    decision = decide(engine, request, live=(("clara", "down"),))
    assert isinstance(decision.details, Rebalanced)
    moves = {move.task_id: move for move in decision.details.moves}
    assert {move.to_assistant_id for move in moves.values() if move.from_assistant_id == "clara"} == {"omar"}
    assert {move.is_failover for move in moves.values() if move.from_assistant_id == "clara"} == {True}
    keep = next(one for one in decision.candidates if one.candidate_id == "keep")
    assert keep.vetoes[0].rule_id == "holder"


def test_every_move_is_one_that_routing_would_admit_and_fits(engine: Engine, decide: Decide):
    draw = random.Random(3)
    types = list(engine.pack.task_types)
    fleet = [one.assistant_id for one in engine.pack.assistants]
    tasks = tuple(
        OpenTask(
            task_id=f"t{n}",
            task_type=draw.choice(types),
            assistant_id=draw.choice([None, *fleet]),
            privacy_class=draw.choice(["internal", "personal", "sensitive"]),
            priority=draw.choice(["critical", "medium", "low"]),
        )
        for n in range(120)
    )
    decision = decide(engine, RebalanceRequest(tasks=tasks, capacities={"clara": 3}), live=(("daniel", "down"),))
    assert isinstance(decision.details, Rebalanced)
    known = {task.task_id: task for task in tasks}
    for move in decision.details.moves:
        task = known[move.task_id]
        routed = decide(
            engine,
            RouteTaskRequest(task_type=task.task_type, privacy_class=task.privacy_class, priority=task.priority),
            live=(("daniel", "down"),),
        )
        assert move.to_assistant_id in {one.candidate_id for one in routed.candidates if one.is_eligible}
    loads = {one.assistant_id: one for one in decision.details.loads}
    assert all(one.after_count <= one.capacity_count for one in loads.values())
    assert loads["clara"].capacity_count == 3
    placed = sum(one.after_count for one in loads.values())
    assert placed + len(decision.details.unplaced) == len(tasks)


def test_an_even_load_stays_as_it_is(engine: Engine, decide: Decide):
    decision = decide(engine, RebalanceRequest(tasks=_tasks(1, "clara")))
    assert decision.action == "keep"
    assert isinstance(decision.details, Rebalanced)
    assert decision.details.moves == ()


def test_a_task_named_twice_is_refused(engine: Engine, decide: Decide):
    with pytest.raises(DataError, match="named twice"):
        decide(engine, RebalanceRequest(tasks=_tasks(1, "clara") * 2))


# tune -----------------------------------------------------------------------------------------


def test_a_parameter_moves_one_bounded_step_to_where_success_is(engine: Engine, decide: Decide):
    decision = decide(engine, _tune((0.4, 400, 240), (0.3, 400, 330)))
    assert decision.action == "temperature=0.3"
    assert isinstance(decision.details, Tuned)
    assert (decision.details.value_before, decision.details.value) == (0.4, 0.3)
    assert decision.details.probability_better > 0.99
    assert decide(engine, _tune((0.4, 400, 330), (0.3, 400, 240))).action != "temperature=0.3"
    edge = decide(engine, _tune((0.0, 50, 10), value=0.0))
    assert {one.candidate_id for one in edge.candidates} == {"keep", "temperature=0.1"}


def test_a_change_that_did_harm_is_rolled_back(engine: Engine, decide: Decide):
    decision = decide(engine, _tune((0.3, 300, 270), (0.4, 300, 180), previous_value=0.3))
    assert decision.action == "roll_back"
    assert isinstance(decision.details, Tuned)
    assert (decision.details.value, decision.details.is_rollback) == (0.3, True)


def test_what_may_not_be_tuned_is_kept(engine: Engine, decide: Decide):
    watched = next(one for one in engine.pack.assistants if one.control_level == "read_only_alerts" and one.parameters)
    name = next(iter(watched.parameters))
    decision = decide(engine, TuneRequest(assistant_id=watched.assistant_id, parameter=name))
    assert decision.action == "keep"
    assert {one.vetoes[0].rule_id for one in decision.candidates if one.vetoes} == {"control_level"}


def test_evidence_that_cannot_be_is_refused(engine: Engine, decide: Decide):
    with pytest.raises(DataError, match="more successes than tasks"):
        decide(engine, _tune((0.4, 10, 11)))


def test_an_engine_from_the_files_decides_every_kind(paths: TenantPaths, decide: Decide):
    engine = load_engine(paths, Settings())
    assert {decide(engine, request).kind for request in REQUESTS.values()} == set(REQUESTS)
