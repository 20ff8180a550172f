"""Every word of the law's rules about the brokerage is a column, a parameter, or said here to be reckoned."""

import re
from pathlib import Path

import pytest
import yaml

from contracts import registry
from contracts.tables import brokerage

RULES = Path(__file__).resolve().parents[3] / "shared" / "compliance" / "rules.yaml"
RENAMED = {
    "acts": "is_acting",
    "active": "is_active",
    "active_deal": "has_active_deal",
    "advertises_unit": "is_unit_advertised",
    "agreed_in_writing": "is_agreed_in_writing",
    "amount": "amount_aed",
    "area_freehold": "is_area_freehold",
    "brn_displayed": "is_brn_displayed",
    "brn_expiry": "brn_expiry_date",
    "cash_total": "cash_total_aed",
    "buyer_dual_consent": "has_buyer_dual_consent",
    "buyer_nationality": "buyer_country",
    "category": "listing_category",
    "created_at": "filed_at",
    "eviction": "is_eviction",
    "expiry": "tenancy_expiry_date",
    "financial_controls_ok": "has_financial_controls",
    "form_a": "active_form_a_count",
    "form_a_cancelled": "is_form_a_cancelled",
    "form_a_valid_to": "form_a_expiry_date",
    "gap_pct": "rent_gap_share",
    "has_docs": "has_rear_documents",
    "id_expiry": "id_expiry_date",
    "loan": "loan_aed",
    "match": "match_kind",
    "method": "payment_method",
    "n_brokerages": "brokerage_count",
    "n_cash_payments_30d": "cash_payment_30d_count",
    "n_ubo_identified": "ubo_identified_count",
    "new_rent": "new_rent_aed",
    "notarised": "is_notarised",
    "off_plan": "is_off_plan",
    "old_rent": "old_rent_aed",
    "orn_displayed": "is_orn_displayed",
    "permit_no_visible": "is_permit_no_visible",
    "permit_price": "permit_price_aed",
    "permit_size": "permit_size_sqft",
    "permit_valid_to": "permit_expiry_date",
    "price": "price_aed",
    "published": "is_published",
    "rate": "rate_share",
    "rent_changed": "is_rent_changed",
    "retention_until": "retention_end_date",
    "risk": "risk_rating",
    "same_broker_both_sides": "is_same_broker_both_sides",
    "seller_dual_consent": "has_seller_dual_consent",
    "size": "size_sqft",
    "source_of_funds_virtual_asset": "is_source_of_funds_virtual_asset",
    "stage": "deal_stage",
    "ubo_coverage_pct": "ubo_coverage_share",
}
"""A rule's word, where the house writes another: dates end in `_date`, money in its currency, truths begin with is."""
KINDS = {
    ("party", "kind"): "party_kind",
    ("property", "active"): "active_form_a_count",
    ("deal_cost", "kind"): "cost_kind",
    ("suspicion", "status"): "suspicion_status",
}
NOT_COLUMNS = frozenset(  # words of SQL, other records, parameters
    [
        "abs",
        "and",
        "any",
        "between",
        "business_days",
        "cap",
        "case",
        "count",
        "current_date",
        "date",
        "day",
        "deal",
        "else",
        "end",
        "false",
        "gcc",
        "high_risk_countries",
        "in",
        "interval",
        "is",
        "linked",
        "month",
        "not",
        "now",
        "null",
        "or",
        "over",
        "param",
        "project",
        "payment",
        "sanctions_list",
        "single",
        "several",
        "sum",
        "then",
        "true",
        "when",
        "where",
        "year",
        "or",
        "payments",
        "fee_table",
        "four_eyes",
        "updated_at",
    ]
)
JOINED = {
    "payment": ("deal", "property"),
    "document": ("deal",),
    "listing": ("property",),
    "deal": ("payment", "party", "property"),
}


def _rules() -> list[dict[str, str]]:
    if not RULES.is_file():
        pytest.skip("the law's rules are not here")
    tables = {declared.name for declared in brokerage.TABLES}
    return [rule for rule in yaml.safe_load(RULES.read_text(encoding="utf-8")) if rule["record"] in tables]


def _words(condition: str) -> set[str]:
    bare = re.sub(r"'[^']*'|\[[^\]]*\]", " ", condition)
    return {word for word in re.findall(r"[a-z_][a-z_0-9]*", bare.lower()) if word not in NOT_COLUMNS}


def test_every_word_of_a_rule_is_a_column_of_its_record() -> None:
    missing = []
    for rule in _rules():
        record = rule["record"]
        known = {column for name in (record, *JOINED.get(record, ())) for column in registry.table(name).columns}
        for word in _words(rule["violates_when"]):
            column = KINDS.get((record, word), RENAMED.get(word, word))
            if column not in known:
                missing.append(f"{rule['id']} {record}: {word}")
    assert missing == []


def test_every_renamed_word_is_used_by_a_rule() -> None:
    words = set().union(*(_words(rule["violates_when"]) for rule in _rules()))
    assert sorted(set(RENAMED) - words) == []


@pytest.mark.parametrize("name", [declared.name for declared in brokerage.TABLES])
def test_what_is_encrypted_has_a_token_and_a_subject(name: str) -> None:
    declared = registry.table(name)
    encrypted = {field.name for field in declared.fields if field.protection == "encrypt"}
    assert encrypted <= {field.token_of for field in declared.fields}
    assert declared.subject or not encrypted


def test_a_party_and_a_property_are_known_by_source_and_id() -> None:
    assert registry.table("party").row_key == ("source", "party_id", "updated_at")
    assert registry.table("property").row_key == ("source", "property_id", "updated_at")
