"""Planted cases of access, machines and what AI did."""

from __future__ import annotations

from typing import Final

import polars as pl

from twin.cases.ledger import Case, Ledger, breaks, keeps
from twin.cases.parameters import SESSION_TTL_S

_UPDATED: Final = pl.col("updated_at")
_AT: Final = pl.col("occurred_at")
_ANY: Final = pl.lit(value=True)


def access_cases(foreign_tenant: str) -> list[Case]:
    """Of accesses to data."""
    label, role, granted = pl.col("data_label"), pl.col("role_name"), pl.col("is_access_granted")
    health, cards, lead = (
        granted & (label == "phi"),
        granted & (pl.col("data_scope") == "cde"),
        granted & (role == "agent"),
    )
    return [
        breaks("PDPL-003", "GDPR-002", where=lead, change={"purpose": "settlement"}, since=_AT, note="leads read to settle accounts"),
        keeps("PDPL-003", "GDPR-002", where=lead & (pl.col("dataset_id") == "ds-lead"), change={"purpose": "marketing"}, note="leads read for another allowed purpose"),
        breaks("SOC2-001", where=lead, change={"role_name": "former_intern"}, since=_AT, note="granted to a role that is not in the policy"),
        keeps("SOC2-001", where=~granted & (role == "agent"), change={"role_name": "former_intern"}, note="refused to a role that is not in the policy"),
        breaks("HIPAA-002", where=health, change={"audit_event_id": None}, since=_AT, note="health records read without a trail"),
        breaks("HIPAA-003", where=health, change={"field_names": '["member_id", "diagnosis"]'}, since=_AT, note="a field of health records that the role does not need"),
        keeps("HIPAA-003", where=health, change={"field_names": '["member_id", "claim_amount", "claim_date"]'}, note="all fields of health records that the role needs"),
        breaks("PCI-010", where=cards, change={"audit_event_id": None}, since=_AT, note="card data read without a trail"),
        keeps("HIPAA-002", where=lead, change={"audit_event_id": None}, note="no health records, no trail"),
        keeps("PCI-010", where=lead, change={"audit_event_id": None}, note="no card data, no trail"),
        breaks("GEN-006", where=lead, change={"resource_tenant_id": foreign_tenant}, since=_AT, note="data of another company"),
        keeps("GEN-006", where=lead, change={"principal_tenant_id": foreign_tenant, "resource_tenant_id": foreign_tenant}, note="another company's staff reads its own data"),
    ]  # fmt: skip


def grant_cases(ledger: Ledger) -> list[Case]:
    """Of grants."""
    left, active = pl.col("principal_state") == "left", pl.col("principal_state") == "active"
    plain = active & pl.col("data_scope").is_null()
    pan = {"data_scope": "cde", "has_mfa": True, "has_full_pan_view": True}
    return [
        breaks("SOC2-002", where=left, change={"is_active": True}, since=_UPDATED, note="still active after its holder left"),
        keeps("SOC2-002", where=left, note="closed when its holder left"),
        breaks("PCI-008", where=plain, change=pan | {"business_need": None}, since=_UPDATED, note="sees whole card numbers for no stated reason"),
        keeps("PCI-008", where=plain, change=pan | {"business_need": "chargebacks"}, note="sees whole card numbers for a stated reason"),
        breaks("PCI-009", where=plain, change={"data_scope": "cde", "has_mfa": False}, since=_UPDATED, note="card environment without a second factor"),
        keeps("PCI-009", where=plain, change={"has_mfa": False}, note="no second factor, outside the card environment"),
        breaks("HIPAA-008", where=plain, change={"is_shared_account": True}, since=_UPDATED, note="shared account"),
        breaks("HIPAA-008", where=plain, change={"session_ttl_s": SESSION_TTL_S + 600}, since=_UPDATED, note="session lives ten minutes too long"),
        keeps("HIPAA-008", where=plain, change={"session_ttl_s": SESSION_TTL_S}, note="session lives as long as it may"),
        breaks("SOC2-003", where=plain, change={"last_reviewed_at": ledger.ago(days=104)}, since=ledger.ago(days=14), note="reviewed 104 days ago"),
        keeps("SOC2-003", where=plain, change={"last_reviewed_at": ledger.ago(days=88, hours=20)}, note="reviewed 88 days ago"),
    ]  # fmt: skip


def rendered_cases() -> list[Case]:
    """Of card numbers on pages."""
    allowed = pl.col("allowed_pan_digit_count")
    return [
        breaks("PCI-002", where=_ANY, change={"visible_pan_digit_count": allowed + 6}, since=_AT, note="six digits more than the role may see"),
        keeps("PCI-002", where=_ANY, change={"visible_pan_digit_count": allowed}, note="as many digits as the role may see"),
    ]  # fmt: skip


def trail_case(kind: str) -> Case:
    """GEN-003: planted while a trail is chained."""
    note = {
        "_tampered": "carries another hash than the entry before it",
        "_after_gap": "the entry before it was taken out",
    }[kind]
    return breaks("GEN-003", where=pl.col(kind), change={}, since=_AT, note=note)


def first_entry() -> Case:
    """Near GEN-003."""
    return keeps("GEN-003", where=pl.col("audit_seq") == 0, note="the first entry has nothing before it")


def system_cases() -> list[Case]:
    """Of AI systems."""
    high, difc = pl.col("is_high_risk"), pl.col("jurisdiction") == "DIFC"
    return [
        breaks("DIFC-003", where=high & difc, change={"certificate_id": None}, since=_UPDATED, note="high risk in the DIFC, not certified"),
        breaks("PDPL-013", "GDPR-017", where=high, change={"dpia_id": None}, since=_UPDATED, note="high risk, not assessed"),
        keeps("PDPL-013", where=~high, change={"dpia_id": None}, note="not of high risk, not assessed"),
        keeps("GDPR-017", where=high, note="high risk, assessed"),
        breaks("DIFC-002", where=difc & ~high, change={"purpose_statement": None}, since=_UPDATED, note="in the DIFC, no purpose set down"),
        breaks("DIFC-002", where=difc & ~high, change={"constraints": None}, since=_UPDATED, note="in the DIFC, no limits set down"),
        keeps("DIFC-002", where=~difc, change={"purpose_statement": None}, note="no purpose set down, outside the DIFC"),
        keeps("DIFC-003", where=high & ~difc, change={"certificate_id": None, "officer_id": None}, note="high risk, outside the DIFC"),
    ]  # fmt: skip


def endpoint_cases() -> list[Case]:
    """Of endpoints of language models."""
    return [
        breaks("RES-002", where=_ANY, change={"endpoint_region": None}, since=_UPDATED, note="nobody says where it computes"),
        keeps("RES-002", where=_ANY, note="it is said where it computes"),
    ]  # fmt: skip


def change_cases() -> list[Case]:
    """Of changes."""
    live, since = pl.col("is_promoted"), pl.col("promoted_at")
    return [
        breaks("SOC2-007", where=live, change={"approver_id": None}, since=since, note="in production, approved by nobody"),
        breaks("SOC2-007", where=live, change={"has_passed_tests": False}, since=since, note="in production, tests failed"),
        breaks("SOC2-007", where=live, change={"approver_id": pl.col("author_id")}, since=since, note="in production, approved by its author"),
        keeps("SOC2-007", where=~live, change={"approver_id": None, "has_passed_tests": False}, note="not approved, and not in production"),
    ]  # fmt: skip


def upkeep_cases(ledger: Ledger) -> dict[str, list[Case]]:
    """Of backups, components, connections, runs, rule packs and logs."""
    ran = pl.col("run_state") == "succeeded"
    return {
        "backup": [
            breaks("SOC2-009", where=_ANY, change={"last_ok_at": ledger.ago(hours=40)}, since=ledger.ago(hours=16), note="no backup for 40 hours"),
            breaks("SOC2-009", where=_ANY, change={"last_restore_test_at": ledger.ago(days=100)}, since=ledger.ago(days=10), note="restore not tried for 100 days"),
            keeps("SOC2-009", where=_ANY, change={"last_ok_at": ledger.ago(minutes=1), "last_restore_test_at": ledger.ago(days=88, hours=20)}, note="backup of the night, restore tried 88 days ago"),
        ],
        "component": [
            breaks("PCI-012", where=_ANY, change={"critical_vuln_age_days": 41}, since=ledger.ago(days=10), note="critical hole open for 41 days"),
            keeps("PCI-012", where=_ANY, change={"critical_vuln_age_days": 30}, note="critical hole open for 30 days"),
        ],
        "connection": [
            breaks("SOC2-004", where=pl.col("is_external"), change={"has_tls": False}, since=_UPDATED, note="leaves the house in the clear"),
            keeps("SOC2-004", where=~pl.col("is_external"), change={"has_tls": False}, note="in the clear within the house"),
        ],
        "pipeline_run": [
            breaks("SOC2-010", where=ran, change={"has_failed_check": True, "run_state": "failed"}, since=pl.col("ended_at"), note="a data check failed"),
            breaks("SOC2-010", where=ran, change={"is_freshness_breached": True}, since=pl.col("ended_at"), note="the data is too old"),
            keeps("SOC2-010", where=ran, change={"run_state": "failed"}, note="the run failed, no check did"),
        ],
        "rule_pack": [
            breaks("GEN-008", where=_ANY, change={"checked_at": ledger.ago(days=9), "updated_at": ledger.ago(days=9)}, since=ledger.ago(days=2), note="held against the law nine days ago"),
            keeps("GEN-008", where=_ANY, change={"checked_at": ledger.ago(days=5, hours=23), "updated_at": ledger.ago(days=5, hours=23)}, note="held against the law six days ago"),
        ],
        "audit_log": [
            breaks("PCI-011", where=_ANY, change={"system_age_days": 200, "online_history_days": 60, "total_history_days": 200}, since=_UPDATED, note="60 days of the log at once"),
            breaks("PCI-011", where=_ANY, change={"system_age_days": 700, "online_history_days": 120, "total_history_days": 300}, since=_UPDATED, note="300 days of the log in all"),
            keeps("PCI-011", where=_ANY, change={"system_age_days": 89, "online_history_days": 40, "total_history_days": 60}, note="a log that is younger than three months"),
            keeps("PCI-011", where=_ANY, change={"system_age_days": 365, "online_history_days": 90, "total_history_days": 365}, note="a year of the log, three months at once"),
        ],
        "alert": [
            breaks("SOC2-005", where=pl.col("raised_at") < ledger.ago(hours=30), change={"severity": "critical", "acknowledged_at": None, "actor_id": None},
                   since=pl.col("raised_at") + pl.duration(hours=24), note="critical, nobody took note for a day"),
            keeps("SOC2-005", where=pl.col("raised_at") < ledger.ago(hours=30), change={"severity": "medium", "acknowledged_at": None, "actor_id": None}, note="of medium severity, nobody took note"),
            keeps("SOC2-005", where=pl.col("raised_at") < ledger.ago(hours=30), change={"severity": "high", "acknowledged_at": pl.col("raised_at") + pl.duration(hours=23), "actor_id": "person-0008"}, note="of high severity, noted after 23 hours"),
        ],
    }  # fmt: skip


def operation_cases() -> list[Case]:
    """Of AI operations."""
    cars = pl.col("industry") == "automotive"
    return [
        breaks("PCI-007", where=~cars, change={"data_label": "pan"}, since=_AT, note="a card number was sent to a language model"),
        keeps("PCI-007", where=~cars, change={"data_label": "pan_hash"}, note="a card's keyed hash was sent"),
        breaks("GEN-001", where=~cars, change={"is_compliance_validated": False}, since=_AT, note="no verdict"),
        keeps("GEN-001", where=~cars, note="a verdict"),
        breaks("AUTO-001", where=cars, change={"data_label": "pii.contact"}, since=_AT, note="customer data sent where none is needed"),
        keeps("AUTO-001", where=cars, change={"data_label": "internal"}, note="no customer data sent"),
    ]  # fmt: skip


def decision_cases() -> list[Case]:
    """Of decisions about people and listings."""
    at, kind = pl.col("decided_at"), pl.col("ai_decision_kind")
    legal, copy = pl.col("has_legal_effect"), kind == "listing_copy"
    unseen, seen = {"human_reviewed_at": None}, {"human_reviewed_at": at + pl.duration(hours=20)}
    sure = {"confidence": 0.9, "objection_at": None, "has_contest_request": False}
    asked = {"objection_at": at + pl.duration(hours=10)}
    score, difc = kind == "lead_score", pl.col("jurisdiction") == "DIFC"
    return [
        breaks("ADS-010", where=copy, change={"has_permit_conflict": True}, since=at, note="the text contradicts the permit"),
        keeps("ADS-010", where=copy, note="the text agrees with the permit"),
        breaks("PDPL-004", "GDPR-003", where=score, change={"input_fields": '["full_name", "emirates_id"]'}, since=at, note="scored with a field that it does not need"),
        keeps("PDPL-004", "GDPR-003", where=score, change={"input_fields": '["full_name", "phone", "email", "preferred_location", "budget_aed"]'}, note="scored with all the fields that it needs"),
        breaks("PDPL-011", where=legal, change=sure | asked | unseen, since=at + pl.duration(hours=10), note="objected to, not looked at by a person"),
        keeps("PDPL-011", where=legal, change=sure | asked | seen, note="objected to, looked at by a person"),
        breaks("DIFC-001", where=score & difc, change={"has_notice_shown": False}, since=at, note="nobody was told that a machine decides"),
        keeps("DIFC-001", where=score & ~difc, change={"has_notice_shown": False}, note="nobody was told, outside the DIFC"),
        breaks("GDPR-010", where=legal, change=sure | seen | {"is_automated": True, "decision_basis": "legitimate_interest"}, since=at, note="decided by a machine alone on legitimate interest"),
        keeps("GDPR-010", where=legal, change=sure | seen | {"is_automated": False, "decision_basis": "legitimate_interest"}, note="a person took part"),
        breaks("GDPR-011", where=legal, change=sure | unseen | {"has_contest_request": True}, since=at, note="contested, not looked at by a person"),
        keeps("GDPR-011", where=legal, change=sure | seen | {"has_contest_request": True}, note="contested, looked at by a person"),
        breaks("GEN-002", where=score, change={"receipt_hash": None}, since=at, note="no receipt"),
        breaks("GEN-002", where=score, change={"snapshot_id": None}, since=at, note="no snapshot"),
        keeps("GEN-002", where=score, note="receipt and snapshot"),
        breaks("GEN-007", where=legal, change=sure | unseen | {"confidence": 0.41, "is_automated": True}, since=at, note="unsure and material, not looked at by a person"),
        keeps("GEN-007", where=legal, change=sure | unseen | {"confidence": 0.6, "is_automated": True}, note="just sure enough"),
        keeps("GEN-007", where=score, change={"confidence": 0.4} | unseen, note="unsure, and not material"),
    ]  # fmt: skip


def order_cases() -> dict[str, list[Case]]:
    """Of commands and handoffs."""
    done = pl.col("command_state") == "completed"
    over, limited = pl.col("handoff_state") == "completed", ~pl.col("allowed_command_kinds").str.contains('"pause"')
    return {
        "command": [
            breaks("GEN-004", where=done & limited, change={"command_kind": "pause"}, since=pl.col("issued_at"), note="carried out beyond its control level"),
            keeps("GEN-004", where=~done, note="beyond its control level, and refused"),
        ],
        "handoff": [
            breaks("GEN-005", where=over, change={"is_edge_allowed": False}, since=pl.col("requested_at"), note="taken on from an assistant that may not hand over to it"),
            breaks("GEN-005", where=over, change={"is_contract_valid": False}, since=pl.col("requested_at"), note="taken on though it broke its contract"),
            keeps("GEN-005", where=~over, note="broke its contract, and was refused"),
        ],
    }  # fmt: skip
