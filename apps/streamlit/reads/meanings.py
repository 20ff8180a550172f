"""What a table is, in a sentence: a raw table's from its contract, a mart's from the yml beside its SQL."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from aurora.settings import PROJECT_DIR
from contracts.registry import tables

_MARTS = PROJECT_DIR / "dbt_project" / "models" / "marts"


def meaning(table_name: str) -> str:
    """The table's meaning; empty for one that nobody declared."""
    declared = tables().get(table_name)
    return declared.meaning if declared else _mart_meanings().get(table_name, "")


@cache
def _mart_meanings() -> dict[str, str]:
    return {name: said for file in sorted(_MARTS.rglob("*.yml")) for name, said in _described(file)}


def _described(file: Path) -> list[tuple[str, str]]:
    declared: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    return [(entry["name"], " ".join(entry.get("description", "").split())) for entry in declared.get("models", [])]
