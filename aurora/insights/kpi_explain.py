"""Explain this number: formula, SQL, the way from the contracts' columns to the KPI, and the rows behind a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from aurora.catalogue.dbt_sql import RAW, read_models
from aurora.catalogue.kpi_files import Kpi
from aurora.catalogue.lineage import Column, Lineage, raw_columns
from aurora.catalogue.lineage import read_lineage as compile_lineage
from aurora.insights.kpi_inputs import list_inputs
from aurora.insights.kpis import KpiStand, Stamps, file_stamps, told
from aurora.store.lake import LakeReader
from contracts import registry
from contracts.evolution import described

ROWS: Final = 50
"""At most so many rows behind a number are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One relation on the way: the columns of it that the number rests on. `raw` is a contract."""

    layer: str
    """raw, staging, intermediate, mart or kpi."""
    relation: str
    columns: tuple[str, ...]
    made_from: tuple[str, ...]


def current_lineage() -> Lineage:
    """The project's lineage as the KPI files are now: compiled once, then kept."""
    return _compiled(file_stamps())


@lru_cache(maxsize=2)
def _compiled(_stamps: Stamps) -> Lineage:
    return compile_lineage(raw_columns(described(registry.tables())), read_models())


def lineage_of(lineage: Lineage, kpi: Kpi) -> list[Step]:
    """The way from the columns of contracts to the KPI's value, contracts first."""
    if not kpi.is_measured:
        columns = ("kpi_id", "as_of_date", "kpi_value", "source_note", "actor_id", "updated_at")
        return [
            Step(layer="raw", relation="kpi_input", columns=columns, made_from=()),
            Step(layer="kpi", relation=kpi.kpi_id, columns=("kpi_value",), made_from=("kpi_input",)),
        ]
    used = _used(lineage, kpi.kpi_id)
    order = {name: place for place, name in enumerate(lineage.models)}
    return [
        Step(
            layer=_layer(lineage, name),
            relation=name.removeprefix(RAW),
            columns=tuple(sorted(used[name])),
            made_from=tuple(sorted(p.removeprefix(RAW) for p in _parents(lineage, name) if p in used)),
        )
        for name in sorted(used, key=lambda one: (order.get(one, -1), one))
    ]


def _used(lineage: Lineage, kpi_id: str) -> dict[str, set[str]]:
    """Columns of every relation that the value comes from, or that choose its rows."""
    used: dict[str, set[str]] = {kpi_id: {"kpi_value"}}
    waiting: list[Column] = [(kpi_id, "kpi_value")]
    while waiting:
        relation, column = waiting.pop()
        compiled = lineage.compiled.get(relation)
        if compiled is None:
            continue
        for origin in compiled.outputs.get(column, frozenset()) | compiled.rows:
            known = used.setdefault(origin[0], set())
            if origin[1] not in known:
                known.add(origin[1])
                waiting.append(origin)
    return used


def _parents(lineage: Lineage, name: str) -> frozenset[str]:
    model = lineage.models.get(name)
    return model.parents if model else frozenset()


def _layer(lineage: Lineage, name: str) -> str:
    model = lineage.models.get(name)
    if model is None:
        return "raw"
    return "kpi" if model.is_kpi else {"marts": "mart"}.get(model.layer, model.layer)


def rows_behind(lake: LakeReader, kpi: Kpi, day: dt.date | None) -> dict[str, list[dict[str, Any]]]:
    """The rows of that day in each mart that the KPI reads; for an input, what was entered for it.

    Marts that hold no days (rules, findings) are left out: their rows are on the Compliance page.
    """
    if not kpi.is_measured:
        return {"raw.kpi_input": list_inputs(lake, kpi_id=kpi.kpi_id, limit=ROWS)}
    every = lake.columns("mart")
    built = {name: every[name] for name in kpi.tables if name in every}
    return {
        f"mart.{name}": lake.query(
            f"SELECT * FROM mart.{name} WHERE period_date = $day ORDER BY ALL LIMIT {ROWS}", {"day": day}
        ).to_dicts()
        for name, columns in built.items()
        if "period_date" in columns
    }


def explained(
    lake: LakeReader, stand: KpiStand, lineage: Lineage, *, rows: Mapping[str, Sequence[Mapping[str, Any]]]
) -> dict[str, Any]:
    """Everything there is to say about one number."""
    kpi = stand.kpi
    return {
        **told(stand),
        "sql": kpi.select or None,
        "lineage": [
            {
                "layer": one.layer,
                "relation": one.relation,
                "columns": list(one.columns),
                "made_from": list(one.made_from),
            }
            for one in lineage_of(lineage, kpi)
        ],
        "raw_snapshot_id": lake.snapshot_id("raw"),
        "mart_snapshot_id": lake.snapshot_id("mart"),
        "rows_behind": {name: [dict(row) for row in found] for name, found in rows.items()},
    }
