"""Keeping a tenant's lakes small and fast: expire, merge, clean, vacuum. Run nightly.

Never `cleanup_all`: it deletes the files of a writer that has not committed yet and leaves the table
unreadable. Files go only when they have been out of use for a day, longer than any write or read.
"""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import asdict, dataclass
from typing import Final

import duckdb

from aurora.errors import UsageError
from aurora.store.connection import (
    LAYERS,
    attach_for_writing,
    hold_write_lock,
    latest_snapshot,
    open_duckdb,
    spill_folder,
)
from aurora.store.paths import Layer, TenantPaths
from aurora.store.purging import MASKED_FOR, expire_masked, masked_before, rewrite_tables, vacuum

SHORTEST_WAIT: Final = dt.timedelta(days=1)
_REWRITE_SHARE: Final = 0.3
"""A mart file is rewritten once this share of its rows was deleted (delete+insert leaves them behind)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How long things stay. Raw history is what decisions are replayed from; mart is made again at will."""

    raw_snapshots: dt.timedelta = dt.timedelta(days=400)
    mart_snapshots: dt.timedelta = dt.timedelta(days=3)
    masked_values: dt.timedelta = MASKED_FOR
    """After a mask, snapshots of raw from before it."""
    unused_files: dt.timedelta = SHORTEST_WAIT

    def __post_init__(self) -> None:
        if self.unused_files < SHORTEST_WAIT:
            raise UsageError(
                f"Unused files must stay for a day at least, not {self.unused_files}.",
                field="unused_files",
                rule="at_least",
                next_step="A younger file may belong to a write that has not committed yet.",
            )


DEFAULT_KEEP: Final = Keep()


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerReport:
    """What maintenance did to one lake. Sizes in bytes."""

    layer: Layer
    rows_flushed: int
    snapshots_expired: int
    files_merged: int
    files_rewritten: int
    files_deleted: int
    orphans_deleted: int
    catalog_bytes_before: int
    catalog_bytes_after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceReport:
    """What maintenance did to a tenant."""

    tenant: str
    layers: tuple[LayerReport, ...]
    spills_deleted: int

    def as_dict(self) -> dict[str, int]:
        """Every count by name, `raw_snapshots_expired` and so on."""
        counts = {
            f"{report.layer}_{name}": count
            for report in self.layers
            for name, count in asdict(report).items()
            if name != "layer"
        }
        return {**counts, "spills_deleted": self.spills_deleted}


def maintain(paths: TenantPaths, *, now: dt.datetime, keep: Keep = DEFAULT_KEEP) -> MaintenanceReport:
    """Maintain both lakes, one after the other, each as its only writer; readers go on meanwhile.

    `now` (UTC, with a time zone) is what ages are counted from. Errors: as `write_lake`.
    """
    for layer in LAYERS:
        latest_snapshot(paths, layer)
    spans: dict[Layer, dt.timedelta] = {"raw": keep.raw_snapshots, "mart": keep.mart_snapshots}
    reports = tuple(_maintain_layer(paths, layer, now=now, keep=keep, span=spans[layer]) for layer in LAYERS)
    return MaintenanceReport(
        tenant=paths.tenant, layers=reports, spills_deleted=_delete_spills(paths, now - keep.unused_files)
    )


def _maintain_layer(
    paths: TenantPaths, layer: Layer, *, now: dt.datetime, keep: Keep, span: dt.timedelta
) -> LayerReport:
    before = _catalog_bytes(paths, layer)
    unused_since = now - keep.unused_files
    with hold_write_lock(paths, layer):
        with open_duckdb(paths) as lake:
            attach_for_writing(lake, paths, layer)
            # dbt or a foreign tool may have attached with DuckLake's defaults, which inline small inserts
            flushed = _rows(lake, f"CALL ducklake_flush_inlined_data('{layer}')")
            expired = len(_rows(lake, f"CALL ducklake_expire_snapshots('{layer}', older_than => ?)", now - span))
            masks = masked_before(lake, now - keep.masked_values) if layer == "raw" else []
            rewrite_tables(lake, masks)
            expired += expire_masked(lake, masks)
            merged = _rows(lake, f"CALL ducklake_merge_adjacent_files('{layer}')")
            rewritten = _rows(
                lake, f"CALL ducklake_rewrite_data_files('{layer}', delete_threshold => {_REWRITE_SHARE})"
            )
            deleted = _rows(lake, f"CALL ducklake_cleanup_old_files('{layer}', older_than => ?)", unused_since)
            orphans = _rows(lake, f"CALL ducklake_delete_orphaned_files('{layer}', older_than => ?)", unused_since)
        vacuum(paths, layer)
    return LayerReport(
        layer=layer,
        rows_flushed=sum(int(row[2]) for row in flushed),
        snapshots_expired=expired,
        files_merged=sum(int(row[2]) for row in merged),
        files_rewritten=sum(int(row[2]) for row in rewritten),
        files_deleted=len(deleted),
        orphans_deleted=len(orphans),
        catalog_bytes_before=before,
        catalog_bytes_after=_catalog_bytes(paths, layer),
    )


def _rows(lake: duckdb.DuckDBPyConnection, sql: str, *params: object) -> list[tuple[int | str, ...]]:
    return lake.execute(sql, list(params)).fetchall()


def _catalog_bytes(paths: TenantPaths, layer: Layer) -> int:
    catalog = paths.catalog(layer)
    return sum(file.stat().st_size for file in catalog.parent.glob(f"{catalog.name}*") if file.suffix != ".lock")


def _delete_spills(paths: TenantPaths, unused_since: dt.datetime) -> int:
    """Spill folders of processes that were killed; a living one cleans up after itself."""
    stale = [folder for folder in spill_folder(paths).glob("*") if folder.stat().st_mtime < unused_since.timestamp()]
    for folder in stale:
        shutil.rmtree(folder, ignore_errors=True)
    return len(stale)
