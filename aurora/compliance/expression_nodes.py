"""Compiled parts of a condition, and how two values meet under SQL's three-valued logic."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import MAX_PREC, Context, Decimal
from typing import Any, Final

from aurora.compliance.records import Values, ValueType
from aurora.errors import DataError

Evaluate = Callable[[Values], Any]
EXACT: Final = Context(prec=min(MAX_PREC, 80))
"""Wide enough for any product that DECIMAL(38) holds: nothing is rounded."""
NUMBERS: Final = ("int", "decimal", "float")
TIMES: Final = ("date", "timestamp")


@dataclass(frozen=True, slots=True)
class Node:
    """A compiled part. `type` is None for the literal NULL; `is_atomic` says it needs no parentheses."""

    type: ValueType | None
    evaluate: Evaluate
    is_atomic: bool = True


def constant(kind: ValueType | None, value: object) -> Node:
    """A part that is the same for every record."""
    return Node(kind, lambda _: value)


def both_known(left: Evaluate, right: Evaluate, apply: Callable[[Any, Any], Any]) -> Evaluate:
    """`apply` to two values; unknown as soon as one is."""

    def applied(record: Values) -> Any:
        first = left(record)
        if first is None:
            return None
        second = right(record)
        return None if second is None else apply(first, second)

    return applied


def known(part: Evaluate, apply: Callable[[Any], Any]) -> Evaluate:
    """`apply` to a value; unknown where it is."""

    def applied(record: Values) -> Any:
        value = part(record)
        return None if value is None else apply(value)

    return applied


def comparable(left: ValueType | None, right: ValueType | None) -> bool:
    """Whether values of the two types may be compared: nothing is cast but numbers and times among themselves."""
    if left is None or right is None:
        return "text_list" not in (left, right)
    alike = left == right != "text_list"
    return alike or (left in NUMBERS and right in NUMBERS) or (left in TIMES and right in TIMES)


def common_type(types: tuple[ValueType | None, ...]) -> ValueType | None:
    """The type that holds values of all the types; None where there is only NULL. `ValueError` without one."""
    said = {kind for kind in types if kind is not None}
    if len(said) < 2:
        return said.pop() if said else None
    if said <= set(NUMBERS):
        return "float" if "float" in said else "decimal"
    if said <= set(TIMES):
        return "timestamp"
    raise ValueError(", ".join(sorted(said)))


def as_type(node: Node, wanted: ValueType | None) -> Evaluate:
    """The part's values as `wanted`, which `common_type` said holds them."""
    if node.type in (wanted, None):
        return node.evaluate
    match wanted:
        case "float":
            return known(node.evaluate, float)
        case "decimal":
            return known(node.evaluate, Decimal)
        case _:
            return known(node.evaluate, midnight)


def midnight(day: dt.date) -> dt.datetime:
    """The first moment of a UTC day."""
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)


def refused(where: str, text: str, problem: str) -> DataError:
    """What to raise for a condition that is outside the subset."""
    return DataError(
        f"{where}: `{text[:200]}` {problem}.",
        field="violates_when",
        rule="condition",
        next_step="See aurora/compliance/expressions.py for what a condition may hold.",
    )
