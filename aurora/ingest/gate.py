"""The gate: pandera, made from the contract, says which rows pass; the failures become quarantine rows.

Validated under SCHEMA_AND_DATA and lazily, so that every fault of a frame is found at once. Only
columns that a source can get wrong are shown to it: those that hold checks or must not be null.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import polars as pl

from aurora.errors import DataError
from aurora.ingest.casting import FAULTS_SCHEMA, no_faults
from aurora.ingest.portions import MAX_RAW_CHARS, RAW, REFUSED_SCHEMA, ROW
from aurora.ingest.predicates import judged_columns, polars_passes
from contracts import registry
from contracts.fields import FIELDS
from contracts.table import Table

if TYPE_CHECKING:
    import pandera.polars as pandera

_NOT_NULL: Final = "not_null"
_RULES: Final = {"not_nullable": _NOT_NULL}
_MAX_VALUE_CHARS: Final = 200


@cache
def _schema(contract: str, columns: tuple[str, ...]) -> pandera.DataFrameSchema:
    import pandera.polars as pandera

    full = registry.pandera_schema(registry.table(contract))
    return pandera.DataFrameSchema({name: full.columns[name] for name in columns}, name=contract, strict=True)


def gate_faults(rows: pl.DataFrame, declared: Table, *, given: frozenset[str]) -> pl.DataFrame:
    """What pandera holds against `rows`, a frame of FAULTS_SCHEMA; `given` are the columns to look at.

    Rows that pass the contract's predicate are not shown to pandera: it would hold nothing against them.
    """
    columns = judged_columns(declared, given)
    if not columns or rows.is_empty():
        return no_faults()
    shown = rows.select(columns)
    types = registry.polars_schema(declared)
    if any(kind != types[name] for name, kind in shown.schema.items()):
        return _pandera_faults(shown, declared)
    failing = (~shown.select(polars_passes(declared, columns)).to_series()).arg_true()
    if failing.is_empty():
        return no_faults()
    faults = _pandera_faults(shown[failing], declared)
    return faults.with_columns(failing.cast(pl.UInt32).gather(faults["index"]).alias("index"))


def _pandera_faults(shown: pl.DataFrame, declared: Table) -> pl.DataFrame:
    import pandera.errors
    from pandera.config import ValidationDepth, config_context

    try:
        with config_context(validation_depth=ValidationDepth.SCHEMA_AND_DATA):
            _schema(declared.name, tuple(shown.columns)).validate(shown, lazy=True)
    except pandera.errors.SchemaErrors as failed:
        return _faults(failed.failure_cases, declared)
    return no_faults()


def _faults(cases: pl.DataFrame, declared: Table) -> pl.DataFrame:
    if cases["index"].null_count():
        whole = cases.filter(pl.col("index").is_null()).row(0, named=True)
        raise DataError(
            f"A batch of {declared.name} does not have the contract's shape: {whole['check']} {whole['failure_case']}.",
            field=str(whole["column"]),
            rule=str(whole["check"]),
            next_step="This is a fault of the format's reader; report it with the file.",
        )
    return cases.select(
        pl.col("index").cast(pl.UInt32),
        pl.col("column").cast(pl.String).alias("column_name"),
        pl.col("check").cast(pl.String).replace(_RULES).alias("rule"),
        pl.col("failure_case").cast(pl.String).alias("value"),
    ).cast(FAULTS_SCHEMA)  # type: ignore[arg-type]


def explained(faults: pl.DataFrame, source: pl.DataFrame, declared: Table) -> pl.DataFrame:
    """Faults as refusals: `source` is the frame as it was read, in the same order."""
    if faults.is_empty():
        return pl.DataFrame(schema=dict(REFUSED_SCHEMA))
    told = faults.unique(["index", "column_name", "rule"], maintain_order=True)
    words = told.select("column_name", "rule").unique()
    words = words.with_columns(
        pl.Series("words", [rule_in_words(column, rule, declared) for column, rule in words.rows()], dtype=pl.String)
    )
    told = told.join(words, on=["column_name", "rule"], how="left", maintain_order="left")
    rows = source[told["index"]]
    return (
        told.with_columns(rows[ROW], _raw(rows).alias(RAW), _reason())
        .sort(ROW, "column_name", "rule")
        .select(pl.col(name).cast(kind) for name, kind in REFUSED_SCHEMA.items())
    )


def _raw(rows: pl.DataFrame) -> pl.Series:
    """The row as it came: the format's own record, else the columns as a JSON object."""
    if RAW in rows.columns:
        return rows[RAW]
    given = rows.drop(ROW)
    packed = given.select(pl.struct(pl.all().cast(pl.String)).struct.json_encode().alias(RAW)).to_series()
    return packed.str.slice(0, MAX_RAW_CHARS) if (packed.str.len_chars().max() or 0) > MAX_RAW_CHARS else packed  # type: ignore[operator]


def _reason() -> pl.Expr:
    shown = pl.col("value").str.slice(0, _MAX_VALUE_CHARS).fill_null("not readable")
    return (
        pl.when(pl.col("rule") == _NOT_NULL)
        .then(pl.format("{} is missing. {}", "column_name", "words"))
        .otherwise(pl.format("{} is {}. {}", pl.col("column_name"), shown, pl.col("words")))
        .alias("reason")
    )


_WANTED_TYPE: Final = {
    "int": "a whole number",
    "float": "a number",
    "decimal": "an amount with at most nine decimals",
    "bool": "true or false",
    "timestamp": "a time such as 2026-11-21T08:30:00Z",
    "date": "a date such as 2026-11-21",
    "json": "JSON",
    "text": "text",
}


@cache
def rule_in_words(column: str, rule: str, declared: Table) -> str:
    """What the contract asks of the column and what to do, in plain words."""
    field = FIELDS[column]
    check = next((one for one in field.checks if one.rule == rule), None)
    end = "Correct it at the source and send the row again."
    if rule == _NOT_NULL:
        return f"Every row of {declared.name} needs it: {field.meaning} {end}"
    if rule == "type" or check is None:
        return f"It must be {_WANTED_TYPE[field.type]}. Check that the columns are not swapped. {end}"
    match check.rule:
        case "at_least":
            return f"It must be at least {check.value}. {end}"
        case "at_most":
            return f"It must be at most {check.value}. {end}"
        case "not_before":
            return f"It must not be before {check.value}: look at the unit (s, ms) and the clock. {end}"
        case "matches":
            return f"It must match {check.value}. {end}"
        case "one_of":
            known = ", ".join(check.value) if isinstance(check.value, tuple) else str(check.value)
            return f"It must be one of {known}. {end}"
