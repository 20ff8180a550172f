"""What a table is, in a sentence, and what it is made from: a raw table by its contract, a mart by the files beside it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from aurora.settings import PROJECT_DIR
from contracts.registry import tables

if TYPE_CHECKING:
    from aurora.catalogue.dbt_sql import DbtModel

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


@cache
def raw_tables(mart: str) -> frozenset[str]:
    """Raw tables that a mart is made from, through whatever stands between."""
    models = _models()
    if mart not in models:
        return frozenset()
    found: set[str] = set()
    for parent in models[mart].parents:
        if parent in models:
            found |= raw_tables(parent)
        else:
            found.add(parent.removeprefix("raw__"))
    return frozenset(found)


@cache
def _models() -> Mapping[str, DbtModel]:
    from aurora.catalogue.dbt_sql import read_models

    return read_models()
