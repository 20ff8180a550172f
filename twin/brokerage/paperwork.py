"""What compliance keeps: papers, consents, list hits, suspicions, and the lists themselves."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from twin.brokerage.draws import DAY, HOUR, NEVER, Ints, choose, dates, ids, moments

_YEAR: Final = 365 * DAY
_LISTS: Final = ("UN consolidated list", "UAE local terrorist list")
_GROUNDS: Final = (
    "income does not fit the price",
    "funds came by way of three accounts",
    "evasive about the source of funds",
)


def documents(
    draw: np.random.Generator, sales: pl.DataFrame, *, buyer: pl.Series, seller: pl.Series, end: int
) -> pl.DataFrame:
    """Papers of deals: identity of both sides, due diligence, receipt and agreement.

    `buyer` and `seller` are ids of all people at compliance.
    """
    opened, paid = sales["_cleared"].to_numpy(), sales["_first_us"].to_numpy()
    reported = sales["rear_filed_at"].is_not_null().to_numpy()
    signed = np.maximum(sales["_mou"].to_numpy(), sales["_spa"].to_numpy())
    filed_by_report = np.where(reported, np.maximum(paid, opened), NEVER)
    has_receipt = np.where(sales["_lacks_receipt"].to_numpy(), NEVER, np.maximum(paid, filed_by_report))
    no_one: Ints = np.full(sales.height, -1)
    parts = []
    for kind, us, who, at, record_class in (
        ("buyer_id", opened, sales["_buyer"].to_numpy(), buyer, "aml"),
        ("seller_id", opened, sales["_seller"].to_numpy(), seller, "aml"),
        ("kyc_form", opened, sales["_buyer"].to_numpy(), buyer, "aml"),
        ("receipt", has_receipt, no_one, buyer, "aml"),
        ("spa", np.maximum(signed, filed_by_report), no_one, buyer, "contract"),
    ):
        here = np.flatnonzero(us != NEVER)
        person = pl.Series(who[here])
        parts.append(
            pl.DataFrame({"_deal": here, "us": us[here]}).with_columns(
                pl.lit(kind).alias("document_kind"),
                pl.lit(record_class).alias("record_class"),
                at.gather(person.clip(0)).set(person < 0, None).alias("party_id"),
            )
        )
    rows = pl.concat(parts).sort("us", "_deal", "document_kind")
    return _filed(draw, rows, sales["deal_id"].gather(rows["_deal"]), end=end).with_columns(
        sales["closed_at"].gather(rows["_deal"]).alias("_closed_at"),
        sales["rear_filed_at"].gather(rows["_deal"]).is_not_null().alias("_reported"),
    )


def health_papers(draw: np.random.Generator, count: int, *, start: int, end: int) -> pl.DataFrame:
    """Papers of the staff's health plan, kept by the law of its insurer."""
    us = np.sort(draw.integers(start, end - DAY, count))
    rows = pl.DataFrame({"us": us, "document_kind": choose(draw, ("claim", "plan_policy"), count)})
    rows = rows.with_columns(pl.lit("hipaa").alias("record_class"), pl.lit(None, dtype=pl.String).alias("party_id"))
    return _filed(draw, rows, pl.Series([None] * count, dtype=pl.String), end=end)


def _filed(draw: np.random.Generator, rows: pl.DataFrame, deal_id: pl.Series, *, end: int) -> pl.DataFrame:
    us = np.minimum(rows["us"].to_numpy() + draw.integers(1, 90, rows.height) * HOUR // 60, end - 1)
    return rows.with_columns(
        deal_id.alias("deal_id"),
        moments(us).alias("filed_at"),
        dates(us + 8 * _YEAR).alias("retention_end_date"),
        moments(us).alias("updated_at"),
    )


def numbered(rows: pl.DataFrame) -> pl.DataFrame:
    """Documents with their ids, in the order in which they were filed."""
    return rows.with_columns(ids("LX-", rows.height).alias("document_id"))


def consents(draw: np.random.Generator, rows: pl.DataFrame, *, end: int) -> pl.DataFrame:
    """One consent to marketing of each party at compliance, taken back by those who want none."""
    count = rows.height
    granted = rows["risk_rated_at"].to_physical().to_numpy()
    back = rows["is_marketing_opt_out"] | rows["has_objected"]
    withdrawn = np.where(back.to_numpy(), np.minimum(granted + draw.integers(1, 40, count) * DAY, end - HOUR), NEVER)
    return pl.DataFrame(
        {
            "consent_id": ids("LC-", count),
            "party_id": rows["party_id"],
            "consent_purpose": ["marketing"] * count,
            "is_granted": ~back,
            "channel": choose(draw, ("web form", "paper", "whatsapp"), count),
            "granted_at": moments(granted),
            "withdrawn_at": moments(withdrawn),
            "updated_at": moments(np.maximum(granted, withdrawn)),
        }
    )


def screening_hits(draw: np.random.Generator, party: pl.Series, *, start: int, end: int) -> pl.DataFrame:
    """Hits of parties on lists: most are dismissed, the others acted on within hours."""
    count = len(party)
    found = np.sort(draw.integers(start, end - 12 * DAY, count))
    kind = choose(draw, ("dismissed", "partial", "confirmed"), count, (0.55, 0.3, 0.15))
    acted = found + draw.integers(1, 20, count) * HOUR
    told = acted + draw.integers(1, 4, count) * DAY
    confirmed, partial = (kind == "confirmed").to_numpy(), (kind == "partial").to_numpy()
    return pl.DataFrame(
        {
            "screening_hit_id": ids("LH-", count),
            "party_id": party,
            "match_kind": kind,
            "list_name": choose(draw, _LISTS, count),
            "match_share": np.round(
                np.where(confirmed, 0.97, np.where(partial, 0.82, 0.6)) + draw.uniform(-0.03, 0.03, count), 3
            ),
            "found_at": moments(found),
            "frozen_at": moments(np.where(confirmed, acted, NEVER)),
            "suspended_at": moments(np.where(partial, acted, NEVER)),
            "ffr_filed_at": moments(np.where(confirmed, told, NEVER)),
            "pnmr_filed_at": moments(np.where(partial, told, NEVER)),
            "updated_at": moments(told),
        }
    )


def suspicions(draw: np.random.Generator, party: pl.Series, *, start: int, end: int) -> pl.DataFrame:
    """Suspicions: looked into, then dismissed or reported."""
    count = len(party)
    found = np.sort(draw.integers(start, end - 6 * DAY, count))
    status = choose(draw, ("dismissed", "open", "confirmed"), count, (0.5, 0.25, 0.25))
    filed = np.where((status == "confirmed").to_numpy(), found + draw.integers(2, 40, count) * HOUR, NEVER)
    return pl.DataFrame(
        {
            "suspicion_id": ids("LS-", count),
            "suspicion_status": status,
            "party_id": party,
            "found_at": moments(found),
            "suspicion_grounds": choose(draw, _GROUNDS, count),
            "str_filed_at": moments(filed),
            "updated_at": moments(np.maximum(found + DAY, filed)),
        }
    )


def sanctions_lists(*, last_list_at: int) -> pl.DataFrame:
    """The two lists, as they were last changed."""
    return pl.DataFrame(
        {
            "sanctions_list_id": ["un_consolidated", "uae_local"],
            "list_name": list(_LISTS),
            "entry_count": [1012, 96],
            "updated_at": moments(np.array([last_list_at, last_list_at - 17 * DAY])),
        }
    )
