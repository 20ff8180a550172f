"""Conditions: a boolean subset of SQL, compiled once into Python closures with SQL's three-valued logic.

One text, two engines: what is compiled here runs unchanged in DuckDB over the lake, and a property test
holds both to the same verdict. So the subset is strict where engines differ: operands have declared
types, nothing is cast, and a comparison of comparisons wants parentheses.

In: dotted fields, literals, AND OR NOT, = <> < <= > >=, IN, BETWEEN, IS [NOT] NULL|TRUE|FALSE, + - *,
list_contains, list_has_all, list_has_any, len. Integers must stay within 64 bits, as in the lake.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import MAX_PREC, Context, Decimal
from typing import TYPE_CHECKING, Any

from aurora.compliance.records import Values, ValueType
from aurora.errors import DataError

if TYPE_CHECKING:
    from sqlglot import exp

Evaluate = Callable[[Values], Any]
_EXACT = Context(prec=min(MAX_PREC, 80))
"""Wide enough for any product that DECIMAL(38) holds: nothing is rounded."""
_NUMBERS = ("int", "decimal", "float")


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition: true, false, or None when the record does not say (SQL's NULL)."""

    text: str
    fields: tuple[str, ...]
    """Dotted fields it reads, sorted."""
    evaluate: Callable[[Values], bool | None]


@dataclass(frozen=True, slots=True)
class _Node:
    """A compiled part. `type` is None for the literal NULL; `is_atomic` says it needs no parentheses."""

    type: ValueType | None
    evaluate: Evaluate
    is_atomic: bool = True


def compile_condition(text: str, fields: Mapping[str, ValueType], *, where: str) -> Condition:
    """Compile `text`, which may read `fields`. `DataError` names what is outside the subset; `where` names the rule."""
    parsed = _parse(text, where)
    compiler = _Compiler(fields, where)
    node = compiler.compile(parsed)
    if node.type != "bool":
        raise _refuse(where, text, "is not true or false")
    return Condition(text, tuple(sorted(compiler.used)), node.evaluate)


def _parse(text: str, where: str) -> exp.Expr:
    with warnings.catch_warnings():  # an optional accelerator of sqlglot warns of its own age when imported
        warnings.simplefilter("ignore", DeprecationWarning)
        import sqlglot
        from sqlglot.errors import SqlglotError

    try:
        return sqlglot.parse_one(text, dialect="duckdb")
    except SqlglotError as error:
        raise _refuse(where, text, "is not SQL") from error


class _Compiler:
    def __init__(self, fields: Mapping[str, ValueType], where: str) -> None:
        from sqlglot import exp

        self.used: set[str] = set()
        self._fields = fields
        self._where = where
        self._handlers: dict[type[exp.Expr], Callable[[Any], _Node]] = {
            exp.Paren: self._paren,
            exp.Column: self._column,
            exp.Literal: self._literal,
            exp.Boolean: lambda node: _constant("bool", node.this),
            exp.Null: lambda _: _constant(None, None),
            exp.And: self._and,
            exp.Or: self._or,
            exp.Not: self._not,
            exp.EQ: lambda node: self._compare(node, operator.eq),
            exp.NEQ: lambda node: self._compare(node, operator.ne),
            exp.LT: lambda node: self._compare(node, operator.lt),
            exp.LTE: lambda node: self._compare(node, operator.le),
            exp.GT: lambda node: self._compare(node, operator.gt),
            exp.GTE: lambda node: self._compare(node, operator.ge),
            exp.Is: self._is,
            exp.In: self._in,
            exp.Between: self._between,
            exp.Neg: self._negate,
            exp.Add: lambda node: self._arithmetic(node, operator.add, _EXACT.add),
            exp.Sub: lambda node: self._arithmetic(node, operator.sub, _EXACT.subtract),
            exp.Mul: lambda node: self._arithmetic(node, operator.mul, _EXACT.multiply),
            exp.ArrayContains: lambda node: self._lists(node.this, node.expression, "text", _contains),
            exp.ArrayOverlaps: lambda node: self._lists(node.this, node.expression, "text_list", _has_any),
            exp.Anonymous: self._named_function,
            exp.Length: self._length,
        }

    def compile(self, node: exp.Expr) -> _Node:
        """One part of the tree, by its kind."""
        handler = self._handlers.get(type(node))
        if handler is None:
            raise self._refuse(node, "is outside the subset of SQL that rules are written in")
        return handler(node)

    def _refuse(self, node: exp.Expr, problem: str) -> DataError:
        return _refuse(self._where, node.sql(dialect="duckdb"), problem)

    def _paren(self, node: exp.Paren) -> _Node:
        inner = self.compile(node.this)
        return _Node(inner.type, inner.evaluate)

    def _column(self, node: exp.Column) -> _Node:
        path = ".".join(part.name for part in node.parts)
        if path not in self._fields:
            raise self._refuse(node, f"is not a field; fields are {', '.join(self._fields)}")
        self.used.add(path)
        return _Node(self._fields[path], operator.itemgetter(path))

    def _literal(self, node: exp.Literal) -> _Node:
        text: str = node.this
        if node.is_string:
            return _constant("text", text)
        if text.isdigit():
            return _constant("int", int(text))
        if "e" in text.lower():
            return _constant("float", float(text))
        return _constant("decimal", Decimal(text))

    def _bool(self, node: exp.Expr) -> Evaluate:
        part = self.compile(node)
        if part.type not in ("bool", None):
            raise self._refuse(node, "is not true or false")
        return part.evaluate

    def _and(self, node: exp.And) -> _Node:
        left, right = self._bool(node.left), self._bool(node.right)

        def both(record: Values) -> bool | None:
            first = left(record)
            if first is False:
                return False
            second = right(record)
            if second is False:
                return False
            return None if first is None or second is None else True

        return _Node("bool", both, is_atomic=False)

    def _or(self, node: exp.Or) -> _Node:
        left, right = self._bool(node.left), self._bool(node.right)

        def either(record: Values) -> bool | None:
            first = left(record)
            if first is True:
                return True
            second = right(record)
            if second is True:
                return True
            return None if first is None or second is None else False

        return _Node("bool", either, is_atomic=False)

    def _not(self, node: exp.Not) -> _Node:
        inner = self._bool(node.this)

        def negated(record: Values) -> bool | None:
            value = inner(record)
            return None if value is None else not value

        return _Node("bool", negated, is_atomic=False)

    def _operand(self, node: exp.Expr) -> _Node:
        part = self.compile(node)
        if not part.is_atomic and part.type == "bool":
            raise self._refuse(node, "stands inside another comparison: put it in parentheses")
        return part

    def _pair(self, left: exp.Expr, right: exp.Expr, test: Callable[[Any, Any], bool]) -> Evaluate:
        first, second = self._operand(left), self._operand(right)
        if not _comparable(first.type, second.type):
            raise self._refuse(right, f"is {second.type} and cannot be compared with {first.type}")
        to_float = "float" in (first.type, second.type)
        return _comparison(_floating(first, to_float), _floating(second, to_float), test)

    def _compare(self, node: exp.Binary, test: Callable[[Any, Any], bool]) -> _Node:
        return _Node("bool", self._pair(node.left, node.right, test), is_atomic=False)

    def _is(self, node: exp.Is) -> _Node:
        from sqlglot import exp

        part = self._operand(node.this)
        evaluate = part.evaluate
        if isinstance(node.expression, exp.Null):
            return _Node("bool", lambda record: evaluate(record) is None, is_atomic=False)
        if isinstance(node.expression, exp.Boolean) and part.type == "bool":
            wanted = node.expression.this
            return _Node("bool", lambda record: evaluate(record) is wanted, is_atomic=False)
        raise self._refuse(node, "is only written IS NULL, or IS TRUE and IS FALSE of a boolean")

    def _in(self, node: exp.In) -> _Node:
        if not node.expressions or node.args.get("query") is not None or node.args.get("unnest") is not None:
            raise self._refuse(node, "wants a list of values in parentheses")
        tests = [self._pair(node.this, item, operator.eq) for item in node.expressions]

        def any_of(record: Values) -> bool | None:
            is_unknown = False
            for test in tests:
                value = test(record)
                if value is True:
                    return True
                is_unknown = is_unknown or value is None
            return None if is_unknown else False

        return _Node("bool", any_of, is_atomic=False)

    def _between(self, node: exp.Between) -> _Node:
        low = self._pair(node.this, node.args["low"], operator.ge)
        high = self._pair(node.this, node.args["high"], operator.le)

        def within(record: Values) -> bool | None:
            above, below = low(record), high(record)
            if above is False or below is False:
                return False
            return None if above is None or below is None else True

        return _Node("bool", within, is_atomic=False)

    def _number(self, node: exp.Expr) -> _Node:
        part = self.compile(node)
        if part.type not in _NUMBERS:
            raise self._refuse(node, "is not a number")
        return part

    def _negate(self, node: exp.Neg) -> _Node:
        part = self._number(node.this)
        evaluate = part.evaluate

        def negated(record: Values) -> Any:
            value = evaluate(record)
            return None if value is None else -value

        return _Node(part.type, negated)

    def _arithmetic(
        self, node: exp.Binary, plain: Callable[[Any, Any], Any], exact: Callable[[Decimal, Decimal], Decimal]
    ) -> _Node:
        left, right = self._number(node.left), self._number(node.right)
        types = (left.type, right.type)
        kind: ValueType = "float" if "float" in types else "decimal" if "decimal" in types else "int"
        apply = exact if kind == "decimal" else plain
        first, second = _floating(left, kind == "float"), _floating(right, kind == "float")
        if kind == "decimal":
            first, second = _as_decimal(first, left.type), _as_decimal(second, right.type)
        return _Node(kind, _comparison(first, second, apply))

    def _lists(self, left: exp.Expr, right: exp.Expr, wanted: ValueType, test: Callable[[Any, Any], bool]) -> _Node:
        first, second = self.compile(left), self.compile(right)
        if first.type != "text_list" or second.type != wanted:
            raise self._refuse(right, f"does not fit: a list of texts and a {wanted} are wanted")
        return _Node("bool", _comparison(first.evaluate, second.evaluate, test))

    def _named_function(self, node: exp.Anonymous) -> _Node:
        if str(node.this).lower() == "list_has_all" and len(node.expressions) == 2:
            return self._lists(node.expressions[0], node.expressions[1], "text_list", _has_all)
        raise self._refuse(node, "is not a function that rules may call")

    def _length(self, node: exp.Length) -> _Node:
        part = self.compile(node.this)
        if part.type != "text_list":
            raise self._refuse(node, "counts the items of a list only")
        evaluate = part.evaluate

        def count(record: Values) -> int | None:
            value = evaluate(record)
            return None if value is None else len(value)

        return _Node("int", count)


def _constant(kind: ValueType | None, value: object) -> _Node:
    return _Node(kind, lambda _: value)


def _comparison(left: Evaluate, right: Evaluate, apply: Callable[[Any, Any], Any]) -> Evaluate:
    def applied(record: Values) -> Any:
        first = left(record)
        if first is None:
            return None
        second = right(record)
        return None if second is None else apply(first, second)

    return applied


def _comparable(left: ValueType | None, right: ValueType | None) -> bool:
    if left is None or right is None:
        return "text_list" not in (left, right)
    return left == right != "text_list" or (left in _NUMBERS and right in _NUMBERS)


def _floating(node: _Node, is_wanted: bool) -> Evaluate:  # noqa: FBT001
    evaluate = node.evaluate
    if not is_wanted or node.type == "float":
        return evaluate

    def as_float(record: Values) -> float | None:
        value = evaluate(record)
        return None if value is None else float(value)

    return as_float


def _as_decimal(evaluate: Evaluate, kind: ValueType | None) -> Evaluate:
    if kind == "decimal":
        return evaluate

    def as_decimal(record: Values) -> Decimal | None:
        value = evaluate(record)
        return None if value is None else Decimal(value)

    return as_decimal


def _contains(items: tuple[str, ...], item: str) -> bool:
    return item in items


def _has_all(items: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    return all(item in items for item in wanted)


def _has_any(items: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    return any(item in items for item in wanted)


def _refuse(where: str, text: str, problem: str) -> DataError:
    return DataError(
        f"{where}: `{text[:200]}` {problem}.",
        field="violates_when",
        rule="condition",
        next_step="See aurora/compliance/expressions.py for what a condition may hold.",
    )
