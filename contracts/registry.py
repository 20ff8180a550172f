"""The master schema registry: look a table up by name, and get every form of it.

From one declaration come the pandera schema, polars, Arrow and DuckDB types, the JSON Schema of a
row and dbt's source yml. Nothing here reads or writes data. pandera (1.4 s to import) is imported
only when a schema is asked for.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import contracts.tables
from contracts.field import Check, Field, FieldType
from contracts.fields import FIELDS
from contracts.table import Table

if TYPE_CHECKING:
    import pandera.polars as pandera
    import polars as pl
    import pyarrow as pa

DUCKDB_TYPES: Mapping[FieldType, str] = MappingProxyType(
    {
        "text": "VARCHAR",
        "int": "BIGINT",
        "float": "DOUBLE",
        "decimal": "DECIMAL(18,9)",
        "bool": "BOOLEAN",
        "timestamp": "TIMESTAMP WITH TIME ZONE",
        "date": "DATE",
        "json": "VARCHAR",
    }
)
"""JSON is stored as text: every engine of the portable subset reads it."""


class UnknownTableError(LookupError):
    """No contract of that name."""


@cache
def tables() -> Mapping[str, Table]:
    """Every table by name. A module in `contracts/tables/` with a `TABLES` tuple is its registration."""
    found: dict[str, Table] = {}
    for module_info in pkgutil.iter_modules(contracts.tables.__path__):
        module = importlib.import_module(f"contracts.tables.{module_info.name}")
        for declared in module.TABLES:
            if declared.name in found:
                raise ValueError(f"Two contracts are named {declared.name}. Rename one of them.")
            found[declared.name] = declared
    return MappingProxyType(dict(sorted(found.items())))


@cache
def domains() -> Mapping[str, tuple[str, ...]]:
    """Names of the tables of each domain: the modules of `contracts/tables/`."""
    found = {}
    for module_info in pkgutil.iter_modules(contracts.tables.__path__):
        module = importlib.import_module(f"contracts.tables.{module_info.name}")
        found[module_info.name] = tuple(declared.name for declared in module.TABLES)
    return MappingProxyType(found)


def table(name: str) -> Table:
    """The contract named `name`; `UnknownTableError` names those that exist."""
    try:
        return tables()[name]
    except KeyError:
        raise UnknownTableError(f"No contract named {name!r}. There are: {', '.join(tables())}.") from None


def stored_fields(declared: Table) -> tuple[Field, ...]:
    """All columns as stored, batch columns included."""
    return tuple(FIELDS[name] for name in declared.stored_columns)


def duckdb_columns(declared: Table) -> dict[str, str]:
    """DuckDB type of each stored column, in order."""
    return {field.name: DUCKDB_TYPES[field.type] for field in stored_fields(declared)}


@cache
def _polars_types() -> Mapping[FieldType, pl.DataType]:
    import polars as pl

    return MappingProxyType(
        {
            "text": pl.String(),
            "int": pl.Int64(),
            "float": pl.Float64(),
            "decimal": pl.Decimal(18, 9),
            "bool": pl.Boolean(),
            "timestamp": pl.Datetime("us", "UTC"),
            "date": pl.Date(),
            "json": pl.String(),
        }
    )


def polars_schema(declared: Table, *, is_stored: bool = False) -> dict[str, pl.DataType]:
    """Polars type of each declared column, or of each stored one."""
    fields = stored_fields(declared) if is_stored else declared.fields
    return {field.name: _polars_types()[field.type] for field in fields}


def arrow_schema(declared: Table) -> pa.Schema:
    """Arrow schema of the stored table; required columns are not nullable."""
    import pyarrow as pa

    kinds: dict[FieldType, pa.DataType] = {
        "text": pa.string(),
        "int": pa.int64(),
        "float": pa.float64(),
        "decimal": pa.decimal128(18, 9),
        "bool": pa.bool_(),
        "timestamp": pa.timestamp("us", tz="UTC"),
        "date": pa.date32(),
        "json": pa.string(),
    }
    return pa.schema(
        [
            pa.field(field.name, kinds[field.type], nullable=not declared.is_required(field.name))
            for field in stored_fields(declared)
        ]
    )


def pandera_schema(declared: Table) -> pandera.DataFrameSchema:
    """The gate: types, nulls and value checks of the declared columns.

    Keys are not here: uniqueness is checked in SQL against the batch and the lake. Validate under
    `config_context(validation_depth=ValidationDepth.SCHEMA_AND_DATA)`; a LazyFrame is otherwise
    checked by schema alone and bad data passes.
    """
    import pandera.polars as pandera

    types = polars_schema(declared)
    return pandera.DataFrameSchema(
        {
            field.name: pandera.Column(
                types[field.name],
                checks=[_pandera_check(check) for check in field.checks],
                nullable=not declared.is_required(field.name),
                description=field.meaning,
            )
            for field in declared.fields
        },
        name=declared.name,
        strict=True,
    )


def _pandera_check(check: Check) -> pandera.Check:
    import datetime as dt

    import pandera.polars as pandera

    value: Any = check.value
    match check.rule:
        case "at_least":
            return pandera.Check.ge(value, name=check.rule, error=check.rule)
        case "at_most":
            return pandera.Check.le(value, name=check.rule, error=check.rule)
        case "one_of":
            return pandera.Check.isin(list(value), name=check.rule, error=check.rule)
        case "matches":
            return pandera.Check.str_matches(value, name=check.rule, error=check.rule)
        case "not_before":
            earliest = dt.datetime.fromisoformat(str(value)).replace(tzinfo=dt.UTC)
            return pandera.Check.ge(earliest, name=check.rule, error=check.rule)


_JSON_TYPES: Mapping[FieldType, Mapping[str, str]] = MappingProxyType(
    {
        "text": {"type": "string"},
        "int": {"type": "integer"},
        "float": {"type": "number"},
        "decimal": {"type": "string", "format": "decimal"},
        "bool": {"type": "boolean"},
        "timestamp": {"type": "string", "format": "date-time"},
        "date": {"type": "string", "format": "date"},
        "json": {"type": "string", "contentMediaType": "application/json"},
    }
)


def json_schema(declared: Table) -> dict[str, Any]:
    """JSON Schema (2020-12) of one row as exported: decimals are strings, times RFC 3339 in UTC."""
    properties: dict[str, Any] = {}
    for field in declared.fields:
        prop: dict[str, Any] = {**_JSON_TYPES[field.type], "description": field.meaning}
        if field.unit:
            prop["x-unit"] = field.unit
        prop["x-privacy"] = field.privacy
        for check in field.checks:
            prop |= _json_check(check, field)
        if not declared.is_required(field.name):
            prop["type"] = [prop["type"], "null"]
            if "enum" in prop:
                prop["enum"] = [*prop["enum"], None]
        properties[field.name] = prop
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": declared.name,
        "description": f"{declared.meaning} Grain: {declared.grain}. Version {declared.version}.",
        "type": "object",
        "properties": properties,
        "required": [name for name in declared.columns if declared.is_required(name)],
        "additionalProperties": False,
    }


def _json_check(check: Check, field: Field) -> dict[str, Any]:
    match check.rule:
        case "at_least" if field.type != "decimal":
            return {"minimum": check.value}
        case "at_most" if field.type != "decimal":
            return {"maximum": check.value}
        case "one_of":
            return {"enum": list(check.value)} if isinstance(check.value, tuple) else {}
        case "matches":
            return {"pattern": check.value}
        case _:
            return {}


def dbt_sources() -> dict[str, Any]:
    """dbt's source declaration of the raw lake; the file in `dbt_project/` must equal it (drift test)."""
    return {
        "version": 2,
        "sources": [
            {
                "name": "raw",
                "description": "The raw lake, as declared in contracts/. Generated: edit the contract, then run `aurora contract sync`.",
                "database": "raw",
                "schema": "main",
                "tables": [_dbt_table(declared) for declared in tables().values()],
            }
        ],
    }


def _dbt_table(declared: Table) -> dict[str, Any]:
    return {
        "name": declared.name,
        "description": f"{declared.meaning} Grain: {declared.grain}.",
        "config": {
            "meta": {"owner": declared.owner, "version": declared.version, "retention_days": declared.retention_days}
        },
        "columns": [
            {
                "name": field.name,
                "description": field.meaning if field.unit is None else f"{field.meaning} Unit: {field.unit}.",
                "data_type": DUCKDB_TYPES[field.type].lower(),
                "config": {"meta": {"privacy": field.privacy, "residency": field.residency}},
            }
            for field in stored_fields(declared)
        ],
    }
