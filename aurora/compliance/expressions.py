"""Conditions: a boolean subset of SQL, compiled once into Python closures with SQL's three-valued logic.

One text, two engines: what is compiled here runs unchanged in DuckDB over the lake, and a property test
holds both to the same verdict. So the subset is strict where engines differ: operands have declared
types, nothing is cast, and a comparison of comparisons wants parentheses.

In: fields, literals, `$parameters`, AND OR NOT, = <> < <= > >=, IN, BETWEEN, LIKE 'prefix%', IS [NOT] NULL|TRUE|FALSE,
IS [NOT] DISTINCT FROM, + - *, abs, CASE WHEN, coalesce, CAST(time AS DATE), DATE '...', a time + or - INTERVAL n
MINUTE|HOUR|DAY|MONTH|YEAR, list_contains, list_has_all, list_has_any, len. Times are UTC. Integers must stay within
64 bits, as in the lake.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from aurora.compliance.expression_nodes import (
    Evaluate,
    Node,
    as_type,
    both_known,
    common_type,
    comparable,
    constant,
    refused,
)
from aurora.compliance.expression_scalars import ScalarParts
from aurora.compliance.records import Values, ValueType
from aurora.errors import DataError

if TYPE_CHECKING:
    from sqlglot import exp

NO_PARAMETERS: Final[Mapping[str, tuple[ValueType, object]]] = MappingProxyType({})
GIVEN: Final = object()
"""Stands for the value of a parameter that each evaluation is given anew, in the record, as `$<name>`."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition: true, false, or None when the record does not say (SQL's NULL)."""

    text: str
    fields: tuple[str, ...]
    """Fields it reads, sorted."""
    evaluate: Callable[[Values], bool | None]
    parameters: tuple[str, ...] = ()
    """Parameters it asks for, sorted, without the `$`."""


def compile_condition(
    text: str,
    fields: Mapping[str, ValueType],
    *,
    where: str,
    parameters: Mapping[str, tuple[ValueType, object]] = NO_PARAMETERS,
) -> Condition:
    """Compile `text`, which may read `fields` and `parameters` (type and value of each, or `GIVEN`).

    `DataError` names what is outside the subset; `where` names the rule.
    """
    parsed = _parse(text, where)
    compiler = _Compiler(fields, where, parameters)
    node = compiler.compile(parsed)
    if node.type != "bool":
        raise refused(where, text, "is not true or false")
    return Condition(text, tuple(sorted(compiler.used)), node.evaluate, tuple(sorted(compiler.asked)))


def _parse(text: str, where: str) -> exp.Expr:
    with warnings.catch_warnings():  # an optional accelerator of sqlglot warns of its own age when imported
        warnings.simplefilter("ignore", DeprecationWarning)
        import sqlglot
        from sqlglot.errors import SqlglotError

    try:
        return sqlglot.parse_one(f"{text}\n", dialect="duckdb")  # an empty text at the very end is misread
    except SqlglotError as error:
        raise refused(where, text, "is not SQL") from error


class _Compiler(ScalarParts):
    def __init__(
        self, fields: Mapping[str, ValueType], where: str, parameters: Mapping[str, tuple[ValueType, object]]
    ) -> None:
        from sqlglot import exp

        self.used: set[str] = set()
        self.asked: set[str] = set()
        self._fields = fields
        self._parameters = parameters
        self._where = where
        self._handlers: dict[type[exp.Expr], Callable[[Any], Node]] = {
            exp.Paren: self._paren,
            exp.Column: self._column,
            exp.Placeholder: self._parameter,
            exp.Literal: self._literal,
            exp.Boolean: lambda node: constant("bool", node.this),
            exp.Null: lambda _: constant(None, None),
            exp.And: self._and,
            exp.Or: self._or,
            exp.Not: self._not,
            exp.EQ: lambda node: self._compare(node, operator.eq),
            exp.NEQ: lambda node: self._compare(node, operator.ne),
            exp.LT: lambda node: self._compare(node, operator.lt),
            exp.LTE: lambda node: self._compare(node, operator.le),
            exp.GT: lambda node: self._compare(node, operator.gt),
            exp.GTE: lambda node: self._compare(node, operator.ge),
            exp.NullSafeEQ: lambda node: self._distinct(node, is_wanted=False),
            exp.NullSafeNEQ: lambda node: self._distinct(node, is_wanted=True),
            exp.Is: self._is,
            exp.In: self._in,
            exp.Between: self._between,
            exp.Like: self.like,
            exp.Case: self.case,
            exp.Coalesce: self.coalesce,
            exp.Cast: self.cast,
            exp.Abs: self.absolute,
            exp.Neg: self.negate,
            exp.Add: self.add,
            exp.Sub: self.subtract,
            exp.Mul: self.multiply,
            exp.ArrayContains: self.contains,
            exp.ArrayOverlaps: self.has_any,
            exp.Anonymous: self.named_function,
            exp.Length: self.length,
        }

    def compile(self, node: exp.Expr) -> Node:
        handler = self._handlers.get(type(node))
        if handler is None:
            raise self.refuse(node, "is outside the subset of SQL that rules are written in")
        return handler(node)

    def refuse(self, node: exp.Expr, problem: str) -> DataError:
        return refused(self._where, node.sql(dialect="duckdb"), problem)

    def _paren(self, node: exp.Paren) -> Node:
        inner = self.compile(node.this)
        return Node(inner.type, inner.evaluate)

    def _column(self, node: exp.Column) -> Node:
        path = ".".join(part.name for part in node.parts)
        if path not in self._fields:
            raise self.refuse(node, f"is not a field; fields are {', '.join(self._fields)}")
        self.used.add(path)
        return Node(self._fields[path], operator.itemgetter(path))

    def _parameter(self, node: exp.Placeholder) -> Node:
        name = str(node.this)
        if name not in self._parameters:
            raise self.refuse(node, f"is not a parameter; parameters are {', '.join(self._parameters) or 'none'}")
        self.asked.add(name)
        kind, value = self._parameters[name]
        return Node(kind, operator.itemgetter(f"${name}")) if value is GIVEN else constant(kind, value)

    def _literal(self, node: exp.Literal) -> Node:
        text: str = node.this
        if node.is_string:
            return constant("text", text)
        if text.isdigit():
            return constant("int", int(text))
        if "e" in text.lower():
            return constant("float", float(text))
        return constant("decimal", Decimal(text))

    def truth(self, node: exp.Expr) -> Evaluate:
        part = self.compile(node)
        if part.type not in ("bool", None):
            raise self.refuse(node, "is not true or false")
        return part.evaluate

    def _and(self, node: exp.And) -> Node:
        left, right = self.truth(node.left), self.truth(node.right)

        def both(record: Values) -> bool | None:
            first = left(record)
            if first is False:
                return False
            second = right(record)
            if second is False:
                return False
            return None if first is None or second is None else True

        return Node("bool", both, is_atomic=False)

    def _or(self, node: exp.Or) -> Node:
        left, right = self.truth(node.left), self.truth(node.right)

        def either(record: Values) -> bool | None:
            first = left(record)
            if first is True:
                return True
            second = right(record)
            if second is True:
                return True
            return None if first is None or second is None else False

        return Node("bool", either, is_atomic=False)

    def _not(self, node: exp.Not) -> Node:
        inner = self.truth(node.this)

        def negated(record: Values) -> bool | None:
            value = inner(record)
            return None if value is None else not value

        return Node("bool", negated, is_atomic=False)

    def _operand(self, node: exp.Expr) -> Node:
        part = self.compile(node)
        if not part.is_atomic and part.type == "bool":
            raise self.refuse(node, "stands inside another comparison: put it in parentheses")
        return part

    def _operands(self, left: exp.Expr, right: exp.Expr) -> tuple[Evaluate, Evaluate]:
        first, second = self._operand(left), self._operand(right)
        if not comparable(first.type, second.type):
            raise self.refuse(right, f"is {second.type} and cannot be compared with {first.type}")
        types = {first.type, second.type}
        if types <= {"int", "decimal"}:  # Python compares them exactly, as DuckDB does
            return first.evaluate, second.evaluate
        kind = common_type((first.type, second.type))
        return as_type(first, kind), as_type(second, kind)

    def _pair(self, left: exp.Expr, right: exp.Expr, test: Callable[[Any, Any], bool]) -> Evaluate:
        return both_known(*self._operands(left, right), test)

    def _compare(self, node: exp.Binary, test: Callable[[Any, Any], bool]) -> Node:
        return Node("bool", self._pair(node.left, node.right, test), is_atomic=False)

    def _distinct(self, node: exp.Binary, *, is_wanted: bool) -> Node:
        first, second = self._operands(node.left, node.right)
        return Node("bool", lambda record: (first(record) != second(record)) is is_wanted, is_atomic=False)

    def _is(self, node: exp.Is) -> Node:
        from sqlglot import exp

        part = self._operand(node.this)
        evaluate = part.evaluate
        if isinstance(node.expression, exp.Null):
            return Node("bool", lambda record: evaluate(record) is None, is_atomic=False)
        if isinstance(node.expression, exp.Boolean) and part.type == "bool":
            wanted = node.expression.this
            return Node("bool", lambda record: evaluate(record) is wanted, is_atomic=False)
        raise self.refuse(node, "is only written IS NULL, or IS TRUE and IS FALSE of a boolean")

    def _in(self, node: exp.In) -> Node:
        if not node.expressions or node.args.get("query") is not None or node.args.get("unnest") is not None:
            raise self.refuse(node, "wants a list of values in parentheses")
        tests = [self._pair(node.this, item, operator.eq) for item in node.expressions]

        def any_of(record: Values) -> bool | None:
            is_unknown = False
            for test in tests:
                value = test(record)
                if value is True:
                    return True
                is_unknown = is_unknown or value is None
            return None if is_unknown else False

        return Node("bool", any_of, is_atomic=False)

    def _between(self, node: exp.Between) -> Node:
        low = self._pair(node.this, node.args["low"], operator.ge)
        high = self._pair(node.this, node.args["high"], operator.le)

        def within(record: Values) -> bool | None:
            above, below = low(record), high(record)
            if above is False or below is False:
                return False
            return None if above is None or below is None else True

        return Node("bool", within, is_atomic=False)
