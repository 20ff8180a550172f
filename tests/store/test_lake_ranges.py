"""No row is lost to a range that the lake's catalog remembers wrongly."""

from __future__ import annotations

import datetime as dt

import polars as pl

from aurora.store.connection import DISABLED_OPTIMIZERS
from aurora.store.dbt_profile import profile_parts
from aurora.store.lake import LakeWriter, read_lake, write_lake
from aurora.store.paths import TenantPaths

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
ROW_GROUP = 122_880


def insert(paths: TenantPaths, ages: list[int | None], name: str) -> None:
    rows = pl.DataFrame(
        {
            "component_id": [f"{name}-{place}" for place in range(len(ages))],
            "critical_vuln_age_days": ages,
        },
        schema_overrides={"critical_vuln_age_days": pl.Int64},
    ).with_columns(
        component_name=pl.lit("c"), updated_at=pl.lit(NOW), source=pl.lit("s"), is_sample=pl.lit(value=True),
        region=pl.lit("ae-dubai"), batch_id=pl.lit(name), batch_seq=1, row_number=1, ingested_at=pl.lit(NOW),
    )  # fmt: skip

    def work(lake: LakeWriter) -> None:
        lake.append("component", rows)

    write_lake(paths, "raw", work, author="test", message=name)


def test_a_file_with_a_row_group_of_nulls_does_not_hide_rows_of_others(paths: TenantPaths):
    insert(paths, [1, 41], "first")
    insert(paths, [2] * ROW_GROUP + [None] * ROW_GROUP, "second")
    insert(paths, [1, 3], "third")
    with read_lake(paths) as lake:
        found = lake.query("SELECT count(*) AS n FROM raw.component WHERE critical_vuln_age_days > 30")
        counted = lake.query("SELECT count(*) FILTER (WHERE is_old) AS n FROM (SELECT critical_vuln_age_days > 30 AS is_old FROM raw.component)")  # fmt: skip
    assert (found.item(), counted.item()) == (1, 1)


def test_dbt_reads_as_the_store_does(paths: TenantPaths):
    assert profile_parts(paths, 1)["settings"]["disabled_optimizers"] == DISABLED_OPTIMIZERS
