"""What the costs page wants to know: spend and speed of a period, by day, assistant, language model."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import polars as pl
import streamlit as st

from apps.streamlit.reads.lake import Pin, lake_at
from apps.streamlit.reads.question import DATE, INT, REAL, TEXT, Question, ask

_MEASURES = """
    coalesce(sum(cost_usd), 0) AS cost_usd, sum(operation_count) AS operation_count, sum(error_count) AS error_count,
    sum(unpriced_count) AS unpriced_count,
    sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)) AS token_count,
    sum(coalesce(cache_read_input_tokens, 0)) AS cache_read_input_tokens
"""
_MEASURE_SHAPE = {
    "cost_usd": REAL, "operation_count": INT, "error_count": INT, "unpriced_count": INT, "token_count": INT,
    "cache_read_input_tokens": INT,
}  # fmt: skip
# Percentiles of days cannot be joined to one of the period: a day counts by its calls, and the page says so.
_SPEED = """
    sum(duration_p50_ms * operation_count) FILTER (duration_p50_ms IS NOT NULL)
        / sum(operation_count) FILTER (duration_p50_ms IS NOT NULL) AS duration_p50_ms,
    sum(duration_p95_ms * operation_count) FILTER (duration_p95_ms IS NOT NULL)
        / sum(operation_count) FILTER (duration_p95_ms IS NOT NULL) AS duration_p95_ms,
    sum(duration_p99_ms * operation_count) FILTER (duration_p99_ms IS NOT NULL)
        / sum(operation_count) FILTER (duration_p99_ms IS NOT NULL) AS duration_p99_ms
"""
_SPEED_SHAPE = {"duration_p50_ms": REAL, "duration_p95_ms": REAL, "duration_p99_ms": REAL}
_PERIOD = "period_date BETWEEN $since AND $until"

EXTENT = Question(
    marts=("usage_daily",),
    shape={"first_date": DATE, "last_date": DATE},
    sql="SELECT min(period_date) AS first_date, max(period_date) AS last_date FROM mart.usage_daily",
)
BY_DAY = Question(
    marts=("usage_daily",),
    shape={"period_date": DATE, **_MEASURE_SHAPE, **_SPEED_SHAPE},
    sql=f"SELECT period_date, {_MEASURES}, {_SPEED} FROM mart.usage_daily WHERE {_PERIOD} GROUP BY 1 ORDER BY 1",
)
BY_ASSISTANT_DAY = Question(
    marts=("usage_daily", "assistants"),
    shape={"period_date": DATE, "assistant_name": TEXT, **_MEASURE_SHAPE, **_SPEED_SHAPE},
    sql=f"""
        SELECT period_date, coalesce(assistant_name, assistant_id, 'No assistant named') AS assistant_name,
               {_MEASURES}, {_SPEED}
        FROM mart.usage_daily LEFT JOIN mart.assistants USING (assistant_id)
        WHERE {_PERIOD} GROUP BY 1, 2 ORDER BY 1, 2 LIMIT 20000
    """,
)
BY_LLM_DAY = Question(
    marts=("usage_daily",),
    shape={"period_date": DATE, "provider_name": TEXT, "model_name": TEXT, **_MEASURE_SHAPE, **_SPEED_SHAPE},
    sql=f"""
        SELECT period_date, coalesce(provider_name, 'No provider named') AS provider_name,
               coalesce(model_name, 'Not named') AS model_name, {_MEASURES}, {_SPEED}
        FROM mart.usage_daily WHERE {_PERIOD} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 LIMIT 20000
    """,
)
BY_COST_SOURCE_DAY = Question(
    marts=("cost_daily",),
    shape={"period_date": DATE, "cost_source": TEXT, "cost_usd": REAL, "operation_count": INT, "unpriced_count": INT},
    sql=f"""
        SELECT period_date, cost_source, coalesce(sum(cost_usd), 0) AS cost_usd,
               sum(operation_count) AS operation_count, sum(unpriced_count) AS unpriced_count
        FROM mart.cost_daily WHERE {_PERIOD} GROUP BY 1, 2 ORDER BY 1, 2
    """,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CostFigures:
    """The costs page's figures of one period, all from one snapshot; each has a row a day."""

    by_day: pl.DataFrame
    by_assistant: pl.DataFrame
    by_llm: pl.DataFrame
    by_cost_source: pl.DataFrame


@st.cache_data(ttl=600, max_entries=16, show_spinner=False)
def usage_extent(pin: Pin) -> tuple[dt.date, dt.date] | None:
    """First and last day with usage; None when there is none."""
    with lake_at(pin) as lake:
        found = ask(lake, pin, EXTENT)
    first, last = found.row(0) if found.height else (None, None)
    return None if first is None or last is None else (first, last)


@st.cache_data(ttl=600, max_entries=32, show_spinner="Reading the lake")
def cost_figures(pin: Pin, since: dt.date, until: dt.date) -> CostFigures:
    """Figures of the days from `since` to `until`, both included."""
    period = {"since": since, "until": until}
    with lake_at(pin) as lake:
        return CostFigures(
            by_day=ask(lake, pin, BY_DAY, period),
            by_assistant=ask(lake, pin, BY_ASSISTANT_DAY, period),
            by_llm=ask(lake, pin, BY_LLM_DAY, period),
            by_cost_source=ask(lake, pin, BY_COST_SOURCE_DAY, period),
        )


def totals(frame: pl.DataFrame, *dimensions: str) -> pl.DataFrame:
    """The period's sums by `dimensions`, dearest first, with shares; speed is the calls' mean of the days'."""
    speeds = [name for name in _SPEED_SHAPE if name in frame.columns]
    sums = [name for name in _MEASURE_SHAPE if name in frame.columns]
    weighted = [
        (pl.col(name) * pl.col("operation_count")).sum()
        / pl.col("operation_count").filter(pl.col(name).is_not_null()).sum()
        for name in speeds
    ]
    grouped = frame.group_by(*dimensions).agg(
        *[pl.col(name).sum() for name in sums],
        *[expression.alias(name) for expression, name in zip(weighted, speeds, strict=True)],
    )
    spent = float(frame["cost_usd"].sum())
    share = pl.col("cost_usd") / spent if spent else pl.lit(0.0)
    errors = [(pl.col("error_count") / pl.col("operation_count")).alias("error_share")] if "error_count" in sums else []
    # What has no price at all is unknown, not 0.
    is_known = pl.col("unpriced_count") < pl.col("operation_count")
    return grouped.with_columns(
        pl.when(is_known).then("cost_usd").alias("cost_usd"),
        pl.when(is_known).then(share).alias("cost_share"),
        *errors,
        *[pl.col(name).fill_nan(None) for name in speeds],
    ).sort(
        "cost_usd", "operation_count", *dimensions, descending=[True, True, *[False] * len(dimensions)], nulls_last=True
    )
