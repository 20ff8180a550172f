"""Figures, breakdowns and advice of the business report as a page shows them: no number without its n and basis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import altair as alt
import polars as pl
import streamlit as st

from apps.streamlit.ui.page import section as heading
from aurora.insights.figures import amount, notes_of, told
from contracts.messages.insights import Advice, Basis, Breakdown, Figure, Section

_BASES: dict[Basis, tuple[Literal["green", "blue", "violet"], str, str]] = {
    "measured": ("green", ":material/straighten:", "Measured"),
    "input": ("blue", ":material/input:", "Input"),
    "derived": ("violet", ":material/calculate:", "Derived"),
}
_DRAWN = {"by_area": "commission", "by_llm": "ai_cost", "by_assistant": "satisfaction", "same_work_for_less": "saving"}
"""Figure that is drawn of a breakdown; the market's areas have the pool instead."""
_CARD = 228


def show_section(part: Section) -> None:
    """Summary, a card a figure, a chart and a table a breakdown."""
    heading(part.title)
    st.markdown(_plain(part.summary))
    with st.container(horizontal=True, gap="small"):
        for figure in part.figures:
            _card(figure)
    for one in part.breakdowns:
        if one.lines:
            _breakdown(one)


def _card(figure: Figure) -> None:
    color, icon, word = _BASES[figure.basis]
    with st.container(border=True, width=_CARD, height="stretch", gap="xxsmall"):
        st.caption(_plain(figure.label), help=f"{figure.how} From {figure.source}, snapshot {figure.snapshot}.")
        st.markdown(f"### {_plain(amount(figure.value, figure.unit))}" if figure.value is not None else "**No figure**")
        if figure.missing:
            st.caption(_plain(f"Why: {figure.missing}."))
            return
        with st.container(horizontal=True, gap="xxsmall", vertical_alignment="center"):
            st.badge(word, icon=icon, color=color)
            if figure.n is not None:
                st.caption(f"n = {figure.n:,}", width="content")
        if figure.low is not None and figure.high is not None:
            st.caption(_plain(f"95 %: {amount(figure.low, figure.unit)} to {amount(figure.high, figure.unit)}"))


def _breakdown(part: Breakdown) -> None:
    st.markdown(f"**{_plain(part.title)}**")
    _chart(part)
    heads = [f"{figure.label} ({figure.basis})" for figure in part.lines[0].figures]
    sources = notes_of(part)
    rows = [
        {
            part.by: line.label,
            **dict(zip(heads, map(told, line.figures), strict=True)),
            **({"From": note} if sources else {}),
        }
        for line, note in zip(part.lines, sources or [""] * len(part.lines), strict=True)
    ]
    st.dataframe(pl.DataFrame(rows), hide_index=True, column_config={part.by: st.column_config.TextColumn(pinned=True)})


def _chart(part: Breakdown) -> None:
    names = [figure.name for figure in part.lines[0].figures]
    wanted = "commission_pool" if "commission_pool" in names else _DRAWN.get(part.name)
    drawn = [(line.label, f) for line in part.lines for f in line.figures if f.name == wanted and f.value is not None]
    if len(drawn) < 2:
        return
    unit = drawn[0][1].unit
    frame = pl.DataFrame(
        {
            "label": [label for label, _ in drawn],
            "value": [f.value for _, f in drawn],
            "low": [f.low for _, f in drawn],
            "high": [f.high for _, f in drawn],
            "told": [told(f) for _, f in drawn],
        },
        schema_overrides={"low": pl.Float64, "high": pl.Float64},
    )
    base = alt.Chart(frame).encode(
        y=alt.Y("label:N", sort=None, title=None, axis=alt.Axis(labelLimit=150)),
        tooltip=[alt.Tooltip("label:N", title=part.by), alt.Tooltip("told:N", title=drawn[0][1].label)],
    )
    bars = base.mark_bar(color="#17a394").encode(x=alt.X("value:Q", title=f"{drawn[0][1].label}, {unit}"))
    ends = base.mark_rule(strokeWidth=1.5, color="#64748b").encode(x="low:Q", x2="high:Q")
    st.altair_chart(bars + ends, height=26 * len(drawn) + 50)


def show_advice(found: Sequence[Advice]) -> None:
    """What to do, each with its figure, expected effect, evidence and confidence."""
    heading("Recommendations", "Each with what it rests on; an effect is told only where it can be.")
    if not found:
        st.info("Nothing in this period calls for something to be done.", icon=":material/check:")
    for one in found:
        with st.container(border=True, gap="xsmall"):
            st.markdown(f"**{_plain(one.what)}**")
            st.markdown(_plain(one.why))
            st.markdown(_plain(f"{one.figure.label}: {told(one.figure)}."))
            st.markdown(f"Expected effect: **{_plain(told(one.expected_effect))}**")
            st.caption(_plain(f"From {one.evidence}. Confidence {one.confidence}: {one.confidence_basis}."))


def _plain(text: str) -> str:
    """Text whose signs Streamlit does not read as markup."""
    return text.replace("$", r"\$").replace("_", r"\_").replace("*", r"\*").replace("~", r"\~")
