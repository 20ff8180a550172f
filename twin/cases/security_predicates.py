"""Exact predicates of the packs hipaa, pci_dss, soc2, automotive and basic."""

from __future__ import annotations

from typing import Final

from twin.cases.predicate import Predicate, json_list, on

_PHI: Final = "r.data_label = 'phi'"
_TRAIL: Final = (
    "(SELECT *, lag(event_hash) OVER (PARTITION BY source ORDER BY audit_seq) AS hash_before,"
    " row_number() OVER (PARTITION BY source ORDER BY audit_seq) AS place FROM audit_event) r"
)

HIPAA: Final[tuple[Predicate, ...]] = (
    on("HIPAA-001", "field", f"{_PHI} AND r.is_encrypted IS NOT TRUE"),
    on("HIPAA-002", "access_event", f"{_PHI} AND r.audit_event_id IS NULL"),
    on("HIPAA-003", "access_event", f"{_PHI} AND NOT list_has_all({json_list('a.phi_fields')}, {json_list('r.field_names')})", joins="JOIN access_role a ON a.role_name = r.role_name"),
    on("HIPAA-004", "dataset", "r.is_deidentified AND r.safe_harbor_hit_count > 0"),
    on("HIPAA-005", "dataset", "r.is_deidentified AND (r.zip_digit_count > 3 OR r.has_restricted_zip3)"),
    on("HIPAA-006", "dataset", "r.is_deidentified AND (r.has_full_date OR r.max_age_years > 89)"),
    on("HIPAA-007", "transfer", f"{_PHI} AND v.baa_signed_at IS NULL", joins="JOIN vendor v ON v.vendor_id = r.vendor_id"),
    on("HIPAA-008", "access_grant", "r.is_shared_account OR r.session_ttl_s > $session_ttl_s", "Every grant, closed ones too."),
    on("HIPAA-009", "incident", f"{_PHI} AND r.subjects_notified_at IS NULL AND r.detected_at < $as_of - INTERVAL 60 DAY", "Of incidents under any law."),
    on("HIPAA-010", "document", "r.record_class = 'hipaa' AND r.retention_end_date < CAST(r.filed_at AS DATE) + INTERVAL 6 YEAR", "The document was made when it was filed."),
    on("HIPAA-011", "dsr", "r.regime = 'hipaa' AND r.dsr_state <> 'closed' AND r.requested_at < $as_of - INTERVAL 30 DAY"),
    on("HIPAA-012", "transfer", f"{_PHI} AND r.disclosure_record_id IS NULL"),
)  # fmt: skip

PCI: Final[tuple[Predicate, ...]] = (
    on("PCI-001", "scan_hit", "r.hit_kind IN ('track', 'cvv', 'pin')"),
    on("PCI-002", "rendered_field", "r.visible_pan_digit_count > r.allowed_pan_digit_count"),
    on("PCI-003", "scan_hit", "r.hit_kind = 'pan' AND r.is_luhn_ok AND r.storage_form = 'clear'"),
    on("PCI-004", "field", "r.data_label = 'pan_hash' AND r.is_keyed IS NOT TRUE"),
    on("PCI-005", "dataset", "r.has_pan_hash AND r.has_pan_truncated AND r.join_controls IS NULL"),
    on("PCI-006", "dataset_row", "r.data_label = 'pan' AND r.retention_end_date < CAST($as_of AS DATE)", "A legal hold is no excuse; without one the row breaks PDPL-005 and GDPR-004 too."),
    on("PCI-007", "usage", "r.data_label = 'pan'"),
    on("PCI-008", "access_grant", "r.has_full_pan_view AND r.business_need IS NULL"),
    on("PCI-009", "access_grant", "r.data_scope = 'cde' AND r.has_mfa IS NOT TRUE"),
    on("PCI-010", "access_event", "r.data_scope = 'cde' AND r.audit_event_id IS NULL"),
    on("PCI-011", "audit_log", "(r.system_age_days >= 90 AND r.online_history_days < 90) OR (r.system_age_days >= 365 AND r.total_history_days < 365)"),
    on("PCI-012", "component", "r.critical_vuln_age_days > 30"),
)  # fmt: skip

SOC2: Final[tuple[Predicate, ...]] = (
    on("SOC2-001", "access_event", "r.is_access_granted AND r.role_name NOT IN (SELECT role_name FROM access_role)", "The policy's roles are the rows of access_role."),
    on("SOC2-002", "access_grant", "r.principal_state = 'left' AND r.is_active"),
    on("SOC2-003", "access_grant", "r.last_reviewed_at < $as_of - INTERVAL 90 DAY", "Every grant, closed ones too."),
    on("SOC2-004", "connection", "r.is_external AND r.has_tls IS NOT TRUE"),
    on("SOC2-005", "alert", "r.severity IN ('high', 'critical') AND r.acknowledged_at IS NULL AND r.raised_at < $as_of - INTERVAL 24 HOUR"),
    on("SOC2-006", "incident", "r.closed_at IS NOT NULL AND r.postmortem_id IS NULL", "The clock of 10 days is not part of the predicate."),
    on("SOC2-007", "change", "r.is_promoted AND (r.approver_id IS NULL OR r.has_passed_tests IS NOT TRUE OR r.approver_id = r.author_id)"),
    on("SOC2-008", "vendor", "r.is_in_use AND r.assessed_at < $as_of - INTERVAL 1 YEAR"),
    on("SOC2-009", "backup", "r.last_ok_at < $as_of - INTERVAL 1 DAY OR r.last_restore_test_at < $as_of - INTERVAL 90 DAY"),
    on("SOC2-010", "pipeline_run", "r.has_failed_check OR r.is_freshness_breached"),
    on("SOC2-011", "dataset", "r.data_label IS NULL OR (r.is_expired AND r.is_disposed IS NOT TRUE)"),
    on("SOC2-012", "payment", "r.amount_aed > $four_eyes_aed AND r.approver_id IS NULL"),
)  # fmt: skip

BASIC: Final[tuple[Predicate, ...]] = (
    on("AUTO-001", "usage", "r.industry = 'automotive' AND r.data_label LIKE 'pii.%'", "What is not needed cannot be told from a usage row: none of the operations needs personal data."),
    on("AUTO-002", "payment", "r.industry = 'automotive' AND r.has_financial_controls IS NOT TRUE"),
    on("GEN-001", "usage", "r.compliance_level IS NOT NULL AND r.is_compliance_validated IS NOT TRUE", "Of operations that fall under a regime: formats of providers cannot say whether a verdict was given."),
    on("GEN-002", "ai_decision", "r.receipt_hash IS NULL OR r.snapshot_id IS NULL"),
    Predicate(rule_id="GEN-003", contract="audit_event", rows=_TRAIL, violates="r.place > 1 AND r.prev_hash IS DISTINCT FROM r.hash_before", note="A trail is one source's entries in the order of audit_seq. The entry after a lost one breaks the rule."),
    on("GEN-004", "command", f"r.command_state <> 'refused' AND NOT list_contains({json_list('r.allowed_command_kinds')}, r.command_kind)", "A command that was refused is the rule at work."),
    on("GEN-005", "handoff", "r.handoff_state <> 'refused' AND (r.is_edge_allowed IS FALSE OR r.is_contract_valid IS NOT TRUE)", "A handoff that was refused is the rule at work."),
    on("GEN-006", "access_event", "r.principal_tenant_id <> r.resource_tenant_id", "Granted or not."),
    on("GEN-007", "ai_decision", "r.confidence < r.min_confidence AND r.is_material AND r.human_reviewed_at IS NULL"),
    on("GEN-008", "rule_pack", "r.checked_at < $as_of - INTERVAL 7 DAY"),
)  # fmt: skip
