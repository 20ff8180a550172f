"""What finance, sales and compliance report of the life: entries in the books, conversions, checks, standing."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
import polars as pl

from twin.brokerage.draws import DAY, HOUR, NEVER, Ints, ids, moments
from twin.brokerage.funnel import Funnel

_REGIMES: Final = (
    ("theodora", "uae_aml"), ("theodora", "dld"), ("laila", "uae_aml"), ("laila", "rera"), ("laila", "dld"), ("laila", "uae_pdpl"),
)  # fmt: skip
_CHECKS: Final = (
    # regime, rule, hidden moment at which it is checked
    ("uae_aml", "AML-001", "_reservation"),
    ("uae_aml", "AML-016", "_reservation"),
    ("dld", "DLD-001", "_mou"),
    ("rera", "RERA-005", "_payment"),
)


def entries(paid: pl.DataFrame, sales: pl.DataFrame, *, end: int) -> pl.DataFrame:
    """Money in and out as booked: each payment, commissions of closed sales, refunds of those called off."""
    came = paid.select(
        pl.lit("deposit").alias("transaction_kind"),
        pl.col("received_at").alias("occurred_at"),
        pl.col("amount_aed").alias("booked_aed"),
        "deal_id",
        "payment_id",
        pl.col("payer_party_id").alias("counterparty_id"),
        "approver_id",
    )
    earned = sales.filter(pl.col("_closed") != NEVER).select(
        pl.lit("commission").alias("transaction_kind"),
        pl.col("closed_at").alias("occurred_at"),
        pl.col("commission_aed").alias("booked_aed"),
        "deal_id",
        pl.lit(None, dtype=pl.String).alias("payment_id"),
        pl.col("seller_party_id").alias("counterparty_id"),
        pl.lit("person-0003").alias("approver_id"),
    )
    off = sales.filter((pl.col("_called_off") != NEVER) & (pl.col("_first_us") != NEVER)).select(
        pl.lit("refund").alias("transaction_kind"),
        moments_of("_called_off").alias("occurred_at"),
        (-pl.col("_first_aed")).alias("booked_aed"),
        "deal_id",
        pl.lit(None, dtype=pl.String).alias("payment_id"),
        pl.col("buyer_party_id").alias("counterparty_id"),
        pl.lit("person-0004").alias("approver_id"),
    )
    rows = pl.concat([came, earned, off]).sort("occurred_at", "deal_id", "transaction_kind", "payment_id")
    rows = rows.filter(pl.col("occurred_at") <= moments(np.array([end]))[0])
    return rows.with_columns(
        ids("TE-", rows.height).alias("transaction_id"),
        pl.lit("theodora").alias("assistant_id"),
        pl.lit(value=False).alias("is_reversal"),
    )


def moments_of(column: str) -> pl.Expr:
    """A hidden column of microseconds as times."""
    return pl.when(pl.col(column) != NEVER).then(pl.col(column)).cast(pl.Datetime("us", "UTC"))


def conversions(made: Funnel, *, booked: Ints, start: int, end: int) -> pl.DataFrame:
    """Leads that entered a stage in a week, and how many of them came to the next one, by channel."""
    stages = ("enquired", "contacted", "qualified", "viewed", "offered", "booked")
    at = {name: getattr(made, name) for name in stages[:-1]} | {"booked": booked}
    parts = []
    for one, other in pairwise(stages):
        here = np.flatnonzero(at[one] != NEVER)
        parts.append(
            pl.DataFrame(
                {
                    "week": (at[one][here] - start) // (7 * DAY),
                    "channel": made.channel.gather(here),
                    "came": at[other][here] != NEVER,
                }
            )
            .group_by("week", "channel")
            .agg(
                pl.len().cast(pl.Int64).alias("entered_count"),
                pl.col("came").sum().cast(pl.Int64).alias("converted_count"),
            )
            .with_columns(
                pl.lit(one).alias("from_stage"),
                pl.lit(other).alias("to_stage"),
                pl.lit(stages.index(one)).alias("place"),
            )
        )
    rows = pl.concat(parts).sort("week", "channel", "place")
    began = start + rows["week"].to_numpy() * 7 * DAY
    return rows.with_columns(
        ids("CS-", rows.height).alias("conversion_stat_id"),
        pl.lit("clara").alias("assistant_id"),
        moments(began).alias("started_at"),
        moments(np.minimum(began + 7 * DAY, end)).alias("ended_at"),
    )


def checks(sales: pl.DataFrame, *, end: int) -> pl.DataFrame:
    """Compliance's checks of deals that keep the rules, each before its stage."""
    kept = sales.filter(~pl.col("_case"))
    parts = [
        kept.filter(pl.col(moment) != NEVER).select(
            pl.lit(regime).alias("regime"),
            pl.lit(rule_id).alias("rule_id"),
            pl.col("deal_id").alias("about_id"),
            moments_of(moment).alias("checked_at"),
        )
        for regime, rule_id, moment in _CHECKS
    ]
    rows = pl.concat(parts).sort("checked_at", "about_id", "rule_id")
    return rows.filter(pl.col("checked_at") < moments(np.array([end]))[0]).with_columns(
        ids("LK-", rows.height).alias("regulatory_check_id"),
        pl.lit("laila").alias("assistant_id"),
        pl.lit("deal").alias("about_contract"),
        pl.lit("pass").alias("verdict"),
        pl.concat_str(pl.lit('{"deal_id": "'), "about_id", pl.lit('"}')).alias("evidence"),
    )


def standings(*, start: int, end: int) -> pl.DataFrame:
    """Where the company stands towards each regime, as two assistants say each week."""
    weeks = np.arange(start + 7 * DAY, end, 7 * DAY)
    if not len(weeks):
        weeks = np.array([end - HOUR])
    count = len(weeks)
    parts = [
        pl.DataFrame({"us": weeks}).with_columns(
            pl.lit(f"{assistant_id}-{regime}").alias("compliance_status_id"),
            pl.lit(assistant_id).alias("assistant_id"),
            pl.lit(regime).alias("regime"),
            pl.Series("posture", ["compliant"] * (count - 1) + ["pending_review" if regime == "rera" else "compliant"]),
            moments(weeks).alias("checked_at"),
            moments(weeks).alias("updated_at"),
        )
        for assistant_id, regime in _REGIMES
    ]
    return pl.concat(parts)
