"""Text to the contract's types, column by column: strictly and fast first, value by value where that fails.

A value that does not fit becomes null and a fault (rule `type`); the rest of the column is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec
import polars as pl
import pyarrow as pa

from contracts import registry
from contracts.field import Field, FieldType
from contracts.table import Table

FAULTS_SCHEMA: Final = {
    "index": pl.UInt32(),
    "column_name": pl.String(),
    "rule": pl.String(),
    "value": pl.String(),
}
"""Faults of a frame: `index` is the row's place in the frame, from 0."""

_SAMPLE: Final = 64
_TIME_FORMATS: Final = ("%+", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f%#z")
_TRUTHS: Final = {"true": True, "1": True, "t": True, "yes": True, "false": False, "0": False, "f": False, "no": False}


@dataclass(frozen=True, slots=True)
class Cast:
    """Columns in the contract's types, and what did not fit."""

    rows: pl.DataFrame
    faults: pl.DataFrame


def no_faults() -> pl.DataFrame:
    """An empty frame of faults."""
    return pl.DataFrame(schema=FAULTS_SCHEMA)


def cast_rows(rows: pl.DataFrame, declared: Table) -> Cast:
    """`rows` with each contract column in its declared type; other columns are left as they are."""
    types = registry.polars_schema(declared)
    faults = [no_faults()]
    columns: list[pl.Series] = []
    for field in declared.fields:
        if field.name not in rows.columns or rows.schema[field.name] == types[field.name]:
            continue
        given = rows[field.name]
        column = _cast(given, field, types[field.name])
        columns.append(column)
        if column.null_count() != given.null_count():
            faults.append(_type_faults(given, column))
    return Cast(rows.with_columns(columns), pl.concat(faults))


def _type_faults(given: pl.Series, column: pl.Series) -> pl.DataFrame:
    lost = (given.is_not_null() & column.is_null()).arg_true()
    return pl.DataFrame(
        {
            "index": lost.cast(pl.UInt32),
            "column_name": pl.repeat(given.name, lost.len(), dtype=pl.String, eager=True),
            "rule": pl.repeat("type", lost.len(), dtype=pl.String, eager=True),
            "value": given.gather(lost).cast(pl.String),
        },
        schema=FAULTS_SCHEMA,
    )


def _cast(given: pl.Series, field: Field, to: pl.DataType) -> pl.Series:
    if given.null_count() == given.len():
        return pl.Series(given.name, [None], dtype=to).new_from_index(0, given.len())
    if given.dtype != pl.String:
        return _typed(given, field, to)
    return _FROM_TEXT[field.type](given, to)


def _typed(given: pl.Series, field: Field, to: pl.DataType) -> pl.Series:
    """A value of another type, where it stays the same value; else null. An int is no time: its unit is unknown."""
    kind = given.dtype
    match field.type:
        case "int" | "decimal" if kind.is_float():
            whole = given.is_finite() & ((given == given.floor()) if field.type == "int" else pl.lit(value=True))
            return _only(given, whole).cast(to, strict=False)
        case "int" | "float" if kind.is_numeric():
            wide = given.cast(to, strict=False)
            return _only(wide, wide == given) if kind.is_decimal() and field.type == "int" else _finite(wide)
        case "decimal" if kind.is_numeric():
            wide = given.cast(pl.Decimal(38, kind.scale if isinstance(kind, pl.Decimal) else 9), strict=False)
            narrow = wide.cast(to, strict=False)
            return _only(narrow, narrow.cast(wide.dtype, strict=False) == wide)
        case "timestamp" if isinstance(kind, pl.Datetime):
            at = given.dt.replace_time_zone("UTC") if kind.time_zone is None else given.dt.convert_time_zone("UTC")
            return at.cast(to)
        case "timestamp" if kind == pl.Date:
            return given.cast(pl.Datetime("us")).dt.replace_time_zone("UTC").cast(to)
        case _:
            return _FROM_TEXT[field.type](given.cast(pl.String, strict=False), to)


def _only(column: pl.Series, holds: pl.Series | pl.Expr) -> pl.Series:
    """The column's values where `holds`, nulls elsewhere."""
    return column.to_frame().select(pl.when(holds).then(pl.col(column.name))).to_series()


def _finite(column: pl.Series) -> pl.Series:
    return _only(column, column.is_finite()) if column.dtype.is_float() else column


def _number(given: pl.Series, to: pl.DataType) -> pl.Series:
    column = given.cast(to, strict=False)
    if column.null_count() == given.null_count():
        return column
    return _second_try(given, column, lambda odd: odd.str.strip_chars().cast(pl.Decimal(38, 9), strict=False), to)


def _second_try(
    given: pl.Series, column: pl.Series, convert: Callable[[pl.Series], pl.Series], to: pl.DataType
) -> pl.Series:
    """`12.0` is an integer and ` 7` a number; `12.5` is not an integer."""
    odd = (given.is_not_null() & column.is_null()).arg_true()
    wide = convert(given.gather(odd))
    if to == pl.Int64:
        wide = wide.zip_with((wide == wide.floor()).fill_null(value=False), pl.Series([None], dtype=wide.dtype))
    return column.scatter(odd, wide.cast(to, strict=False))


def _floating(given: pl.Series, to: pl.DataType) -> pl.Series:
    column = given.str.strip_chars().cast(to, strict=False)
    return column.zip_with(column.is_finite().fill_null(value=True), pl.Series([None], dtype=to))


def _truth(given: pl.Series, to: pl.DataType) -> pl.Series:
    is_true, is_false = given == "true", given == "false"
    if (is_true | is_false).all():
        return is_true.cast(to)
    return given.str.strip_chars().str.to_lowercase().replace_strict(_TRUTHS, default=None, return_dtype=to)


def _timestamp(given: pl.Series, to: pl.DataType) -> pl.Series:
    try:
        column = pl.Series(
            given.name, given.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.timestamp("us", tz="UTC"))
        )
    except pa.ArrowInvalid:
        return _timestamp_by_value(given, to)
    return column.cast(to)


def _timestamp_by_value(given: pl.Series, to: pl.DataType) -> pl.Series:
    text = given.str.strip_chars().alias("text")
    found = pl.Series(given.name, [None], dtype=pl.Datetime("us", "UTC")).new_from_index(0, given.len())
    left = text.is_not_null().arg_true()
    # a file mostly writes its times in one way: the others are asked for what is left
    for shape in sorted(_TIME_FORMATS, key=lambda shape: _misses(text.gather(left.head(_SAMPLE)), shape)):
        read = text.gather(left).to_frame().select(_time_in(shape)).to_series()
        found = found.scatter(left, read)
        left = left.filter(read.is_null())
        if left.is_empty():
            break
    return found.cast(to)


def _misses(text: pl.Series, shape: str) -> int:
    return text.to_frame().select(_time_in(shape).null_count()).item()  # type: ignore[no-any-return]


def _time_in(shape: str) -> pl.Expr:
    text = pl.col("text").str
    if "z" in shape or shape == "%+":
        return text.to_datetime(shape, time_unit="us", time_zone="UTC", strict=False, exact=True)
    return text.to_datetime(shape, time_unit="us", strict=False, exact=True).dt.replace_time_zone("UTC")


def _date(given: pl.Series, to: pl.DataType) -> pl.Series:
    return given.str.strip_chars().str.to_date("%Y-%m-%d", strict=False, exact=True).cast(to)


def _json(given: pl.Series, to: pl.DataType) -> pl.Series:
    return given.map_elements(_json_or_none, return_dtype=pl.String).cast(to)


def _json_or_none(text: str) -> str | None:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return text


_FROM_TEXT: Final[dict[FieldType, Callable[[pl.Series, pl.DataType], pl.Series]]] = {
    "text": lambda given, to: given.cast(to),
    "json": _json,
    "int": _number,
    "float": _floating,
    "decimal": _number,
    "bool": _truth,
    "timestamp": _timestamp,
    "date": _date,
}
