"""Workflow definitions: the flow of the plan, hashes, and where a case may go."""

from __future__ import annotations

import json
from itertools import pairwise

import msgspec
import pytest

from aurora.packs import load_pack
from aurora.packs.workflow_paths import reachable
from aurora.settings import Settings
from contracts.messages.workflows import END, STOP, CommandStep, Workflow, definition_hash, targets

PACKS = Settings().packs_dir


def _workflow(name: str) -> Workflow:
    return next(one for one in load_pack(PACKS, "real_estate").workflows if one.workflow_id == name)


def test_the_plans_flow_is_lead_viewing_offer_kyc_payment():
    deal = _workflow("lead_to_payment")
    steps = {step.step_id: step for step in deal.steps}
    milestones = ["qualify_lead", "book_viewing", "send_offer", "check_client", "wait_for_payment", "reconcile"]
    for earlier, later in pairwise(milestones):
        assert later in reachable(steps, earlier)
    done_by = {steps[name].assistant_id for name in milestones if isinstance(steps[name], CommandStep)}
    assert {"yusuf", "clara", "laila", "theodora"} <= done_by


@pytest.mark.parametrize("avoided", ["check_client", "check_aml"])
def test_no_payment_is_awaited_without_due_diligence(avoided: str):
    deal = _workflow("lead_to_payment")
    steps = {step.step_id: step for step in deal.steps}
    assert "wait_for_payment" not in reachable(steps, deal.steps[0].step_id, without=[avoided])


def test_every_step_kind_is_used():
    kinds = {step.__struct_config__.tag for one in load_pack(PACKS, "real_estate").workflows for step in one.steps}
    assert kinds == {"command", "decision", "ai_step", "wait", "approval", "checkpoint", "compensation"}


def test_a_definition_travels_as_json_and_keeps_its_hash():
    deal = _workflow("lead_to_payment")
    again = msgspec.json.decode(json.dumps(msgspec.to_builtins(deal)), type=Workflow)
    assert again == deal
    assert definition_hash(again) == definition_hash(deal)
    assert definition_hash(msgspec.structs.replace(deal, version="1.0.1")) != definition_hash(deal)


def test_targets_are_in_the_order_they_are_tried():
    steps = {step.step_id: step for step in _workflow("lead_to_payment").steps}
    assert targets(steps["wait_for_viewing"]) == ("draft_offer", "follow_up")
    assert targets(steps["check_aml"]) == ("review_contract", STOP)
    assert targets(steps["mark_sold"]) == (END,)
    assert targets(steps["cancel_viewing"]) == ()


def test_an_unknown_key_of_a_step_is_refused():
    raw = msgspec.to_builtins(_workflow("support_request"))
    raw["steps"][0]["colour"] = "red"
    with pytest.raises(msgspec.ValidationError, match="colour"):
        msgspec.convert(raw, Workflow)
