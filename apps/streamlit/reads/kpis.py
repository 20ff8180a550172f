"""What each KPI means and when somebody must look, as its yml beside the SQL declares it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import yaml

from aurora.settings import PROJECT_DIR

_FOLDER = PROJECT_DIR / "dbt_project" / "models" / "marts" / "kpis"


@dataclass(frozen=True, slots=True)
class KpiRule:
    """A KPI's definition, and the value beyond which somebody must look."""

    definition: str
    alert_at: float
    alert_level: Literal["info", "warning", "critical"]
    direction: Literal["up", "down"]

    def is_beyond(self, value: float) -> bool:
        """Whether the value is on the wrong side of the alert level."""
        return value < self.alert_at if self.direction == "up" else value > self.alert_at


@cache
def kpi_rules() -> Mapping[str, KpiRule]:
    """Every KPI by its id."""
    found = {}
    for file in sorted(_FOLDER.glob("kpi_*.yml")):
        declared: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
        for model in declared["models"]:
            meta = model["config"]["meta"]
            found[model["name"]] = KpiRule(
                meta["definition"], float(meta["alert_at"]), meta["alert_level"], meta["direction"]
            )
    return found
