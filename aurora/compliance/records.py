"""What a rule may read: the dotted fields of each record, with their types.

A rule's condition is checked against this when it is loaded, so that a misspelt field or a text
compared with a number fails at load and not in the middle of a decision.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, Literal

from aurora.errors import DataError

ValueType = Literal["text", "bool", "int", "float", "decimal", "timestamp", "date", "text_list"]
"""`decimal` is DECIMAL(38, 9) when judged, `timestamp` UTC, `text_list` a list of texts without nulls. Every field may be
unknown (NULL)."""

Values = Mapping[str, object]
"""A record, flat: dotted field to value, None for unknown."""

DECISION_FIELDS: Mapping[str, ValueType] = MappingProxyType(
    {
        "request.kind": "text",
        "request.task_type": "text",
        "request.is_acting": "bool",
        "request.priority": "text",
        "request.privacy_class": "text",
        "request.data_region": "text",
        "request.compliance_levels": "text_list",
        "request.max_cost_usd": "decimal",
        "request.deadline_ms": "int",
        "request.mode": "text",
        "candidate.candidate_id": "text",
        "candidate.skills": "text_list",
        "candidate.regions": "text_list",
        "candidate.state": "text",
        "candidate.control_level": "text",
        "candidate.priority": "text",
        "candidate.compliance_levels": "text_list",
        "candidate.privacy_classes": "text_list",
        "candidate.exports": "text_list",
        "candidate.provider_name": "text",
        "candidate.is_sample": "bool",
        "candidate.capacity_count": "int",
        "candidate.open_task_count": "int",
        "candidate.cost_usd": "decimal",
        "candidate.latency_ms": "float",
        "candidate.quality": "float",
        "tenant.region": "text",
        "tenant.allowed_regions": "text_list",
    }
)
"""One candidate of one decision: request and candidate as the engine sees them, and the tenant's own policy."""


def empty_record() -> dict[str, object]:
    """A decision record in which everything is unknown."""
    return dict.fromkeys(DECISION_FIELDS)


def record_of(parts: Mapping[str, Mapping[str, Any]], *, where: str) -> dict[str, object]:
    """A flat record from parts as YAML gives them, such as `{"request": {"mode": "act"}}`; the rest is unknown.

    `DataError` names a field that does not exist or a value of the wrong type.
    """
    record = empty_record()
    for part, fields in parts.items():
        for name, value in fields.items():
            path = f"{part}.{name}"
            if path not in DECISION_FIELDS:
                raise DataError(
                    f"{where}: there is no field {path}.",
                    field=path,
                    rule="record",
                    next_step=f"Fields are: {', '.join(DECISION_FIELDS)}.",
                )
            record[path] = None if value is None else typed(value, DECISION_FIELDS[path], path=path, where=where)
    return record


def typed(value: Any, kind: ValueType, *, path: str, where: str) -> object:
    """A value as YAML or JSON gives it, as conditions compare it. `DataError` names the field it does not fit."""
    match kind:
        case "text" if isinstance(value, str):
            return value
        case "bool" if isinstance(value, bool):
            return value
        case "int" if isinstance(value, int) and not isinstance(value, bool):
            return value
        case "float" if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        case "decimal" if isinstance(value, str | int | Decimal):
            return _decimal(value, path, where)
        case "timestamp" if isinstance(value, str | dt.date):
            return _moment(value, path, where)
        case "date" if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
            return value
        case "date" if isinstance(value, str):
            return _day(value, path, where)
        case "text_list" if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
            return tuple(value)
        case _:
            raise _wrong(path, kind, where)


def _decimal(value: str | int | Decimal, path: str, where: str) -> Decimal:
    try:
        return Decimal(value).quantize(Decimal("1e-9"))
    except InvalidOperation:
        raise _wrong(path, "decimal", where) from None


def _moment(value: str | dt.date, path: str, where: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(value if isinstance(value, str) else value.isoformat())
    except ValueError:
        raise _wrong(path, "timestamp", where) from None
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)


def _day(value: str, path: str, where: str) -> dt.date:
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        raise _wrong(path, "date", where) from None


def _wrong(path: str, kind: str, where: str) -> DataError:
    return DataError(
        f"{where}: {path} is not of type {kind}.",
        field=path,
        rule="record",
        next_step="Give a value of that type; decimals and times are written as text.",
    )
