"""Making a lake's tables from the contracts, and bringing a live lake up to them.

Additive changes pass: a new optional column is added, a required one may become optional. Anything
else would rewrite history and is refused by name.
"""

from __future__ import annotations

import duckdb

from aurora.errors import DataError
from contracts import registry
from contracts.table import Table


def table_changes(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Statements that bring the attached raw lake up to the contracts; none when it is."""
    return [change for declared in registry.tables().values() for change in _changes(connection, declared)]


def _changes(connection: duckdb.DuckDBPyConnection, declared: Table) -> list[str]:
    live = _live_columns(connection, declared.name)
    wanted = registry.duckdb_columns(declared)
    if not live:
        columns = ", ".join(f"{name} {kind}{_null(declared, name)}" for name, kind in wanted.items())
        return [f"CREATE TABLE raw.{declared.name} ({columns})"]
    return [
        change
        for name, kind in wanted.items()
        for change in _column_changes(declared, name, kind=kind, live=live.get(name))
    ]


def _column_changes(declared: Table, name: str, *, kind: str, live: tuple[str, bool] | None) -> list[str]:
    """Statements for one column. One that is required and new is filled in the rows that are there."""
    value = dict(declared.backfill).get(name)
    if live is None and value:
        table = f"raw.{declared.name}"
        return [
            f"ALTER TABLE {table} ADD COLUMN {name} {kind}",
            f"UPDATE {table} SET {name} = {value}",
            f"ALTER TABLE {table} ALTER COLUMN {name} SET NOT NULL",
        ]
    change = _change(declared, name, kind=kind, live=live)
    return [change] if change else []


def _change(declared: Table, name: str, *, kind: str, live: tuple[str, bool] | None) -> str | None:
    required = declared.is_required(name)
    if live is None and not required:
        return f"ALTER TABLE raw.{declared.name} ADD COLUMN {name} {kind}"
    if live is None:
        raise _breaking(declared, name, "it is new and required, and rows that are there have no value for it")
    live_kind, is_nullable = live
    if live_kind != kind:
        raise _breaking(declared, name, f"its type is {live_kind} in the lake and {kind} in the contract")
    if required and is_nullable:
        raise _breaking(declared, name, "it was optional, and rows that are there may lack it")
    if not required and not is_nullable:
        return f"ALTER TABLE raw.{declared.name} ALTER COLUMN {name} DROP NOT NULL"
    return None


def _live_columns(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, tuple[str, bool]]:
    rows = connection.execute(
        "SELECT column_name, data_type, is_nullable FROM duckdb_columns() "
        "WHERE database_name = 'raw' AND schema_name = 'main' AND table_name = ?",
        [table],
    ).fetchall()
    return {str(name): (str(kind), bool(is_nullable)) for name, kind, is_nullable in rows}


def _null(declared: Table, name: str) -> str:
    return " NOT NULL" if declared.is_required(name) else ""


def _breaking(declared: Table, column: str, why: str) -> DataError:
    return DataError(
        f"Contract {declared.name} {declared.version} breaks the lake at {column}: {why}.",
        field=f"{declared.name}.{column}",
        rule="additive_change",
        next_step="Declare the column optional under a new name, or ship a migration with the new major version.",
    )
