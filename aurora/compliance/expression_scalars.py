"""Values inside conditions: arithmetic, lists, times, choices. What DuckDB does, in Python."""

from __future__ import annotations

import calendar
import datetime as dt
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from aurora.compliance.expression_nodes import (
    EXACT,
    NUMBERS,
    TIMES,
    Evaluate,
    Node,
    as_type,
    both_known,
    common_type,
    constant,
    known,
    midnight,
)
from aurora.compliance.records import Values, ValueType
from aurora.errors import DataError

if TYPE_CHECKING:
    from sqlglot import exp

_SPANS: Final[Mapping[str, dt.timedelta]] = {
    "MINUTE": dt.timedelta(minutes=1),
    "HOUR": dt.timedelta(hours=1),
    "DAY": dt.timedelta(days=1),
}
_MONTHS: Final[Mapping[str, int]] = {"MONTH": 1, "YEAR": 12}


class ScalarParts(ABC):
    """The half of the compiler that makes values; the other half makes truth."""

    @abstractmethod
    def compile(self, node: exp.Expr) -> Node:
        """One part of the tree, by its kind."""

    @abstractmethod
    def truth(self, node: exp.Expr) -> Evaluate:
        """One part of the tree that is true or false."""

    @abstractmethod
    def refuse(self, node: exp.Expr, problem: str) -> DataError:
        """What to raise for that part."""

    # numbers ----------------------------------------------------------------------------------

    def number(self, node: exp.Expr) -> Node:
        """A part that is a number."""
        part = self.compile(node)
        if part.type not in NUMBERS:
            raise self.refuse(node, "is not a number")
        return part

    def negate(self, node: exp.Neg) -> Node:
        """-x"""
        part = self.number(node.this)
        return Node(part.type, known(part.evaluate, operator.neg))

    def absolute(self, node: exp.Abs) -> Node:
        """abs(x)"""
        part = self.number(node.this)
        return Node(part.type, known(part.evaluate, abs))

    def add(self, node: exp.Add) -> Node:
        """x + y, or a time + INTERVAL"""
        return self._moved(node, 1) or self._reckon(node, operator.add, EXACT.add)

    def subtract(self, node: exp.Sub) -> Node:
        """x - y, or a time - INTERVAL"""
        return self._moved(node, -1) or self._reckon(node, operator.sub, EXACT.subtract)

    def multiply(self, node: exp.Mul) -> Node:
        """x * y"""
        return self._reckon(node, operator.mul, EXACT.multiply)

    def _reckon(
        self, node: exp.Binary, plain: Callable[[Any, Any], Any], exact: Callable[[Decimal, Decimal], Decimal]
    ) -> Node:
        left, right = self.number(node.left), self.number(node.right)
        kind = common_type((left.type, right.type))
        apply = exact if kind == "decimal" else plain
        return Node(kind, both_known(as_type(left, kind), as_type(right, kind), apply))

    # lists ------------------------------------------------------------------------------------

    def contains(self, node: exp.ArrayContains) -> Node:
        """list_contains(list, text)"""
        return self._lists(node.this, node.expression, "text", lambda items, item: item in items)

    def has_any(self, node: exp.ArrayOverlaps) -> Node:
        """list_has_any(list, list)"""
        return self._lists(node.this, node.expression, "text_list", _has_any)

    def named_function(self, node: exp.Anonymous) -> Node:
        """list_has_all(list, list)"""
        if str(node.this).lower() == "list_has_all" and len(node.expressions) == 2:
            return self._lists(node.expressions[0], node.expressions[1], "text_list", _has_all)
        raise self.refuse(node, "is not a function that rules may call")

    def length(self, node: exp.Length) -> Node:
        """len(list)"""
        part = self.compile(node.this)
        if part.type != "text_list":
            raise self.refuse(node, "counts the items of a list only")
        return Node("int", known(part.evaluate, len))

    def _lists(self, left: exp.Expr, right: exp.Expr, wanted: ValueType, test: Callable[[Any, Any], bool]) -> Node:
        first, second = self.compile(left), self.compile(right)
        if first.type != "text_list" or second.type != wanted:
            raise self.refuse(right, f"does not fit: a list of texts and a {wanted} are wanted")
        return Node("bool", both_known(first.evaluate, second.evaluate, test))

    # times ------------------------------------------------------------------------------------

    def cast(self, node: exp.Cast) -> Node:
        """CAST(a time AS DATE), DATE 'yyyy-mm-dd': the only casts there are."""
        from sqlglot import exp

        if not node.to.is_type(exp.DType.DATE):
            raise self.refuse(node, "is outside the subset of SQL that rules are written in")
        if isinstance(node.this, exp.Literal):
            try:
                return constant("date", dt.date.fromisoformat(node.this.this))
            except ValueError:
                raise self.refuse(node, "is not a day written as yyyy-mm-dd") from None
        part = self.compile(node.this)
        match part.type:
            case "date":
                return Node("date", part.evaluate)
            case "timestamp":
                return Node("date", known(part.evaluate, lambda moment: moment.astimezone(dt.UTC).date()))
            case _:
                raise self.refuse(node, "is not a time")

    def _moved(self, node: exp.Binary, sign: int) -> Node | None:
        """A time moved by an interval: always a timestamp, as in DuckDB."""
        from sqlglot import exp

        if not isinstance(node.right, exp.Interval):
            return None
        part = self.compile(node.left)
        if part.type not in TIMES:
            raise self.refuse(node.left, "is not a time")
        span, unit = node.right, str(node.right.unit).upper()
        count = self._count(span)
        moment = part.evaluate if part.type == "timestamp" else known(part.evaluate, midnight)
        if unit in _MONTHS:
            months = sign * count * _MONTHS[unit]
            return Node("timestamp", known(moment, lambda at: _by_months(at, months)))
        if unit in _SPANS:
            step = sign * count * _SPANS[unit]
            return Node("timestamp", known(moment, lambda at: at + step))
        raise self.refuse(span, "is counted in MINUTE, HOUR, DAY, MONTH or YEAR")

    def _count(self, span: exp.Interval) -> int:
        from sqlglot import exp

        if isinstance(span.this, exp.Literal) and str(span.this.this).isdigit():
            return int(span.this.this)
        if isinstance(span.this, exp.Placeholder):
            part = self.compile(span.this)
            count = part.evaluate({}) if part.type == "int" else None
            if isinstance(count, int):
                return count
        raise self.refuse(span, "is a whole number of units, or a parameter that is one")

    # texts and choices ------------------------------------------------------------------------

    def like(self, node: exp.Like) -> Node:
        """text LIKE 'prefix%'"""
        from sqlglot import exp

        part, pattern = self.compile(node.this), node.expression
        text = str(pattern.this) if isinstance(pattern, exp.Literal) and pattern.is_string else ""
        prefix = text.removesuffix("%")
        if part.type != "text" or prefix == text or any(one in prefix for one in "%_\\"):
            raise self.refuse(node, "is only written LIKE 'prefix%'")
        return Node("bool", known(part.evaluate, lambda value: value.startswith(prefix)), is_atomic=False)

    def case(self, node: exp.Case) -> Node:
        """CASE WHEN condition THEN value ... ELSE value END"""
        if node.this is not None:
            raise self.refuse(node, "is written CASE WHEN condition THEN value")
        tests = [self.truth(branch.this) for branch in node.args["ifs"]]
        values = [self.compile(branch.args["true"]) for branch in node.args["ifs"]]
        default = node.args.get("default")
        values.append(constant(None, None) if default is None else self.compile(default))
        kind = self._common(node, values)
        branches = list(zip(tests, [as_type(value, kind) for value in values[:-1]], strict=True))
        otherwise = as_type(values[-1], kind)

        def chosen(record: Values) -> Any:
            for test, value in branches:
                if test(record) is True:
                    return value(record)
            return otherwise(record)

        return Node(kind, chosen)

    def coalesce(self, node: exp.Coalesce) -> Node:
        """coalesce(value, value ...)"""
        values = [self.compile(part) for part in (node.this, *node.expressions)]
        kind = self._common(node, values)
        parts = [as_type(value, kind) for value in values]

        def first(record: Values) -> Any:
            return next((value for part in parts if (value := part(record)) is not None), None)

        return Node(kind, first)

    def _common(self, node: exp.Expr, values: list[Node]) -> ValueType | None:
        try:
            return common_type(tuple(value.type for value in values))
        except ValueError as error:
            raise self.refuse(node, f"mixes {error}") from None


def _by_months(moment: dt.datetime, months: int) -> dt.datetime:
    """The same day of the month, or its last one where the month is shorter."""
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def _has_all(items: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    return all(item in items for item in wanted)


def _has_any(items: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    return any(item in items for item in wanted)
