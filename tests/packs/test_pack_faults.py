"""What `check_pack` finds: each kind of fault by its file, field and rule."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from aurora.decisions.pack_check import check_pack
from aurora.errors import NotFoundError
from aurora.packs.reading import PackError

TODAY = dt.date(2026, 11, 21)
RE = "real_estate"
DEAL = f"{RE}/workflows/lead_to_payment.yaml"
LISTING = f"{RE}/workflows/listing_publication.yaml"


def _faults(packs: Path) -> list[PackError]:
    return check_pack(packs, RE, today=TODAY)


@pytest.mark.parametrize(
    ("file", "old", "new", "field", "rule"),
    [
        (f"{RE}/assistants/mary.yaml", "thresholds:", "depends_on: [sofia]\nthresholds:", "depends_on", "no_cycle"),
        (f"{RE}/assistants/clara.yaml", "[mary, linda]", "[mary, nobody]", "depends_on", "is_declared"),
        (f"{RE}/assistants/clara.yaml", "backup_assistant_id: omar", "backup_assistant_id: yusuf", "backup_assistant_id", "backup_covers"),
        (f"{RE}/assistants/theodora.yaml", "backup_assistant_id: priya", "backup_assistant_id: rashid", "backup_assistant_id", "backup_is_cleared"),
        (f"{RE}/assistants/clara.yaml", "value: 0.6,", "value: 0.99,", "parameters.escalation_confidence", "in_bounds"),
        (f"{RE}/assistants/clara.yaml", "max_step: 12", "max_step: 120", "parameters.follow_up_delay_h", "in_bounds"),
        (f"{RE}/assistants/omar.yaml", "[uae_pdpl]", "[rera]", "compliance_levels", "meets_security_level"),
        (f"{RE}/assistants/clara.yaml", "[conversion_stat, lead,", "[conversion_stat, leads,", "exports", "is_declared"),
        (f"{RE}/assistants/hassan.yaml", "  - support_request\n", "", "task_types.support_request", "has_a_taker"),
        (f"{RE}/pack.yaml", "security_level: uae_pdpl", "security_level: moon", "security_level", "is_declared"),
        (f"{RE}/pack.yaml", "[res_001, res_003", "[res_001, res_999", "compliance_requirements", "is_declared"),
        (f"{RE}/sharing.yaml", "{expect: accepted, from_assistant_id: mary", "{expect: refused, from_assistant_id: mary", "examples[2]", "examples_hold"),
        (f"{RE}/sharing.yaml", "to_assistant_ids: [clara, sofia, rashid, priya]", "to_assistant_ids: [clara, rashid, priya]", "examples[2]", "examples_hold"),
        (f"{RE}/sharing.yaml", "[clara, yusuf, linda, nina, priya]", "[clara, yusuf, nina, priya]", "edges", "depends_on_an_edge"),
        (f"{RE}/compliance/res_001.yaml", "expect: fail", "expect: pass", "examples", "res_001"),
        (f"{RE}/compliance/res_001.yaml", "candidate.regions)", "candidate.regoins)", "violates_when", "condition"),
        (f"{RE}/golden/party.yaml", "merge_at: 0.98", "merge_at: 0.2", "entity_kind", "pack"),
        (f"{RE}/sources.yaml", "sources: {}", "sauces: {}", "packs/real_estate/sources.yaml", "pack"),
        ("_shared/policies.yaml", "success_weight", "luck_weight", "policies.weighted_score.parameters.luck_weight", "policies"),
        ("_shared/llms.yaml", "privacy_classes: [public, internal, personal, sensitive]", "privacy_classes: [public]", "llms", "has_an_llm"),
        (DEAL, "next: qualify_lead", "next: qualify_leed", "steps.choose_qualifier.next", "is_declared"),
        (DEAL, "next: qualify_lead", "next: cancel_viewing", "steps.choose_qualifier.next", "is_declared"),
        (DEAL, "step_id: match_units", "step_id: qualify_lead", "steps.qualify_lead", "unique"),
        (DEAL, "task_type: property_matching", "task_type: poetry", "steps.match_units.task_type", "is_declared"),
        (DEAL, "backup_assistant_id: priya", "backup_assistant_id: rashid", "steps.reconcile.backup_assistant_id", "is_cleared"),
        (DEAL, "backup_assistant_id: hassan", "backup_assistant_id: nina", "steps.send_offer.backup_assistant_id", "control_level"),
        (DEAL, "assistant_id: clara\n    backup_assistant_id: omar", "assistant_id: yusuf", "steps.match_units.assistant_id", "has_skill"),
        (DEAL, "privacy_class: personal\n    reads: [lead_id, budget_aed]", "reads: [lead_id, budget_aed]", "steps.match_units.privacy_class", "covers_what_it_reads"),
        (DEAL, "assigned_by: choose_qualifier", "assigned_by: match_units", "steps.qualify_lead.assigned_by", "is_declared"),
        (DEAL, "writes: [qualifier_id]", "writes: [is_qualified]", "steps.choose_qualifier.writes", "one_text"),
        (DEAL, "reads: [lead_id, budget_aed]", "reads: [lead_id, payment_id]", "steps.match_units.reads", "is_written"),
        (DEAL, "{budget_aed} AED", "{wealth} AED", "steps.draft_offer.prompt", "is_declared"),
        (DEAL, "role: compliance_officer, after_s", "role: wizard, after_s", "steps.check_client.escalation.role", "is_declared"),
        (DEAL, "case.is_qualified = false", "case.is_qualifed = false", "steps.qualify_lead.branches[0].when", "condition"),
        (DEAL, "case.contract_gaps > 0", "case.contract_gaps > 'few'", "steps.review_contract.branches[0].when", "condition"),
        (DEAL, "rules: [cmp_001, res_003]", "rules: [cmp_999]", "steps.check_aml.rules", "is_declared"),
        (DEAL, "    compensated_by: withdraw_offer\n", "", "steps.withdraw_offer", "is_used"),
        (DEAL, "    event: payment_received\n", "", "steps.wait_for_payment.event", "one_of"),
        (LISTING, "next: check_permit", "next: publish", "steps.publish", "checkpoint_before_act"),
        (LISTING, "next: mark_listed", "next: publish", "steps.mark_listed", "is_reached"),
    ],
)  # fmt: skip
def test_a_fault_is_named_by_file_field_and_rule(
    packs: Path, edit, file: str, old: str, new: str, field: str, rule: str
):
    edit(file, old, new)
    found = {(fault.field, fault.rule): fault.file for fault in _faults(packs)}
    assert (field, rule) in found
    assert rule == "no_cycle" or found[field, rule] in {packs / file, packs / RE / "pack.yaml"}


def test_every_unreadable_file_is_named_at_once(packs: Path, edit):
    edit(f"{RE}/assistants/clara.yaml", "priority: high", "priority: urgent")
    edit(f"{RE}/assistants/omar.yaml", "capacity_count: 16", "capacity_count: some")
    edit(LISTING, "kind: checkpoint", "kind: prayer")
    assert sorted(fault.file.name for fault in _faults(packs)) == [
        "clara.yaml",
        "listing_publication.yaml",
        "omar.yaml",
    ]


def test_a_circle_that_never_ends_is_found(packs: Path, edit):
    edit(f"{RE}/workflows/support_request.yaml", "on_timeout: end", "on_timeout: answer")
    edit(
        f"{RE}/workflows/support_request.yaml",
        "    branches: [{when: case.is_solved = false, to: take_over}]\n    next: end",
        "    next: answer",
    )
    edit(f"{RE}/workflows/support_request.yaml", "on_rejected: stop", "on_rejected: answer")
    assert {fault.rule for fault in _faults(packs)} == {"ends"}


def test_a_shared_file_that_is_missing_is_named(packs: Path):
    (packs / "_shared" / "compliance" / "gen_003.yaml").unlink()
    (fault,) = _faults(packs)
    assert (fault.file, fault.rule) == (packs / "_shared" / "compliance" / "gen_003.yaml", "present")


def test_every_fault_says_what_to_do_next(packs: Path, edit):
    edit(DEAL, "task_type: property_matching", "task_type: property_match")
    edit(f"{RE}/assistants/clara.yaml", "[mary, linda]", "[mary, lindy]")
    steps = {fault.field: fault.next_step for fault in _faults(packs)}
    assert "linda" in steps["depends_on"]
    assert all(step.endswith(".") for step in steps.values())


def test_an_unknown_pack_is_not_checked(packs: Path):
    with pytest.raises(NotFoundError, match="no pack named"):
        check_pack(packs, "moonbase", today=TODAY)
