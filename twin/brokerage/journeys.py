"""The cases that the brokerage's work belongs to: journeys of leads, care for listings, days of the offices."""

from __future__ import annotations

from typing import Final

import polars as pl

from twin.brokerage.asked import CASE_PREFIXES, deal_cases, lead_cases
from twin.brokerage.draws import DAY, NEVER, Ints
from twin.brokerage.funnel import Funnel

_WORKFLOWS: Final = {
    CASE_PREFIXES["lead"]: "lead_to_deal",
    CASE_PREFIXES["deal"]: "lead_to_deal",
    CASE_PREFIXES["unit"]: "listing_care",
    CASE_PREFIXES["office"]: "office_day",
}
_TIME: Final = pl.Datetime("us", "UTC")


def workflow_cases(tasks: pl.DataFrame, made: Funnel, sales: pl.DataFrame, *, end: int) -> pl.DataFrame:
    """One row a case that asked for work. A journey is over when its lead is lost or its deal closed or called off."""
    is_office = pl.col("case_id").str.starts_with(CASE_PREFIXES["office"])
    is_past = pl.col("_last") < pl.lit(end - 2 * DAY).cast(_TIME)
    ended = pl.when(pl.col("ended_us").is_not_null()).then(pl.max_horizontal(pl.col("ended_us").cast(_TIME), "_last"))
    rows = tasks.group_by("case_id", maintain_order=True).agg(
        pl.col("requested_at").min().alias("started_at"),
        pl.col("requested_at").max().alias("_last"),
        pl.col("subject_id").drop_nulls().first(),
    )
    return (
        rows.join(_ended(made, sales), on="case_id", how="left", maintain_order="left")
        .with_columns(ended.when(is_office & is_past).then("_last").alias("ended_at"))
        .with_columns(
            pl.when(pl.col("ended_at").is_null())
            .then(pl.lit("open"))
            .otherwise(pl.lit("completed"))
            .alias("case_state"),
            pl.col("case_id").str.slice(0, 6).replace_strict(_WORKFLOWS, return_dtype=pl.String).alias("workflow_id"),
            (pl.col("ended_at") - pl.col("started_at")).dt.total_milliseconds().alias("duration_ms"),
            pl.lit(value=False).alias("is_error"),
            pl.lit("medium").alias("priority"),
            pl.coalesce("ended_at", "_last").alias("updated_at"),
        )
        .sort("started_at", "case_id")
    )


def _ended(made: Funnel, sales: pl.DataFrame) -> pl.DataFrame:
    """Cases that are over, and when."""
    over: Ints = made.lost.copy()
    done = sales.select("_lead", pl.max_horizontal("_closed", "_called_off").alias("us"))
    of_lead = done.filter(pl.col("_lead") >= 0)
    over[of_lead["_lead"].to_numpy()] = of_lead["us"].to_numpy()
    leads = pl.DataFrame({"case_id": lead_cases(made.count), "ended_us": over})
    walked_in = pl.DataFrame({"case_id": deal_cases(sales.height), "ended_us": done["us"]}).filter(done["_lead"] < 0)
    return pl.concat([leads, walked_in]).filter(pl.col("ended_us") != NEVER)
