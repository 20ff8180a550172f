"""What the kinds of command take as `arguments`, and how those that do not fit are refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import msgspec

from aurora.errors import DataError
from contracts.messages.assistants import ExecuteRequest
from twin.servers.problems import decode_error

T = TypeVar("T")


class RunTaskArguments(msgspec.Struct, frozen=True, kw_only=True):
    """Arguments of `run_task`; what else stands there is the task's own."""

    task_type: str
    priority: Literal["critical", "high", "medium", "low"] = "medium"
    privacy_class: Literal["public", "internal", "personal", "sensitive"] | None = None


class TuneArguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Arguments of `tune`."""

    parameter: str
    value: float


class ThresholdArguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Arguments of `set_threshold`."""

    threshold: str
    value: float


class SyncArguments(msgspec.Struct, frozen=True, kw_only=True):
    """Arguments of `sync`: the record as the golden record has it."""

    contract: str
    record_id: str
    values: dict[str, Any] = {}


def arguments_of(request: ExecuteRequest, kind: type[T]) -> T:
    """The arguments as their kind. Errors: `DataError` names the one that does not fit."""
    try:
        return msgspec.convert(request.arguments, kind)
    except msgspec.ValidationError as error:
        found = decode_error(error)
        field = "arguments" if found.field == "body" else f"arguments.{found.field}"
        raise DataError(found.message, field=field, rule=found.rule, next_step=found.next_step) from None


def no_such(what: str, name: str, there: Mapping[str, Any]) -> DataError:
    """The refusal of a name that is not there."""
    return DataError(
        f"It has no {what} {name[:80]!r}.",
        field=f"arguments.{what}",
        rule="one_of",
        next_step=f"There are: {', '.join(sorted(there)) or 'none'}.",
    )


def out_of_bounds(name: str, value: float, bounds: str, rule: str) -> DataError:
    """The refusal of a value."""
    return DataError(
        f"{name} cannot be {value:g}.",
        field="arguments.value",
        rule=rule,
        next_step=f"Choose {bounds}.",
    )
