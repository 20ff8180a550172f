"""The lake: what assistants did. Read it at one snapshot, or write it in one transaction.

A tenant has two lakes, `raw` (append only) and `mart` (made by dbt). Tables are addressed as
`raw.<table>` and `mart.<table>`. Readers never wait for a writer and see one snapshot for as long as
they live. There is one writer a lake: `write_lake` holds a file lock, since several writers on a
SQLite catalog lose commits, and uses one connection from one thread, since several threads hang.

Not for SQL that a user wrote: with the SQLite extension loaded DuckDB can open any SQLite file that
the process can, whatever its settings say. Keys are not enforced either; callers check them in SQL.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import duckdb
import polars as pl

from aurora.errors import ConflictError, DataError, UsageError
from aurora.store import idle_reader
from aurora.store.connection import (
    LAYERS,
    attach_for_reading,
    attach_for_writing,
    hold_write_lock,
    latest_snapshot,
    open_duckdb,
    require_snapshot,
    require_tenant,
)
from aurora.store.dbt_profile import profile_parts
from aurora.store.extensions import quote
from aurora.store.lake_tables import follow_contracts, live_columns
from aurora.store.paths import Layer, TenantPaths
from aurora.store.rows import Rows, as_arrow
from aurora.store.statements import refuse_transaction, require_select

T = TypeVar("T")
Parameters = Sequence[object] | Mapping[str, object]

ATTEMPTS: Final = 6
_BACKOFF_S: Final = 0.05
_RETRYABLE: Final = re.compile(r"database is locked|database table is locked|conflict", re.IGNORECASE)
_IDENTIFIER: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
_TABLE_NAMES: Final = """
    SELECT table_name FROM duckdb_columns() WHERE database_name = ? AND schema_name = 'main'
    UNION SELECT view_name FROM duckdb_views() WHERE database_name = ? AND schema_name = 'main' ORDER BY 1
"""
"""Not from `information_schema.tables`: it counts the rows of every table, 0.3 s for a lake of a hundred."""


class LakeReader:
    """One pinned snapshot of raw and mart, read-only. For one thread."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, snapshots: Mapping[Layer, int]) -> None:
        self._connection = connection
        self._snapshots = snapshots

    def query(self, sql: str, params: Parameters = ()) -> pl.DataFrame:
        """Result of one SELECT. Timestamps come back in UTC, decimals as decimals.

        Errors: `UsageError` for anything but one SELECT and for functions that open other databases.
        """
        require_select(self._connection, sql)
        return self._connection.execute(sql, _bound(params)).pl()

    def declared(self, sql: str, params: Parameters = (), *, field: str) -> pl.DataFrame:
        """`query` of a SELECT that stands in a declaration; `DataError` names the `field` where it cannot run."""
        try:
            return self.query(sql, params)
        except duckdb.Error as error:
            raise DataError(
                f"The query of {field} cannot run: {_first_line(error)}",
                field=field,
                rule="query",
                next_step="Correct the query in its file.",
            ) from error

    def snapshot_id(self, layer: Layer) -> int:
        """The snapshot that is read; in a writer, the one the transaction began from."""
        return self._snapshots[layer]

    def table_names(self, layer: Layer) -> list[str]:
        """Tables and views of one lake, sorted."""
        found = self._connection.execute(_TABLE_NAMES, [layer, layer]).fetchall()
        return [str(row[0]) for row in found]

    def columns(self, layer: Layer) -> dict[str, dict[str, tuple[str, bool]]]:
        """DuckDB type of each column and whether it may be null, by table."""
        return live_columns(self._connection, layer)

    def tables_with_rows(self, layer: Layer) -> frozenset[str]:
        """Tables that hold rows or once did, whatever the snapshot: read off the catalog, no table is opened."""
        found = self._connection.execute(
            f"SELECT t.table_name FROM __ducklake_metadata_{layer}.ducklake_table AS t "
            f"JOIN __ducklake_metadata_{layer}.ducklake_table_stats AS s USING (table_id) WHERE s.record_count > 0"
        ).fetchall()
        return frozenset(str(row[0]) for row in found)


class LakeWriter(LakeReader):
    """One open transaction on one lake. Reads see the transaction's own writes."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        snapshots: Mapping[Layer, int],
        *,
        paths: TenantPaths,
        layer: Layer,
    ) -> None:
        super().__init__(connection, snapshots)
        self._paths = paths
        self._layer = layer
        self._added: set[Path] = set()

    def query(self, sql: str, params: Parameters = ()) -> pl.DataFrame:
        """Result of one statement, the transaction's own writes included."""
        return self._connection.execute(sql, _bound(params)).pl()

    def execute(self, sql: str, params: Parameters = ()) -> None:
        """Run one statement that gives no rows. BEGIN, COMMIT and ROLLBACK are `write_lake`'s."""
        refuse_transaction(self._connection, sql)
        self._connection.execute(sql, _bound(params))

    def append(self, table: str, frame: Rows) -> int:
        """Append rows, columns matched by name, and return how many; streamed, never copied as a whole.

        Columns that the frame lacks become null. Errors: `DataError` for a column the table does not
        have, a value that does not fit its type, a null in a required column. Keys are not checked.
        """
        target = f"{self._layer}.{_identifier(table)}"
        self._connection.register("incoming_rows", as_arrow(frame))
        try:
            row = self._connection.execute(f"INSERT INTO {target} BY NAME SELECT * FROM incoming_rows").fetchone()
        except (duckdb.ConstraintException, duckdb.BinderException, duckdb.ConversionException) as error:
            raise DataError(
                f"Rows do not fit {target}: {_first_line(error)}",
                field=target,
                rule="contract",
                next_step="Validate them against the contract first (contracts.registry.pandera_schema).",
            ) from error
        finally:
            self._connection.unregister("incoming_rows")
        return int(row[0]) if row else 0

    def folder(self, table: str) -> Path:
        """Where Parquet files for `add_files` are written."""
        return table_folder(self._paths, self._layer, table)

    def add_files(self, table: str, files: Sequence[Path]) -> None:
        """Register Parquet files already written below `folder(table)`, without rewriting them.

        The lake owns them from then on. DuckLake checks neither nulls nor keys here: that is the
        caller's duty. It would also take a file twice, or store a path that breaks when the tenant is
        moved; both are refused. Errors: `ConflictError` for a file that is or was registered,
        `DataError` for one outside the folder or whose columns do not fit.
        """
        folder = self.folder(table).resolve()
        known = self._registered()
        for file in files:
            path = _inside(file, folder)
            if path in known or path in self._added:
                raise ConflictError(
                    f"{path.name} is already part of {self._layer}.{table}.",
                    field=str(path),
                    rule="file_once",
                    next_step="Leave it out; write new rows to a new file.",
                )
            try:
                self._connection.execute(
                    f"CALL ducklake_add_data_files({quote(self._layer)}, {quote(_identifier(table))}, {quote(str(path))})"
                )
            except (duckdb.InvalidInputException, duckdb.BinderException) as error:
                raise DataError(
                    f"{path.name} does not fit {self._layer}.{table}: {_first_line(error)}",
                    field=str(path),
                    rule="contract",
                    next_step="Write it with contracts.registry.arrow_schema.",
                ) from error
            self._added.add(path)

    def _registered(self) -> set[Path]:
        rows = self._connection.execute(
            f"""
            SELECT f.path, f.path_is_relative, t.table_id, s.path || t.path
            FROM __ducklake_metadata_{self._layer}.ducklake_data_file AS f
            JOIN __ducklake_metadata_{self._layer}.ducklake_table AS t USING (table_id)
            JOIN __ducklake_metadata_{self._layer}.ducklake_schema AS s ON s.schema_id = t.schema_id
            """
        ).fetchall()
        root = self._paths.files(self._layer).resolve()
        return {(root / folder / path if is_relative else Path(path)) for path, is_relative, _, folder in rows}


def table_folder(paths: TenantPaths, layer: Layer, table: str) -> Path:
    """Folder of one table's files, inside the tenant's region."""
    return paths.files(layer) / "main" / _identifier(table)


def create_lake(paths: TenantPaths) -> None:
    """Make both catalogs and every contract's table in raw; the same call again changes nothing.

    Additive changes of a contract are applied to a live lake. Errors: `NotFoundError` for an unknown
    tenant, `DataError` for a contract that changed in a breaking way.
    """
    require_tenant(paths)
    for layer in LAYERS:
        with hold_write_lock(paths, layer), open_duckdb(paths) as connection:
            attach_for_writing(connection, paths, layer)
            if layer == "raw":
                follow_contracts(connection)


@contextmanager
def read_lake(paths: TenantPaths, *, raw_at: int | None = None, mart_at: int | None = None) -> Iterator[LakeReader]:
    """Read both lakes at one snapshot each: the newest, or the ones asked for.

    Errors: `NotFoundError` for an unknown tenant or snapshot, `NotReadyError` before `create_lake`.
    """
    # mart first: a mart is made from an older raw, so raw is never behind what mart was made from
    mart = latest_snapshot(paths, "mart") if mart_at is None else mart_at
    raw = latest_snapshot(paths, "raw") if raw_at is None else raw_at
    snapshots: dict[Layer, int] = {"raw": raw, "mart": mart}
    for layer in LAYERS:
        require_snapshot(paths, layer, snapshots[layer])
    key = idle_reader.reader_key(paths, snapshots)
    connection = idle_reader.take(key) or _open_reader(paths, snapshots)
    try:
        yield LakeReader(connection, snapshots)
    except BaseException:
        connection.close()
        raise
    idle_reader.keep(key, connection)


def _open_reader(paths: TenantPaths, snapshots: Mapping[Layer, int]) -> duckdb.DuckDBPyConnection:
    connection = open_duckdb(paths)
    try:
        connection.execute("SET enable_external_file_cache = false")  # a reader that is kept must hold no rows
        for layer in LAYERS:
            attach_for_reading(connection, paths, layer, snapshots[layer])
        _lock_down(connection, paths)
    except BaseException:
        connection.close()
        raise
    return connection


def _lock_down(connection: duckdb.DuckDBPyConnection, paths: TenantPaths) -> None:
    """No file outside the tenant's own, no setting changed, from here on."""
    allowed = ", ".join(quote(str(paths.files(layer))) for layer in LAYERS)
    connection.execute(f"SET allowed_directories = [{allowed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def write_lake(
    paths: TenantPaths,
    layer: Layer,
    work: Callable[[LakeWriter], T],
    *,
    author: str,
    message: str,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Run `work` in one transaction on one lake, as its only writer, and commit it.

    `work` may run more than once, and must not call `write_lake` for the same lake itself: when the catalog is busy all of it is tried again, a bounded number
    of times. Whatever `work` raises undoes everything. `author` and `message` stand in the snapshot.
    Errors: `NotFoundError` for an unknown tenant, `NotReadyError` before `create_lake` or when the lock
    is not to be had, `ConflictError` when every attempt failed.
    """
    latest_snapshot(paths, layer)
    for attempt in range(ATTEMPTS):
        if attempt:
            sleep(_BACKOFF_S * 2**attempt * (1 + random.random()))
        with hold_write_lock(paths, layer):
            try:
                return _write_once(paths, layer, work, author=author, message=message)
            except duckdb.Error as error:
                if not _RETRYABLE.search(str(error)):
                    raise
                last = error
    raise ConflictError(
        f"The {layer} lake of {paths.tenant} stayed busy over {ATTEMPTS} attempts: {_first_line(last)}",
        rule="one_writer",
        next_step="Find what else writes this catalog; Aurora's own writers wait for each other.",
    ) from last


def _write_once(paths: TenantPaths, layer: Layer, work: Callable[[LakeWriter], T], *, author: str, message: str) -> T:
    other: Layer = "mart" if layer == "raw" else "raw"
    snapshots: dict[Layer, int] = {layer: latest_snapshot(paths, layer), other: latest_snapshot(paths, other)}
    with open_duckdb(paths) as connection:
        attach_for_writing(connection, paths, layer)
        attach_for_reading(connection, paths, other, snapshots[other])
        connection.execute("BEGIN TRANSACTION")
        try:
            result = work(LakeWriter(connection, snapshots, paths=paths, layer=layer))
            connection.execute(f"CALL {layer}.set_commit_message(?, ?)", [author, message])
            connection.execute("COMMIT")
        except BaseException:
            _roll_back(connection)
            raise
        return result


def _roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    try:
        connection.execute("ROLLBACK")
    except duckdb.TransactionException:
        return  # a failed COMMIT has ended the transaction already


def dbt_attach(paths: TenantPaths, *, raw_at: int | None = None) -> dict[str, Any]:
    """What dbt's profile needs to open both lakes itself, see `aurora.store.dbt_profile.profile_parts`.

    All dbt models of one build read raw at one snapshot: `raw_at`, or the newest. Errors: as `read_lake`.
    """
    latest_snapshot(paths, "mart")
    return profile_parts(paths, latest_snapshot(paths, "raw") if raw_at is None else raw_at)


def _inside(file: Path, folder: Path) -> Path:
    path = file.resolve()
    if not path.is_relative_to(folder) or not path.is_file():
        raise DataError(
            f"{file} is not a file below {folder}.",
            field=str(file),
            rule="inside_region",
            next_step="Write it below LakeWriter.folder(table): the lake keeps rows inside the tenant's region.",
        )
    return path


def _identifier(name: str) -> str:
    if not _IDENTIFIER.fullmatch(name):
        raise UsageError(
            f"{name[:80]!r} is not a table name.",
            field="table",
            rule="matches " + _IDENTIFIER.pattern,
            next_step="Name a table as its contract does.",
        )
    return name


def _bound(params: Parameters) -> Any:
    return dict(params) if isinstance(params, Mapping) else list(params)


def _first_line(error: BaseException) -> str:
    return str(error).split("\n", 1)[0]
