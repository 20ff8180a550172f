"""Small valid rows of any contract that is ingested, for the canonical formats' samples."""

from __future__ import annotations

import datetime as dt
import random
import uuid
from typing import Any

from contracts import registry
from contracts.field import UUID, Field

_START = dt.datetime(2026, 9, 1, 8, tzinfo=dt.UTC)
_DERIVED = frozenset({"occurred_date", "cost_source", "price_id", "source", "source_format", "region"})


def sample_rows(contract: str, *, row_count: int, seed: int) -> list[dict[str, Any]]:
    """`row_count` rows with a value in every column a source may give; the same seed gives the same rows."""
    draw = random.Random(seed)
    fields = [field for field in registry.table(contract).fields if field.name not in _DERIVED]
    key = next(name for name in registry.table(contract).key if name not in _DERIVED)
    return [
        {
            field.name: f"{contract}-{seed}-{number}"
            if field.name == key and field.checks != UUID
            else _value(field, draw)
            for field in fields
        }
        for number in range(row_count)
    ]


def _value(field: Field, draw: random.Random) -> Any:
    choices = next((check.value for check in field.checks if check.rule == "one_of"), None)
    if isinstance(choices, tuple):
        return draw.choice(choices)
    if field.checks == UUID:
        return str(uuid.UUID(int=draw.getrandbits(128), version=4))
    if field.name.endswith("_currency"):
        return draw.choice(("USD", "AED"))
    match field.type:
        case "int":
            return draw.randrange(1, 2000)
        case "float":
            return round(draw.random(), 4)
        case "decimal":
            return f"0.{draw.randrange(1, 10**9):09d}"
        case "bool":
            return draw.random() < 0.5
        case "timestamp":
            return (_START + dt.timedelta(seconds=draw.randrange(86_400 * 30))).isoformat().replace("+00:00", "Z")
        case "date":
            return _START.date().isoformat()
        case "json":
            return "[]"
        case "text":
            return f"{field.name.replace('_', '-')}-{draw.randrange(50)}"
