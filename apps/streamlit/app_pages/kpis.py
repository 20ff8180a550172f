"""KPI scoreboard: every KPI of both plans with value, target, interval, how it is measured, and where it stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import polars as pl
import streamlit as st

from apps.streamlit.reads.kpis import days, stands, trend
from apps.streamlit.reads.lake import Pin
from apps.streamlit.ui.access import require
from apps.streamlit.ui.first_start import pin_or_first_start
from apps.streamlit.ui.kpi_view import STATUSES, explain_number, value_text
from apps.streamlit.ui.page import headline, tile, tiles
from apps.streamlit.ui.table import show_table
from apps.streamlit.ui.wording import count, day, interval, plural
from aurora.catalogue.kpi_files import GROUPS
from aurora.insights.kpis import KpiStand, Status

ALL = "All"
_WORST_FIRST: tuple[Status, ...] = ("alert", "missed", "met", "no_data", "no_input")


def page() -> None:
    """Headline, figures, filters, the table, and one number explained."""
    viewer = require("viewer")
    pin = pin_or_first_start()
    every = stands(pin)
    counted = Counter(stand.status for stand in every)
    headline(_sentence(counted), pin, data_to=max((s.period_date for s in every if s.period_date), default=None))
    with tiles():
        tile("Met", count(counted["met"]), explained="The newest value reaches the company's target")
        tile("Missed", count(counted["missed"]), explained="Short of the target, within the alert level")
        tile("Alert", count(counted["alert"]), explained="Beyond the alert level: somebody must look")
        tile(
            "Not measured yet", count(counted["no_data"]), explained="Nothing has happened that it could be measured on"
        )
        tile(
            "Inputs to enter", count(counted["no_input"]), explained="Figures from outside that nobody has entered yet"
        )
    shown = _filtered(every)
    picked = _table(shown, days(pin), pin)
    st.divider()
    explain_number(every, pin, viewer, picked=shown[picked].kpi.kpi_id if picked is not None else None)


def _sentence(counted: Mapping[Status, int]) -> str:
    known = counted["met"] + counted["missed"] + counted["alert"]
    if not known:
        return "No KPI has a value yet."
    short = counted["missed"] + counted["alert"]
    missed = f"{plural(short, 'misses', 'miss')} it" if short else "none misses it"
    waiting = plural(counted["no_input"], "input waits", "inputs wait")
    return (
        f"{counted['met']} of {plural(known, 'KPI')} with a value meet their target, {missed}; {waiting} for a figure."
    )


def _filtered(every: list[KpiStand]) -> list[KpiStand]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        titles: dict[str, str] = {ALL: ALL, **{group: _title(group) for group in GROUPS}}
        group = st.selectbox("Group", list(titles), format_func=titles.__getitem__, key="group", width=220)
        kind = st.segmented_control("How", [ALL, "Measured", "Input"], default=ALL, key="kind") or ALL
        words: dict[str, str] = {ALL: ALL, **{name: said[1] for name, said in STATUSES.items()}}
        status = st.selectbox("Status", list(words), format_func=words.__getitem__, key="status", width=200)
    found = [
        stand
        for stand in every
        if group in (ALL, stand.kpi.group)
        and kind in (ALL, stand.kpi.kind.capitalize())
        and status in (ALL, stand.status)
    ]
    return sorted(found, key=lambda stand: (_WORST_FIRST.index(stand.status), stand.kpi.kpi_name))


def _title(group: str) -> str:
    return group.replace("ai_", "AI ").replace("_", " ").capitalize().replace("Ai ", "AI ")


def _table(shown: list[KpiStand], found: Mapping[str, pl.DataFrame], pin: Pin) -> int | None:
    rows = [_row(stand, trend(found, stand.kpi.kpi_id)) for stand in shown]
    return show_table(
        pl.DataFrame(rows, infer_schema_length=None),
        title="Scoreboard",
        pin=pin,
        empty="No KPI fits. Choose another group, kind or status.",
        note="The newest day with a value. Pick a row to have its number explained. A star marks the company's own target.",
        columns={
            "kpi_name": st.column_config.TextColumn("KPI", width="medium", pinned=True),
            "status": st.column_config.TextColumn("Status", width=112),
            "value": st.column_config.TextColumn("Value", width=96),
            "target": st.column_config.TextColumn("Target", width=110),
            "how": st.column_config.TextColumn("How measured", width=230),
            "trend": st.column_config.LineChartColumn("Trend", width=110),
            "snapshot_id": st.column_config.NumberColumn("Snapshot", help="Raw snapshot the value was computed from"),
        },
        order=("kpi_name", "status", "value", "target", "95 %_interval", "how", "trend", "day", "snapshot_id", "group", "owner"),
        full=lambda: pl.DataFrame([_exported(stand) for stand in shown], infer_schema_length=None),
        on_select=True,
        height=640,
    )  # fmt: skip


def _row(stand: KpiStand, values: list[float]) -> dict[str, Any]:
    kpi = stand.kpi
    sign = "≥" if kpi.direction == "up" else "≤"
    icon, word, _ = STATUSES[stand.status]
    return {
        "kpi_name": kpi.kpi_name,
        "status": f"{icon} {word}",
        "value": value_text(stand.value, kpi.unit),
        "target": f"{sign} {value_text(stand.target, kpi.unit)}{'*' if stand.target_by else ''}",
        "95 %_interval": interval(stand.low, stand.high, kpi.unit),
        "how": _how(stand),
        "trend": values,
        "day": day(stand.period_date) if stand.period_date else "–",
        "snapshot_id": stand.snapshot_id if stand.value is not None else None,
        "group": _title(kpi.group),
        "owner": kpi.owner,
    }


def _how(stand: KpiStand) -> str:
    if stand.kpi.is_measured:
        return f"Measured, n = {count(stand.sample_count)}" if stand.value is not None else "Measured, nothing yet"
    if stand.value is None:
        return "Input, none entered yet"
    return f"Input, entered by {stand.entered_by or 'a file'}: {stand.source_note or 'no source'}"


def _exported(stand: KpiStand) -> dict[str, Any]:
    kpi = stand.kpi
    return {
        "kpi_id": kpi.kpi_id, "kpi_name": kpi.kpi_name, "group": kpi.group, "kind": kpi.kind, "status": stand.status,
        "kpi_value": stand.value, "value_low": stand.low, "value_high": stand.high, "unit": kpi.unit,
        "sample_count": stand.sample_count, "target": stand.target, "is_own_target": stand.target_by is not None,
        "alert_at": kpi.alert_at, "period_date": stand.period_date, "snapshot_id": stand.snapshot_id,
        "owner": kpi.owner, "source": kpi.source, "source_note": stand.source_note, "entered_by": stand.entered_by,
        "definition": kpi.definition, "formula": kpi.formula, "plan_ids": ", ".join(kpi.plan_ids),
    }  # fmt: skip


page()
