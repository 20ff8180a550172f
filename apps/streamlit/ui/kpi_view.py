"""One KPI explained on its page: what it means, its days, the way from the contracts, its SQL, figures to enter."""

from __future__ import annotations

import datetime as dt
from typing import Any

import altair as alt
import polars as pl
import streamlit as st

from apps.streamlit.kpi_acts import enter
from apps.streamlit.reads.kpis import days, entries, explanation
from apps.streamlit.reads.lake import Pin
from apps.streamlit.ui.access import Viewer
from apps.streamlit.ui.page import Tone, section, status_line
from apps.streamlit.ui.table import show_table
from apps.streamlit.ui.wording import day, interval, precise
from aurora.errors import AuroraError
from aurora.insights.kpis import KpiStand, Status, file_stamps

STATUSES: dict[Status, tuple[str, str, Tone]] = {
    "met": ("✓", "Met", "good"),
    "missed": ("○", "Missed", "look"),
    "alert": ("✗", "Alert", "act"),
    "no_data": ("–", "No data yet", "quiet"),
    "no_input": ("✎", "None entered", "quiet"),
}
"""Status: a sign, a word and a tone; never a colour alone."""


def value_text(value: float | None, unit: str) -> str:
    """A value with its unit."""
    return "–" if value is None else precise(value, unit)


def explain_number(every: list[KpiStand], pin: Pin, viewer: Viewer, *, picked: str | None) -> None:
    """The KPI that was picked, or the one that the address names."""
    section("Explain this number", "Formula, lineage, snapshot and the rows behind it.")
    by_id = {stand.kpi.kpi_id: stand for stand in sorted(every, key=lambda one: one.kpi.kpi_name)}
    names = list(by_id)
    if picked and st.session_state.get("kpi_picked") != picked:
        st.session_state["kpi_picked"] = picked
        st.session_state["kpi"] = picked
    asked = st.query_params.get("kpi")
    if "kpi" not in st.session_state and asked in by_id:
        st.session_state["kpi"] = asked
    kpi_id = st.selectbox(
        "KPI", names, index=None, format_func=lambda name: by_id[name].kpi.kpi_name, key="kpi", width=360,
        placeholder="Pick a row above, or a KPI here",
    )  # fmt: skip
    if kpi_id is None:
        return
    st.query_params["kpi"] = kpi_id
    _explained(by_id[kpi_id], pin, viewer)


def _explained(stand: KpiStand, pin: Pin, viewer: Viewer) -> None:
    kpi = stand.kpi
    _, word, tone = STATUSES[stand.status]
    sign = "at least" if kpi.direction == "up" else "at most"
    status_line(
        tone,
        f"{kpi.kpi_name}: {value_text(stand.value, kpi.unit)}",
        f"{word}. Target {sign} {value_text(stand.target, kpi.unit)}{_whose(stand)}"
        f"{_stretch(stand)}; {kpi.alert_level} {'below' if kpi.direction == 'up' else 'above'} {value_text(kpi.alert_at, kpi.unit)}.",
    )
    st.markdown(f"{kpi.definition}\n\n**Formula:** {kpi.formula}")
    if kpi.caveat:
        st.info(kpi.caveat, icon=":material/info:")
    st.caption(_where(stand))
    _days(stand, pin)
    told = explanation(pin, kpi.kpi_id, None, file_stamps())
    _lineage(told)
    if told["sql"]:
        with st.expander("SQL", icon=":material/code:"):
            st.code(told["sql"], language="sql")
    for relation, rows in told["rows_behind"].items():
        with st.expander(f"Rows behind it: {relation}", icon=":material/table_rows:"):
            show_table(
                pl.DataFrame(rows, infer_schema_length=None),
                title=f"Rows of {relation}",
                pin=pin,
                empty="No row of that day.",
            )
    _entering(stand, pin, viewer)


def _whose(stand: KpiStand) -> str:
    if stand.target_by is None:
        return ""
    return f" (the company's own, set by {stand.target_by}; by default {value_text(stand.kpi.target, stand.kpi.unit)})"


def _stretch(stand: KpiStand) -> str:
    stretch = stand.kpi.stretch
    return "" if stretch is None else f", stretch {value_text(stretch, stand.kpi.unit)}"


def _where(stand: KpiStand) -> str:
    kpi = stand.kpi
    parts = [f"`{kpi.kpi_id}`", f"{'measured from' if kpi.is_measured else 'input, from'} {kpi.source}"]
    if stand.value is not None:
        parts += [f"n = {stand.sample_count:,}", day(stand.period_date), f"raw snapshot {stand.snapshot_id}"]
    if stand.low is not None:
        parts.append(f"95 % interval {interval(stand.low, stand.high, kpi.unit)}")
    if stand.source_note:
        parts.append(f"taken from “{stand.source_note}”, entered by {stand.entered_by}")
    return " · ".join([*parts, f"owner {kpi.owner}", f"answers {', '.join(kpi.plan_ids)}"])


def _days(stand: KpiStand, pin: Pin) -> None:
    found = days(pin).get(stand.kpi.kpi_id)
    if found is None or found.height < 2:
        return
    digits = "%" if stand.kpi.unit == "share" else "~s"
    x = alt.X("utcyearmonthdate(period_date):T", title="Day (UTC)", axis=alt.Axis(format="%-d %b", grid=False))
    y = alt.Y("kpi_value:Q", title=f"{stand.kpi.kpi_name}, {stand.kpi.unit}", scale=alt.Scale(zero=False))
    base = alt.Chart(found)
    band = base.mark_area(opacity=0.2).encode(x=x, y=alt.Y("value_low:Q", title=None), y2="value_high:Q")
    line = base.mark_line(point=True).encode(
        x=x,
        y=y.axis(alt.Axis(format=digits)),
        tooltip=[
            alt.Tooltip("period_date:T", title="Day"),
            "kpi_value:Q",
            "value_low:Q",
            "value_high:Q",
            "sample_count:Q",
        ],
    )
    goal = (
        alt.Chart(pl.DataFrame({"target": [stand.target]}))
        .mark_rule(strokeDash=[6, 4])
        .encode(y="target:Q", tooltip=alt.Tooltip("target:Q", title="Target"))
    )
    st.altair_chart((band + line + goal).properties(height=260), width="stretch")
    st.caption("Line: value by day. Band: 95 % interval, where there is one. Broken line: target.")


def _lineage(told: dict[str, Any]) -> None:
    rows = [
        {
            "layer": step["layer"],
            "relation": step["relation"],
            "columns": ", ".join(step["columns"]),
            "made_from": ", ".join(step["made_from"]) or "–",
        }
        for step in told["lineage"]
    ]
    with st.expander(f"Lineage: {len(rows)} steps from the contracts to the number", icon=":material/account_tree:"):
        st.graphviz_chart(_dot(told["lineage"]), width="stretch")
        st.dataframe(pl.DataFrame(rows).to_arrow(), hide_index=True, key="kpi_lineage")
        st.caption(f"Read at raw snapshot {told['raw_snapshot_id']} and mart snapshot {told['mart_snapshot_id']}.")


def _dot(lineage: list[dict[str, Any]]) -> str:
    ink = "#e6e6e6" if st.context.theme.type == "dark" else "#222222"
    lines = [
        'digraph { rankdir=LR; bgcolor="transparent"; nodesep=0.15;',
        f'  node [shape=box style=rounded fontname="sans-serif" fontsize=11 height=0.3 color="#6b7280" fontcolor="{ink}"];',
        '  edge [color="#9aa0a6" arrowsize=0.6];',
    ]
    for step in lineage:
        lines.append(f'  "{step["relation"]}" [label="{step["relation"]}\\n{step["layer"]}"];')
        lines += [f'  "{parent}" -> "{step["relation"]}";' for parent in step["made_from"]]
    return "\n".join([*lines, "}"])


def _entering(stand: KpiStand, pin: Pin, viewer: Viewer) -> None:
    """A figure for an input, a target for any; only for those who may."""
    if not viewer.reaches("operator"):
        return
    kpi = stand.kpi
    title = "Set the company's own target" if kpi.is_measured else "Enter a figure, or the company's own target"
    with st.expander(title, icon=":material/edit:"), st.form(f"enter_{kpi.kpi_id}", border=False):
        choices = ("Target",) if kpi.is_measured else ("Value", "Target")
        kind = st.radio("What", choices, horizontal=True)
        text = st.number_input(f"Figure, in {kpi.unit}", value=None, format="%g", width=220,
                               help="A share is 0.05, not 5. Empty takes the figure of that day, or the target, back.")  # fmt: skip
        as_of = st.date_input("As of", value="today", max_value="today", width=220)
        source = st.text_input("Taken from", placeholder="Report, system or publication, so that it can be looked up")
        if not st.form_submit_button("Keep it"):
            return
        try:
            assert isinstance(as_of, dt.date)  # noqa: S101 - one day is asked for
            enter(pin, kpi, kind="target" if kind == "Target" else "value", value=text, day=as_of, source=source,
                  viewer=viewer)  # fmt: skip
        except AuroraError as error:
            st.error(f"{error.message} {error.next_step}", icon=":material/error:")
            return
        st.success(
            "Kept, with its source and your name. The next build brings it to the scoreboard.", icon=":material/check:"
        )
    shown = entries(pin, kpi.kpi_id)
    if shown.height:
        show_table(shown, title="What was entered", pin=pin, empty="Nothing was entered yet.")
