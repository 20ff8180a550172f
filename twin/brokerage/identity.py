"""Who may act in the company's systems, what they may see, and what they did with data: trails included."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from twin.brokerage.draws import DAY, HOUR, Flags, choose, ids, moments

TENANT: Final = "almasa"
"""The brokerage itself, as its identity provider calls it. Sister companies share the identity provider."""
SISTERS: Final = 18
STAFF: Final = 48
ROLES: Final = {
    # role: (what for, scopes, labels, fields of health records)
    "agent": ("Sells and lets.", ["lead:write", "viewing:write"], ["pii.contact"], []),
    "sales_manager": ("Leads agents.", ["lead:read", "deal:read"], ["pii.contact"], []),
    "compliance_officer": ("Answers to the regulators.", ["deal:read", "audit:read"], ["pii.id", "pii.financial"], []),
    "finance": ("Books and pays.", ["payment:write"], ["pii.financial", "pan"], []),
    "benefits": (
        "Runs the staff's health plan.",
        ["health:read"],
        ["phi"],
        ["member_id", "claim_amount", "claim_date"],
    ),
    "data_engineer": ("Runs the pipelines.", ["lake:write"], ["internal"], []),
}
ACCESSES: Final = (
    # role, dataset, purpose, label, scope, fields: every one of them is allowed
    ("agent", "ds-lead", "lead_to_viewing", "pii.contact", None, ["full_name", "phone"]),
    ("agent", "ds-party", "lead_to_viewing", "pii.contact", None, ["full_name", "preferred_location"]),
    ("sales_manager", "ds-lead", "client_care", "pii.contact", None, ["full_name", "lead_status"]),
    ("sales_manager", "ds-deal", "offer_to_contract", "pii.financial", None, ["price_aed", "deal_stage"]),
    ("compliance_officer", "ds-party", "due_diligence", "pii.id", None, ["emirates_id", "passport_no"]),
    ("compliance_officer", "ds-deal", "due_diligence", "pii.financial", None, ["source_of_funds", "cash_total_aed"]),
    ("finance", "ds-payment", "settlement", "pii.financial", None, ["amount_aed", "payee_account"]),
    ("finance", "ds-cards", "settlement", "pan", "cde", ["card_token", "amount_aed"]),
    ("benefits", "ds-health", "staff_benefits", "phi", None, ["member_id", "claim_amount"]),
    ("benefits", "ds-health", "staff_benefits", "phi", None, ["member_id", "claim_date"]),
    ("data_engineer", "ds-listing", "listing_care", "public", None, ["permit_no", "price_aed"]),
)
_WEIGHTS: Final = (14, 10, 8, 6, 10, 8, 8, 6, 7, 7, 10)
_EVENTS: Final = ("deal_reviewed", "document_filed", "party_screened", "check_passed", "report_approved")


def tenants(draw: np.random.Generator, *, end: int) -> pl.DataFrame:
    """The brokerage and its sister companies, as their compliance duties see them."""
    count = 1 + SISTERS
    trained = end - draw.integers(20, 300, count) * DAY
    return pl.DataFrame(
        {
            "tenant_id": [TENANT, *(f"almasa-{number:02d}" for number in range(1, count))],
            "tenant_name": ["Almasa Real Estate", *(f"Almasa Branch {number}" for number in range(1, count))],
            "industry": ["real_estate"] * count,
            "compliance_officer_id": ["person-0001"] * count,
            "dpo_id": ["person-0005"] * count,
            "last_aml_training_at": moments(trained),
            "sensitive_subject_count": draw.integers(200, 4000, count),
            "is_profiling": draw.random(count) < 0.4,
            "updated_at": moments(end - draw.integers(1, 20, count) * DAY),
        }
    )


def principals(draw: np.random.Generator, assistants: Sequence[str], *, start: int, end: int) -> pl.DataFrame:
    """Staff, assistants and services that can act."""
    people = [f"person-{number:04d}" for number in range(1, STAFF + 1)]
    services = ["service-ingest", "service-backup", "service-portal", "service-mail"]
    kinds = ["person"] * STAFF + ["assistant"] * len(assistants) + ["service"] * len(services)
    count = len(kinds)
    left = np.array([kind == "person" for kind in kinds]) & (np.arange(count) > 40)
    roles = [json.dumps([name]) for name in (list(ROLES) * count)[:count]]
    return pl.DataFrame(
        {
            "principal_id": [*people, *assistants, *services],
            "principal_kind": kinds,
            "principal_state": pl.Series(["active"] * count).zip_with(~pl.Series(left), pl.Series(["left"] * count)),
            "role_names": roles,
            "tenant_id": [TENANT] * count,
            "created_at": moments(start - draw.integers(30, 900, count) * DAY),
            "updated_at": moments(end - draw.integers(1, 80, count) * DAY),
        }
    )


def roles(*, start: int) -> pl.DataFrame:
    """The roles and what they admit."""
    return pl.DataFrame(
        {
            "role_name": list(ROLES),
            "role_meaning": [one[0] for one in ROLES.values()],
            "scopes": [json.dumps(one[1]) for one in ROLES.values()],
            "visible_labels": [json.dumps(one[2]) for one in ROLES.values()],
            "phi_fields": [json.dumps(one[3]) for one in ROLES.values()],
            "updated_at": moments(np.full(len(ROLES), start)),
        }
    )


def grants(draw: np.random.Generator, known: pl.DataFrame, *, start: int, end: int) -> pl.DataFrame:
    """Two roles for each principal; those of people who left are closed."""
    rows = pl.concat([known, known]).select("principal_id", "principal_state")
    count = rows.height
    role = choose(draw, list(ROLES), count)
    in_cde = (role == "finance") & pl.Series(draw.random(count) < 0.8)
    sees_pan = in_cde & pl.Series(draw.random(count) < 0.5)
    return rows.with_columns(
        ids("GR-", count).alias("grant_id"),
        role.alias("role_name"),
        pl.Series(["cde"] * count).set(~in_cde, None).alias("data_scope"),
        (pl.col("principal_state") == "active").alias("is_active"),
        pl.lit(value=False).alias("is_shared_account"),
        choose(draw, (900, 1800, 3600), count).alias("session_ttl_s"),
        sees_pan.alias("has_full_pan_view"),
        pl.Series(["chargebacks are settled by card number"] * count).set(~sees_pan, None).alias("business_need"),
        pl.Series("has_mfa", in_cde.to_numpy() | (draw.random(count) < 0.7)),
        moments(start - draw.integers(10, 500, count) * DAY).alias("granted_at"),
        moments(end - draw.integers(2, 80, count) * DAY).alias("last_reviewed_at"),
        moments(end - draw.integers(1, 40, count) * HOUR).alias("updated_at"),
    )


def accesses(draw: np.random.Generator, count: int, *, start: int, end: int) -> pl.DataFrame:
    """Accesses to data, each with its entry in the trail."""
    us = np.sort(draw.integers(start, end - HOUR, count))
    which = draw.choice(len(ACCESSES), count, p=np.array(_WEIGHTS) / sum(_WEIGHTS))
    names = ("role_name", "dataset_id", "purpose", "data_label", "data_scope")
    said = {
        name: pl.Series([one[place] for one in ACCESSES], dtype=pl.String).gather(which)
        for place, name in enumerate(names)
    }
    return pl.DataFrame(said).with_columns(
        ids("AC-", count, width=7).alias("access_event_id"),
        moments(us).alias("occurred_at"),
        (pl.lit("person-") + pl.Series(draw.integers(1, 41, count)).cast(pl.String).str.zfill(4)).alias("principal_id"),
        pl.lit(TENANT).alias("principal_tenant_id"),
        pl.lit(TENANT).alias("resource_tenant_id"),
        pl.format("lake/{}", pl.col("dataset_id").str.slice(3)).alias("resource"),
        pl.Series([json.dumps(one[5]) for one in ACCESSES]).gather(which).alias("field_names"),
        pl.Series("is_access_granted", draw.random(count) < 0.97),
        ids("GA-", count, width=7).alias("audit_event_id"),
    )


def rendered_fields(draw: np.random.Generator, count: int, *, start: int, end: int) -> pl.DataFrame:
    """Card numbers as pages showed them."""
    role = choose(draw, ("finance", "sales_manager", "agent"), count)
    allowed = role.replace_strict({"finance": 10, "sales_manager": 4, "agent": 4}, return_dtype=pl.Int64)
    return pl.DataFrame(
        {
            "rendered_field_id": ids("RF-", count),
            "occurred_at": moments(np.sort(draw.integers(start, end - HOUR, count))),
            "page_name": choose(draw, ("Payments", "Refunds", "Deal"), count),
            "column_name": ["card_number"] * count,
            "role_name": role,
            "data_label": ["pan"] * count,
            "visible_pan_digit_count": allowed - pl.Series(draw.choice((0, 0, 0, 4), count)).clip(0, allowed),
            "allowed_pan_digit_count": allowed,
        }
    )


def chained(rows: pl.DataFrame, *, tampered: Flags, lost: Flags) -> pl.DataFrame:
    """The rows as a trail: each with the hash of the one before it.

    `tampered` entries carry another hash than the one before them has; `lost` ones were taken out afterwards.
    """
    before: str | None = None
    given: list[str | None] = []
    hashes: list[str] = []
    facts = rows.select("audit_event_id", "event_kind").rows()
    for number, (fact, is_tampered) in enumerate(zip(facts, tampered.tolist(), strict=True)):
        prev = hashlib.sha256(f"other {number}".encode()).hexdigest() if is_tampered else before
        before = hashlib.sha256(f"{prev}|{number}|{fact[0]}|{fact[1]}".encode()).hexdigest()
        given.append(prev)
        hashes.append(before)
    made = rows.with_columns(
        pl.int_range(0, rows.height, dtype=pl.Int64).alias("audit_seq"),
        pl.Series("prev_hash", given, dtype=pl.String),
        pl.Series("event_hash", hashes),
        pl.Series("_tampered", tampered),
        pl.Series("_after_gap", np.concatenate(([False], lost[:-1])) & ~lost),
    )
    return made.filter(~pl.Series(lost))


def access_trail(seen: pl.DataFrame) -> pl.DataFrame:
    """The trail's entries of accesses, before they are chained."""
    return seen.select(
        "audit_event_id",
        "occurred_at",
        pl.lit("data_read").alias("event_kind"),
        pl.col("principal_id").alias("actor_id"),
        pl.lit("access_event").alias("about_contract"),
        pl.col("access_event_id").alias("about_id"),
        pl.lit("Data was read.").alias("summary"),
    )


def compliance_trail(
    draw: np.random.Generator, sales: pl.DataFrame, count: int, *, start: int, end: int
) -> pl.DataFrame:
    """What compliance did, before it is chained."""
    about = sales["deal_id"].gather(draw.integers(0, sales.height, count))
    return pl.DataFrame(
        {
            "audit_event_id": ids("LA-", count, width=7),
            "occurred_at": moments(np.sort(draw.integers(start, end - HOUR, count))),
            "event_kind": choose(draw, _EVENTS, count),
            "actor_id": ["laila"] * count,
            "about_contract": ["deal"] * count,
            "about_id": about,
            "summary": ["Compliance work on a deal."] * count,
        }
    )
