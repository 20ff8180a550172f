"""The engine decides: who is admissible, who is chosen, what is recorded, and when a person is asked."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from aurora.compliance.rules import compile_rules
from aurora.decisions.engine import Engine, receipt
from aurora.decisions.features import FeatureRow, Features, feature_hash
from aurora.decisions.loading import load_engine
from aurora.errors import DataError, UsageError
from aurora.packs import Pack, PolicySettings, Rule
from aurora.settings import Settings
from aurora.store.paths import TenantPaths
from contracts.messages.decisions import Decision, DecisionRequest, RouteLlmRequest, RouteTaskRequest

Decide = Callable[..., Decision]
NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


def _with(engine: Engine, paths: TenantPaths, **changed: Any) -> Engine:
    """The same engine with parts of its pack, or its features or bundle, replaced."""
    parts = {name: changed.pop(name) for name in ("features", "bundle") if name in changed}
    pack: Pack = msgspec.structs.replace(engine.pack, **changed)
    return Engine(paths, pack, compile_rules(pack.rules), **parts)


def _requests(pack: Pack, count: int, *, seed: int) -> list[DecisionRequest]:
    draw = random.Random(seed)
    privacy = ["public", "internal", "personal", "sensitive"]
    found: list[DecisionRequest] = []
    for _ in range(count):
        shared: dict[str, Any] = {
            "privacy_class": draw.choice(privacy),
            "data_region": draw.choice([None, "ae-dubai", "ae-abudhabi", "us-east"]),
            "max_cost_usd": draw.choice([None, None, Decimal(draw.randrange(100_000_000)).scaleb(-9)]),
            "mode": draw.choice(["advise", "shadow", "act"]),
        }
        if draw.random() < 0.6:
            names = [a.assistant_id for a in pack.assistants] + ["stranger"]
            found.append(
                RouteTaskRequest(
                    task_type=draw.choice([*pack.task_types, "poetry"]),
                    deadline_ms=draw.choice([None, None, draw.randrange(6000)]),
                    compliance_levels=tuple(draw.sample(["rera", "uae_aml"], draw.randrange(3))),
                    candidates=draw.choice([None, tuple(draw.sample(names, 5))]),
                    **shared,
                )
            )
        else:
            names = [llm.candidate_id for llm in pack.llms]
            found.append(
                RouteLlmRequest(
                    prompt="Which fee applies to villa " * draw.randrange(1, 40),
                    min_quality=draw.choice([None, 0.3, 0.9]),
                    candidates=draw.choice([None, tuple(draw.sample(names, 3))]),
                    **shared,
                )
            )
    return found


def test_the_same_inputs_and_seed_give_the_same_bytes(paths: TenantPaths, engine: Engine, decide: Decide):
    requests = list(enumerate(_requests(engine.pack, 300, seed=11)))
    first = {number: receipt(decide(engine, request, seed=number)) for number, request in requests}
    other = load_engine(paths, Settings())
    random.Random(5).shuffle(requests)
    for number, request in requests:
        assert receipt(decide(other, request, seed=number)) == first[number]


def test_what_an_engine_remembers_never_changes_a_decision(paths: TenantPaths, engine: Engine, decide: Decide):
    for number, request in enumerate(_requests(engine.pack, 60, seed=12)):
        fresh = _with(engine, paths)
        assert receipt(decide(fresh, request, seed=number)) == receipt(decide(engine, request, seed=number))


def test_a_receipt_reads_back_as_the_same_decision(engine: Engine, decide: Decide):
    for request in _requests(engine.pack, 50, seed=13):
        decision = decide(engine, request)
        content, digest = receipt(decision)
        again = msgspec.json.decode(content, type=Decision)
        assert again == decision
        assert receipt(again) == (content, digest)
        assert len(digest) == 64


def test_only_an_admissible_candidate_is_ever_chosen(engine: Engine, decide: Decide):
    for number, request in enumerate(_requests(engine.pack, 400, seed=14)):
        decision = decide(engine, request, seed=number)
        eligible = {c.candidate_id: c for c in decision.candidates if c.is_eligible}
        assert all(bool(c.vetoes) != c.is_eligible for c in decision.candidates)
        if decision.status == "chosen":
            assert decision.action in eligible
            assert sum(c.propensity for c in decision.candidates) == pytest.approx(1.0, abs=1e-12)
            assert decision.propensity == eligible[decision.action].propensity > 0
            assert decision.expected_cost_usd == eligible[decision.action].cost_usd
            assert decision.confidence == eligible[decision.action].quality
        else:
            assert (decision.action, decision.propensity, decision.expected_cost_usd) == (None, None, None)
            assert decision.reason.startswith("A person decides") or "A person decides" in decision.reason
        assert (decision.baseline_cost_usd is None) == (not eligible)


def test_personal_data_stays_in_the_allowed_regions(engine: Engine, decide: Decide):
    regions = {llm.candidate_id: set(llm.regions) for llm in engine.pack.llms}
    decision = decide(engine, RouteLlmRequest(prompt="Whose passport is this?", privacy_class="personal"))
    assert regions[str(decision.action)] <= {"ae-dubai", "ae-abudhabi"}
    abroad = next(c for c in decision.candidates if c.candidate_id == "codegemma-7b")
    assert {veto.rule_id for veto in abroad.vetoes} == {"res_001", "pdpl_012"}


def test_a_read_only_assistant_gets_no_acting_work(paths: TenantPaths, engine: Engine, decide: Decide):
    theodora = next(a for a in engine.pack.assistants if a.assistant_id == "theodora")
    skilled = msgspec.structs.replace(theodora, skills=("regulator_report",))
    watched = _with(engine, paths, assistants=(skilled,))
    decision = decide(watched, RouteTaskRequest(task_type="regulator_report"))
    assert decision.status == "abstained"
    assert [veto.rule_id for veto in decision.candidates[0].vetoes] == ["gen_004"]


def test_a_disabled_assistant_is_replaced_by_its_backup(paths: TenantPaths, engine: Engine, decide: Decide):
    request = RouteTaskRequest(task_type="kyc_check", privacy_class="sensitive", candidates=("laila", "amira"))
    fleet = tuple(
        msgspec.structs.replace(a, assistant_state="disabled") if a.assistant_id == "laila" else a
        for a in engine.pack.assistants
    )
    assert decide(engine, request).action == "laila"
    assert decide(_with(engine, paths, assistants=fleet), request).action == "amira"


def test_work_under_a_regime_goes_only_to_those_cleared_for_it(engine: Engine, decide: Decide):
    decision = decide(engine, RouteTaskRequest(task_type="kyc_check"))
    assert {c.candidate_id for c in decision.candidates if c.is_eligible} == {"amira", "laila", "theodora"}
    wanted = RouteTaskRequest(task_type="lead_qualification", compliance_levels=("rera",))
    assert [c.candidate_id for c in decide(engine, wanted).candidates if c.is_eligible] == ["clara"]


def test_a_rule_that_cannot_tell_forbids(paths: TenantPaths, engine: Engine, decide: Decide):
    silent: Rule = msgspec.structs.replace(
        engine.pack.rules[0], rule_id="gen_999", applies_to=("route_llm",), violates_when="request.is_acting"
    )
    decision = decide(_with(engine, paths, rules=(silent,)), RouteLlmRequest(prompt="hello"))
    assert decision.status == "abstained"
    assert all(c.vetoes[0].reason.startswith("Cannot tell: request.is_acting") for c in decision.candidates)


def test_a_rule_is_asked_only_while_it_is_in_force(paths: TenantPaths, engine: Engine, decide: Decide):
    begins = dt.date(2027, 1, 1)
    later: Rule = msgspec.structs.replace(
        engine.pack.rules[0], rule_id="gen_999", applies_to=("route_llm",), violates_when="TRUE", effective_from=begins
    )
    dated = _with(engine, paths, rules=(later,))
    request = RouteLlmRequest(prompt="hello")
    assert decide(dated, request).rules_checked == ()
    assert decide(dated, request).status == "chosen"
    after = decide(dated, request, decided_at=dt.datetime(2027, 1, 1, tzinfo=dt.UTC))
    assert (after.rules_checked, after.status) == (("gen_999",), "abstained")


def test_nobody_able_goes_to_a_person_with_the_reasons(engine: Engine, decide: Decide):
    decision = decide(engine, RouteTaskRequest(task_type="poetry", candidates=("clara", "nobody", "mary")))
    assert (decision.status, decision.confidence, decision.baseline_cost_usd) == ("abstained", 0.0, None)
    assert decision.reason.startswith("A person decides: none of 3 candidates is admissible. 2 x It does not have")
    assert [(c.candidate_id, c.vetoes[0].rule_id) for c in decision.candidates] == [
        ("clara", "skill"),
        ("mary", "skill"),
        ("nobody", "known"),
    ]


def test_low_confidence_goes_to_a_person(paths: TenantPaths, engine: Engine, decide: Decide):
    strict = {**engine.pack.policies.policies, "weighted_score": PolicySettings(epsilon=0.1, min_confidence=0.99)}
    careful = _with(engine, paths, policies=msgspec.structs.replace(engine.pack.policies, policies=strict))
    decision = decide(careful, RouteTaskRequest(task_type="lead_qualification"))
    assert decision.status == "abstained"
    assert "below the 0.99" in decision.reason
    assert decision.confidence > 0.5
    assert all(c.propensity == 0 for c in decision.candidates)


def test_exploration_happens_as_often_as_the_record_says(paths: TenantPaths, engine: Engine, decide: Decide):
    eager = {**engine.pack.policies.policies, "weighted_score": PolicySettings(epsilon=0.3)}
    curious = _with(engine, paths, policies=msgspec.structs.replace(engine.pack.policies, policies=eager))
    request = RouteTaskRequest(task_type="client_messaging")
    decisions = [decide(curious, request, seed=seed) for seed in range(6000)]
    counts = Counter(decision.action for decision in decisions)
    for candidate in decisions[0].candidates:
        assert counts[candidate.candidate_id] / 6000 == pytest.approx(candidate.propensity, abs=0.02)
    explored = [d for d in decisions if d.reason.startswith("Explored")]
    assert 0.15 < len(explored) / 6000 < 0.3


def test_order_and_repeats_of_the_asked_candidates_do_not_matter(engine: Engine, decide: Decide):
    one = decide(engine, RouteTaskRequest(task_type="valuation", candidates=("rashid", "daniel", "rashid")))
    two = decide(engine, RouteTaskRequest(task_type="valuation", candidates=("daniel", "rashid")))
    assert (one.action, one.candidates) == (two.action, two.candidates)
    assert len(one.candidates) == 2


def test_a_cost_ceiling_is_kept_and_must_be_an_amount(engine: Engine, decide: Decide):
    request = RouteTaskRequest(task_type="lead_qualification", max_cost_usd=Decimal("0.0420000000001"))
    assert {c.candidate_id for c in decide(engine, request).candidates if c.is_eligible} == {"clara", "omar"}
    tight = msgspec.structs.replace(request, max_cost_usd=Decimal("0.0419999999999"))
    assert [c.candidate_id for c in decide(engine, tight).candidates if c.is_eligible] == ["omar"]
    for amount in ("NaN", "-1", "Infinity", "1e12"):
        with pytest.raises(UsageError, match="max_cost_usd"):
            decide(engine, RouteLlmRequest(prompt="x", max_cost_usd=Decimal(amount)))


def test_a_policy_can_be_asked_for_by_name(engine: Engine, decide: Decide):
    request = RouteTaskRequest(task_type="lead_qualification", policy="cheapest")
    assert (decide(engine, request).action, decide(engine, request).policy_id) == ("omar", "cheapest")
    best = msgspec.structs.replace(request, policy="best_single")
    assert decide(engine, best).action == "clara"
    with pytest.raises(UsageError, match="no policy 'dice'") as caught:
        decide(engine, msgspec.structs.replace(request, policy="dice"))
    assert "weighted_score" in caught.value.next_step
    with pytest.raises(UsageError, match="learned_llm"):
        decide(engine, msgspec.structs.replace(request, policy="learned_llm"))


def test_history_replaces_the_prior_as_it_grows(paths: TenantPaths, engine: Engine, decide: Decide):
    def features(count: int, open_count: int = 0) -> Features:
        row = FeatureRow(
            assistant_id="clara",
            task_type="lead_qualification",
            task_count=count,
            success_share=0.1,
            duration_p50_ms=9000.0,
            cost_usd_mean=Decimal("0.5"),
            open_task_count=open_count,
        )
        return Features(
            feature_hash=feature_hash((row,)), published_at=NOW, mart_snapshot_id=7, raw_snapshot_id=9, rows=(row,)
        )

    request = RouteTaskRequest(task_type="lead_qualification")
    for count, quality in ((0, 0.86), (20, 0.48), (20_000, 0.1)):
        informed = _with(engine, paths, features=features(count))
        decision = decide(informed, request)
        clara = next(c for c in decision.candidates if c.candidate_id == "clara")
        assert clara.quality == pytest.approx(quality, abs=0.001)
        assert (decision.snapshot_id, decision.feature_hash) == (7, features(count).feature_hash)
    full = decide(_with(engine, paths, features=features(5, open_count=24)), request)
    assert next(c for c in full.candidates if c.candidate_id == "clara").vetoes[0].rule_id == "capacity"


def test_policies_that_do_not_fit_are_named(paths: TenantPaths, engine: Engine):
    declared = engine.pack.policies
    broken = {
        r"weighted_score\.parameters\.sucess_weight": {
            "weighted_score": PolicySettings(parameters={"sucess_weight": 1})
        },
        r"policies\.dice": {"dice": PolicySettings()},
    }
    for message, extra in broken.items():
        policies = msgspec.structs.replace(declared, policies={**declared.policies, **extra})
        with pytest.raises(DataError, match=message):
            _with(engine, paths, policies=policies)
    for kinds, message in (
        ({"route_task": {"policy": "learned_llm"}}, "does not decide route_task"),
        ({"route_llm": {"policy": "learned_llm"}}, "fallback"),
    ):
        choices = msgspec.convert(kinds, dict[Any, type(declared.kinds["route_llm"])])
        with pytest.raises(DataError, match=message):
            _with(engine, paths, policies=msgspec.structs.replace(declared, kinds={**declared.kinds, **choices}))
