"""What AI costs, where it goes, what has no price, how fast and how reliable it is."""

from __future__ import annotations

import datetime as dt

import polars as pl
import streamlit as st

from apps.streamlit.reads.costs import CostFigures, cost_figures, totals, usage_extent
from apps.streamlit.reads.lake import Pin
from apps.streamlit.ui import charts
from apps.streamlit.ui.access import require
from apps.streamlit.ui.first_start import pin_or_first_start
from apps.streamlit.ui.page import headline, section, tile, tiles
from apps.streamlit.ui.table import show_table, with_aed
from apps.streamlit.ui.wording import aed, both, change, count, duration, plural, share, usd

_PERIODS = {"7 days": 7, "30 days": 30, "90 days": 90, "All": None}
_COST_SOURCES = {
    "provider": "Provider's bill",
    "logged": "Exporter's log",
    "price_book": "Price book",
    "unpriced": "No price",
}


def page() -> None:
    """Period, headline, spend by day, by assistant, by language model, prices, speed and failures."""
    require("viewer")
    pin = pin_or_first_start("usage_daily", "assistants")
    extent = usage_extent(pin)
    if extent is None:
        headline("No AI usage has landed yet.", pin)
        st.info("Drop exports into the landing folder and run `aurora ingest`; this page fills by itself.")
        return
    head = st.container()  # the sentence stands first and needs what is chosen below it
    since, until = _period(*extent)
    figures = cost_figures(pin, since, until)
    spent = float(figures.by_day["cost_usd"].sum())
    before = cost_figures(pin, since - (until - since) - dt.timedelta(days=1), since - dt.timedelta(days=1))
    is_covered = extent[0] <= since - (until - since) - dt.timedelta(days=1)
    with head:
        spent_before = float(before.by_day["cost_usd"].sum()) if is_covered else None
        headline(_sentence(figures, spent, spent_before), pin, data_to=until, has_money=True)
    _tiles(figures, spent)
    _by_day(figures)
    _tables(figures, pin)
    _prices(figures, pin)
    _speed(figures, pin)


def _period(first: dt.date, last: dt.date) -> tuple[dt.date, dt.date]:
    name = st.segmented_control(
        "Period, ending with the last day of data", list(_PERIODS), default="30 days", required=True, bind="query-params",
        key="period",
    )  # fmt: skip
    days = _PERIODS[name or "30 days"]
    return (first if days is None else max(first, last - dt.timedelta(days=days - 1))), last


def _sentence(figures: CostFigures, spent: float, before: float | None) -> str:
    trend = change(spent, before)
    moved = "" if trend is None else f", {share(abs(trend))} {'more' if trend > 0 else 'less'} than the period before"
    dearest = totals(figures.by_llm, "model_name").row(0, named=True)
    where = f" {dearest['model_name']} takes {share(dearest['cost_share'])} of it." if spent else ""
    unpriced = int(figures.by_day["unpriced_count"].sum())
    missing = f" {plural(unpriced, 'call')} have no price yet." if unpriced else ""
    return f"AI cost {aed(spent)} in this period{moved}.{where}{missing}"


def _tiles(figures: CostFigures, spent: float) -> None:
    calls, failed = int(figures.by_day["operation_count"].sum()), int(figures.by_day["error_count"].sum())
    unpriced, tokens = int(figures.by_day["unpriced_count"].sum()), int(figures.by_day["token_count"].sum())
    priced = calls - unpriced
    with tiles():
        tile("Spend", aed(spent), explained=usd(spent))
        tile("Calls", count(calls), explained=f"{count(tokens)} tokens")
        tile(
            "1,000 priced calls",
            aed(spent / priced * 1000) if priced else "–",
            explained=usd(spent / priced * 1000) if priced else "No call has a price.",
        )
        tile("Failed", share(failed / calls) if calls else "–", explained=plural(failed, "call"))
        tile("Without price", count(unpriced), explained="Not 0, but unknown: add them to the price book.")


def _by_day(figures: CostFigures) -> None:
    section("Spend by day")
    views = {"Language model": "model_name", "Assistant": "assistant_name", "Price from": "cost_source"}
    view = st.segmented_control(
        "Split by", list(views), default="Language model", required=True, label_visibility="collapsed", key="split"
    )
    dimension = views[view or "Language model"]
    measures = ["cost_usd", "operation_count"]
    match dimension:
        case "assistant_name":
            frame = charts.top_with_rest(figures.by_assistant, dimension, measures, "cost_usd")
        case "model_name":
            frame = charts.top_with_rest(figures.by_llm, dimension, measures, "cost_usd")
        case _:
            frame = figures.by_cost_source.with_columns(pl.col("cost_source").replace(_COST_SOURCES))
    charts.spend_by_day(frame, dimension, view or "Language model")


def _tables(figures: CostFigures, pin: Pin) -> None:
    spend = ["cost_share", "operation_count", "unpriced_count", "token_count", "cache_read_input_tokens"]
    show_table(
        with_aed(totals(figures.by_assistant, "assistant_name").select("assistant_name", "cost_usd", *spend)),
        title="Spend by assistant",
        pin=pin,
        empty="No usage in this period. Choose a longer one.",
    )
    show_table(
        with_aed(
            totals(figures.by_llm, "model_name", "provider_name").select(
                "model_name", "provider_name", "cost_usd", *spend
            )
        ),
        title="Spend by language model",
        pin=pin,
        empty="No usage in this period. Choose a longer one.",
    )
    show_table(
        with_aed(
            figures.by_day.select("period_date", "cost_usd", "operation_count", "unpriced_count", "token_count")
            .sort("period_date", descending=True)
        ),
        title="Spend a day",
        pin=pin,
        empty="No usage in this period. Choose a longer one.",
        height=320,
    )  # fmt: skip


def _prices(figures: CostFigures, pin: Pin) -> None:
    section("How far the figures can be trusted", "Where each price comes from, and what has none.")
    show_table(
        with_aed(
            totals(figures.by_cost_source.with_columns(pl.col("cost_source").replace(_COST_SOURCES)), "cost_source")
            .select("cost_source", "cost_usd", "cost_share", "operation_count")
        ),
        title="Where prices come from",
        pin=pin,
        empty="The cost table is not built yet; the next build makes it.",
    )  # fmt: skip
    unpriced = (
        totals(figures.by_llm, "model_name", "provider_name")
        .filter(pl.col("unpriced_count") > 0)
        .sort("unpriced_count", descending=True)
        .select("model_name", "provider_name", "unpriced_count", "operation_count", "token_count")
    )
    show_table(
        unpriced,
        title="Language models without a price",
        pin=pin,
        empty="Every call of this period has a price.",
        note="Unpriced is not free. Add a dated price to the price book; the next build prices these calls."
        if unpriced.height
        else None,
    )


def _speed(figures: CostFigures, pin: Pin) -> None:
    section("Speed and failures")
    days = figures.by_day.with_columns(error_share=pl.col("error_count") / pl.col("operation_count"))
    speed, failures = st.columns(2, gap="medium")
    with speed:
        st.markdown("**Response time a day**")
        if days["duration_p95_ms"].drop_nulls().is_empty():
            st.info("No source of this period reports how long calls take.", icon=":material/timer_off:")
        else:
            charts.latency_by_day(days)
    with failures:
        st.markdown("**Failed calls a day**")
        charts.errors_by_day(days)
    by_llm = totals(figures.by_llm, "model_name", "provider_name")
    slowest = by_llm.drop_nulls("duration_p95_ms").sort("duration_p95_ms", descending=True)
    note = "Percentiles are computed for each day and averaged over the days by their calls."
    if slowest.height:
        row = slowest.row(0, named=True)
        note += f" Slowest: {row['model_name']}, p95 {duration(row['duration_p95_ms'])}."
    show_table(
        by_llm.select(
            "model_name", "provider_name", "operation_count", "error_share", "error_count", "duration_p50_ms",
            "duration_p95_ms", "duration_p99_ms",
        ),
        title="Speed and failures by language model",
        pin=pin,
        empty="No usage in this period. Choose a longer one.",
        note=note,
    )  # fmt: skip
    worst = totals(figures.by_assistant, "assistant_name").sort("error_share", descending=True)
    show_table(
        worst.select("assistant_name", "operation_count", "error_share", "error_count", "duration_p50_ms",
                     "duration_p95_ms", "cost_usd"),
        title="Speed and failures by assistant",
        pin=pin,
        empty="No usage in this period. Choose a longer one.",
        note=f"Failed calls cost about {both(float((worst['error_share'] * worst['cost_usd']).sum()))} in this period, "
        "if they cost as much as the others.",
    )  # fmt: skip


page()
