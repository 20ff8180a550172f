"""What is said about KPIs over HTTP. One Struct a document."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from msgspec import Struct

from contracts.messages.kpis import KpiInput


class KpiLine(Struct, frozen=True, kw_only=True):
    """One KPI: what it is, its newest value with its 95 % interval, and where that stands against the target."""

    kpi_id: str
    kpi_name: str
    group: str
    kind: Literal["measured", "input"]
    """Computed from the lake, or entered by somebody with its source."""
    status: Literal["met", "missed", "alert", "no_data", "no_input"]
    kpi_value: float | None
    value_low: float | None
    value_high: float | None
    sample_count: int
    unit: str
    target: float
    """The company's own where it set one."""
    default_target: float
    target_by: str | None
    """Who set the company's own target."""
    stretch: float | None
    direction: Literal["up", "down"]
    alert_at: float
    alert_level: str
    period_date: dt.date | None
    snapshot_id: int | None
    """Raw snapshot that the value was first computed from."""
    owner: str
    source: str
    source_note: str | None
    """Where an entered value was taken from."""
    entered_by: str | None
    entered_at: dt.datetime | None
    definition: str
    formula: str
    caveat: str | None
    plan_ids: list[str]


class KpiPage(Struct, frozen=True, kw_only=True):
    """Every KPI, or those of one group."""

    kpis: list[KpiLine]
    mart_snapshot_id: int


class KpiDay(Struct, frozen=True, kw_only=True):
    """One day of a KPI."""

    period_date: dt.date
    kpi_value: float
    value_low: float | None
    value_high: float | None
    sample_count: int
    target: float
    is_met: bool
    snapshot_id: int


class KpiDetail(Struct, frozen=True, kw_only=True):
    """One KPI with its days, the oldest first."""

    kpi: KpiLine
    series: list[KpiDay]
    mart_snapshot_id: int


class KpiStep(Struct, frozen=True, kw_only=True):
    """One relation on the way from the contracts to the value, with the columns that it rests on."""

    layer: str
    relation: str
    columns: list[str]
    made_from: list[str]


class KpiExplanation(Struct, frozen=True, kw_only=True):
    """One number: its formula, its SQL, its lineage, the snapshots it was read at, and the rows behind its day."""

    kpi: KpiLine
    sql: str | None
    lineage: list[KpiStep]
    raw_snapshot_id: int
    mart_snapshot_id: int
    rows_behind: dict[str, list[dict[str, Any]]]


class KpiInputAnswer(Struct, frozen=True, kw_only=True):
    """What was entered. It is in the KPI's values after the next build."""

    entered: KpiInput
