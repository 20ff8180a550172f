"""What a mask leaves behind: snapshots and files from before that still hold the clear values, and their end.

A mask writes values anew and marks the old rows as deleted; their bytes stay in the old file. So the masked table's
files are written again at once (`rewrite_masked`), and the old ones are needed by older snapshots alone. Those expire
`MASKED_FOR` after the mask with the nightly maintenance, or at once (`purge_masked`): what can be read ends, then the
files go, then what the catalogue remembers of their ranges.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import duckdb

from aurora.store.connection import (
    BUSY_TIMEOUT_MS,
    attach_for_reading,
    attach_for_writing,
    hold_write_lock,
    latest_snapshot,
    open_duckdb,
)
from aurora.store.lake import table_folder
from aurora.store.paths import Layer, TenantPaths

MASKED_FOR: Final = dt.timedelta(days=30)
"""How long time travel can still read what a mask took away: long enough to undo a wrong one from the past."""
MESSAGE: Final = "Mask "
"""How the commit of a mask begins; the contract follows."""
_CATALOG: Final = "__ducklake_metadata_raw"
_SOON: Final = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeReport:
    """What a purge ended. `files_from_before` is the proof: files on the disk that hold rows from before a mask."""

    masks: int
    snapshots_expired: int
    files_rewritten: int
    files_deleted: int
    files_searched: int
    files_from_before: int

    def as_dict(self) -> dict[str, int]:
        """Every count by name."""
        return asdict(self)


def rewrite_masked(paths: TenantPaths, contract: str) -> None:
    """Write the files of a masked table anew without the rows that the mask replaced."""
    with hold_write_lock(paths, "raw"), open_duckdb(paths) as lake:
        attach_for_writing(lake, paths, "raw")
        _rewrite(lake, contract)


def purge_masked(paths: TenantPaths, *, now: dt.datetime) -> PurgeReport:
    """End at once what masks left behind: snapshots from before the newest mask, their files, and their ranges.

    Queries that read such a snapshot at this moment fail. Without a mask nothing is done. Errors: as `write_lake`.
    """
    latest_snapshot(paths, "raw")
    with hold_write_lock(paths, "raw"), open_duckdb(paths) as lake:
        attach_for_writing(lake, paths, "raw")
        masks = masked_before(lake, now + _SOON)
        tables = sorted({contract for _, contract in masks})
        rewritten = rewrite_tables(lake, masks)
        expired = expire_masked(lake, masks)
        deleted = lake.execute("CALL ducklake_cleanup_old_files('raw', older_than => ?)", [now + _SOON]).fetchall()
        live = {Path(row[0]).name for one in tables for row in _files(lake, one)}
        vacuum(paths, "raw")
    found = [file for one in tables for file in table_folder(paths, "raw", one).glob("*.parquet")]
    return PurgeReport(
        masks=len(masks),
        snapshots_expired=expired,
        files_rewritten=rewritten,
        files_deleted=len(deleted),
        files_searched=len(found),
        files_from_before=sum(file.name not in live for file in found),
    )


def masks_of(paths: TenantPaths, *, now: dt.datetime) -> list[tuple[int, str]]:
    """Masks whose older snapshots have not expired yet: snapshot and contract."""
    latest_snapshot(paths, "raw")
    with open_duckdb(paths) as lake:
        attach_for_reading(lake, paths, "raw", latest_snapshot(paths, "raw"))
        return masked_before(lake, now + _SOON)


def masked_before(lake: duckdb.DuckDBPyConnection, moment: dt.datetime) -> list[tuple[int, str]]:
    """Masks that were committed until then: snapshot and contract."""
    rows = lake.execute(
        "SELECT snapshot_id, commit_message FROM ducklake_snapshots('raw')"
        " WHERE starts_with(commit_message, ?) AND snapshot_time <= ? ORDER BY 1",
        [MESSAGE, moment],
    ).fetchall()
    return [(int(row[0]), str(row[1]).removeprefix(MESSAGE)) for row in rows]


def rewrite_tables(lake: duckdb.DuckDBPyConnection, masks: list[tuple[int, str]]) -> int:
    """Write the masked tables anew where a mask that was killed did not; how many files."""
    return sum(_rewrite(lake, contract) for contract in sorted({contract for _, contract in masks}))


def expire_masked(lake: duckdb.DuckDBPyConnection, masks: list[tuple[int, str]]) -> int:
    """Expire every snapshot from before these masks, and those whose files still hold the old rows; how many."""
    if not masks:
        return 0
    bound = max(_needed_until(lake, snapshot) for snapshot, _ in masks)
    old = lake.execute("SELECT snapshot_id FROM ducklake_snapshots('raw') WHERE snapshot_id < ?", [bound]).fetchall()
    if old:
        ids = ", ".join(str(int(row[0])) for row in old)
        lake.execute(f"CALL ducklake_expire_snapshots('raw', versions => [{ids}])").fetchall()
    for contract in sorted({contract for _, contract in masks}):
        _narrow(lake, contract)
    return len(old)


def vacuum(paths: TenantPaths, layer: Layer) -> None:
    """Give back the catalogue's free pages, with what was written in them."""
    with closing(sqlite3.connect(paths.catalog(layer), timeout=BUSY_TIMEOUT_MS / 1000)) as database:
        database.execute("VACUUM")
        # a reader in mid-query keeps the log from being cut short; the next night's run does it
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _needed_until(lake: duckdb.DuckDBPyConnection, mask: int) -> int:
    """The first snapshot that reads no file with the rows that the mask marked as deleted."""
    (row,) = lake.execute(
        f"SELECT max(f.end_snapshot) FROM {_CATALOG}.ducklake_data_file AS f"
        f" JOIN {_CATALOG}.ducklake_delete_file AS d USING (data_file_id) WHERE d.begin_snapshot = ?",
        [mask],
    ).fetchall()
    return max(mask, int(row[0] or 0))


def _rewrite(lake: duckdb.DuckDBPyConnection, contract: str) -> int:
    done = lake.execute(f"CALL ducklake_rewrite_data_files('raw', '{contract}', delete_threshold => 0)").fetchall()
    return sum(int(row[2]) for row in done)


def _files(lake: duckdb.DuckDBPyConnection, contract: str) -> list[tuple[str, ...]]:
    parts = [
        f"SELECT f.path FROM {_CATALOG}.{name} AS f JOIN {_CATALOG}.ducklake_table AS t USING (table_id)"
        " WHERE t.table_name = ?"
        for name in ("ducklake_data_file", "ducklake_delete_file")
    ]
    return lake.execute(" UNION ALL ".join(parts), [contract, contract]).fetchall()


def _narrow(lake: duckdb.DuckDBPyConnection, contract: str) -> None:
    """Ranges of a table's text columns only ever grow in the catalogue, and keep a value that no file holds any more:
    take those of its files instead, where each of them says its own.
    """
    lake.execute(
        f"UPDATE {_CATALOG}.ducklake_table_column_stats AS s SET min_value = n.low, max_value = n.high FROM ("
        " SELECT f.table_id, c.column_id, min(f.min_value) AS low, max(f.max_value) AS high"
        f" FROM {_CATALOG}.ducklake_file_column_stats AS f"
        f" JOIN {_CATALOG}.ducklake_data_file AS d ON d.data_file_id = f.data_file_id"
        f" JOIN {_CATALOG}.ducklake_table AS t ON t.table_id = f.table_id"
        f" JOIN {_CATALOG}.ducklake_column AS c ON c.table_id = f.table_id AND c.column_id = f.column_id"
        " WHERE t.table_name = ? AND lower(c.column_type) = 'varchar' GROUP BY f.table_id, c.column_id"
        " HAVING bool_and((f.min_value IS NOT NULL AND f.max_value IS NOT NULL) OR f.null_count = d.record_count)"
        ") AS n WHERE s.table_id = n.table_id AND s.column_id = n.column_id",
        [contract],
    )
