"""What remedies hold or block is out of reach of decisions: with the reason on the receipt, a person, and the same replay."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from aurora.audit.records import decision_record
from aurora.compliance.holds import hold_record, read_holds, release_hold
from aurora.decisions.engine import Engine, receipt
from aurora.decisions.holding import Holds, HoldsNow, holds_now, standing_hold
from aurora.decisions.loading import load_engine
from aurora.decisions.replay import replay_these
from aurora.settings import Settings
from aurora.store.journal import StateReader
from aurora.store.lake import create_lake
from aurora.store.paths import TenantPaths
from aurora.store.state import StateStore
from contracts.messages.compliance import Hold
from contracts.messages.decision_details import Rebalanced, Tuned
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
    TuneRequest,
    Veto,
)

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
TASK = RouteTaskRequest(task_type="lead_qualification")
WORK = RouteTaskRequest(task_type="property_matching", about={"deal_id": "D-7"})


def hold(contract: str, about_id: str, *, number: int = 1) -> Hold:
    return Hold(
        hold_id=f"hld-{number}", hold_kind="hold", finding_id=f"fnd-{number}", rule_id="DLD-007",
        about_contract=contract, record_source="desk", about_id=about_id, reason="Hold it.", placed_at=NOW,
        actor_id="aurora",
    )  # fmt: skip


def standing(*about: tuple[str, str]) -> Holds:
    return Holds(standing_hold(hold(contract, name, number=at)) for at, (contract, name) in enumerate(about))


def vetoes(decision: Decision) -> dict[str, tuple[Veto, ...]]:
    return {one.candidate_id: one.vetoes for one in decision.candidates}


@pytest.fixture
def store(paths: TenantPaths) -> Iterator[StateStore]:
    with StateStore.open(paths, clock=lambda: NOW) as opened:
        yield opened


@pytest.mark.parametrize(
    ("request_", "held"),
    [
        (WORK, ("deal", "D-7")),
        (RouteTaskRequest(task_type="kyc_check", about={"buyer_party_id": "P-9"}), ("party", "P-9")),
        (RouteTaskRequest(task_type="kyc_check", task_id="t-1"), ("task", "t-1")),
        (RouteTaskRequest(task_type="kyc_check", case_id="c-1"), ("workflow_case", "c-1")),
        (
            RouteTaskRequest(task_type="kyc_check", about={"dataset_id": "ds-1", "column_name": "body"}),
            ("field", "ds-1|body"),
        ),
        (RouteLlmRequest(prompt="What is due?", about={"message_id": "m-1"}), ("message", "m-1")),
        (RouteLlmRequest(prompt="What is due?", conversation_id="v-1"), ("conversation", "v-1")),
        (RouteLlmRequest(prompt="What is due?", assistant_id="clara"), ("assistant", "clara")),
        (
            ResolveConflictRequest(
                subject_id="L-3",
                topic="kyc_check",
                recommendations=(
                    Recommendation(assistant_id="clara", action="sell", confidence=0.9),
                    Recommendation(assistant_id="omar", action="wait", confidence=0.4),
                ),
            ),
            ("listing", "L-3"),
        ),
    ],
)
def test_nobody_is_chosen_for_work_on_a_record_on_hold(
    engine: Engine, decide, request_: DecisionRequest, held: tuple[str, str]
) -> None:
    free = decide(engine, request_, holds=standing((held[0], f"{held[1]}0"), ("deal", "D-70")))
    assert free == decide(engine, request_)
    decision = decide(engine, request_, holds=standing(held, ("deal", "D-70")))
    assert (decision.status, decision.action) == ("abstained", None)
    assert f"{held[0]} {held[1]} is on hold by DLD-007 (hld-0): Hold it." in decision.reason
    assert [one.about_id for one in decision.holds] == [held[1]]
    assert all(found for found in vetoes(decision).values())


def test_an_id_of_another_record_is_no_hold(engine: Engine, decide) -> None:
    other = RouteTaskRequest(task_type="property_matching", about={"listing_id": "D-7"})
    assert decide(engine, other, holds=standing(("deal", "D-7"))).holds is msgspec.UNSET


def test_a_blocked_assistant_is_passed_by_and_the_receipt_says_why(engine: Engine, decide) -> None:
    free = decide(engine, TASK)
    decision = decide(engine, TASK, holds=standing(("assistant", "clara")))
    (veto,) = vetoes(decision)["clara"]
    assert (veto.source, veto.rule_id) == ("scope", "on_hold")
    assert veto.reason == "assistant clara is on hold by DLD-007 (hld-0): Hold it."
    assert decision.action not in (None, "clara")
    assert vetoes(free)["clara"] == ()
    assert decide(engine, TASK) == free


def test_with_every_assistant_blocked_a_person_decides(engine: Engine, decide) -> None:
    every = standing(*[("assistant", one.assistant_id) for one in engine.pack.assistants])
    decision = decide(engine, TASK, holds=every)
    assert (decision.status, decision.action) == ("abstained", None)
    assert "is on hold by DLD-007" in decision.reason


def test_a_blocked_language_model_answers_nothing(engine: Engine, decide) -> None:
    ask = RouteLlmRequest(prompt="What does a freehold buyer pay?")
    usual = decide(engine, ask).action
    decision = decide(engine, ask, holds=standing(("ai_system", usual)))
    assert decision.action not in (None, usual)
    assert vetoes(decision)[usual][0].rule_id == "on_hold"
    named = msgspec.structs.replace(ask, about={"ai_system_id": "AI-007"})
    assert decide(engine, named, holds=standing(("ai_system", "AI-007"))).action is None


def test_a_blocked_recommender_is_not_heard(engine: Engine, decide) -> None:
    request = ResolveConflictRequest(
        subject_id="L-3",
        topic="property_matching",
        min_confidence=0.0,
        recommendations=(
            Recommendation(assistant_id="clara", action="sell", confidence=0.95),
            Recommendation(assistant_id="omar", action="wait", confidence=0.4),
        ),
    )
    decision = decide(engine, request, holds=standing(("assistant", "clara")))
    assert decision.action == "wait", decision.reason
    assert vetoes(decision)["sell"][0].rule_id == "on_hold"


def test_a_blocked_target_is_neither_scaled_nor_tuned(engine: Engine, decide) -> None:
    blocked = standing(("assistant", "clara"))
    history = Demand(window_s=300, ends_at=NOW, demand=(4.0, 5.0, 6.0), replicas=2)
    scale = ScaleRequest(target_id="clara", history=history, limits=ScaleLimits(replica_rate=2.0))
    assert decide(engine, scale).action is not None
    assert decide(engine, scale, holds=blocked).action is None
    tunable = next(one for one in engine.pack.assistants if one.parameters)
    name = next(iter(tunable.parameters))
    tune = TuneRequest(assistant_id=tunable.assistant_id, parameter=name)
    decision = decide(engine, tune, holds=standing(("assistant", tunable.assistant_id)))
    assert isinstance(decision.details, Tuned)
    assert decision.details.value == decision.details.value_before
    assert all(found[-1].rule_id == "on_hold" for who, found in vetoes(decision).items() if who != "keep")


def test_open_work_on_a_held_record_stays_and_a_blocked_assistant_loses_its_own(engine: Engine, decide) -> None:
    fleet = [one.assistant_id for one in engine.pack.assistants if "kyc_check" in one.skills]
    holder, stranger = (
        fleet[0],
        next(one.assistant_id for one in engine.pack.assistants if "kyc_check" not in one.skills),
    )
    tasks = (
        OpenTask(task_id="t-held", task_type="kyc_check", assistant_id=stranger, about={"deal_id": "D-7"}),
        OpenTask(task_id="t-nobody", task_type="kyc_check", about={"deal_id": "D-7"}),
        OpenTask(task_id="t-free", task_type="kyc_check", assistant_id=holder),
    )
    request = RebalanceRequest(tasks=tasks)
    free = decide(engine, request).details
    assert isinstance(free, Rebalanced)
    assert {one.task_id for one in free.moves} >= {"t-held", "t-nobody"}
    decision = decide(engine, request, holds=standing(("deal", "D-7"), ("assistant", holder)))
    moved = decision.details
    assert isinstance(moved, Rebalanced)
    assert "t-held" not in {one.task_id for one in moved.moves}
    assert holder not in {one.to_assistant_id for one in moved.moves}
    assert "t-free" in {one.task_id for one in moved.moves} | {one.task_id for one in moved.unplaced}
    (unplaced,) = [one for one in moved.unplaced if one.task_id == "t-nobody"]
    assert "deal D-7 is on hold" in unplaced.reason


@pytest.mark.parametrize("request_", [WORK, TASK, RouteLlmRequest(prompt="Why?", about={"deal_id": "D-7"})])
def test_a_decision_under_holds_replays_byte_for_byte_after_they_are_released(
    paths: TenantPaths, store: StateStore, engine: Engine, decide, request_: DecisionRequest
) -> None:
    create_lake(paths)
    store.append([hold_record(hold("deal", "D-7")), hold_record(hold("assistant", "clara", number=2))]).result()
    made = decide(engine, request_, decision_id="dec_held", holds=holds_now(store))
    assert made.holds
    store.append([decision_record(made)]).result()
    for one in read_holds(store):
        release_hold(store, one.hold_id, actor_id="laila", note="It came", now=NOW)
    (again,) = replay_these(paths, Settings(), ["dec_held"])
    assert again.verdict == "equal", again.reason
    assert receipt(decide(load_engine(paths, Settings()), request_)) == receipt(decide(engine, request_))


def test_holds_in_memory_are_as_new_as_the_journal(paths: TenantPaths, store: StateStore) -> None:
    with StateReader(paths) as elsewhere:
        known = HoldsNow(elsewhere)
        assert known.read().is_empty
        store.append([hold_record(hold("deal", "D-7"))]).result()
        first = known.read()
        assert [one.hold_id for one in first.counting(WORK, ())] == ["hld-1"]
        assert known.read() is first  # nothing moved
        store.append([hold_record(hold("deal", "D-7", number=2))]).result()
        assert [one.hold_id for one in known.read().counting(WORK, ())] == ["hld-1", "hld-2"]
        release_hold(store, "hld-1", actor_id="laila", note="It came", now=NOW)
        assert [one.hold_id for one in known.read().counting(WORK, ())] == ["hld-2"]
        release_hold(store, "hld-2", actor_id="laila", note="It came", now=NOW)
        assert known.read().is_empty
        assert [one.hold_id for one in first.counting(WORK, ())] == ["hld-1"]  # a view never changes


def test_a_view_that_may_be_old_is_looked_after_when_it_is(store: StateStore) -> None:
    fresh, old = HoldsNow(store, max_age_s=0.0), HoldsNow(store, max_age_s=3600.0)
    assert fresh.read().is_empty
    assert old.read().is_empty
    store.append([hold_record(hold("deal", "D-7"))]).result()
    assert not fresh.read().is_empty
    assert old.read().is_empty


def test_threads_see_each_hold_once_it_is_durable(store: StateStore) -> None:
    known = HoldsNow(store)

    def placed(number: int) -> bool:
        about = f"D-{number}"
        store.append([hold_record(hold("deal", about, number=number))]).result()
        wanted = RouteTaskRequest(task_type="kyc_check", about={"deal_id": about})
        return bool(known.read().counting(wanted, ()))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(placed, range(64)))
