"""How dbt comes to a tenant's lakes: a dbt-duckdb plugin that attaches them through `aurora.store`.

Raw is attached read-only and pinned to one snapshot, so that all models of a run see the same rows
while ingest goes on. What differs between tenants and runs comes from the environment, not from
`profiles.yml`: dbt parses the whole project again whenever a value of its profile changes. Only dbt
loads this module (`plugins:` in `dbt_project/profiles.yml`).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin

from aurora.store.connection import attach_for_reading, attach_for_writing, latest_snapshot
from aurora.store.extensions import LAKE_EXTENSIONS, extension_file, quote
from aurora.store.paths import tenant_paths
from orchestration.dbt_views import make_views

DATA_DIR = "LAKEHOUSE_DATA_DIR"
TENANT = "LAKEHOUSE_TENANT"
RAW_SNAPSHOT = "LAKEHOUSE_RAW_SNAPSHOT"
MEMORY_LIMIT = "LAKEHOUSE_MEMORY_LIMIT"
SPILL = "LAKEHOUSE_SPILL"
PROJECT = "LAKEHOUSE_PROJECT"


class Plugin(BasePlugin):
    """Found by dbt-duckdb under this name."""

    def update_connection_config(self, creds: Any, config: dict[str, Any]) -> None:  # noqa: ARG002 - dbt-duckdb's hook
        """Bound the memory and say where queries spill."""
        config["memory_limit"] = os.environ[MEMORY_LIMIT]
        config["temp_directory"] = os.environ[SPILL]

    def configure_connection(self, conn: Any) -> None:
        """Load the extensions, attach `raw` and `mart` of the tenant that the environment names, and make its views."""
        paths = tenant_paths(Path(os.environ[DATA_DIR]), os.environ[TENANT])
        for name in LAKE_EXTENSIONS:
            conn.execute(f"LOAD {quote(str(extension_file(name)))}")
        pinned = os.environ.get(RAW_SNAPSHOT)
        attach_for_reading(conn, paths, "raw", latest_snapshot(paths, "raw") if pinned is None else int(pinned))
        attach_for_writing(conn, paths, "mart")
        make_views(conn, Path(os.environ[PROJECT]))
