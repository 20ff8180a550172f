"""A process as a picture: activities, how often one follows another, how long it waits, and for what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import altair as alt
import polars as pl
import streamlit as st

from apps.streamlit.ui.wording import count, duration
from aurora.process.graph import MEANING, Cause, Edge, hours

_LINE: Final = "#8a8f98"
_SLOW: Final = "#d9822b"
_TWO_DAYS_H: Final = 48
MOST_EDGES: Final = 24
"""More arrows than this are not read as a picture; the table has them all."""


def process_graph(edges: Sequence[Edge]) -> None:
    """Arrows from an activity to the one after it: how often, and the mean wait. The longest waits are thick."""
    shown = sorted(edges, key=lambda e: -e.edge_count)[:MOST_EDGES]
    most = max((edge.waiting_us for edge in shown), default=1) or 1
    lines = [f'"{_safe(name)}";' for name in sorted({n for e in shown for n in (e.from_activity, e.to_activity)})]
    lines += [_arrow(edge, edge.waiting_us / most) for edge in shown]
    head = (
        "rankdir=TB; bgcolor=transparent; nodesep=0.3; ranksep=0.45; "
        'node [shape=box, style="filled,rounded", fontname="Helvetica", fontsize=12, fontcolor="#10201f", '
        f'fillcolor="#eef1f3", color="{_LINE}"]; edge [fontname="Helvetica", fontsize=10];'
    )
    st.graphviz_chart(f"digraph process {{ {head} {' '.join(lines)} }}", width="stretch")


def _arrow(edge: Edge, weight: float) -> str:
    color = _SLOW if weight > 0.5 else _LINE
    label = f"{count(edge.edge_count)} x, {wait_text(edge.waiting_us / edge.edge_count)}"
    width = round(1 + 4 * weight, 1)
    return (
        f'"{_safe(edge.from_activity)}" -> "{_safe(edge.to_activity)}" '
        f'[label="{label}", penwidth={width}, color="{color}", fontcolor="{color}"];'
    )


def wait_text(microseconds: float) -> str:
    """A wait in its largest fitting unit."""
    found = hours(round(microseconds))
    if found >= _TWO_DAYS_H:
        return f"{found / 24:.1f} days"
    return f"{found:.1f} h" if found >= 1 else duration(microseconds / 1000)


def _safe(text: str) -> str:
    return text.replace("\\", "").replace('"', "'").replace("_", " ")


def waiting_by_cause(edges: Sequence[Edge]) -> None:
    """Hours waited in each workflow, by what was waited for."""
    totals: dict[tuple[str, Cause], int] = {}
    for edge in edges:
        for cause, microseconds in edge.causes.items():
            key = edge.workflow_id, cause
            totals[key] = totals.get(key, 0) + microseconds
    frame = pl.DataFrame(
        [
            {"workflow": workflow, "cause": cause, "meaning": MEANING[cause], "waited_h": hours(total)}
            for (workflow, cause), total in totals.items()
            if total
        ],
        schema={"workflow": pl.String, "cause": pl.String, "meaning": pl.String, "waited_h": pl.Float64},
    )
    legend = alt.Legend(orient="bottom", columns=2, title=None, labelLimit=320)
    chart = (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=alt.X("waited_h:Q", title="Waited (h)"),
            y=alt.Y("workflow:N", title=None, sort="-x", axis=alt.Axis(labelLimit=220)),
            color=alt.Color("meaning:N", legend=legend),
            tooltip=[
                alt.Tooltip("workflow:N", title="Workflow"),
                alt.Tooltip("meaning:N", title="Waited because"),
                alt.Tooltip("waited_h:Q", title="Hours", format=",.1f"),
            ],
        )
        .properties(height=90 + 34 * frame["workflow"].n_unique())
    )
    st.altair_chart(chart, alt="Hours waited by workflow and cause")
