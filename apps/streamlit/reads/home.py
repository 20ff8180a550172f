"""What the first page wants to know, asked in one session of the lake."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import polars as pl
import streamlit as st

from apps.streamlit.reads.lake import Pin, lake_at
from apps.streamlit.reads.question import BOOL, DATE, INT, REAL, TEXT, TIME, Question, ask

SPEND_BY_DAY = Question(
    marts=("usage_daily",),
    shape={"period_date": DATE, "cost_usd": REAL, "operation_count": INT, "error_count": INT, "unpriced_count": INT},
    sql="""
        SELECT period_date, coalesce(sum(cost_usd), 0) AS cost_usd, sum(operation_count) AS operation_count,
               sum(error_count) AS error_count, sum(unpriced_count) AS unpriced_count
        FROM mart.usage_daily
        WHERE period_date > (SELECT max(period_date) FROM mart.usage_daily) - INTERVAL 60 DAY
        GROUP BY period_date ORDER BY period_date
    """,
)
LLM_USE = Question(
    marts=("usage_daily",),
    shape={
        "operation_name": TEXT, "provider_name": TEXT, "model_name": TEXT, "operation_count": INT,
        "error_count": INT, "token_count": INT, "unpriced_count": INT, "cost_usd": REAL,
    },
    sql="""
        SELECT operation_name, provider_name, model_name, sum(operation_count) AS operation_count,
               sum(error_count) AS error_count,
               sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)) AS token_count,
               sum(unpriced_count) AS unpriced_count, coalesce(sum(cost_usd), 0) AS cost_usd
        FROM mart.usage_daily
        WHERE period_date > (SELECT max(period_date) FROM mart.usage_daily) - INTERVAL 30 DAY
        GROUP BY operation_name, provider_name, model_name
        ORDER BY cost_usd DESC, operation_count DESC LIMIT 500
    """,
)  # fmt: skip
ASSISTANTS = Question(
    marts=("assistants",),
    shape={
        "assistant_id": TEXT, "assistant_name": TEXT, "role": TEXT, "assistant_state": TEXT, "priority": TEXT,
        "is_sample": BOOL, "operation_count_30d": INT, "cost_usd_30d": REAL, "error_share_30d": REAL,
        "duration_p95_ms_30d": REAL, "task_count_30d": INT, "success_share_30d": REAL, "last_seen_at": TIME,
    },
    sql="SELECT * FROM mart.assistants ORDER BY cost_usd_30d DESC NULLS LAST, assistant_name LIMIT 500",
)  # fmt: skip
DECISIONS_BY_DAY = Question(
    marts=("decisions_daily",),
    shape={
        "period_date": DATE, "decision_kind": TEXT, "decision_count": INT, "abstained_count": INT,
        "overridden_count": INT, "success_share": REAL, "expected_cost_usd": REAL, "baseline_cost_usd": REAL,
    },
    sql="""
        SELECT * FROM mart.decisions_daily
        WHERE period_date > (SELECT max(period_date) FROM mart.decisions_daily) - INTERVAL 30 DAY
        ORDER BY period_date, decision_kind LIMIT 1000
    """,
)  # fmt: skip
KPIS = Question(
    marts=("kpi_values",),
    shape={
        "kpi_id": TEXT, "kpi_name": TEXT, "period_date": DATE, "kpi_value": REAL, "unit": TEXT, "target": REAL,
        "direction": TEXT, "value_low": REAL, "value_high": REAL, "sample_count": INT, "is_met": BOOL,
    },
    sql="""
        SELECT kpi_id, kpi_name, period_date, kpi_value, unit, target, direction, value_low, value_high,
               sample_count, is_met
        FROM (SELECT *, row_number() OVER (PARTITION BY kpi_id ORDER BY period_date DESC) AS recency
              FROM mart.kpi_values)
        WHERE recency = 1 ORDER BY is_met NULLS LAST, kpi_name LIMIT 100
    """,
)  # fmt: skip
REFUSED = Question(
    marts=("quarantine_reasons",),
    shape={"source": TEXT, "contract": TEXT, "rule": TEXT, "column_name": TEXT, "row_count": INT},
    sql="""
        SELECT source, contract, rule, column_name, sum(open_count) AS row_count
        FROM mart.quarantine_reasons GROUP BY source, contract, rule, column_name
        ORDER BY row_count DESC LIMIT 100
    """,
)
BATCHES = Question(
    marts=("ingest_batches",),
    shape={"batch_count": INT, "row_count": INT, "good_count": INT, "last_ingested_at": TIME},
    sql="""
        SELECT count(DISTINCT batch_id) AS batch_count,
               coalesce(sum(row_count), 0) AS row_count,
               coalesce(sum(good_count), 0) AS good_count, max(ingested_at) AS last_ingested_at
        FROM mart.ingest_batches
    """,
)


BUILT_AT = Question(
    shape={"snapshot_time": TIME},
    sql="SELECT snapshot_time FROM mart.snapshots() WHERE snapshot_id = $snapshot_id",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeFigures:
    """The first page's figures, all from one snapshot."""

    built_at: dt.datetime
    """When the snapshot was made."""

    spend: pl.DataFrame
    llm_use: pl.DataFrame
    assistants: pl.DataFrame
    decisions: pl.DataFrame
    kpis: pl.DataFrame
    refused: pl.DataFrame
    batches: pl.DataFrame

    @property
    def as_of(self) -> dt.date | None:
        """The last day there is usage of."""
        latest = self.spend["period_date"].max()
        return latest if isinstance(latest, dt.date) else None

    @property
    def refused_count(self) -> int:
        """Rows in quarantine, counted once for each failed check."""
        return int(self.refused["row_count"].sum())

    @property
    def unpriced(self) -> pl.DataFrame:
        """Language models with operations that have no price, most first."""
        return self.llm_use.filter(pl.col("unpriced_count") > 0).sort("unpriced_count", descending=True)

    @property
    def missed_kpis(self) -> pl.DataFrame:
        """KPIs whose last value misses the target."""
        return self.kpis.filter(pl.col("is_met").eq(other=False))


@st.cache_data(ttl=600, max_entries=16, show_spinner="Reading the lake")
def home_figures(pin: Pin) -> HomeFigures:
    """All figures of the first page at `pin`."""
    with lake_at(pin) as lake:
        return HomeFigures(
            built_at=ask(lake, pin, BUILT_AT, {"snapshot_id": pin.mart_snapshot})["snapshot_time"][0],
            spend=ask(lake, pin, SPEND_BY_DAY),
            llm_use=ask(lake, pin, LLM_USE),
            assistants=ask(lake, pin, ASSISTANTS),
            decisions=ask(lake, pin, DECISIONS_BY_DAY),
            kpis=ask(lake, pin, KPIS),
            refused=ask(lake, pin, REFUSED),
            batches=ask(lake, pin, BATCHES),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodSpend:
    """Spend of the last `days` days of data and of as many before them, in USD."""

    days: int
    cost_usd: float
    previous_usd: float | None
    operation_count: int
    daily_usd: tuple[float, ...]


def period_spend(spend: pl.DataFrame, as_of: dt.date, days: int) -> PeriodSpend:
    """The period that ends with `as_of`. Days without usage count as nothing spent.

    There is no previous amount unless there is usage from its first day on: half a period is no comparison.
    """
    start, before = as_of - dt.timedelta(days=days - 1), as_of - dt.timedelta(days=2 * days - 1)
    recent = spend.filter(pl.col("period_date") >= start)
    previous = spend.filter(pl.col("period_date").is_between(before, start, closed="left"))
    earliest = spend["period_date"].min()
    is_covered = isinstance(earliest, dt.date) and earliest <= before
    calendar = pl.DataFrame({"period_date": pl.date_range(start, as_of, "1d", eager=True)})
    daily = calendar.join(recent, on="period_date", how="left")["cost_usd"].fill_null(0.0)
    return PeriodSpend(
        days=days,
        cost_usd=float(recent["cost_usd"].sum()),
        previous_usd=float(previous["cost_usd"].sum()) if is_covered else None,
        operation_count=int(recent["operation_count"].sum()),
        daily_usd=tuple(daily.to_list()),
    )
