"""Exact predicates of the packs pdpl, residency, health of the Emirates, difc, adgm and gdpr."""

from __future__ import annotations

from typing import Final

from twin.cases.predicate import Predicate, json_list, on

_OPEN_BREACH: Final = "r.is_personal_breach AND r.authority_notified_at IS NULL"
_AGE: Final = "r.detected_at < $as_of - INTERVAL 72 HOUR"
_FIELDS: Final = f"NOT list_has_all({json_list('p.allowed_fields')}, {json_list('r.input_fields')})"
_FIELDS_NOTE: Final = "The purpose's row says which fields it needs."
_PURPOSE: Final = f"NOT list_contains({json_list('d.allowed_purposes')}, r.purpose)"
_PURPOSE_NOTE: Final = "Granted or not; accesses that were refused are of an allowed purpose."
_LATE: Final = "r.dsr_state <> 'closed' AND r.requested_at < $as_of - INTERVAL 1 DAY *"
_TO_DATASET: Final = "JOIN dataset d ON d.dataset_id = r.dataset_id"
_TO_PURPOSE: Final = "JOIN purpose p ON p.purpose = r.purpose"
_FROM_AE: Final = "split_part(r.subject_region, '-', 1) = 'ae'"
_ABROAD: Final = "split_part(r.dest_region, '-', 1) <> 'ae'"
_PARENT_RANK: Final = (
    "(SELECT max(list_position($residency_order, parent.residency_label)) FROM dataset parent"
    f" WHERE list_contains({json_list('r.parent_dataset_ids')}, parent.dataset_id))"
)
_RETENTION: Final = "r.retention_end_date < CAST($as_of AS DATE)"

PDPL: Final[tuple[Predicate, ...]] = (
    on("PDPL-001", "processing", "r.lawful_basis IS NULL OR (r.lawful_basis = 'consent' AND r.consent_id IS NULL)"),
    on("PDPL-002", "processing", "r.consent_withdrawn_at IS NOT NULL AND r.last_processed_at > r.consent_withdrawn_at"),
    on("PDPL-003", "access_event", _PURPOSE, _PURPOSE_NOTE, joins=_TO_DATASET),
    on("PDPL-004", "ai_decision", _FIELDS, _FIELDS_NOTE, joins=_TO_PURPOSE),
    on("PDPL-005", "dataset_row", f"{_RETENTION} AND NOT r.has_legal_hold", "The last day is still within retention."),
    on("PDPL-006", "dataset", "r.has_personal_data AND r.ropa_id IS NULL"),
    on("PDPL-007", "incident", f"r.jurisdiction = 'AE' AND {_OPEN_BREACH} AND r.detected_at < $as_of - INTERVAL 1 HOUR * $pdpl_breach_hours", "Of incidents under the law of the Emirates: free zones and the EU have their own rules."),
    on("PDPL-008", "tenant", "(r.sensitive_subject_count > $sensitive_subjects OR r.is_profiling) AND r.dpo_id IS NULL"),
    on("PDPL-009", "dsr", f"r.regime = 'uae_pdpl' AND {_LATE} $dsr_days", "Of requests under this law."),
    on("PDPL-011", "ai_decision", "r.has_legal_effect AND r.objection_at IS NOT NULL AND r.human_reviewed_at IS NULL"),
    on("PDPL-012", "field", "r.data_label IN ('pii.id', 'pii.financial') AND r.is_encrypted IS NOT TRUE", "Such a field breaks GDPR-014 too."),
    on("PDPL-013", "ai_system", "r.is_high_risk AND r.dpia_id IS NULL", "Same predicate as GDPR-017: a record breaks both."),
    on("PDPL-014", "transfer", "r.dest_country <> 'AE' AND NOT list_contains($adequate_countries, r.dest_country) AND r.safeguard IS NULL"),
)  # fmt: skip

ELSEWHERE: Final[tuple[Predicate, ...]] = (
    on("RES-001", "transfer", f"{_FROM_AE} AND {_ABROAD}", "The Emirates' regions begin with `ae-`."),
    on("RES-002", "llm_endpoint", "r.endpoint_region IS NULL", "Active or not."),
    on("RES-003", "dataset", f"list_position($residency_order, r.residency_label) < {_PARENT_RANK}", "Labels in the order of the parameter residency_order."),
    on("HLTH-AE-1", "transfer", f"r.data_label = 'phi' AND {_FROM_AE} AND {_ABROAD} AND r.exception_code IS NULL", "Such a transfer breaks RES-001 too."),
    on("DIFC-001", "ai_decision", "r.jurisdiction = 'DIFC' AND r.has_notice_shown IS NOT TRUE"),
    on("DIFC-002", "ai_system", "r.jurisdiction = 'DIFC' AND (r.purpose_statement IS NULL OR r.constraints IS NULL)"),
    on("DIFC-003", "ai_system", "r.jurisdiction = 'DIFC' AND r.is_high_risk AND (r.certificate_id IS NULL OR r.officer_id IS NULL)"),
    on("DIFC-004", "incident", f"r.jurisdiction = 'DIFC' AND {_OPEN_BREACH}", "At once: the clock is not part of the predicate."),
    on("ADGM-001", "incident", f"r.jurisdiction = 'ADGM' AND {_OPEN_BREACH} AND {_AGE}"),
)  # fmt: skip

GDPR: Final[tuple[Predicate, ...]] = (
    on("GDPR-001", "processing", "r.lawful_basis IS NULL", "Such a record breaks PDPL-001 too."),
    on("GDPR-002", "access_event", _PURPOSE, f"{_PURPOSE_NOTE} Same predicate as PDPL-003: a record breaks both.", joins=_TO_DATASET),
    on("GDPR-003", "ai_decision", _FIELDS, f"{_FIELDS_NOTE} Same predicate as PDPL-004: a record breaks both.", joins=_TO_PURPOSE),
    on("GDPR-004", "dataset_row", f"{_RETENTION} AND NOT r.has_legal_hold", "Same predicate as PDPL-005: a record breaks both."),
    on("GDPR-005", "processing", "r.data_label LIKE 'special.%' AND r.special_category_condition IS NULL"),
    on("GDPR-006", "dsr", f"r.regime = 'gdpr' AND {_LATE} (CASE WHEN r.is_extended THEN 90 ELSE 30 END)", "Of requests under this law."),
    on("GDPR-007", "dsr", "r.dsr_kind IN ('access', 'portability') AND r.dsr_state = 'closed' AND r.export_uri IS NULL", "Of requests under any law."),
    on("GDPR-008", "dsr", "r.dsr_kind = 'erasure' AND r.dsr_state = 'closed' AND (r.remaining_row_count > 0 OR r.remaining_vector_count > 0 OR r.key_destroyed_at IS NULL)", "Of requests under any law."),
    on("GDPR-010", "ai_decision", "r.has_legal_effect AND r.is_automated AND (r.decision_basis IS NULL OR r.decision_basis NOT IN ('contract', 'law', 'explicit_consent'))"),
    on("GDPR-011", "ai_decision", "r.has_legal_effect AND r.has_contest_request AND r.human_reviewed_at IS NULL"),
    on("GDPR-012", "vendor", "r.has_personal_data AND r.dpa_signed_at IS NULL"),
    on("GDPR-013", "dataset", "r.has_personal_data AND r.ropa_missing_field_count > 0"),
    on("GDPR-014", "field", "r.data_label LIKE 'pii.%' AND r.is_encrypted IS NOT TRUE"),
    on("GDPR-015", "incident", f"r.jurisdiction = 'EU' AND {_OPEN_BREACH} AND r.is_risk_likely AND {_AGE}", "Of incidents under the law of the EU."),
    on("GDPR-016", "incident", "r.is_high_risk AND r.subjects_notified_at IS NULL", "Of incidents under any law."),
    on("GDPR-017", "ai_system", "r.is_high_risk AND r.dpia_id IS NULL", "Same predicate as PDPL-013: a record breaks both."),
    on("GDPR-018", "transfer", "split_part(r.subject_region, '-', 1) = 'eu' AND NOT list_contains($eea_adequate_countries, r.dest_country) AND r.safeguard IS NULL", "Of data of people in the EU; the transfer tool is the safeguard."),
)  # fmt: skip
