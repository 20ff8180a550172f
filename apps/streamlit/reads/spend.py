"""What the spend page wants to know: trust by provider-day, its causes by language model, invoices."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import polars as pl
import streamlit as st

from apps.streamlit.reads.lake import Pin, lake_at
from apps.streamlit.reads.question import BOOL, DATE, INT, REAL, TEXT, Question, ask

_FOUND = {
    "missing_count": INT, "missing_usd": REAL, "duplicate_count": INT, "duplicate_usd": REAL, "unpriced_count": INT,
    "unpriced_usd": REAL, "price_difference_usd": REAL, "difference_usd": REAL,
}  # fmt: skip
_LEGS = {
    "has_log": BOOL, "has_provider_usage": BOOL, "has_provider_cost": BOOL, "has_invoice": BOOL, "is_simulated": BOOL,
}  # fmt: skip
_SUMS = {"logged_count": INT, "provider_count": INT, "priced_usd": REAL, "provider_usd": REAL, "invoiced_usd": REAL}

DAYS = Question(
    marts=("spend_trust_daily",),
    shape={
        "period_date": DATE, "provider_name": TEXT, "trust_share": REAL, "error_share": REAL, "leg_count": INT, **_LEGS,
        **_SUMS, **_FOUND, "invoice_difference_usd": REAL,
    },
    sql="""
        SELECT * FROM mart.spend_trust_daily WHERE period_date BETWEEN $since AND $until
        ORDER BY period_date, provider_name LIMIT 20000
    """,
)  # fmt: skip
CELLS = Question(
    marts=("spend_reconciliation",),
    shape={"model_name": TEXT, **_SUMS, **_FOUND},
    sql="""
        SELECT * FROM mart.spend_reconciliation WHERE period_date = $day AND provider_name = $provider
        ORDER BY abs(difference_usd) DESC, model_name LIMIT 500
    """,
)
INVOICES = Question(
    marts=("spend_invoices",),
    shape={
        "period_date": DATE, "period_end_date": DATE, "provider_name": TEXT, "invoice_count": INT, "invoiced_usd": REAL,
        "provider_usd": REAL, "priced_usd": REAL, "provider_difference_usd": REAL, "priced_difference_usd": REAL,
    },
    sql="SELECT * FROM mart.spend_invoices ORDER BY period_date DESC, provider_name LIMIT 500",
)  # fmt: skip
EXTENT = Question(
    marts=("spend_trust_daily",),
    shape={"last_date": DATE},
    sql="SELECT max(period_date) AS last_date FROM mart.spend_trust_daily",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendFigures:
    """The page's figures of one period, all from one snapshot."""

    days: pl.DataFrame
    invoices: pl.DataFrame

    @property
    def scored(self) -> pl.DataFrame:
        """Provider-days with any account of the provider."""
        return self.days.filter(pl.col("trust_share").is_not_null())

    @property
    def trust(self) -> float | None:
        """Mean trust, weighed by the larger of bill and priced cost; None without any account."""
        scored = self.scored.with_columns(
            weight=pl.max_horizontal(
                pl.coalesce("provider_usd", "invoiced_usd").fill_null(0), "priced_usd", pl.lit(1e-6)
            )
        )
        if scored.is_empty():
            return None
        return float(scored.select((pl.col("trust_share") * pl.col("weight")).sum() / pl.col("weight").sum()).item())


@st.cache_data(ttl=600, max_entries=16, show_spinner=False)
def last_day(pin: Pin) -> dt.date | None:
    """Newest day of spend; None when there is none."""
    with lake_at(pin) as lake:
        found = ask(lake, pin, EXTENT)
    return found["last_date"][0] if found.height else None


@st.cache_data(ttl=600, max_entries=32, show_spinner="Reading the lake")
def spend_figures(pin: Pin, since: dt.date, until: dt.date) -> SpendFigures:
    """Figures of the days from `since` to `until`, both included; invoices of all time."""
    with lake_at(pin) as lake:
        return SpendFigures(
            days=ask(lake, pin, DAYS, {"since": since, "until": until}), invoices=ask(lake, pin, INVOICES)
        )


@st.cache_data(ttl=600, max_entries=64, show_spinner=False)
def spend_cells(pin: Pin, day: dt.date, provider: str) -> pl.DataFrame:
    """One provider-day by language model, the largest difference first."""
    with lake_at(pin) as lake:
        return ask(lake, pin, CELLS, {"day": day, "provider": provider})
