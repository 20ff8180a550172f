"""The records that the law's rules speak of (requirements, section 9): which table holds each, and each word's column.

A rule's word is a column of the record's table of the same name, or stands here. `table.column` is a column of
another table, which the rule joins; a word that is a parameter or is reckoned by the rule is not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

RECORD_TABLES: Final[Mapping[str, str]] = MappingProxyType(
    {"ai_operation": "usage", "model": "ai_system", "model_endpoint": "llm_endpoint"}
)
"""Records whose table has another name: the word model alone says nothing, and AI use is counted once."""

WORDS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "access_event": {
            "allowed_purposes": "dataset.allowed_purposes",
            "fields": "field_names",
            "granted": "is_access_granted",
            "label": "data_label",
            "phi_fields": "access_role.phi_fields",
            "role": "role_name",
            "roles": "access_role.role_name",
            "scope": "data_scope",
            "tenant_id": "principal_tenant_id",
        },
        "access_grant": {
            "active": "is_active",
            "can_view_full_pan": "has_full_pan_view",
            "mfa": "has_mfa",
            "principal_status": "principal_state",
            "scope": "data_scope",
            "session_ttl_min": "session_ttl_s",
            "shared_account": "is_shared_account",
        },
        "ai_decision": {
            "allowed_fields": "purpose.allowed_fields",
            "automated": "is_automated",
            "basis": "decision_basis",
            "contest_requested": "has_contest_request",
            "contradicts_permit": "has_permit_conflict",
            "fields": "input_fields",
            "kind": "ai_decision_kind",
            "legal_effect": "has_legal_effect",
            "material": "is_material",
            "notice_shown": "has_notice_shown",
        },
        "ai_operation": {"compliance_validated": "is_compliance_validated", "input_label": "data_label"},
        "alert": {"age_hours": "raised_at"},
        "audit_event": {"hash": "event_hash"},
        "backup": {"last_ok": "last_ok_at", "last_restore_test": "last_restore_test_at"},
        "change": {
            "approved_by": "approver_id",
            "author": "author_id",
            "promoted": "is_promoted",
            "tests_passed": "has_passed_tests",
        },
        "command": {"allowed_kinds": "allowed_command_kinds", "kind": "command_kind"},
        "connection": {"external": "is_external", "tls": "has_tls"},
        "dataset": {
            "deidentified": "is_deidentified",
            "disposed": "is_disposed",
            "expired": "is_expired",
            "label": "data_label",
            "max_age": "max_age_years",
            "parents": "parent_dataset_ids",
            "restricted_zip3": "has_restricted_zip3",
            "ropa_missing_fields": "ropa_missing_field_count",
            "safe_harbor_hits": "safe_harbor_hit_count",
            "zip3": "has_restricted_zip3",
            "zip_len": "zip_digit_count",
        },
        "dataset_row": {
            "label": "data_label",
            "legal_hold": "has_legal_hold",
            "retention_until": "retention_end_date",
        },
        "dsr": {
            "age_days": "requested_at",
            "closed": "dsr_state",
            "extended": "is_extended",
            "kind": "dsr_kind",
            "n_rows_found_after": "remaining_row_count",
            "n_vectors_found_after": "remaining_vector_count",
            "status": "dsr_state",
        },
        "field": {"encrypted": "is_encrypted", "keyed": "is_keyed", "label": "data_label"},
        "handoff": {"contract_valid": "is_contract_valid", "edge_allowed": "is_edge_allowed"},
        "incident": {
            "age_days": "detected_at",
            "age_hours": "detected_at",
            "closed": "closed_at",
            "commissioner_notified_at": "authority_notified_at",
            "high_risk": "is_high_risk",
            "individuals_notified_at": "subjects_notified_at",
            "notified_at": "authority_notified_at",
            "office_notified_at": "authority_notified_at",
            "phi": "data_label",
            "risk_likely": "is_risk_likely",
        },
        "message": {
            "kind": "message_kind",
            "marketing_opt_out": "party.is_marketing_opt_out",
            "mentions_str": "has_str_mention",
            "objected": "party.has_objected",
            "party_id": "subject_id",
            "subjects": "suspicion.party_id",
        },
        "model": {
            "aso_id": "officer_id",
            "cert_id": "certificate_id",
            "high_risk": "is_high_risk",
        },
        "model_endpoint": {"region": "endpoint_region"},
        "pipeline_run": {
            "asset_check_failed": "has_failed_check",
            "freshness_breached": "is_freshness_breached",
        },
        "processing": {"art9_condition": "special_category_condition", "label": "data_label"},
        "rendered_field": {
            "allowed_for_role": "allowed_pan_digit_count",
            "pan_visible_digits": "visible_pan_digit_count",
        },
        "scan_hit": {"kind": "hit_kind", "luhn_ok": "is_luhn_ok", "storage": "storage_form"},
        "tenant": {"n_sensitive_subjects": "sensitive_subject_count", "profiling": "is_profiling"},
        "transfer": {
            "accounting_row": "disclosure_record_id",
            "baa_signed_at": "vendor.baa_signed_at",
            "dest": "dest_country",
            "label": "data_label",
            "transfer_tool": "safeguard",
        },
        "vendor": {"in_use": "is_in_use", "processes_personal": "has_personal_data"},
    }
)
"""Each record's words that are called otherwise here."""


def record_table(record: str) -> str:
    """The table that holds a record of the rules."""
    return RECORD_TABLES.get(record, record)


def column_of(record: str, word: str) -> tuple[str, str]:
    """Table and column behind a word of a rule about `record`."""
    name = WORDS.get(record, {}).get(word, word)
    table, dot, column = name.partition(".")
    return (table, column) if dot else (record_table(record), name)
