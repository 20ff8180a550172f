"""The first page: is everything fine, what does it cost, what needs the owner."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import polars as pl
import streamlit as st

from apps.streamlit.reads.alerts import open_pages
from apps.streamlit.reads.builds import StageRecord, records_frame, stage_records
from apps.streamlit.reads.decisions import DecisionFilter, list_decisions
from apps.streamlit.reads.home import HomeFigures, PeriodSpend, home_figures, period_spend
from apps.streamlit.reads.lake import Pin
from apps.streamlit.reads.recommendations import Recommendation, recommend
from apps.streamlit.ui import charts
from apps.streamlit.ui.access import require
from apps.streamlit.ui.first_start import pin_or_first_start
from apps.streamlit.ui.health import health_lines
from apps.streamlit.ui.page import Tone, headline, section, status_line, target_tile, tile, tiles
from apps.streamlit.ui.table import show_table, with_aed
from apps.streamlit.ui.wording import (
    NOTHING,
    about_aed,
    aed,
    both,
    change,
    change_text,
    code_words,
    count,
    day,
    figure,
    interval,
    plain,
    plural,
    share,
    usd,
)

_NOTABLE = 0.02
"""A change of spend smaller than this is no news."""
_JUDGED: dict[bool | None, tuple[Tone, str]] = {
    True: ("good", "Met"), False: ("act", "Missed"), None: ("quiet", "No data"),
}  # fmt: skip
_CONFIDENCE_ICONS = {
    "high": ":material/signal_cellular_alt:",
    "medium": ":material/signal_cellular_alt_2_bar:",
    "low": ":material/signal_cellular_alt_1_bar:",
}


def page() -> None:
    """Headline, spend, what needs a human, health, recommendations, decisions, KPIs, stages of the build."""
    require("viewer")
    pin = pin_or_first_start("usage_daily", "assistants")
    figures, waiting = home_figures(pin), list_decisions(pin, DecisionFilter(show="waiting"))
    needs = [need for need in (_pages(pin), *_needs(figures, waiting.height)) if need.amount]
    headline(_sentence(figures, len(needs)), pin, data_to=figures.as_of, has_money=True)
    _spend(figures)
    records = stage_records(pin.paths)
    _needs_a_human(needs)
    _health(figures, records)
    _recommendations(recommend(figures, waiting), pin)
    _decisions(figures, pin)
    _kpis(figures, pin)
    _stages(records, pin)


def _sentence(figures: HomeFigures, needs: int) -> str:
    attention = "Nothing needs you" if not needs else f"{plural(needs, 'thing')} need{'s' if needs == 1 else ''} you"
    if figures.as_of is None:
        return f"{attention}. No AI usage has landed yet."
    month = period_spend(figures.spend, figures.as_of, 30)
    trend = change(month.cost_usd, month.previous_usd)
    moved = "" if trend is None else f", {share(abs(trend))} {'more' if trend > 0 else 'less'} than the 30 before"
    working, total = _working(figures.assistants)
    fleet = f"{'All' if working == total else f'{working} of'} {plural(total, 'assistant')} can work. " if total else ""
    return f"{attention}. {fleet}AI cost {aed(month.cost_usd)} in the last 30 days{moved}."


def _working(assistants: pl.DataFrame) -> tuple[int, int]:
    """Those of the pack that can work, and all of the pack; usage may name others, of which no state is known."""
    declared = assistants.drop_nulls("assistant_state")
    return declared.filter(pl.col("assistant_state") == "active").height, declared.height


def _spend(figures: HomeFigures) -> None:
    as_of = figures.as_of
    if as_of is None:
        return
    is_running = as_of == dt.datetime.now(dt.UTC).date()
    names = {1: "Today so far" if is_running else f"Latest day, {day(as_of)}", 7: "Last 7 days", 30: "Last 30 days"}
    for column, (days, name) in zip(st.columns(3), names.items(), strict=True):
        with column, st.container(border=True):
            period = period_spend(figures.spend, as_of, days)
            line = period_spend(figures.spend, as_of, max(days, 14)).daily_usd
            _spend_tile(name, period, line, is_comparable=not (is_running and days == 1))


def _spend_tile(name: str, period: PeriodSpend, line: tuple[float, ...], *, is_comparable: bool) -> None:
    moved = change(period.cost_usd, period.previous_usd) if is_comparable else None
    before = "the day before" if period.days == 1 else f"the {period.days} days before"
    st.metric(
        f"Spend · {name}",
        aed(period.cost_usd),
        change_text(moved) or ("day not over" if not is_comparable else "nothing to compare with yet"),
        delta_color="inverse" if moved is not None and abs(moved) >= _NOTABLE else "off",
        delta_arrow="auto" if moved is not None and abs(moved) >= _NOTABLE else "off",
        delta_description=f"against {before}" if moved is not None else None,
        chart_data=list(line),
        chart_type="bar",
    )
    st.caption(f"{usd(period.cost_usd)} · {plural(period.operation_count, 'call')} · chart: {len(line)} days")


@dataclass(frozen=True, slots=True)
class _Need:
    """What waits, how many, what to do, and where."""

    title: str
    amount: int
    what_to_do: str
    page: str | None = None
    query: tuple[tuple[str, str], ...] = ()


def _pages(pin: Pin) -> _Need:
    """Alerts that were worth waking somebody, the worst first."""
    found = open_pages(pin)
    return _Need("Open alerts", len(found), plain(found[0].summary) if found else "", "alerts")


def _needs(figures: HomeFigures, waiting_count: int) -> list[_Need]:
    top = figures.refused.row(0, named=True) if figures.refused.height else None
    unpriced = figures.unpriced
    missed = figures.missed_kpis
    return [
        _Need(
            "Decisions left to you",
            waiting_count,
            "The engine was not sure or not allowed: choose.",
            "decisions",
            (("show", "Waiting for you"),),
        ),
        _Need(
            "Refused rows",
            figures.refused_count,
            f"Most often the rule “{code_words(top['rule'])}”, from {top['source']}. Mend them, or the export."
            if top
            else "",
            "quality",
            (("tab", "Refused rows"),),
        ),
        _Need(
            "Calls without a price",
            int(unpriced["unpriced_count"].sum()),
            f"{plural(unpriced.height, 'language model')} not in the price book: spend is too low by what they cost.",
            "costs",
        ),
        _Need(
            "KPIs that miss their target",
            missed.height,
            ", ".join(missed["kpi_name"].head(3).to_list()) + (" …" if missed.height > 3 else "."),
        ),
    ]


def _needs_a_human(needs: list[_Need]) -> None:
    section("Needs you")
    if not needs:
        st.success("Nothing waits for you.", icon=":material/check_circle:")
    for start in range(0, len(needs), 2):
        for column, need in zip(st.columns(2), needs[start : start + 2], strict=False):
            with column:
                _need(need)


def _need(need: _Need) -> None:
    with st.container(border=True, height="stretch", horizontal=True, vertical_alignment="center", wrap=False):
        st.markdown(f"**{count(need.amount)}** · {need.title}  \n:gray[{need.what_to_do}]", width="stretch")
        if need.page:
            st.page_link(
                f"app_pages/{need.page}.py",
                label="Open",
                icon=":material/arrow_forward:",
                width="content",
                query_params=need.query,
            )


def _health(figures: HomeFigures, records: list[StageRecord]) -> None:
    section("Health")
    lines = list(health_lines(figures, records, now=dt.datetime.now(dt.UTC)))
    half = (len(lines) + 1) // 2
    with st.container(border=True):
        for column, shown in zip(st.columns(2, gap="medium"), (lines[:half], lines[half:]), strict=True):
            with column:
                for line in shown:
                    status_line(line.tone, line.title, line.detail)


def _recommendations(found: list[Recommendation], pin: Pin) -> None:
    section("What we would do next", "Computed from your own figures; open one for its evidence.")
    if not found:
        st.info("Nothing stands out of the figures. More usage or decisions make recommendations possible.")
        return
    for column, recommendation in zip(st.columns(len(found)), found, strict=True):
        with column, st.container(border=True, height="stretch"):
            _recommendation(recommendation, pin)


def _recommendation(recommendation: Recommendation, pin: Pin) -> None:
    with st.container(horizontal=True, gap="xsmall"):
        if recommendation.monthly_usd:
            st.badge(
                f"up to {about_aed(recommendation.monthly_usd)} a month", icon=":material/savings:", color="primary"
            )
        st.badge(
            f"{recommendation.confidence} confidence", icon=_CONFIDENCE_ICONS[recommendation.confidence], color="gray"
        )
    st.markdown(f"**{recommendation.title}**")
    st.markdown(recommendation.because)
    st.caption(f"Rests on: {recommendation.basis}.")
    with st.popover("Evidence", icon=":material/fact_check:"):
        if recommendation.monthly_usd:
            st.caption(f"Worth {both(recommendation.monthly_usd)} in 30 days.")
        show_table(
            with_aed(recommendation.evidence), title=f"Evidence: {recommendation.title}", pin=pin, empty="No evidence."
        )


def _decisions(figures: HomeFigures, pin: Pin) -> None:
    section("Decisions", "The last 30 days of decisions.")
    decisions = figures.decisions
    if not decisions.height:
        made = list_decisions(pin, DecisionFilter()).height
        if made:
            st.info(
                f"{plural(made, 'decision')} in the journal; the next build counts them by day.",
                icon=":material/alt_route:",
            )
            return
        st.info(
            "No decision yet. An assistant asks with `POST /api/v1/decisions`; `/docs` has a call that works.",
            icon=":material/alt_route:",
        )
        return
    total = int(decisions["decision_count"].sum())
    abstained, overridden = int(decisions["abstained_count"].sum()), int(decisions["overridden_count"].sum())
    saved = float(decisions["baseline_cost_usd"].sum()) - float(decisions["expected_cost_usd"].sum())
    figures_side, chart_side = st.columns([2, 3], gap="medium")
    with figures_side, tiles():
        tile("Decided", count(total))
        tile("Expected saving", aed(saved), explained=f"{usd(saved)} against the best single choice each time.")
        tile("Left to you", share(abstained / total), explained=plural(abstained, "decision"))
        tile("Changed", share(overridden / total), explained=f"{plural(overridden, 'decision')} that a person changed")
    with chart_side:
        charts.decisions_by_day(_by_result(decisions))


def _by_result(decisions: pl.DataFrame) -> pl.DataFrame:
    wide = decisions.group_by("period_date").agg(
        pl.col("decision_count", "abstained_count", "overridden_count").sum()
    ).select(
        "period_date",
        pl.col("abstained_count").alias(charts.RESULTS[1]),
        pl.col("overridden_count").alias(charts.RESULTS[2]),
        (pl.col("decision_count") - pl.col("abstained_count") - pl.col("overridden_count")).alias(charts.RESULTS[0]),
    )  # fmt: skip
    return wide.unpivot(index="period_date", variable_name="result", value_name="decision_count")


def _kpis(figures: HomeFigures, pin: Pin) -> None:
    met, total = figures.kpis.filter(pl.col("is_met")).height, figures.kpis.height
    section(f"KPIs: {met} of {total} meet their target" if total else "KPIs")
    with tiles():
        for row in figures.kpis.iter_rows(named=True):
            tone, word = _JUDGED[row["is_met"]]
            sign = "≥" if row["direction"] == "up" else "≤"
            target_tile(
                row["kpi_name"],
                figure(row["kpi_value"], row["unit"]),
                f"{sign} {figure(row['target'], row['unit'])}",
                tone,
                word,
            )
    shown = pl.DataFrame(
        [
            {
                "kpi_name": row["kpi_name"],
                "result": {True: "✓ Met", False: "✗ Missed"}.get(row["is_met"], f"{NOTHING} No data"),
                "value": figure(row["kpi_value"], row["unit"]),
                "target": f"{'≥' if row['direction'] == 'up' else '≤'} {figure(row['target'], row['unit'])}",
                "interval_95": interval(row["value_low"], row["value_high"], row["unit"]),
                "sample_count": row["sample_count"],
                "period_date": row["period_date"],
            }
            for row in figures.kpis.iter_rows(named=True)
        ]
    )
    show_table(
        shown,
        title="KPIs with their intervals",
        pin=pin,
        empty="No KPI is computed yet. The next build computes them; `aurora build` runs one now.",
        columns={"interval_95": st.column_config.TextColumn("95 % interval")},
        full=lambda: figures.kpis,
    )


def _stages(records: list[StageRecord], pin: Pin) -> None:
    show_table(
        records_frame(records),
        title="Last build of each stage",
        pin=pin,
        empty="No stage has reported yet. `aurora build` runs them all and says how each went.",
    )


page()
