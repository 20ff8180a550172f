"""The company's data under law: data sets and their fields, purposes, processing, transfers and vendors."""

from __future__ import annotations

import json
from typing import Any, Final

import numpy as np
import polars as pl

from twin.brokerage.draws import DAY, HOUR, NEVER, choose, dates, ids, moments

PURPOSES: Final = {
    # purpose: (in words, fields, ground)
    "lead_to_viewing": ("Show a client the units that fit.", ["full_name", "phone", "email", "preferred_location", "budget_aed"], "contract"),
    "offer_to_contract": ("Bring an accepted offer to a signed contract.", ["full_name", "price_aed", "deal_stage", "offer_price_aed"], "contract"),
    "due_diligence": ("Know the client and where the money comes from.", ["full_name", "emirates_id", "passport_no", "source_of_funds", "cash_total_aed", "country"], "law"),
    "settlement": ("Match and collect what is owed.", ["amount_aed", "payee_account", "card_token", "deal_stage"], "contract"),
    "client_care": ("Answer a client.", ["full_name", "phone", "email", "lead_status", "body"], "contract"),
    "listing_care": ("Keep listings right and permitted.", ["permit_no", "price_aed", "size_sqft", "location", "listing_category"], "legitimate_interest"),
    "staff_benefits": ("Run the staff's health plan.", ["member_id", "claim_amount", "claim_date"], "contract"),
    "marketing": ("Tell people of units they may like.", ["full_name", "email", "preferred_location"], "consent"),
}  # fmt: skip
_SETS: Final = (
    # one line a data set: its id and contract, its label, what it is for, where it stays, its fields with labels
    ("party", "party", "pii.id", ["lead_to_viewing", "offer_to_contract", "due_diligence", "client_care", "marketing"], "ae-dubai",
     [("full_name", "pii.contact"), ("emirates_id", "pii.id"), ("passport_no", "pii.id"), ("phone", "pii.contact"), ("iban", "pii.financial")]),
    ("lead", "lead", "pii.contact", ["lead_to_viewing", "client_care", "marketing"], "ae-dubai", [("party_id", "pii.contact"), ("lost_reason", "internal")]),
    ("deal", "deal", "pii.financial", ["offer_to_contract", "due_diligence", "settlement"], "ae-dubai", [("source_of_funds", "pii.financial"), ("deal_stage", "internal")]),
    ("payment", "payment", "pii.financial", ["settlement", "due_diligence"], "ae-dubai", [("payee_account", "pii.financial")]),
    ("message", "message", "pii.contact", ["client_care"], "ae-dubai", [("body", "pii.contact")]),
    ("listing", "listing", "public", ["listing_care"], "any", [("permit_no", "public")]),
    ("property", "property", "internal", ["listing_care", "lead_to_viewing"], "ae", [("title_deed_no", "internal")]),
    ("health", None, "phi", ["staff_benefits"], "ae-dubai", [("member_id", "phi"), ("claim_amount", "phi"), ("claim_date", "phi")]),
    ("cards", None, "pan", ["settlement"], "ae-dubai", [("card_token", "pan"), ("card_hash", "pan_hash")]),
)  # fmt: skip
_EXTRACTS: Final = 150
_VENDORS: Final = 40


def datasets(draw: np.random.Generator, *, end: int) -> pl.DataFrame:
    """The data sets, and extracts made from them: de-identified ones of health and ones of cards among them."""
    rows = [_dataset(name, contract, label, uses, home) for name, contract, label, uses, home, _ in _SETS]
    kinds = ("personal", "health", "cards", "old")
    rows += [_extract(draw, number, kinds[number % len(kinds)]) for number in range(_EXTRACTS)]
    made = pl.DataFrame(rows, infer_schema_length=None)
    return made.with_columns(moments(end - draw.integers(1, 60, made.height) * DAY).alias("updated_at"))


def _dataset(name: str, contract: str | None, label: str, uses: list[str], home: str) -> dict[str, Any]:
    personal = label.startswith(("pii.", "pan", "phi"))
    return {
        "dataset_id": f"ds-{name}",
        "dataset_name": name,
        "contract": contract,
        "data_label": label,
        "has_personal_data": personal,
        "allowed_purposes": json.dumps(uses),
        "ropa_id": f"ROPA-{name}" if personal else None,
        "ropa_missing_field_count": 0,
        "residency_label": home,
        "parent_dataset_ids": "[]",
        "is_deidentified": False,
        "safe_harbor_hit_count": None,
        "zip_digit_count": None,
        "has_restricted_zip3": None,
        "has_full_date": None,
        "max_age_years": None,
        "has_pan_hash": label == "pan",
        "has_pan_truncated": False,
        "join_controls": None,
        "is_expired": False,
        "is_disposed": False,
    }


def _extract(draw: np.random.Generator, number: int, kind: str) -> dict[str, Any]:
    name = f"{kind}_extract_{number:03d}"
    match kind:
        case "health":
            row = _dataset(name, None, "internal", ["staff_benefits"], "ae-dubai")
            ages = {"max_age_years": int(draw.integers(60, 90)), "zip_digit_count": int(draw.choice((0, 3)))}
            clean = {"safe_harbor_hit_count": 0, "has_restricted_zip3": False, "has_full_date": False}
            return row | ages | clean | {"is_deidentified": True, "parent_dataset_ids": '["ds-health"]'}
        case "cards":
            row = _dataset(name, None, "pan_hash", ["settlement"], "ae-dubai")
            both = {
                "has_pan_hash": True,
                "has_pan_truncated": True,
                "join_controls": "kept in two stores, no role reads both",
            }
            return row | both | {"parent_dataset_ids": '["ds-cards"]'}
        case "old":
            row = _dataset(name, "listing", "public", ["listing_care"], "any")
            return row | {"is_expired": True, "is_disposed": True, "parent_dataset_ids": '["ds-listing"]'}
        case _:
            row = _dataset(name, "lead", "pii.contact", ["client_care", "marketing"], "ae-dubai")
            return row | {"parent_dataset_ids": '["ds-lead", "ds-property"]'}


def fields(draw: np.random.Generator, sets: pl.DataFrame, *, end: int) -> pl.DataFrame:
    """Fields of the data sets: what is personal rests encrypted, hashes of cards are keyed."""
    rows = [(f"ds-{name}", column, label) for name, *_, columns in _SETS for column, label in columns]
    for one in sets.filter(pl.col("parent_dataset_ids") != "[]").iter_rows(named=True):
        kind = one["dataset_name"].split("_")[0]
        labels = {
            "personal": ("pii.contact", "pii.id"),
            "health": ("phi", "internal"),
            "cards": ("pan_hash", "pii.financial"),
            "old": ("public", "public"),
        }[kind]
        rows += [(one["dataset_id"], f"{kind}_{place}", label) for place, label in enumerate(labels)]
    made = pl.DataFrame(rows, schema=["dataset_id", "column_name", "data_label"], orient="row")
    kept = pl.col("data_label").str.starts_with("pii.") | pl.col("data_label").is_in(["phi", "pan"])
    return made.with_columns(
        kept.alias("is_encrypted"),
        pl.when(pl.col("data_label") == "pan_hash").then(pl.lit(value=True)).alias("is_keyed"),
        moments(end - draw.integers(1, 60, made.height) * DAY).alias("updated_at"),
    )


def dataset_rows(draw: np.random.Generator, count: int, *, end: int) -> pl.DataFrame:
    """Rows with a day of retention; what is over it is held."""
    label = choose(draw, ("pii.contact", "pii.financial", "pan", "internal"), count, (0.45, 0.25, 0.15, 0.15))
    held = draw.random(count) < 0.2
    over = held & (label != "pan").to_numpy()
    day = np.where(over, end - draw.integers(5, 400, count) * DAY, end + draw.integers(5, 2000, count) * DAY)
    home = label.replace_strict(
        {"pii.contact": "ds-lead", "pii.financial": "ds-payment", "pan": "ds-cards", "internal": "ds-property"},
        return_dtype=pl.String,
    )
    return pl.DataFrame(
        {
            "dataset_id": home,
            "row_key": ids("row-", count),
            "data_label": label,
            "retention_end_date": dates(day),
            "has_legal_hold": held,
            "updated_at": moments(end - draw.integers(2, 60, count) * DAY),
        }
    )


def purposes(*, start: int) -> pl.DataFrame:
    """What data may be used for."""
    return pl.DataFrame(
        {
            "purpose": list(PURPOSES),
            "purpose_meaning": [one[0] for one in PURPOSES.values()],
            "allowed_fields": [json.dumps(one[1]) for one in PURPOSES.values()],
            "lawful_basis": [one[2] for one in PURPOSES.values()],
            "updated_at": moments(np.full(len(PURPOSES), start)),
        }
    )


def processings(draw: np.random.Generator, agreed: pl.DataFrame, *, start: int, end: int) -> pl.DataFrame:
    """Processing of people's data by the grounds it stands on; `agreed` are the consents to marketing."""
    by_consent = agreed.with_columns(
        pl.col("party_id").alias("subject_id"),
        pl.lit("marketing").alias("purpose"),
        pl.lit("consent").alias("lawful_basis"),
        pl.lit("ds-party").alias("dataset_id"),
        pl.lit("pii.contact").alias("data_label"),
    )
    by_law = agreed.with_columns(
        pl.col("party_id").alias("subject_id"),
        pl.lit("due_diligence").alias("purpose"),
        pl.lit("law").alias("lawful_basis"),
        pl.lit("ds-party").alias("dataset_id"),
        pl.lit("pii.id").alias("data_label"),
        pl.lit(None, dtype=pl.String).alias("consent_id"),
        pl.lit(None, dtype=pl.Datetime("us", "UTC")).alias("withdrawn_at"),
    )
    staff = pl.DataFrame({"subject_id": [f"person-{number:04d}" for number in range(1, 49)]}).with_columns(
        pl.lit("staff_benefits").alias("purpose"),
        pl.lit("contract").alias("lawful_basis"),
        pl.lit("ds-health").alias("dataset_id"),
        pl.lit("special.health").alias("data_label"),
        pl.lit("Art. 9(2)(b)").alias("special_category_condition"),
    )
    rows = pl.concat([by_consent, by_law, staff], how="diagonal")
    count = rows.height
    last = pl.Series("last", moments(draw.integers(start, end - HOUR, count)))
    before = pl.min_horizontal(last, pl.col("withdrawn_at") - pl.duration(hours=5))
    return rows.with_columns(
        ids("PR-", count).alias("processing_id"),
        pl.col("withdrawn_at").alias("consent_withdrawn_at"),
        before.alias("last_processed_at"),
        moments(np.full(count, end - HOUR)).alias("updated_at"),
    )


def vendors(draw: np.random.Generator, *, start: int, end: int) -> pl.DataFrame:
    """Vendors: every one that handles personal data has signed, those for health records too."""
    count = _VENDORS
    personal = draw.random(count) < 0.7
    for_health = np.arange(count) < 4
    signed = start - draw.integers(30, 700, count) * DAY
    return pl.DataFrame(
        {
            "vendor_id": ids("VE-", count, width=3),
            "vendor_name": [f"Vendor {number}" for number in range(1, count + 1)],
            "dest_country": choose(draw, ("AE", "AE", "DE", "US", "GB"), count),
            "is_in_use": draw.random(count) < 0.85,
            "has_personal_data": personal | for_health,
            "dpa_signed_at": moments(np.where(personal | for_health, signed, NEVER)),
            "baa_signed_at": moments(np.where(for_health, signed, NEVER)),
            "assessed_at": moments(end - draw.integers(10, 350, count) * DAY),
            "updated_at": moments(end - draw.integers(1, 60, count) * DAY),
        }
    )


def transfers(draw: np.random.Generator, count: int, *, start: int, end: int) -> pl.DataFrame:
    """Data that went out: that of people in the Emirates stays there, the rest is covered."""
    kinds = (
        # label, subject's region, region and country it goes to, safeguard, is health
        ("pii.contact", "ae-dubai", "ae-dubai", "AE", "processor agreement", False),
        ("pii.financial", "ae-dubai", "ae-abudhabi", "AE", "processor agreement", False),
        ("pii.contact", "gcc-riyadh", "us-east", "US", "standard clauses", False),
        ("pii.contact", "gcc-riyadh", "eu-frankfurt", "DE", "standard clauses", False),
        ("pii.contact", "eu-frankfurt", "eu-frankfurt", "DE", "processor agreement", False),
        ("pii.contact", "eu-frankfurt", "ae-dubai", "AE", "standard clauses", False),
        ("phi", "ae-dubai", "ae-abudhabi", "AE", "processor agreement", True),
    )
    which = draw.choice(len(kinds), count, p=(0.3, 0.16, 0.1, 0.1, 0.1, 0.1, 0.14))
    health = np.array([one[5] for one in kinds])[which]
    names = ("data_label", "subject_region", "dest_region", "dest_country", "safeguard")
    vendor = np.where(health, draw.integers(1, 5, count), draw.integers(5, _VENDORS + 1, count))
    rows = pl.DataFrame(
        {name: pl.Series([one[place] for one in kinds]).gather(which) for place, name in enumerate(names)}
    )
    return rows.with_columns(
        ids("TR-", count).alias("transfer_id"),
        moments(np.sort(draw.integers(start, end - HOUR, count))).alias("occurred_at"),
        pl.when(pl.Series(health)).then(pl.lit("ds-health")).otherwise(pl.lit("ds-party")).alias("dataset_id"),
        (pl.lit("VE-") + pl.Series(vendor).cast(pl.String).str.zfill(3)).alias("vendor_id"),
        pl.lit(None, dtype=pl.String).alias("exception_code"),
        ids("DI-", count).set(pl.Series(~health), None).alias("disclosure_record_id"),
    )


def sharing_rules(*, start: int) -> pl.DataFrame:
    """The data sharing policy, line by line."""
    lines = [
        (purpose, label, consumer)
        for purpose, consumers in {
            "lead_to_viewing": ("clara", "omar", "yusuf", "linda", "nina"),
            "due_diligence": ("laila", "amira"),
            "settlement": ("theodora", "laila"),
            "client_care": ("clara", "linda", "nina", "hassan"),
        }.items()
        for label in ("pii.contact", "pii.id")
        for consumer in consumers
    ]
    return pl.DataFrame(lines, schema=["purpose", "data_label", "consumer_id"], orient="row").with_columns(
        ids("SR-", len(lines), width=3).alias("sharing_rule_id"),
        ((pl.col("data_label") == "pii.contact") | (pl.col("purpose") == "due_diligence")).alias("is_allowed"),
        moments(np.full(len(lines), start)).alias("updated_at"),
    )
