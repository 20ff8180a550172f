"""Every KPI as its yml declares it: what the catalogue page and the reports read. No dbt and no Dagster here."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from aurora.errors import DataError


class Kpi(msgspec.Struct, frozen=True, kw_only=True):
    """One KPI. `plan_ids` are the points of the plans it answers; beyond `alert_at` somebody must look."""

    kpi_id: str
    kpi_name: str
    description: str
    definition: str
    unit: str
    target: float
    direction: Literal["up", "down"]
    owner: str
    plan_ids: tuple[str, ...]
    alert_at: float
    alert_level: Literal["info", "warning", "critical"]


def read_kpis(project: Path) -> list[Kpi]:
    """The KPIs of a dbt project, sorted by id. `DataError` names the file and what is wrong in it."""
    files = sorted((project / "models" / "marts" / "kpis").glob("kpi_*.yml"))
    return [_read(model, file) for file in files for model in _models(file)]


def _models(file: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load(file.read_text(encoding="utf-8"))["models"])


def _read(model: dict[str, Any], file: Path) -> Kpi:
    meta = model.get("config", {}).get("meta", {})
    try:
        return msgspec.convert(
            {**meta, "kpi_id": model["name"], "description": model["description"]}, Kpi, strict=False
        )
    except msgspec.ValidationError as error:
        raise DataError(
            f"{file.name} does not declare its KPI: {error}.",
            field=file.name,
            rule="kpi_meta",
            next_step="Declare it under config.meta, as docs/reference/kpis.md says.",
        ) from error
