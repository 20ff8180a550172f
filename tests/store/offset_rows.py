"""The simplest rows of the raw lake, for tests that write and look."""

import datetime as dt

import polars as pl

from aurora.store.lake import read_lake, write_lake
from aurora.store.paths import TenantPaths

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def offsets(*seqs: int) -> pl.DataFrame:
    return pl.DataFrame(
        {"journal_seq": seqs, "row_count": [1] * len(seqs), "ingested_at": [NOW] * len(seqs)},
        schema={"journal_seq": pl.Int64, "row_count": pl.Int64, "ingested_at": pl.Datetime("us", "UTC")},
    )


def append(paths: TenantPaths, rows: object, table: str = "journal_offset") -> int:
    return write_lake(paths, "raw", lambda lake: lake.append(table, rows), author="test", message="rows")


def seqs(paths: TenantPaths, **at: int) -> list[int]:
    with read_lake(paths, **at) as lake:
        return lake.query("SELECT journal_seq FROM raw.journal_offset ORDER BY 1")["journal_seq"].to_list()
