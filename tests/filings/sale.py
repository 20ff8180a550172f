"""One sale by hand, known in every figure: a flat for 1,250,000 AED, 30,000 and 25,000 AED of it in cash, a mortgage.

Its buyer is under a suspicion and on a list, and the company had a breach. Beside it a plot that nobody knows much of.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import polars as pl

from aurora.compliance.findings import record_sweep
from aurora.compliance.rulebook import Rulebook
from aurora.compliance.sweep import sweep
from aurora.identity.keys import SCOPES, Identity
from aurora.privacy.cipher import Sealer
from aurora.store.lake import create_lake, read_lake
from aurora.store.paths import TenantPaths
from aurora.store.vault import Vault
from tests.compliance.conftest import fill

NOW = dt.datetime(2026, 11, 20, 9, 0, tzinfo=dt.UTC)
RULES = ("AML-002", "AML-007", "AML-008", "AML-011", "PDPL-007", "RERA-005")
COMPANY = """
name: Palm Homes LLC
reporting_person: {first_name: Amal, last_name: Haddad}
privacy_contact: {name: Amal Haddad, email: privacy@palm.example}
goaml:
  rentity_id: 3177
  transmode_codes: {cash: CA, bank_transfer: BT, mortgage: MG}
  funds_codes: {cash: K, bank_transfer: T, mortgage: M}
  item_types: {property: RE}
  indicators: {rear: [R1, R2], str: [S1], ffr: [F1], pnmr: [P1]}
"""
EMIRATES_ID = "784-1990-1234567-6"


def who(actor: str = "owner", *, without: tuple[str, ...] = ()) -> Identity:
    """A caller with every scope but those."""
    return Identity(
        tenant="demo", actor_id=actor, prefix="demo.0", scopes=frozenset(SCOPES) - set(without), rate_per_s=1
    )


def build_sale(paths: TenantPaths, book: Rulebook) -> None:
    """Put the sale into the tenant's lake, its buyer's Emirates ID sealed, and sweep the rules that it breaks."""
    create_lake(paths)
    (paths.directory / "filings.yaml").write_text(COMPANY, encoding="utf-8")
    rows = _rows()
    rows["party"][0]["emirates_id"] = _sealed(paths)
    fill(paths, {contract: pl.DataFrame(found, infer_schema_length=None) for contract, found in rows.items()})
    with read_lake(paths) as lake:
        swept = sweep(book, lake, now=NOW, rule_ids=RULES)
    record_sweep(paths, swept)


def _sealed(paths: TenantPaths) -> str:
    with Vault.open(paths) as vault:
        subject = vault.subject_hash("party_id", "p-buyer")
        key = vault.keys([subject], now=NOW)[subject]
        return Sealer(key, tenant=paths.tenant, contract="party", column="emirates_id").seal(EMIRATES_ID)


def _rows() -> dict[str, list[dict[str, Any]]]:
    at = {"source": "clara", "updated_at": NOW - dt.timedelta(days=2)}
    books = {"source": "theodora", "updated_at": NOW - dt.timedelta(days=1)}
    deal = {
        "deal_id": "D-1", "deal_stage": "transfer", "property_id": "U-1", "buyer_party_id": "p-buyer",
        "seller_party_id": "p-seller", "price_aed": Decimal(1_250_000), "is_freehold": True, "is_off_plan": False,
        "buyer_cdd_status": "complete", "seller_cdd_status": "in_progress", "cash_total_aed": Decimal(55_000),
        "source_of_funds": "salary", "title_check_status": "verified", "form_f_id": None, "brokerage_count": 2,
        "form_i_id": "FI-1", "noc_id": "NOC-1", "is_same_broker_both_sides": False, "has_rear_documents": True, **at,
    }  # fmt: skip
    payment = {"deal_id": "D-1", "payer_party_id": "p-buyer", "received_at": NOW - dt.timedelta(days=3), **books}
    return {
        "party": [
            {"party_id": "p-buyer", "party_kind": "natural", "full_name": "Omar <b>Al</b> Farsi", "country": "AE",
             "birth_date": dt.date(1990, 4, 2), "id_expiry_date": dt.date(2026, 11, 1), **at},
            {"party_id": "p-seller", "party_kind": "legal", "full_name": "Dune Estates FZE", "country": "AE", **at},
        ],
        "property": [{"property_id": "U-1", "property_kind": "apartment", "unit_no": "1204", "project_name": "Haven",
                      "location": "Dubai Marina", "is_off_plan": False, **at}],
        "listing": [{"listing_id": "L-1", "property_id": "U-1", "is_published": True, "is_off_plan": False,
                     "permit_no": "7001", "permit_expiry_date": dt.date(2026, 10, 1), "form_a_id": "FA-1",
                     "form_a_status": "active", "form_a_expiry_date": dt.date(2027, 1, 1), **at}],
        "viewing": [{"viewing_id": "V-1", "viewing_status": "done", "party_id": "p-buyer", "property_id": "U-1",
                     "broker_represents": "buyer", "buyer_form_b_id": "FB-1", **at}],
        "deal": [deal, {"deal_id": "D-2", "deal_stage": "reservation", **at}],
        "payment": [
            {"payment_id": "Y-1", "amount_aed": Decimal(30_000), "payment_method": "cash", **payment},
            {"payment_id": "Y-2", "amount_aed": Decimal(25_000), "payment_method": "cash", **payment},
            {"payment_id": "Y-3", "amount_aed": Decimal(1_000_000), "payment_method": "mortgage", **payment},
        ],
        "deal_cost": [{"deal_cost_id": "C-1", "deal_id": "D-1", "cost_kind": "mortgage_reg",
                       "amount_aed": Decimal(2_790), "loan_aed": Decimal(1_000_000), **books}],
        "document": [{"document_id": "X-1", "document_kind": "receipt", "deal_id": "D-1", **at}],
        "suspicion": [{"suspicion_id": "S-1", "suspicion_status": "confirmed", "party_id": "p-buyer", "deal_id": "D-1",
                       "found_at": NOW - dt.timedelta(days=1), "suspicion_grounds": "funds came by three accounts",
                       **at}],
        "screening_hit": [{"screening_hit_id": "H-1", "party_id": "p-buyer", "match_kind": "partial",
                           "list_name": "UN consolidated list", "match_share": 0.82,
                           "found_at": NOW - dt.timedelta(days=1), **at}],
        "incident": [{"incident_id": "I-1", "incident_kind": "breach", "severity": "high",
                      "summary": "A mailbox was read by a stranger.", "jurisdiction": "AE", "data_label": "pii.contact",
                      "is_personal_breach": True, "is_risk_likely": True, "is_high_risk": True,
                      "affected_subject_count": 240, "detected_at": NOW - dt.timedelta(hours=80), **at}],
        "assistant": [{"assistant_id": "laila", **at}],
    }  # fmt: skip
