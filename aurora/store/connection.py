"""Opening DuckDB on a tenant's two lakes: settings, ATTACH options, the write lock, the newest snapshot.

Why each ATTACH option is as it is:
- `META_JOURNAL_MODE 'WAL'` and a busy timeout: readers go on while one process writes.
- `DATA_INLINING_ROW_LIMIT 0`: DuckLake would keep small inserts inside the SQLite catalog, which lies
  outside the region's folder. Residency is a place, so every row goes to a file below
  `TenantPaths.files`. It costs about 8 ms a small commit (24 ms against 16) and saves flushing before
  file lists are handed out and before an erasure. It is an ATTACH option since `set_option` crashes
  when a view exists.
- `OVERRIDE_DATA_PATH`: the catalog stores an absolute path; a tenant's folder may be moved or restored.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import duckdb
import filelock

from aurora.errors import NotFoundError, NotReadyError
from aurora.store.extensions import open_with_extensions, quote
from aurora.store.paths import Layer, TenantPaths

LAYERS: Final[tuple[Layer, ...]] = ("raw", "mart")
BUSY_TIMEOUT_MS: Final = 30_000
LOCK_TIMEOUT_S: Final = 600.0
"""Longer than any write of ours; a writer that waits longer is told who to look for."""
DISABLED_OPTIMIZERS: Final = "statistics_propagation"
"""DuckLake forgets the range of a column in a file of which a row group is all null, and the next insert narrows the
table's range to its own: with the range believed, `WHERE x > 3` loses rows. Files are still skipped by their own."""
MEMORY_LIMIT: Final = "3GiB"
"""Of one process: pages, API and pipeline run at the same time on one machine. Beyond it DuckDB spills."""


def open_duckdb(paths: TenantPaths) -> duckdb.DuckDBPyConnection:
    """An empty in-memory DuckDB with the lake's extensions, in UTC. It spills inside the tenant's region."""
    spill = spill_folder(paths) / uuid.uuid4().hex
    connection = open_with_extensions({"memory_limit": MEMORY_LIMIT, "temp_directory": str(spill)})
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"SET disabled_optimizers = {quote(DISABLED_OPTIMIZERS)}")
    return connection


def spill_folder(paths: TenantPaths) -> Path:
    """Where DuckDB spills, a folder a connection below it: two processes must not share one.

    DuckDB makes its own folder and none above it, so this one is made here, where there is a tenant.
    """
    folder = paths.files("raw").parent / ".spill"
    if folder.parent.is_dir():
        folder.mkdir(exist_ok=True)
    return folder


def attach_for_reading(connection: duckdb.DuckDBPyConnection, paths: TenantPaths, layer: Layer, snapshot: int) -> None:
    """Attach one lake read-only, pinned to `snapshot`; `NotFoundError` when it was expired or never was.

    DuckLake loads a lake's tables at the first use of one (20 to 40 ms): most readers and writers want one lake.
    """
    require_snapshot(paths, layer, snapshot)
    connection.execute(
        f"ATTACH {_uri(paths, layer)} AS {layer} (READ_ONLY, {_options(paths, layer)}, SNAPSHOT_VERSION {int(snapshot)})"
    )


def require_snapshot(paths: TenantPaths, layer: Layer, snapshot: int) -> None:
    """`NotFoundError` when a lake has no such snapshot (any more); errors else as `latest_snapshot`."""
    if snapshot == latest_snapshot(paths, layer):
        return
    uri = f"{paths.catalog(layer).as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_MS / 1000)) as database:
        found = database.execute("SELECT 1 FROM ducklake_snapshot WHERE snapshot_id = ?", [int(snapshot)]).fetchone()
    if found is None:
        raise NotFoundError(
            f"The {layer} lake of {paths.tenant} has no snapshot {snapshot}.",
            field=f"{layer}_at",
            rule="snapshot",
            next_step="It was expired by maintenance or never existed; leave it out to read the newest.",
        )


def attach_for_writing(connection: duckdb.DuckDBPyConnection, paths: TenantPaths, layer: Layer) -> None:
    """Attach one lake for writing; makes its catalog when there is none. Hold `hold_write_lock` around it."""
    connection.execute(
        f"ATTACH {_uri(paths, layer)} AS {layer} ({_options(paths, layer)}, "
        "META_JOURNAL_MODE 'WAL', DATA_INLINING_ROW_LIMIT 0)"
    )


def _uri(paths: TenantPaths, layer: Layer) -> str:
    return quote(f"ducklake:sqlite:{paths.catalog(layer)}")


def _options(paths: TenantPaths, layer: Layer) -> str:
    return f"DATA_PATH {quote(str(paths.files(layer)))}, OVERRIDE_DATA_PATH true, META_BUSY_TIMEOUT {BUSY_TIMEOUT_MS}"


@contextmanager
def hold_write_lock(paths: TenantPaths, layer: Layer, *, timeout_s: float = LOCK_TIMEOUT_S) -> Iterator[None]:
    """Be the one writer of a lake. The operating system frees it when the process dies.

    One lock a lake: the pipeline's dbt run on mart does not hold up ingest into raw.
    """
    require_tenant(paths)
    lock = filelock.FileLock(paths.write_lock.with_name(f"{layer}.{paths.write_lock.name}"), timeout=timeout_s)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise NotReadyError(
            f"Another process has been writing the {layer} lake of {paths.tenant} for {timeout_s:.0f} s.",
            field=str(lock.lock_file),
            rule="one_writer",
            next_step="Wait for the running build or ingest to end, or stop it; then run again.",
        ) from error
    try:
        yield
    finally:
        lock.release()


def require_tenant(paths: TenantPaths) -> None:
    """`NotFoundError` when the tenant's folder is not there: a write must never bring a tenant into being."""
    if not (paths.directory / "region").is_file():
        raise NotFoundError(
            f"There is no tenant named {paths.tenant!r}.",
            field="tenant",
            next_step="`aurora status` lists tenants; `aurora demo` makes the demo tenant.",
        )


_BY_OTHERS = """
    SELECT max(s.snapshot_id) FROM ducklake_snapshot AS s
    LEFT JOIN ducklake_snapshot_changes AS c ON c.snapshot_id = s.snapshot_id
    WHERE c.author IS NULL OR c.author <> ?
"""


def latest_snapshot(paths: TenantPaths, layer: Layer, *, but_by: str | None = None) -> int:
    """Newest snapshot of a lake, in about 0.2 ms and without DuckDB: poll this, then read when it moved.

    `but_by` leaves out snapshots of one author, as long as there are others: what they wrote makes nothing stale.
    """
    require_tenant(paths)
    catalog = paths.catalog(layer)
    if not catalog.is_file():
        raise _not_made(paths, layer)
    with closing(sqlite3.connect(f"{catalog.as_uri()}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_MS / 1000)) as database:
        try:
            row = database.execute("SELECT max(snapshot_id) FROM ducklake_snapshot").fetchone()
            if but_by is not None and row[0] is not None:
                others = database.execute(_BY_OTHERS, (but_by,)).fetchone()
                row = row if others[0] is None else others
        except sqlite3.OperationalError as error:
            if "no such table" not in str(error):
                raise
            row = (None,)
    if row[0] is None:
        raise _not_made(paths, layer)
    return int(row[0])


def _not_made(paths: TenantPaths, layer: Layer) -> NotReadyError:
    return NotReadyError(
        f"The {layer} lake of {paths.tenant} has not been made yet.",
        field="tenant",
        rule="lake_exists",
        next_step="`aurora up` or `aurora demo` makes it.",
    )
