"""Process: where the time of workflows goes, what it waits for, and where to begin."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import streamlit as st

from apps.streamlit.reads.lake import Pin
from apps.streamlit.reads.process import edges as all_edges
from apps.streamlit.ui.access import require
from apps.streamlit.ui.first_start import pin_or_first_start
from apps.streamlit.ui.page import headline, section, tile, tiles
from apps.streamlit.ui.process_view import MOST_EDGES, process_graph, wait_text, waiting_by_cause
from apps.streamlit.ui.table import show_table
from apps.streamlit.ui.wording import count, share
from aurora.process.graph import MEANING, Bottleneck, Edge, bottlenecks

_EMPTY = "No case has two steps yet. Export `case_event` rows, as docs/how-to/send-data.md shows."
ALL = "All workflows"


def page() -> None:
    """Headline, figures, the picture, waiting by cause, bottlenecks."""
    require("viewer")
    pin = pin_or_first_start()
    every = all_edges(pin)
    ranked = bottlenecks(every, limit=500)
    headline(_sentence(ranked), pin)
    if not every:
        st.info(_EMPTY, icon=":material/info:")
        return
    names = sorted({edge.workflow_id for edge in every})
    chosen = st.selectbox("Workflow", [ALL, *names], key="workflow", width=320)
    shown = [edge for edge in every if chosen in (ALL, edge.workflow_id)]
    _figures(shown)
    _bottlenecks([one for one in ranked if chosen in (ALL, one.edge.workflow_id)], pin)
    section("What cases wait for", "Time between two steps that nobody worked on the task, all cases together.")
    waiting_by_cause(shown)
    _picture(shown, chosen if chosen != ALL else max(names, key=lambda name: _steps(every, name)))


def _steps(edges: Sequence[Edge], workflow: str) -> int:
    return sum(edge.edge_count for edge in edges if edge.workflow_id == workflow)


def _sentence(ranked: Sequence[Bottleneck]) -> str:
    if not ranked:
        return "No workflow has waited for anything yet."
    first = ranked[0]
    edge = first.edge
    return (
        f"{_words(edge.from_activity)} → {_words(edge.to_activity)} holds {share(first.waiting_share)} of the waiting of "
        f"{_words(edge.workflow_id)}, {wait_text(edge.waiting_us / edge.edge_count)} a time: {MEANING[edge.main_cause]}."
    )


def _words(name: str) -> str:
    return name.replace("_", " ")


def _figures(edges: Sequence[Edge]) -> None:
    waited, worked = sum(edge.waiting_us for edge in edges), sum(edge.work_us for edge in edges)
    steps = sum(edge.edge_count for edge in edges)
    with tiles():
        tile("Steps followed", count(steps), explained="How often one activity came right after another")
        tile("Waited a step", wait_text(waited / steps), explained="Mean time of a step that nobody worked")
        tile("Worked a step", wait_text(worked / steps), explained="Mean time of a step that was worked")
        tile("Of time is work", share(worked / ((waited + worked) or 1)), explained="Work over work and waiting")


def _bottlenecks(ranked: Sequence[Bottleneck], pin: Pin) -> None:
    rows = [
        {
            "workflow": one.edge.workflow_id,
            "from": _words(one.edge.from_activity),
            "to": _words(one.edge.to_activity),
            "times": one.edge.edge_count,
            "waiting_share": one.waiting_share,
            "mean_wait": wait_text(one.edge.waiting_us / one.edge.edge_count),
            "95_%_wait_within": wait_text(one.edge.waiting_p95_us),
            "mostly_because": MEANING[one.edge.main_cause],
            "what_to_do": one.as_dict()["advice"],
        }
        for one in ranked
    ]
    show_table(
        pl.DataFrame(rows, infer_schema_length=None),
        title="Bottlenecks",
        pin=pin,
        empty="Nothing waited.",
        note="Largest share of its workflow's waiting first.",
        columns={"waiting_share": st.column_config.NumberColumn("Of waiting", format="percent")},
        height=420,
    )


def _picture(edges: Sequence[Edge], workflow: str) -> None:
    own = [edge for edge in edges if edge.workflow_id == workflow]
    more = f", the {MOST_EDGES} most frequent of {len(own)} steps" if len(own) > MOST_EDGES else ""
    section(
        _words(workflow).capitalize(), f"What comes right after what{more}. Thick and orange: where most time is lost."
    )
    process_graph(own)


page()
