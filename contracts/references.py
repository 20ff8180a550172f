"""Which column names a row of which other table: read off the names, so that nobody keeps a list.

A column that is called as the key of another table refers to it (`task_id`), also with a part put before
(`buyer_party_id`). What a name cannot say stands in `_SAID`. Party and property keep each system's own ids, so
such a reference holds within its source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

from contracts import registry
from contracts.table import Table

_SAID: Final[Mapping[tuple[str, str], tuple[str, str]]] = MappingProxyType(
    {
        ("enhanced_ai_conversations", "user_id"): ("principal", "principal_id"),
        ("enhanced_ai_conversations", "workflow_generated_id"): ("workflow_case", "case_id"),
        ("enhanced_ai_model_usage", "user_id"): ("principal", "principal_id"),
        ("enhanced_ai_model_usage", "conversation_id"): ("enhanced_ai_conversations", "id"),
        ("multimodal_processing_results", "conversation_id"): ("enhanced_ai_conversations", "id"),
    }
)
_OWNERS: Final[Mapping[str, str]] = MappingProxyType({"assistant_id": "assistant"})
"""Which of several tables with the same key is meant."""


_FOREIGN: Final = frozenset({("focus_charge", "sku_price_id")})
"""Ids of a system outside, whatever they are called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A column of one table that names a row of another. `is_within_source`: only of the same source."""

    table: str
    column: str
    to_table: str
    to_column: str
    is_within_source: bool


@cache
def references() -> tuple[Reference, ...]:
    """Every reference between two contracts."""
    return tuple(
        found
        for declared in registry.tables().values()
        for column in declared.columns
        if (found := _reference(declared, column))
    )


def _reference(declared: Table, column: str) -> Reference | None:
    if (declared.name, column) in _FOREIGN:
        return None
    table, key = _SAID.get((declared.name, column)) or _by_name(column)
    if not table or (table, key) == (declared.name, column):
        return None
    own = registry.table(table)
    return Reference(
        table=declared.name,
        column=column,
        to_table=table,
        to_column=key,
        is_within_source="source" in own.key and "source" in declared.columns,
    )


def _by_name(column: str) -> tuple[str, str]:
    owners = _owners()
    if column in owners:
        return owners[column], column
    ending = next((key for key in owners if column.endswith(f"_{key}")), None)
    return (owners[ending], ending) if ending else ("", "")


@cache
def _owners() -> Mapping[str, str]:
    """Key column to the table whose rows it names."""
    found: dict[str, str] = {}
    for name, declared in registry.tables().items():
        keys = [key for key in declared.key if key != "source"]
        if len(keys) == 1 and keys[0].endswith("_id"):
            found.setdefault(keys[0], name)
    return MappingProxyType(found | dict(_OWNERS))
