"""Performance: the fleet's KPIs with targets and alert levels, its trends, its ranking, and the industry's benchmarks."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import streamlit as st

from apps.streamlit.reads.fleet import fleet_facts, fleet_now, fleet_pack
from apps.streamlit.reads.kpis import kpi_rules
from apps.streamlit.reads.lake import Pin
from apps.streamlit.reads.performance import (
    KPI_IDS,
    PerformanceFigures,
    performance_extent,
    performance_figures,
    ranking,
)
from apps.streamlit.ui import charts
from apps.streamlit.ui.access import require
from apps.streamlit.ui.benchmarks import show_benchmarks
from apps.streamlit.ui.explained import explain
from apps.streamlit.ui.first_start import pin_or_first_start
from apps.streamlit.ui.page import Tone, headline, section, target_tile, tile, tiles
from apps.streamlit.ui.table import show_table
from apps.streamlit.ui.wording import AED_PER_USD, NOTHING, aed, day, interval, plural, precise, share, usd
from aurora.assistants.ecosystem import FORMULAS, overall_health

_PERIODS = {"7 days": 7, "30 days": 30, "90 days": 90}
_TABS = ("KPIs", "Trends", "Ranking", "Benchmarks")
_FEW = 5


def page() -> None:
    """Headline, filters, the ecosystem's three figures, and four tabs; only the open one is computed."""
    require("viewer")
    pin = pin_or_first_start()
    extent = performance_extent(pin)
    if extent is None:
        headline("No assistant has done anything yet.", pin)
        st.info(
            "Drop exports with tasks or usage into the landing folder and run `aurora ingest`; or try "
            "`aurora twin history --build`, a simulated brokerage's 90 days.",
            icon=":material/info:",
        )
        return
    head = st.container()
    name, chosen = _filter(pin)
    until = extent[1]
    since = until - dt.timedelta(days=_PERIODS[name] - 1)
    whole = performance_figures(pin, since, until)
    figures = whole.of(chosen)
    with head:
        headline(_sentence(whole), pin, data_to=until, has_money=True)
    _ecosystem(pin, figures)
    opened = st.tabs(_TABS, key="tab", on_change="rerun", bind="query-params")
    for title, tab in zip(_TABS, opened, strict=True):
        if tab.open:
            with tab:
                match title:
                    case "KPIs":
                        _kpis(pin, whole)
                    case "Trends":
                        _trends(figures)
                    case "Ranking":
                        _ranking(pin, figures, 7 if _PERIODS[name] == 7 else 30)
                    case _:
                        show_benchmarks(pin, whole)


def _filter(pin: Pin) -> tuple[str, list[str]]:
    facts = fleet_facts(pin).facts
    names = dict(facts.select("assistant_id", "assistant_name").iter_rows())
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.segmented_control(
            "Period, ending with the last day of data", list(_PERIODS), default="30 days", required=True, key="period",
            bind="query-params",
        )  # fmt: skip
        chosen = st.multiselect(
            "Assistants", list(names), format_func=lambda one: names[one], key="chosen", placeholder="All", width=360
        )
    return name or "30 days", chosen


def newest(kpis: pl.DataFrame) -> list[dict[str, Any]]:
    """The newest measured day of each KPI, in the page's order; KPIs without one last."""
    rows = {}
    for kpi_id in KPI_IDS:
        days = kpis.filter(pl.col("kpi_id") == kpi_id)
        measured_days = days.drop_nulls("kpi_value")
        if days.height:
            rows[kpi_id] = (measured_days if measured_days.height else days).row(-1, named=True)
    return sorted(rows.values(), key=lambda row: row["kpi_value"] is None)


def _sentence(figures: PerformanceFigures) -> str:
    known = [row for row in newest(figures.kpis) if row["kpi_value"] is not None]
    if not known:
        return "No KPI of the fleet has been measured in this period."
    met = [row for row in known if row["is_met"]]
    beyond = [row["kpi_name"] for row in known if kpi_rules()[row["kpi_id"]].is_beyond(row["kpi_value"])]
    told = f"{len(met)} of {plural(len(known), 'KPI')} meet{'s' if len(met) == 1 else ''} the target"
    return (
        f"{told}; {' and '.join(beyond)} {'is' if len(beyond) == 1 else 'are'} at alert level."
        if beyond
        else f"{told}."
    )


def _ecosystem(pin: Pin, figures: PerformanceFigures) -> None:
    now = fleet_now(pin)
    health = overall_health(fleet_pack(), now.live.assistants) if now.live is not None else None
    cost = float(figures.days["cost_usd"].sum() or 0)
    tasks = int(figures.days["task_count"].sum())
    with tiles():
        tile(
            "Overall health",
            NOTHING if health is None else f"{health:.0f} of 100",
            explained="Nobody polls the assistants now; `aurora up` does."
            if health is None
            else FORMULAS["overallHealth"],
        )
        tile(
            "Handoff success",
            share(figures.cross_assistant_success),
            explained="Cross-assistant success rate: handoffs accepted or completed over those that were decided",
        )
        tile("Cost efficiency", share(figures.cost_efficiency), explained="Cost of tasks that succeeded over all cost")
        tile(
            "Tasks succeeded",
            share(figures.success),
            explained=f"Of those with a result; {plural(tasks, 'task')} in all",
        )
        tile("AI spend", aed(cost), explained=usd(cost))
    explain(
        "these numbers",
        ("handoffs_daily", "assistant_skills_daily"),
        pin,
        formulas=(
            f"**Overall health**, now: {FORMULAS['overallHealth']}",
            "**Handoff success** (cross-assistant success rate): 100 × handoffs accepted or completed / handoffs that were decided, in the period.",
            "**Cost efficiency**: 100 × cost of tasks that succeeded / cost of all tasks with a known cost and result, in the period.",
        ),
    )


def _kpis(pin: Pin, figures: PerformanceFigures) -> None:
    rows = newest(figures.kpis)
    if not rows:
        st.info("No KPI has a value in this period. Choose a longer one.", icon=":material/info:")
        return
    with tiles():
        for row in rows:
            tone, word = _verdict(row)
            target_tile(
                row["kpi_name"],
                precise(row["kpi_value"], row["unit"]),
                f"Target {'≥' if row['direction'] == 'up' else '≤'} {precise(row['target'], row['unit'])}",
                tone,
                word,
            )
    table = pl.DataFrame([_kpi_row(row, figures.kpis) for row in rows], infer_schema_length=None)
    show_table(
        table,
        title="KPIs of the fleet",
        pin=pin,
        empty="No KPI has a value in this period.",
        note="The newest measured day; the trend is over the period. They are the whole fleet's, whatever is filtered.",
        columns={"trend": st.column_config.LineChartColumn("Trend"), "kpi_name": st.column_config.TextColumn("KPI")},
        full=lambda: figures.kpis,
    )


def _verdict(row: dict[str, Any]) -> tuple[Tone, str]:
    if row["kpi_value"] is None:
        return "quiet", "Not measured"
    if row["is_met"]:
        return "good", "Met"
    return ("act", "Alert") if kpi_rules()[row["kpi_id"]].is_beyond(row["kpi_value"]) else ("look", "Missed")


def _kpi_row(row: dict[str, Any], kpis: pl.DataFrame) -> dict[str, Any]:
    rule, sign = kpi_rules()[row["kpi_id"]], "≥" if row["direction"] == "up" else "≤"
    beyond = "<" if row["direction"] == "up" else ">"
    trend = kpis.filter(pl.col("kpi_id") == row["kpi_id"]).drop_nulls("kpi_value")["kpi_value"].to_list()
    return {
        "kpi_name": row["kpi_name"],
        "value": precise(row["kpi_value"], row["unit"]),
        "verdict": {"good": "✓ ", "look": "○ ", "act": "✗ ", "quiet": "– "}[_verdict(row)[0]] + _verdict(row)[1],
        "target": f"{sign} {precise(row['target'], row['unit'])}",
        "alert": f"{rule.alert_level} {beyond} {precise(rule.alert_at, row['unit'])}",
        "95 %_interval": interval(row["value_low"], row["value_high"], row["unit"]),
        "trend": trend,
        "day": day(row["period_date"]),
        "sample_count": row["sample_count"],
        "definition": rule.definition,
    }


def _trends(figures: PerformanceFigures) -> None:
    section("Latency by day", "Percentiles of several assistants are the mean of theirs, each by its work.")
    kind = st.segmented_control(
        "Of", ["AI operations", "Tasks", "Handoffs"], default="AI operations", required=True, key="latency_of"
    )
    latency = figures.latency_by_day(kind or "AI operations")
    if latency.is_empty():
        st.info("Nothing in this period says how long it took.", icon=":material/info:")
    else:
        charts.latency_by_day(latency)
    section("Failed AI operations by day")
    errors = (
        figures.days.group_by("period_date")
        .agg(pl.col("error_count", "operation_count").sum())
        .filter(pl.col("operation_count") > 0)
        .with_columns(error_share=pl.col("error_count") / pl.col("operation_count"))
        .sort("period_date")
    )
    if errors.height:
        charts.errors_by_day(errors)
    else:
        st.info("No AI operation in this period.", icon=":material/info:")
    _success(figures)
    section("AI spend by day")
    spend = charts.top_with_rest(figures.days, "assistant_name", ["cost_usd", "operation_count"], "cost_usd")
    if spend["cost_usd"].sum():
        charts.spend_by_day(spend, "assistant_name", "Assistant")
    else:
        st.info("No AI operation has a price in this period.", icon=":material/info:")


def _success(figures: PerformanceFigures) -> None:
    days = figures.days.filter(pl.col("settled_count") > 0)
    section("Tasks succeeded by day", f"All of them together, and the {_FEW} assistants that succeed least.")
    if days.is_empty():
        st.info("No task has a result in this period.", icon=":material/info:")
        return
    sums = pl.col("success_count", "settled_count").sum()
    least = (
        days.group_by("assistant_name").agg(sums)
        .sort(pl.col("success_count") / pl.col("settled_count"), "assistant_name").head(_FEW)["assistant_name"]
    )  # fmt: skip
    lines = pl.concat(
        [
            days.group_by("period_date").agg(sums).with_columns(assistant_name=pl.lit("All together")),
            days.filter(pl.col("assistant_name").is_in(least.implode()))
            .group_by("period_date", "assistant_name").agg(sums)
            .select("period_date", "success_count", "settled_count", "assistant_name"),
        ]
    )  # fmt: skip
    charts.share_by_day(
        lines.with_columns(success_share=pl.col("success_count") / pl.col("settled_count")).sort("period_date"),
        "assistant_name",
        "success_share",
        "Succeeded (share)",
    )


def _ranking(pin: Pin, figures: PerformanceFigures, window_days: int) -> None:
    rows = ranking(figures, fleet_facts(pin).scores, window_days).with_columns(
        task_mean_aed=pl.col("task_mean_usd") * AED_PER_USD, cost_aed=pl.col("cost_usd") * AED_PER_USD
    )
    percent = {
        "response_share": "Response time", "accuracy_share": "Accuracy", "cost_score_share": "Cost part",
        "compliance_share": "Compliance", "success_share": "Succeeded", "error_share": "Failed operations",
        "uptime_share": "Uptime", "handoff_error_share": "Handoffs failed",
    }  # fmt: skip
    columns: dict[str, Any] = {
        name: st.column_config.NumberColumn(said, format="percent") for name, said in percent.items()
    }
    columns |= {
        "rank": st.column_config.NumberColumn("#"),
        "performance_score": st.column_config.ProgressColumn(
            "Score (of 100)", format="%.0f", min_value=0, max_value=100
        ),
        "score_change": st.column_config.NumberColumn(f"On the {window_days} days before", format="%+.0f"),
        "task_mean_aed": st.column_config.NumberColumn("Cost a task (AED)", format="%.4f"),
        "duration_p95_ms": st.column_config.NumberColumn("AI operation p95 (ms)", format="localized"),
        "override_count": st.column_config.NumberColumn("Changed by a person", format="localized"),
        "chosen_count": st.column_config.NumberColumn("Chosen by decisions", format="localized"),
    }
    show_table(
        rows,
        title="Ranking",
        pin=pin,
        empty="No assistant did anything in this period.",
        note=f"By the score of {window_days} days up to the last day of data; the other columns are of the chosen period.",
        columns=columns,
        order=[
            "rank", "assistant_name", "performance_score", "score_change", "success_share", "task_count",
            "duration_p95_ms", "error_share", "task_mean_aed", "cost_aed", "uptime_share", "handoff_error_share",
            "response_share", "accuracy_share", "cost_score_share", "compliance_share", "chosen_count", "override_count",
        ],
        height=640,
    )  # fmt: skip
    explain("the score", ("assistant_scores",), pin)


page()
