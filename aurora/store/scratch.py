"""SQL over frames in memory: no tenant's data is in reach, and nothing is kept."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import polars as pl

from aurora.store.extensions import OFFLINE


def query_frames(sql: str, frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The rows of one query over frames, each a table of its name. No file and no network is in reach."""
    with duckdb.connect(":memory:", config={**OFFLINE, "enable_external_access": False}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, frame in frames.items():
            connection.register(name, frame.to_arrow())
        return pl.DataFrame(connection.execute(sql).to_arrow_table())
