"""A live lake follows its contracts: an older release's lake with rows in it, brought up to this one."""

import dataclasses
import datetime as dt
import shutil
from pathlib import Path

import pytest

from aurora.errors import DataError
from aurora.ingest.batch import ingest_file
from aurora.store import lake_tables
from aurora.store.connection import attach_for_writing, hold_write_lock, latest_snapshot, open_duckdb
from aurora.store.lake import create_lake, read_lake, write_lake
from aurora.store.paths import TenantPaths, create_tenant
from contracts import registry

NOW = dt.datetime(2026, 11, 2, 9, tzinfo=dt.UTC)
OLDER = {"task": ("updated_at",), "usage": ("industry", "quality"), "conversation": (), "quarantine": ()}
"""Tables of an older release, and the columns that they had not yet."""


def _older_lake(folder: Path) -> TenantPaths:
    """A lake as the first release made it, with a task in it."""
    paths = create_tenant(folder, "demo", "ae-dubai")
    with hold_write_lock(paths, "mart"), open_duckdb(paths) as connection:
        attach_for_writing(connection, paths, "mart")
    with hold_write_lock(paths, "raw"), open_duckdb(paths) as connection:
        attach_for_writing(connection, paths, "raw")
        for name in OLDER:
            connection.execute(_creation(name))
        values = "'t1','exports','call','completed','2026-10-01 10:00:00+00','2026-10-01 10:01:00+00',false,'ae-dubai','b0',1,1,now()"
        connection.execute(
            "INSERT INTO raw.task (task_id, source, task_type, task_state, submitted_at, completed_at, is_sample, region, "
            f"batch_id, batch_seq, row_number, ingested_at) VALUES ({values})"
        )
    return paths


def _creation(name: str) -> str:
    declared = registry.table(name)
    columns = [
        f"{column} {kind}{' NOT NULL' if declared.is_required(column) else ''}"
        for column, kind in registry.duckdb_columns(declared).items()
        if column not in OLDER[name]
    ]
    return f"CREATE TABLE raw.{name} ({', '.join(columns)})"


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> TenantPaths:
    return _older_lake(tmp_path_factory.mktemp("older"))


@pytest.fixture
def paths(older: TenantPaths, tmp_path: Path) -> TenantPaths:
    shutil.copytree(older.data_dir, tmp_path / "data")
    return TenantPaths(tmp_path / "data", older.tenant, older.region)


def _task_file(folder: Path, name: str, task_id: str, **more: str) -> Path:
    row = {"task_id": task_id, "task_type": "call", "task_state": "completed", "submitted_at": "2026-10-02T10:00:00Z"}
    given = {**row, **more}
    file = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(",".join(given) + "\n" + ",".join(given.values()) + "\n", encoding="utf-8")
    return file


def test_a_lake_of_the_first_release_follows_and_keeps_its_rows(paths: TenantPaths):
    before = latest_snapshot(paths, "raw")
    create_lake(paths)
    with read_lake(paths) as lake:
        assert lake.table_names("raw") == sorted(registry.tables())
        row = lake.query("SELECT * FROM raw.task").row(0, named=True)
        assert row["task_id"] == "t1"
        assert row["updated_at"] == dt.datetime(2026, 10, 1, 10, 1, tzinfo=dt.UTC)  # filled from what the row says
        assert "quality" in lake.query("SELECT * FROM raw.usage").columns
    with read_lake(paths, raw_at=before) as lake:  # the old snapshot is what it was
        assert "updated_at" not in lake.query("SELECT * FROM raw.task").columns
        assert lake.query("SELECT task_id FROM raw.task").item() == "t1"


def test_files_of_before_and_of_now_land_in_a_lake_that_followed(paths: TenantPaths):
    create_lake(paths)
    folder = paths.landing / "exports"
    for file in (
        _task_file(folder, "before.csv", "t2"),
        _task_file(folder, "now.csv", "t3", updated_at="2026-10-03T10:00:00Z", quality="0.5"),
    ):
        report = ingest_file(paths, file, source="exports", contract="task", clock=lambda: NOW)
        assert (report.good, report.quarantined) == (1, 0)
    with read_lake(paths) as lake:
        rows = lake.query("SELECT task_id, updated_at, quality FROM raw.task ORDER BY task_id").rows()
    assert [(row[0], row[2]) for row in rows] == [("t1", None), ("t2", None), ("t3", 0.5)]


def test_an_older_release_runs_on_a_lake_with_a_new_optional_column(paths: TenantPaths):
    create_lake(paths)
    write_lake(
        paths,
        "raw",
        lambda lake: lake.execute("ALTER TABLE raw.task ADD COLUMN from_the_future VARCHAR"),
        author="t",
        message="m",
    )
    before = latest_snapshot(paths, "raw")
    create_lake(paths)
    assert latest_snapshot(paths, "raw") == before


@pytest.mark.parametrize(
    ("sql", "column", "why"),
    [
        ("ALTER TABLE raw.task ADD COLUMN must VARCHAR; UPDATE raw.task SET must = 'x'; ALTER TABLE raw.task ALTER COLUMN must SET NOT NULL", "must", "no row could land"),
        ("ALTER TABLE raw.task DROP COLUMN task_type", "task_type", "new and required"),
        ("ALTER TABLE raw.task DROP COLUMN quality; ALTER TABLE raw.task ADD COLUMN quality VARCHAR", "quality", "its type is VARCHAR"),
        ("ALTER TABLE raw.task ALTER COLUMN task_type DROP NOT NULL", "task_type", "may lack it"),
    ],
)  # fmt: skip
def test_a_contract_that_broke_with_the_lake_is_refused_and_nothing_moves(paths: TenantPaths, sql, column, why):
    create_lake(paths)

    def work(lake) -> None:
        for statement in sql.split("; "):
            lake.execute(statement)

    write_lake(paths, "raw", work, author="test", message="another release")
    before = latest_snapshot(paths, "raw")
    with pytest.raises(DataError, match=why) as refused:
        create_lake(paths)
    assert refused.value.field == f"task.{column}"
    assert latest_snapshot(paths, "raw") == before


def test_all_that_broke_is_named_at_once(paths: TenantPaths):
    create_lake(paths)

    def work(lake) -> None:
        lake.execute("ALTER TABLE raw.task DROP COLUMN task_type")
        lake.execute("ALTER TABLE raw.usage DROP COLUMN operation_name")

    write_lake(paths, "raw", work, author="test", message="another release")
    with pytest.raises(DataError, match=r"The same goes for usage\.operation_name"):
        create_lake(paths)


def _renamed(paths: TenantPaths) -> None:
    """The lake of a release whose task_type was called kind."""
    create_lake(paths)
    sql = "ALTER TABLE raw.task RENAME COLUMN task_type TO kind"
    write_lake(paths, "raw", lambda lake: lake.execute(sql), author="test", message="an older release")


def _follow(paths: TenantPaths, *migration: str) -> None:
    migrated = dataclasses.replace(registry.table("task"), migration=migration)
    with hold_write_lock(paths, "raw"), open_duckdb(paths) as connection:
        attach_for_writing(connection, paths, "raw")
        lake_tables.follow_contracts(connection, {**registry.tables(), "task": migrated})


def test_a_migration_leads_a_lake_over_a_breaking_change(paths: TenantPaths):
    _renamed(paths)
    _follow(paths, "ALTER TABLE raw.task RENAME COLUMN kind TO task_type")
    create_lake(paths)
    with read_lake(paths) as lake:
        assert lake.query("SELECT task_type FROM raw.task").item() == "call"


def test_a_migration_that_does_not_lead_to_the_contract_changes_nothing(paths: TenantPaths):
    _renamed(paths)
    before = latest_snapshot(paths, "raw")
    with pytest.raises(DataError, match="task_type"):
        _follow(paths, "ALTER TABLE raw.task ADD COLUMN other VARCHAR")
    assert latest_snapshot(paths, "raw") == before
