"""The truth behind the twin's exports: what its judges read and Aurora must not.

It lies in the tenant's folder under `twin/`, beside the landing folder and the lake and read by neither: tables
as `truth/<name>.parquet`, and `manifest.json`, which says what life they belong to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from aurora.errors import NotFoundError
from aurora.store.paths import TenantPaths

_NEXT_STEP = "Write a history first: aurora twin history"


def truth_folder(paths: TenantPaths) -> Path:
    """Where the tables are."""
    return paths.directory / "twin" / "truth"


def manifest_file(paths: TenantPaths) -> Path:
    """What life the tables are the truth of: seed, frame, counts, content hash."""
    return paths.directory / "twin" / "manifest.json"


def write_truth(paths: TenantPaths, tables: Mapping[str, pl.DataFrame], manifest: Mapping[str, Any]) -> None:
    """Put the tables and the manifest in place of those that were there."""
    folder = truth_folder(paths)
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        rows.write_parquet(folder / f"{name}.parquet", compression="zstd", compression_level=1)
    for file in folder.glob("*.parquet"):
        if file.stem not in tables:
            file.unlink()
    manifest_file(paths).write_text(json.dumps(manifest, indent=2, default=str) + "\n", encoding="utf-8")


def read_truth(paths: TenantPaths, name: str) -> pl.DataFrame:
    """One table. Errors: `NotFoundError` names those there are."""
    file = truth_folder(paths) / f"{name}.parquet"
    if not file.is_file():
        there = ", ".join(one["truth"] for one in list_truth(paths)) or "none"
        raise NotFoundError(f"There is no truth named {name!r}: {there}.", field="truth", next_step=_NEXT_STEP)
    return pl.read_parquet(file)


def list_truth(paths: TenantPaths) -> list[dict[str, Any]]:
    """Name, rows and columns of each table, sorted."""
    found = []
    for file in sorted(truth_folder(paths).glob("*.parquet")):
        lazy = pl.scan_parquet(file)
        columns = lazy.collect_schema().names()
        count = int(lazy.select(pl.len()).collect().item())
        found.append({"truth": file.stem, "row_count": count, "columns": columns})
    return found


def read_manifest(paths: TenantPaths) -> dict[str, Any]:
    """The manifest. Errors: `NotFoundError` where no history was written."""
    file = manifest_file(paths)
    if not file.is_file():
        raise NotFoundError(f"Tenant {paths.tenant} has no twin yet.", field="tenant", next_step=_NEXT_STEP)
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found
