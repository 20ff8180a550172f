"""The KPI scoreboard: what each KPI is, its newest value, and where that stands against the company's target.

Values come from `mart.kpi_values`; what they mean comes from the KPI files. Nothing here computes a value.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

from aurora.catalogue.dbt_sql import DBT_PROJECT
from aurora.catalogue.kpi_files import FOLDER, Kpi, read_kpis
from aurora.store.lake import LakeReader

Status = Literal["met", "missed", "alert", "no_data", "no_input"]
"""`no_data`: measured, but nothing to measure yet. `no_input`: nobody has entered a figure yet."""
TREND_DAYS: Final = 30

_NEWEST: Final = """
    SELECT * FROM (
        SELECT *, row_number() OVER (PARTITION BY kpi_id ORDER BY kpi_value IS NULL, period_date DESC) AS recency
        FROM mart.kpi_values
    ) WHERE recency = 1
"""
_SERIES: Final = """
    SELECT kpi_id, period_date, kpi_value, value_low, value_high, sample_count, target, is_met, snapshot_id
    FROM mart.kpi_values
    WHERE kpi_value IS NOT NULL AND ($kpi_id IS NULL OR kpi_id = $kpi_id)
        AND ($since IS NULL OR period_date >= $since)
    ORDER BY kpi_id, period_date
"""
_TARGETS: Final = """
    SELECT kpi_id, kpi_value, actor_id, updated_at, source_note FROM raw.kpi_input WHERE kpi_input_kind = 'target'
    QUALIFY row_number() OVER (PARTITION BY kpi_id ORDER BY updated_at DESC, kpi_input_id DESC) = 1
"""
_ENTERED: Final = """
    SELECT kpi_id, as_of_date, source_note, actor_id, updated_at FROM raw.kpi_input WHERE kpi_input_kind = 'value'
    QUALIFY row_number() OVER (PARTITION BY kpi_id, as_of_date ORDER BY updated_at DESC, kpi_input_id DESC) = 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiStand:
    """One KPI with its newest value. `target` is the company's own where it set one, else the file's."""

    kpi: Kpi
    status: Status
    value: float | None
    low: float | None
    high: float | None
    sample_count: int
    period_date: dt.date | None
    snapshot_id: int | None
    target: float
    target_by: str | None
    """Who set the company's own target; None where the file's holds."""
    source_note: str | None
    """Where an entered value was taken from."""
    entered_by: str | None
    entered_at: dt.datetime | None


Stamps = tuple[tuple[str, int, int], ...]


def file_stamps() -> Stamps:
    """Name, time and size of every KPI file: what tells that one changed."""
    files = (DBT_PROJECT / FOLDER).glob("*.yml")
    return tuple(sorted((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in files))


def current_kpis() -> tuple[Kpi, ...]:
    """Every KPI as the files are now, sorted by id. `DataError` names a file that cannot be read."""
    return _read(file_stamps())


@lru_cache(maxsize=4)
def _read(_stamps: Stamps) -> tuple[Kpi, ...]:
    return tuple(read_kpis(DBT_PROJECT))


def scoreboard(lake: LakeReader, kpis: Sequence[Kpi]) -> list[KpiStand]:
    """Where each KPI stands. A KPI without a row has no value: a young lake is no error."""
    newest = _by_id(lake, _NEWEST) if "kpi_values" in lake.table_names("mart") else {}
    targets = _by_id(lake, _TARGETS)
    entered = {(row["kpi_id"], row["as_of_date"]): row for row in lake.query(_ENTERED).iter_rows(named=True)}
    return [_stand(kpi, newest.get(kpi.kpi_id, {}), targets.get(kpi.kpi_id, {}), entered) for kpi in kpis]


def _by_id(lake: LakeReader, sql: str) -> dict[str, dict[str, Any]]:
    return {row["kpi_id"]: row for row in lake.query(sql).iter_rows(named=True)}


def _stand(
    kpi: Kpi, row: dict[str, Any], target: dict[str, Any], entered: dict[tuple[str, dt.date], dict[str, Any]]
) -> KpiStand:
    value = row.get("kpi_value")
    own = target.get("kpi_value")
    wanted = kpi.target if own is None else own
    said = {} if kpi.is_measured or value is None else entered.get((kpi.kpi_id, row["period_date"]), {})
    return KpiStand(
        kpi=kpi,
        status=_status(kpi, value, wanted),
        value=value,
        low=row.get("value_low"),
        high=row.get("value_high"),
        sample_count=row.get("sample_count") or 0,
        period_date=None if value is None else row["period_date"],
        snapshot_id=row.get("snapshot_id"),
        target=wanted,
        target_by=None if own is None else target["actor_id"],
        source_note=said.get("source_note"),
        entered_by=said.get("actor_id"),
        entered_at=said.get("updated_at"),
    )


def _status(kpi: Kpi, value: float | None, target: float) -> Status:
    if value is None:
        return "no_data" if kpi.is_measured else "no_input"
    if kpi.meets(value, target):
        return "met"
    return "alert" if kpi.is_beyond(value) else "missed"


def series(lake: LakeReader, *, kpi_id: str | None = None, since: dt.date | None = None) -> list[dict[str, Any]]:
    """The days of one KPI, or of all, that have a value; the oldest first."""
    if "kpi_values" not in lake.table_names("mart"):
        return []
    return lake.query(_SERIES, {"kpi_id": kpi_id, "since": since}).to_dicts()


def told(stand: KpiStand) -> dict[str, Any]:
    """A stand as one flat record: what the API, the command line and exports give."""
    kpi = stand.kpi
    return {
        "kpi_id": kpi.kpi_id,
        "kpi_name": kpi.kpi_name,
        "group": kpi.group,
        "kind": kpi.kind,
        "status": stand.status,
        "kpi_value": stand.value,
        "value_low": stand.low,
        "value_high": stand.high,
        "sample_count": stand.sample_count,
        "unit": kpi.unit,
        "target": stand.target,
        "default_target": kpi.target,
        "target_by": stand.target_by,
        "stretch": kpi.stretch,
        "direction": kpi.direction,
        "alert_at": kpi.alert_at,
        "alert_level": kpi.alert_level,
        "period_date": stand.period_date,
        "snapshot_id": stand.snapshot_id,
        "owner": kpi.owner,
        "source": kpi.source,
        "source_note": stand.source_note,
        "entered_by": stand.entered_by,
        "entered_at": stand.entered_at,
        "definition": kpi.definition,
        "formula": kpi.formula,
        "caveat": kpi.caveat,
        "plan_ids": list(kpi.plan_ids),
    }
