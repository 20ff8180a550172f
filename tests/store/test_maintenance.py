"""Maintenance: what it takes away, and what it must never take away."""

import datetime as dt
import os
from pathlib import Path

import polars as pl
import pytest

from aurora.errors import NotFoundError, UsageError
from aurora.store import maintenance
from aurora.store.connection import attach_for_writing, hold_write_lock, latest_snapshot, open_duckdb, spill_folder
from aurora.store.extensions import quote
from aurora.store.lake import LakeWriter, read_lake, table_folder, write_lake
from aurora.store.maintenance import Keep, LayerReport, maintain
from aurora.store.paths import Layer, TenantPaths

DAY = dt.timedelta(days=1)


@pytest.fixture
def now() -> dt.datetime:
    """The machine's time: DuckLake stamps snapshots, and the file system files, with it."""
    return dt.datetime.now(dt.UTC)


def append(paths: TenantPaths, *seqs: int) -> None:
    rows = pl.DataFrame(
        {"journal_seq": seqs, "row_count": [1] * len(seqs), "ingested_at": ["2026-01-01T00:00:00Z"] * len(seqs)}
    )
    write_lake(paths, "raw", lambda lake: lake.append("journal_offset", rows), author="t", message="m")


def seqs(paths: TenantPaths, raw_at: int | None = None) -> list[int]:
    with read_lake(paths, raw_at=raw_at) as lake:
        return lake.query("SELECT journal_seq FROM raw.journal_offset ORDER BY 1")["journal_seq"].to_list()


def files(paths: TenantPaths, layer: Layer = "raw") -> list[Path]:
    return sorted(paths.files(layer).rglob("*.parquet"))


def report_of(paths: TenantPaths, layer: Layer, now: dt.datetime, **keep: dt.timedelta) -> LayerReport:
    return next(report for report in maintain(paths, now=now, keep=Keep(**keep)).layers if report.layer == layer)


def test_small_files_are_merged_and_the_old_ones_go_a_day_later(paths, now):
    for seq in range(5):
        append(paths, seq)
    assert report_of(paths, "raw", now).files_merged == 5
    assert len(files(paths)) == 6
    assert report_of(paths, "raw", now + 2 * DAY).files_deleted == 5
    assert len(files(paths)) == 1
    assert seqs(paths) == [0, 1, 2, 3, 4]


def test_the_past_of_raw_is_still_read_after_its_files_were_merged(paths, now):
    append(paths, 1)
    then = latest_snapshot(paths, "raw")
    append(paths, 2)
    maintain(paths, now=now)
    maintain(paths, now=now + 2 * DAY)
    assert len(files(paths)) == 1
    assert seqs(paths, raw_at=then) == [1]


def test_snapshots_expire_after_their_span_raw_late_and_mart_soon(paths, now):
    append(paths, 1)
    raw_then = latest_snapshot(paths, "raw")
    append(paths, 2)
    for value in (1, 2):
        write_lake(
            paths,
            "mart",
            lambda lake, v=value: lake.execute(f"CREATE OR REPLACE TABLE mart.n AS SELECT {v} AS n"),
            author="t",
            message="m",
        )
    mart_then = latest_snapshot(paths, "mart") - 1
    maintain(paths, now=now + 10 * DAY)
    assert seqs(paths, raw_at=raw_then) == [1]
    with pytest.raises(NotFoundError, match="expired"), read_lake(paths, mart_at=mart_then):
        pass
    with read_lake(paths) as lake:
        assert lake.query("SELECT n FROM mart.n").item() == 2
    maintain(paths, now=now + 500 * DAY)
    with pytest.raises(NotFoundError, match="expired"):
        seqs(paths, raw_at=raw_then)
    assert seqs(paths) == [1, 2]


def test_an_orphan_file_goes_when_it_is_a_day_old_and_not_before(paths, now):
    append(paths, 1)
    orphan = table_folder(paths, "raw", "journal_offset") / "ducklake-of-a-killed-writer.parquet"
    orphan.write_bytes(files(paths)[0].read_bytes())
    assert report_of(paths, "raw", now).orphans_deleted == 0
    two_days_ago = (now - 2 * DAY).timestamp()
    os.utime(orphan, (two_days_ago, two_days_ago))
    assert report_of(paths, "raw", now).orphans_deleted == 1
    assert not orphan.exists()
    assert seqs(paths) == [1]


def test_files_in_use_are_never_orphans_however_old(paths, now):
    append(paths, 1)
    folder = table_folder(paths, "raw", "journal_offset")
    added = folder / "added.parquet"
    with read_lake(paths) as lake:
        lake.query("SELECT * REPLACE (2 AS journal_seq) FROM raw.journal_offset").cast(
            {"journal_seq": pl.Int64}
        ).write_parquet(added)
    write_lake(paths, "raw", lambda lake: lake.add_files("journal_offset", [added]), author="t", message="m")
    paths.data_dir.rename(paths.data_dir.with_name("moved"))
    moved = TenantPaths(paths.data_dir.with_name("moved"), "demo", "ae-dubai")
    for days in (2, 4):
        maintain(moved, now=now + days * DAY)
    assert seqs(moved) == [1, 2]


def test_a_writer_at_work_keeps_its_files(paths, now):
    """Files of an open transaction are in no snapshot: only their age protects them, so never cleanup_all."""

    def work(lake: LakeWriter) -> None:
        rows = pl.DataFrame(
            {"journal_seq": range(9), "row_count": range(9), "ingested_at": ["2026-01-01T00:00:00Z"] * 9}
        )
        lake.append("journal_offset", rows)
        with open_duckdb(paths) as other:
            attach_for_writing(other, paths, "raw")
            unused_since = now - Keep().unused_files
            assert (
                other.execute("CALL ducklake_delete_orphaned_files('raw', older_than => ?)", [unused_since]).fetchall()
                == []
            )

    write_lake(paths, "raw", work, author="t", message="m")
    assert seqs(paths) == list(range(9))
    assert "cleanup_all" not in Path(maintenance.__file__).read_text().replace("Never `cleanup_all`", "")


def test_keeping_unused_files_for_less_than_a_day_is_refused():
    with pytest.raises(UsageError, match="a day at least"):
        Keep(unused_files=dt.timedelta(hours=23))


def test_mart_files_are_rewritten_when_much_of_them_was_deleted(paths, now):
    write_lake(
        paths,
        "mart",
        lambda lake: lake.execute("CREATE TABLE mart.n AS SELECT range AS n FROM range(1000)"),
        author="t",
        message="m",
    )
    write_lake(paths, "mart", lambda lake: lake.execute("DELETE FROM mart.n WHERE n % 2 = 0"), author="t", message="m")
    assert report_of(paths, "mart", now).files_rewritten == 1
    maintain(paths, now=now + 9 * DAY)
    with read_lake(paths) as lake:
        assert lake.query("SELECT count(*) FROM mart.n").item() == 500
    assert len(files(paths, "mart")) == 1


def test_rows_that_another_tool_inlined_are_moved_into_the_region(paths, now):
    with hold_write_lock(paths, "raw"), open_duckdb(paths) as other:
        other.execute(
            f"ATTACH {quote('ducklake:sqlite:' + str(paths.catalog('raw')))} AS raw (DATA_INLINING_ROW_LIMIT 10)"
        )
        other.execute("INSERT INTO raw.journal_offset VALUES (1, 1, now())")
    assert files(paths) == []
    assert report_of(paths, "raw", now).rows_flushed == 1
    assert len(files(paths)) == 1
    assert seqs(paths) == [1]


def test_the_catalog_shrinks(paths, now):
    for value in range(12):
        write_lake(
            paths,
            "mart",
            lambda lake, v=value: lake.execute(f"CREATE OR REPLACE TABLE mart.n AS SELECT {v} AS n"),
            author="t",
            message="m",
        )
    report = report_of(paths, "mart", now + 10 * DAY)
    assert report.snapshots_expired >= 12
    assert report.catalog_bytes_after < report.catalog_bytes_before


def test_spill_folders_of_killed_processes_go(paths, now):
    for name, age in (("old", 2 * DAY), ("new", dt.timedelta(0))):
        folder = spill_folder(paths) / name
        folder.mkdir(parents=True)
        os.utime(folder, ((now - age).timestamp(),) * 2)
    report = maintain(paths, now=now)
    assert report.spills_deleted == 1
    assert report.as_dict()["mart_snapshots_expired"] == 0
    assert (spill_folder(paths) / "new").exists()


def test_an_unknown_tenant_is_not_maintained(tmp_path, now):
    with pytest.raises(NotFoundError):
        maintain(TenantPaths(tmp_path, "nobody", "ae-dubai"), now=now)
