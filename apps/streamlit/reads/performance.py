"""What the performance page wants to know: the fleet's days of a period, its handoffs, KPIs and shares."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import polars as pl
import streamlit as st

from apps.streamlit.reads.lake import Pin, lake_at
from apps.streamlit.reads.question import BOOL, DATE, INT, REAL, TEXT, Question, ask

KPI_IDS = (
    "kpi_ecosystem_uptime", "kpi_cross_assistant_latency_p95", "kpi_handoff_error_rate", "kpi_agent_success_rate",
    "kpi_ai_operation_error_rate", "kpi_ai_operation_response_p95", "kpi_manual_intervention_rate",
    "kpi_decision_latency_p95",
)  # fmt: skip
"""KPIs of the fleet at work, the plan's technical ones first."""

EXTENT = Question(
    marts=("assistants_daily",),
    shape={"first_date": DATE, "last_date": DATE},
    sql="""
        SELECT min(period_date) AS first_date, max(period_date) AS last_date FROM mart.assistants_daily
        WHERE task_count > 0 OR operation_count > 0
    """,
)
DAYS = Question(
    marts=("assistants_daily", "assistants"),
    shape={
        "period_date": DATE, "assistant_id": TEXT, "assistant_name": TEXT, "task_count": INT, "settled_count": INT,
        "success_count": INT, "task_p50_ms": REAL, "task_p95_ms": REAL, "task_p99_ms": REAL, "operation_count": INT,
        "error_count": INT, "duration_p50_ms": REAL, "duration_p95_ms": REAL, "duration_p99_ms": REAL,
        "cost_usd": REAL, "unpriced_count": INT, "conversation_count": INT, "watched_s": REAL, "up_s": REAL,
        "handoff_count": INT, "handoff_error_count": INT, "quality_mean": REAL,
    },
    sql="""
        SELECT days.*, coalesce(fleet.assistant_name, days.assistant_id) AS assistant_name
        FROM mart.assistants_daily AS days LEFT JOIN mart.assistants AS fleet USING (assistant_id)
        WHERE period_date BETWEEN $since AND $until ORDER BY period_date, assistant_id LIMIT 50000
    """,
)  # fmt: skip
HANDOFFS = Question(
    marts=("handoffs_daily",),
    shape={
        "period_date": DATE, "from_assistant_id": TEXT, "handoff_count": INT, "decided_count": INT,
        "handoff_error_count": INT, "breach_count": INT, "latency_p50_ms": REAL, "latency_p95_ms": REAL,
        "latency_p99_ms": REAL,
    },
    sql="""
        SELECT * FROM mart.handoffs_daily WHERE period_date BETWEEN $since AND $until
        ORDER BY period_date, from_assistant_id, to_assistant_id LIMIT 100000
    """,
)  # fmt: skip
COSTS = Question(
    marts=("assistant_skills_daily",),
    shape={"assistant_id": TEXT, "settled_cost_usd": REAL, "success_cost_usd": REAL, "task_cost_usd": REAL,
           "priced_count": INT},
    sql="""
        SELECT assistant_id, sum(settled_cost_usd) AS settled_cost_usd, sum(success_cost_usd) AS success_cost_usd,
               sum(cost_usd) AS task_cost_usd, sum(priced_count) AS priced_count
        FROM mart.assistant_skills_daily WHERE period_date BETWEEN $since AND $until GROUP BY 1 ORDER BY 1
    """,
)  # fmt: skip
OVERRIDES = Question(
    marts=("assistant_decisions_daily",),
    shape={"assistant_id": TEXT, "chosen_count": INT, "override_count": INT},
    sql="""
        SELECT assistant_id, sum(chosen_count) AS chosen_count, sum(override_count) AS override_count
        FROM mart.assistant_decisions_daily WHERE period_date BETWEEN $since AND $until GROUP BY 1 ORDER BY 1
    """,
)
KPIS = Question(
    marts=("kpi_values",),
    shape={
        "kpi_id": TEXT, "kpi_name": TEXT, "period_date": DATE, "kpi_value": REAL, "unit": TEXT, "target": REAL,
        "direction": TEXT, "value_low": REAL, "value_high": REAL, "sample_count": INT, "is_met": BOOL,
    },
    sql=f"""
        SELECT * FROM mart.kpi_values
        WHERE kpi_id IN ('{"', '".join(KPI_IDS)}') AND period_date BETWEEN $since AND $until
        ORDER BY kpi_id, period_date LIMIT 20000
    """,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceFigures:
    """The page's figures of one period, all from one snapshot."""

    days: pl.DataFrame
    handoffs: pl.DataFrame
    costs: pl.DataFrame
    overrides: pl.DataFrame
    kpis: pl.DataFrame

    def of(self, assistants: list[str]) -> PerformanceFigures:
        """The same of some assistants; handoffs are theirs who sent them. KPIs stay the whole fleet's."""
        if not assistants:
            return self
        return PerformanceFigures(
            days=self.days.filter(pl.col("assistant_id").is_in(assistants)),
            handoffs=self.handoffs.filter(pl.col("from_assistant_id").is_in(assistants)),
            costs=self.costs.filter(pl.col("assistant_id").is_in(assistants)),
            overrides=self.overrides.filter(pl.col("assistant_id").is_in(assistants)),
            kpis=self.kpis,
        )

    @property
    def cross_assistant_success(self) -> float | None:
        """Handoffs accepted or completed over those that were decided."""
        decided = int(self.handoffs["decided_count"].sum())
        return None if not decided else 1 - int(self.handoffs["handoff_error_count"].sum()) / decided

    @property
    def cost_efficiency(self) -> float | None:
        """Cost of tasks that succeeded over the cost of all tasks with a known cost and result."""
        whole = float(self.costs["settled_cost_usd"].sum() or 0)
        return None if not whole else float(self.costs["success_cost_usd"].sum() or 0) / whole

    @property
    def success(self) -> float | None:
        """Tasks that succeeded over tasks with a known result."""
        settled = int(self.days["settled_count"].sum())
        return None if not settled else int(self.days["success_count"].sum()) / settled

    def mean(self, kpi_id: str) -> float | None:
        """Mean of a KPI's days, weighed by what was observed; None without a day."""
        rows = self.kpis.filter(pl.col("kpi_id") == kpi_id, pl.col("kpi_value").is_not_null())
        return _weighed(rows, "kpi_value", "sample_count")

    def latency_by_day(self, kind: str) -> pl.DataFrame:
        """p50, p95 and p99 by day: exact for one assistant, else each counts by its work."""
        frame, prefix, weight = {
            "AI operations": (self.days, "duration", "operation_count"),
            "Tasks": (self.days, "task", "task_count"),
            "Handoffs": (self.handoffs, "latency", "handoff_count"),
        }[kind]
        names = {f"{prefix}_{rank}_ms": f"duration_{rank}_ms" for rank in ("p50", "p95", "p99")}
        known = [
            ((pl.col(name) * pl.col(weight)).sum() / pl.col(weight).filter(pl.col(name).is_not_null()).sum())
            .fill_nan(None)
            .alias(said)
            for name, said in names.items()
        ]
        return frame.group_by("period_date").agg(known).drop_nulls().sort("period_date")


def _weighed(rows: pl.DataFrame, value: str, weight: str) -> float | None:
    whole = float(rows[weight].sum() or 0)
    return None if not whole else float((rows[value] * rows[weight]).sum()) / whole


@st.cache_data(ttl=600, max_entries=16, show_spinner=False)
def performance_extent(pin: Pin) -> tuple[dt.date, dt.date] | None:
    """First and last day on which an assistant did something; None when there is none."""
    with lake_at(pin) as lake:
        found = ask(lake, pin, EXTENT)
    first, last = found.row(0) if found.height else (None, None)
    return None if first is None or last is None else (first, last)


@st.cache_data(ttl=600, max_entries=32, show_spinner="Reading the lake")
def performance_figures(pin: Pin, since: dt.date, until: dt.date) -> PerformanceFigures:
    """Figures of the days from `since` to `until`, both included."""
    period = {"since": since, "until": until}
    with lake_at(pin) as lake:
        return PerformanceFigures(
            days=ask(lake, pin, DAYS, period),
            handoffs=ask(lake, pin, HANDOFFS, period),
            costs=ask(lake, pin, COSTS, period),
            overrides=ask(lake, pin, OVERRIDES, period),
            kpis=ask(lake, pin, KPIS, period),
        )


def ranking(figures: PerformanceFigures, scores: pl.DataFrame, window_days: int) -> pl.DataFrame:
    """A row an assistant, the best score first, those without one last."""
    worked = pl.col("operation_count") * pl.col("duration_p95_ms")
    known = pl.col("operation_count").filter(pl.col("duration_p95_ms").is_not_null()).sum()
    grouped = figures.days.group_by("assistant_id", "assistant_name").agg(
        pl.col("task_count", "operation_count", "conversation_count").sum(),
        (pl.col("success_count").sum() / pl.col("settled_count").sum()).fill_nan(None).alias("success_share"),
        (worked.sum() / known).fill_nan(None).alias("duration_p95_ms"),
        (pl.col("error_count").sum() / pl.col("operation_count").sum()).fill_nan(None).alias("error_share"),
        pl.col("cost_usd").sum(),
        (pl.col("up_s").sum() / pl.col("watched_s").sum()).fill_nan(None).alias("uptime_share"),
        (pl.col("handoff_error_count").sum() / pl.col("handoff_count").sum())
        .fill_nan(None)
        .alias("handoff_error_share"),
    )
    per_task = (pl.col("task_cost_usd") / pl.col("priced_count")).fill_nan(None).alias("task_mean_usd")
    newest = scores.filter(pl.col("window_days") == window_days).drop("settled_count", "window_days", "previous_score")
    joined = (
        grouped.join(newest, on="assistant_id", how="left")
        .join(figures.costs.select("assistant_id", per_task), on="assistant_id", how="left")
        .join(figures.overrides, on="assistant_id", how="left")
        .sort("performance_score", "task_count", "assistant_name", descending=[True, True, False], nulls_last=True)
    )
    first = ["assistant_name", "performance_score", "score_change", "response_share", "accuracy_share",
             "cost_score_share", "compliance_share"]  # fmt: skip
    return joined.select(pl.int_range(1, pl.len() + 1).alias("rank"), *first, pl.exclude(*first))
