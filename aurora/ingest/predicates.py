"""A contract's checks asked of whole rows at once: as a polars expression, and as DuckDB SQL.

Both are made from the same declaration and mean what pandera means: a row passes when every required
column holds a value and every value passes its checks, nulls aside. They only tell rows that pass from
rows that do not; which rule a row fails, and in which words, is the gate's to say.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Final

import polars as pl

from contracts.field import Check, Field
from contracts.fields import FIELDS
from contracts.table import Table


def judged_columns(declared: Table, given: Iterable[str]) -> tuple[str, ...]:
    """Those of the `given` columns that the contract asks something of, in its order."""
    offered = frozenset(given)
    return tuple(
        field.name
        for field in declared.fields
        if field.name in offered and (field.checks or declared.is_required(field.name))
    )


def polars_passes(declared: Table, columns: Iterable[str]) -> pl.Expr:
    """True for a row that passes in these columns, which have the contract's types; never null."""
    terms = [term for name in columns for term in _polars_terms(FIELDS[name], is_required=declared.is_required(name))]
    return pl.all_horizontal(pl.lit(value=True), *terms)


def sql_passes(declared: Table, columns: Mapping[str, str]) -> str:
    """The same in DuckDB SQL; `columns` gives the SQL expression that holds each column's typed value."""
    terms = [
        term
        for name, sql in columns.items()
        for term in _sql_terms(FIELDS[name], sql, is_required=declared.is_required(name))
    ]
    return " AND ".join(terms) or "true"


def _polars_terms(field: Field, *, is_required: bool) -> list[pl.Expr]:
    column = pl.col(field.name)
    terms = [column.is_not_null()] if is_required else []
    if is_required and field.type == "float":
        terms.append(column.is_not_nan().fill_null(value=True))
    return terms + [_polars_check(column, check).fill_null(value=True) for check in field.checks]


def _polars_check(column: pl.Expr, check: Check) -> pl.Expr:
    match check.rule:
        case "at_least":
            return column >= _limit(check)
        case "at_most":
            return column <= _limit(check)
        case "one_of":
            return column.is_in(list(_choices(check)))
        case "matches":
            return column.str.contains(_anchored(check))
        case "not_before":
            return column >= _moment(check)


def _sql_terms(field: Field, sql: str, *, is_required: bool) -> list[str]:
    terms = [f"{sql} IS NOT NULL"] if is_required else []
    if is_required and field.type == "float":
        terms.append(f"NOT coalesce(isnan({sql}), false)")
    return terms + [f"coalesce({_sql_check(sql, check)}, true)" for check in field.checks]


def _sql_check(sql: str, check: Check) -> str:
    match check.rule:
        case "at_least":
            return f"{sql} >= {_limit(check)}"
        case "at_most":
            return f"{sql} <= {_limit(check)}"
        case "one_of":
            return f"{sql} IN ({', '.join(sql_text(choice) for choice in _choices(check))})"
        case "matches":
            return f"regexp_matches({sql}, {sql_text(_anchored(check))})"
        case "not_before":
            return f"{sql} >= TIMESTAMPTZ {sql_text(_moment(check).isoformat(sep=' '))}"


def sql_text(value: str) -> str:
    """A text as a SQL literal."""
    return "'" + value.replace("'", "''") + "'"


_START: Final = "^"


def _anchored(check: Check) -> str:
    """pandera matches from the start of a value, wherever the pattern's own end is."""
    pattern = str(check.value)
    return pattern if pattern.startswith(_START) else _START + pattern


def _choices(check: Check) -> tuple[str, ...]:
    return check.value if isinstance(check.value, tuple) else (str(check.value),)


def _limit(check: Check) -> float:
    if not isinstance(check.value, int | float):
        raise TypeError(f"The check {check.rule} wants a number, not {check.value!r}. Correct the contract.")
    return check.value


def _moment(check: Check) -> dt.datetime:
    return dt.datetime.fromisoformat(str(check.value)).replace(tzinfo=dt.UTC)
