"""Decisions know who is down, off, paused or degraded; the backup steps in; the receipt says what was known."""

from __future__ import annotations

import msgspec
import pytest

from aurora.decisions.engine import Engine, receipt
from aurora.decisions.loading import load_engine
from aurora.settings import Settings
from contracts.messages.decisions import Candidate, Decision, RouteTaskRequest

REQUEST = RouteTaskRequest(task_type="lead_qualification")


def candidate(decision: Decision, name: str) -> Candidate:
    return next(one for one in decision.candidates if one.candidate_id == name)


def preferred(decision: Decision) -> str:
    return max((one for one in decision.candidates if one.is_eligible), key=lambda one: one.propensity).candidate_id


@pytest.mark.parametrize("state", ["down", "disabled", "paused"])
def test_who_cannot_take_work_is_out_of_scope_with_the_reason(engine: Engine, decide, state: str) -> None:
    decision = decide(engine, REQUEST, live=(("clara", state),))
    (veto,) = candidate(decision, "clara").vetoes
    assert (veto.source, veto.rule_id) == ("scope", "live_state")
    assert decision.action != "clara"
    assert decision.assistant_states == {"clara": state}
    assert f"clara is {state}" in decision.reason


def test_the_backup_of_the_preferred_steps_in(engine: Engine, decide) -> None:
    """Made so that a third one scores higher than the backup."""
    scores = {one.candidate_id: one.score for one in decide(engine, REQUEST).candidates if one.is_eligible}
    best, second, *rest = sorted(scores, key=scores.__getitem__, reverse=True)
    other = rest[0] if rest else second
    assistants = tuple(
        msgspec.structs.replace(one, backup_assistant_id=other) if one.assistant_id == best else one
        for one in engine.pack.assistants
    )
    swapped = msgspec.structs.replace(engine.pack, assistants=assistants)
    changed = Engine(engine._paths, swapped, engine._rules)
    decision = decide(changed, REQUEST, live=((best, "down"),), seed=3)
    assert preferred(decision) == other
    assert f"{other} stands in as the backup of {best}" in decision.reason or decision.action != other
    assert sum(one.propensity for one in decision.candidates) == pytest.approx(1.0)


def test_nobody_stands_in_for_one_that_was_not_preferred(engine: Engine, decide) -> None:
    scores = {one.candidate_id: one.score for one in decide(engine, REQUEST).candidates if one.is_eligible}
    best, *_, worst = sorted(scores, key=scores.__getitem__, reverse=True)
    decision = decide(engine, REQUEST, live=((worst, "down"),))
    assert preferred(decision) == best
    assert "stands in" not in decision.reason


def test_a_degraded_assistant_is_admissible_and_scored_down(engine: Engine, decide) -> None:
    before = candidate(decide(engine, REQUEST), "clara")
    after = candidate(decide(engine, REQUEST, live=(("clara", "degraded"),)), "clara")
    assert after.is_eligible
    assert after.quality == pytest.approx(before.quality * 0.9)
    assert after.score < before.score


def test_a_receipt_can_be_replayed_from_what_stands_in_it(paths, engine: Engine, decide) -> None:
    first = decide(engine, REQUEST, live=(("clara", "down"), ("mary", "degraded")), seed=11)
    read = msgspec.json.decode(receipt(first)[0], type=Decision)
    live = tuple(sorted(read.assistant_states.items()))
    again = decide(load_engine(paths, Settings()), read.request, live=live, seed=read.seed)
    assert receipt(again) == receipt(first)


def test_what_is_known_live_is_no_memory(engine: Engine, decide) -> None:
    before = receipt(decide(engine, REQUEST))
    decide(engine, REQUEST, live=(("clara", "down"),))
    assert receipt(decide(engine, REQUEST)) == before


def test_with_nobody_there_a_person_decides(engine: Engine, decide) -> None:
    live = tuple(sorted((one.assistant_id, "down") for one in engine.pack.assistants))
    decision = decide(engine, REQUEST, live=live)
    assert (decision.status, decision.action) == ("abstained", None)
    assert "It is down" in decision.reason
