"""What the KPI scoreboard wants to know: each KPI with its newest value and trend, and one number explained."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import polars as pl
import streamlit as st

from apps.streamlit.reads.lake import Pin, lake_at
from aurora.catalogue.kpi_files import Kpi
from aurora.insights.kpi_explain import current_lineage, explained, rows_behind
from aurora.insights.kpi_inputs import list_inputs
from aurora.insights.kpis import TREND_DAYS, KpiStand, Stamps, current_kpis, file_stamps, scoreboard, series


def kpi_rules() -> Mapping[str, Kpi]:
    """Every KPI by its id, as the files are now."""
    return {kpi.kpi_id: kpi for kpi in current_kpis()}


def stands(pin: Pin) -> list[KpiStand]:
    """Every KPI with its newest value, as the files are now."""
    return _stands(pin, file_stamps())


@st.cache_data(ttl=600, max_entries=16, show_spinner="Reading the lake")
def _stands(pin: Pin, stamps: Stamps) -> list[KpiStand]:  # noqa: ARG001 - part of the key
    with lake_at(pin) as lake:
        return scoreboard(lake, current_kpis())


@st.cache_data(ttl=600, max_entries=16, show_spinner=False)
def days(pin: Pin) -> dict[str, pl.DataFrame]:
    """The days of every KPI that has any, the oldest first."""
    with lake_at(pin) as lake:
        rows = series(lake)
    if not rows:
        return {}
    frame = pl.DataFrame(rows, infer_schema_length=None)
    return {
        str(key[0]): found for key, found in frame.partition_by("kpi_id", as_dict=True, maintain_order=True).items()
    }


def trend(found: Mapping[str, pl.DataFrame], kpi_id: str) -> list[float]:
    """The newest values of one KPI, the oldest of them first."""
    return found[kpi_id]["kpi_value"].tail(TREND_DAYS).to_list() if kpi_id in found else []


@st.cache_data(ttl=600, max_entries=32, show_spinner="Looking it up")
def explanation(  # the files are part of the key
    pin: Pin,
    kpi_id: str,
    day: dt.date | None,
    stamps: Stamps,  # noqa: ARG001
) -> dict[str, Any]:
    """Everything about one number: formula, SQL, lineage, snapshots, the rows behind it."""
    stand = next(one for one in stands(pin) if one.kpi.kpi_id == kpi_id)
    with lake_at(pin) as lake:
        rows = rows_behind(lake, stand.kpi, day or stand.period_date)
        return explained(lake, stand, current_lineage(), rows=rows)


@st.cache_data(ttl=60, max_entries=16, show_spinner=False)
def entries(pin: Pin, kpi_id: str) -> pl.DataFrame:
    """What was entered for one KPI, the newest first."""
    with lake_at(pin) as lake:
        rows = list_inputs(lake, kpi_id=kpi_id)
    return pl.DataFrame(rows, infer_schema_length=None).drop("kpi_id") if rows else pl.DataFrame()
