"""Golden records: one party or property however many systems know it, what is in doubt, and who disagrees."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from apps.streamlit.reads.golden import LIST_LIMIT, figures, listed, to_judge, told_systems
from apps.streamlit.reads.lake import Pin
from apps.streamlit.ui.access import Viewer, require
from apps.streamlit.ui.first_start import pin_or_first_start
from apps.streamlit.ui.golden_view import golden_record, judge, told
from apps.streamlit.ui.page import headline, tile, tiles
from apps.streamlit.ui.table import show_table
from apps.streamlit.ui.wording import count, plural
from aurora.entities.policy import EntityKind

_KINDS: dict[str, EntityKind] = {"Parties": "party", "Properties": "property"}
_EMPTY = "No golden record yet. Drop exports with parties or properties, then run `aurora build`."


def page() -> None:
    """Headline, figures, and four tabs; only the open one is read."""
    viewer = require("analyst")
    pin = pin_or_first_start()
    known = {row["entity_kind"]: row for row in figures(pin).iter_rows(named=True)}
    waiting = {kind: to_judge(pin, kind, are_personal_shown=False).height for kind in _KINDS.values()}
    disagree = told_systems(pin)
    headline(_sentence(known, sum(waiting.values()), disagree.height), pin)
    told()
    with tiles():
        for title, kind in _KINDS.items():
            row = known.get(kind, {"entity_count": 0, "record_count": 0})
            tile(title, count(row["entity_count"]), explained=f"Made from {plural(row['record_count'], 'record')}")
        tile("To judge", count(sum(waiting.values())), explained="Pairs that look alike and are not sure")
        tile("Disagreements", count(disagree.height), explained="Systems that were told of another golden value")
    names = ("Parties", "Properties", "To judge", "Conflicts")
    opened = st.tabs(names, key="tab", on_change="rerun", bind="query-params")
    for name, tab in zip(names, opened, strict=True):
        if tab.open:
            with tab:
                _tab(name, pin, viewer, disagree)


def _sentence(known: dict[str, dict[str, int]], doubtful: int, disagreements: int) -> str:
    if not known:
        return "There are no golden records yet."
    records = sum(row["record_count"] for row in known.values())
    golden = sum(row["entity_count"] for row in known.values())
    doubt = (
        f"{plural(doubtful, 'pair')} {'waits' if doubtful == 1 else 'wait'} for your word"
        if doubtful
        else "nothing waits for your word"
    )
    return (
        f"{plural(records, 'record')} are {plural(golden, 'person or property', 'persons and properties')}; {doubt}, "
        f"{plural(disagreements, 'value')} in other systems {'differs' if disagreements == 1 else 'differ'}."
    )


def _tab(name: str, pin: Pin, viewer: Viewer, disagree: pl.DataFrame) -> None:
    match name:
        case "To judge":
            _to_judge(pin, viewer)
        case "Conflicts":
            _conflicts(pin, disagree)
        case _:
            _list(name, pin, viewer)


def _list(title: str, pin: Pin, viewer: Viewer) -> None:
    kind = _KINDS[title]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input("Find", key=f"find_{kind}", placeholder="Name, project or id", width=320)
        are_shown = _personal_switch(viewer, f"{kind}_personal")
    rows = listed(pin, kind, text=text.strip(), are_personal_shown=are_shown)
    picked = show_table(
        rows,
        title=title,
        pin=pin,
        empty="Nothing is called that." if text else _EMPTY,
        note=f"Those made from most records first, up to {LIST_LIMIT}. Pick one to see where its values come from."
        if rows.height
        else None,
        columns=_columns(),
        on_select=True,
        height=400,
    )
    if picked is None and rows.height:
        picked = 0
    if picked is not None:
        golden_record(pin, kind, rows["entity_id"][picked], viewer, are_personal_shown=are_shown)


def _columns() -> dict[str, Any]:
    return {
        "full_name": st.column_config.TextColumn("Name"),
        "full_name_ar": st.column_config.TextColumn("Name in Arabic"),
        "record_count": st.column_config.NumberColumn("Records", format="localized"),
        "source_count": st.column_config.NumberColumn("Systems", format="localized"),
        "conflict_count": st.column_config.NumberColumn(
            "Differing values", format="localized", help="Values of its records that differ from the golden one"
        ),
        "entity_id": st.column_config.TextColumn("Golden record"),
    }


def _personal_switch(viewer: Viewer, key: str) -> bool:
    if not viewer.reaches("owner"):
        return False
    return st.toggle("Show personal data", key=key, help="Covered as ••• unless you ask for it.")


def _to_judge(pin: Pin, viewer: Viewer) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        title = st.segmented_control("Of", list(_KINDS), default="Parties", required=True, key="judged_kind")
        are_shown = _personal_switch(viewer, "judge_personal")
    kind = _KINDS[title or "Parties"]
    rows = to_judge(pin, kind, are_personal_shown=are_shown)
    picked = show_table(
        rows,
        title="Pairs in doubt",
        pin=pin,
        empty="No pair is in doubt: what is alike is sure, or a person has said.",
        note="The likest first. They are never merged by themselves; what you say holds until a person says otherwise."
        if rows.height
        else None,
        columns={"match_share": st.column_config.NumberColumn("Likely", format="percent")},
        on_select=True,
        height=340,
    )
    if rows.height:
        judge(pin, kind, rows.row(picked or 0, named=True), viewer)


def _conflicts(pin: Pin, rows: pl.DataFrame) -> None:
    show_table(
        rows,
        title="Told to correct",
        pin=pin,
        empty="Every system holds the golden values, as far as they are asked to.",
        note="A command where Aurora may write; an alert where it may only look, such as at finance. Each is told once, "
        "and closed when the system's next export agrees."
        if rows.height
        else None,
        height=560,
    )


page()
