"""Making a lake's tables from the contracts, and bringing a live lake up to them.

Additive changes pass: a new optional column is added, a required one may become optional, a new required
one is filled by its `backfill`. Anything else would rewrite history: it is refused, all of it at once,
unless the contract names its `migration`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import duckdb

from aurora.errors import DataError
from contracts import registry
from contracts.table import Table

LiveColumn = tuple[str, bool]
"""DuckDB type of a column in the lake, and whether it may be null."""

_SHOWN: Final = 5


def follow_contracts(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Table] | None = None) -> None:
    """Bring the attached raw lake up to the contracts in one transaction; does nothing when it is.

    `tables` are the registry's when absent.

    Errors: `DataError` when a contract broke with the lake and names no migration, or one that does not
    lead to its shape; the lake is then as it was.
    """
    tables = registry.tables() if tables is None else tables
    changes = table_changes(connection, tables)
    if not changes:
        return
    connection.execute("BEGIN TRANSACTION")
    try:
        for change in changes:
            connection.execute(change)
        # what a migration left is additive by now, or was not what the contract says
        for change in table_changes(connection, tables, may_migrate=False):
            connection.execute(change)
        connection.execute("CALL raw.set_commit_message('store', 'Follow the contracts')")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def table_changes(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Table], *, may_migrate: bool = True
) -> list[str]:
    """Statements that bring the attached raw lake up to the contracts; none when it is."""
    live = live_columns(connection)
    changes: list[str] = []
    refused: list[tuple[Table, str, str]] = []
    for declared in tables.values():
        columns = live.get(declared.name)
        if columns is None:
            changes.append(_creation(declared))
            continue
        broken = breaks(declared, columns)
        if broken and declared.migration and may_migrate:
            changes += declared.migration
        elif broken:
            refused += [(declared, column, why) for column, why in broken]
        else:
            changes += _additions(declared, columns)
    if refused:
        raise _breaking(refused)
    return changes


def live_columns(connection: duckdb.DuckDBPyConnection, layer: str = "raw") -> dict[str, dict[str, LiveColumn]]:
    """Columns of every table of an attached lake. One query: one a table costs 8 ms each."""
    rows = connection.execute(
        "SELECT table_name, column_name, data_type, is_nullable FROM duckdb_columns() "
        "WHERE database_name = ? AND schema_name = 'main'",
        [layer],
    ).fetchall()
    live: dict[str, dict[str, LiveColumn]] = {}
    for table, name, kind, is_nullable in rows:
        live.setdefault(str(table), {})[str(name)] = (str(kind), bool(is_nullable))
    return live


def breaks(declared: Table, live: Mapping[str, LiveColumn]) -> list[tuple[str, str]]:
    """Columns in which the contract broke with the lake's table, each with the reason in words.

    An optional column that only the lake knows is left alone: an older release must still run on it.
    """
    found = [(name, why) for name in registry.duckdb_columns(declared) if (why := _break(declared, name, live))]
    return found + [
        (name, "every row in the lake must hold it and the contract does not know it: no row could land")
        for name, (_, is_nullable) in live.items()
        if not is_nullable and name not in declared.stored_columns
    ]


def _break(declared: Table, name: str, live: Mapping[str, LiveColumn]) -> str | None:
    is_required = declared.is_required(name)
    if name not in live:
        if is_required and name not in dict(declared.backfill):
            return "it is new and required, and rows that are there have no value for it"
        return None
    kind, is_nullable = live[name]
    wanted = registry.duckdb_columns(declared)[name]
    if kind != wanted:
        return f"its type is {kind} in the lake and {wanted} in the contract"
    if is_required and is_nullable:
        return "it was optional, and rows that are there may lack it"
    return None


def _creation(declared: Table) -> str:
    columns = ", ".join(
        f"{name} {kind}{' NOT NULL' if declared.is_required(name) else ''}"
        for name, kind in registry.duckdb_columns(declared).items()
    )
    return f"CREATE TABLE raw.{declared.name} ({columns})"


def _additions(declared: Table, live: Mapping[str, LiveColumn]) -> list[str]:
    """Statements for the columns that are new, and for those that need no longer hold a value."""
    table = f"raw.{declared.name}"
    backfill = dict(declared.backfill)
    changes: list[str] = []
    for name, kind in registry.duckdb_columns(declared).items():
        if name not in live:
            changes.append(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")
            if declared.is_required(name):
                changes += [
                    f"UPDATE {table} SET {name} = {backfill[name]}",
                    f"ALTER TABLE {table} ALTER COLUMN {name} SET NOT NULL",
                ]
        elif not declared.is_required(name) and not live[name][1]:
            changes.append(f"ALTER TABLE {table} ALTER COLUMN {name} DROP NOT NULL")
    return changes


def _breaking(refused: list[tuple[Table, str, str]]) -> DataError:
    declared, column, why = refused[0]
    others = ", ".join(f"{table.name}.{name}" for table, name, _ in refused[1:_SHOWN])
    more = f" The same goes for {others}{' ...' if len(refused) > _SHOWN else ''}." if others else ""
    return DataError(
        f"Contract {declared.name} {declared.version} breaks the lake at {column}: {why}.{more}",
        field=f"{declared.name}.{column}",
        rule="additive_change",
        next_step="`aurora contract diff --against lake` shows what would break. Declare the column optional under a "
        "new name, or ship a migration with the new major version.",
    )
