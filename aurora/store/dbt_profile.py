"""What dbt needs to open a tenant's lakes itself: one connection, raw read-only, mart for writing."""

from __future__ import annotations

from typing import Any

from aurora.store.connection import BUSY_TIMEOUT_MS, DISABLED_OPTIMIZERS, MEMORY_LIMIT, spill_folder
from aurora.store.extensions import LAKE_EXTENSIONS, OFFLINE, link_extensions
from aurora.store.paths import TenantPaths


def profile_parts(paths: TenantPaths, raw_snapshot: int) -> dict[str, Any]:
    """Parts of a dbt-duckdb profile output for one build; hold `hold_write_lock(paths, "mart")` around it.

    `attach`, `extensions`, `settings`, `config_options` go into the profile as they are. `raw_snapshot_id`
    is the snapshot of raw that all dbt models of the build read: without it two of them could see
    different rows. `raw_catalog`, `mart_catalog`, `raw_files`, `mart_files`, `extension_directory` are
    the same facts as plain paths.
    """
    extensions = link_extensions(paths.data_dir / "extensions")
    common: dict[str, Any] = {"override_data_path": True, "meta_busy_timeout": BUSY_TIMEOUT_MS}
    return {
        "attach": [
            {
                "path": f"ducklake:sqlite:{paths.catalog('raw')}",
                "alias": "raw",
                "read_only": True,
                "options": {"data_path": str(paths.files("raw")), **common, "snapshot_version": raw_snapshot},
            },
            {
                "path": f"ducklake:sqlite:{paths.catalog('mart')}",
                "alias": "mart",
                "options": {
                    "data_path": str(paths.files("mart")),
                    **common,
                    "meta_journal_mode": "WAL",
                    "data_inlining_row_limit": 0,
                },
            },
        ],
        "extensions": list(LAKE_EXTENSIONS),
        "settings": {"TimeZone": "UTC", "disabled_optimizers": DISABLED_OPTIMIZERS},
        "config_options": {
            **OFFLINE,
            "extension_directory": str(extensions),
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": str(spill_folder(paths) / "dbt"),
        },
        "raw_snapshot_id": raw_snapshot,
        "raw_catalog": str(paths.catalog("raw")),
        "mart_catalog": str(paths.catalog("mart")),
        "raw_files": str(paths.files("raw")),
        "mart_files": str(paths.files("mart")),
        "extension_directory": str(extensions),
    }
