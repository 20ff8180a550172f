"""Reading the `arguments` of a command, and refusing those that do not fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from aurora.errors import DataError
from contracts.messages.assistants import ExecuteRequest
from twin.servers.problems import decode_error

T = TypeVar("T")


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
