"""The lake's promises: one snapshot a reader, one transaction a writer, nothing outside the tenant."""

import datetime as dt
import shutil
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pytest

from aurora.errors import ConflictError, DataError, NotFoundError, NotReadyError, UsageError
from aurora.store import connection
from aurora.store.extensions import OFFLINE, check_signature, extension_file, link_extensions
from aurora.store.lake import LakeWriter, create_lake, dbt_attach, read_lake, table_folder, write_lake
from aurora.store.paths import TenantPaths, create_tenant
from contracts import registry

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty lake: making one takes a second, copying it none (a moved lake opens, see below)."""
    made = create_tenant(tmp_path_factory.mktemp("lake"), "demo", "ae-dubai")
    create_lake(made)
    return made.data_dir


@pytest.fixture
def paths(tmp_path: Path, template: Path) -> TenantPaths:
    shutil.copytree(template, tmp_path / "it's data")
    return TenantPaths(tmp_path / "it's data", "demo", "ae-dubai")


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


# contracts ------------------------------------------------------------------------------------


def test_every_contract_is_a_table_with_its_types_and_required_columns(paths):
    with read_lake(paths) as lake:
        assert lake.table_names("raw") == sorted(registry.tables())
        for declared in registry.tables().values():
            live = lake.query(
                "SELECT * FROM duckdb_columns() WHERE database_name = 'raw' AND table_name = ?", [declared.name]
            )
            found = dict(
                zip(live["column_name"], zip(live["data_type"], live["is_nullable"], strict=True), strict=True)
            )
            wanted = registry.duckdb_columns(declared)
            assert found == {name: (kind, not declared.is_required(name)) for name, kind in wanted.items()}


def test_making_the_lake_again_changes_nothing(paths):
    before = connection.latest_snapshot(paths, "raw")
    create_lake(paths)
    assert connection.latest_snapshot(paths, "raw") == before


def test_a_new_optional_column_is_added_to_a_live_lake(paths):
    append(paths, offsets(1))
    # the lake of an older release: one optional column fewer, one column still required
    write_lake(
        paths,
        "raw",
        lambda lake: lake.execute("ALTER TABLE raw.conversation DROP COLUMN channel"),
        author="test",
        message="older",
    )
    create_lake(paths)
    with read_lake(paths) as lake:
        assert "channel" in lake.query("SELECT * FROM raw.conversation").columns
    assert seqs(paths) == [1]


def test_a_breaking_change_of_a_contract_is_refused_by_name(paths):
    write_lake(
        paths, "raw", lambda lake: lake.execute("ALTER TABLE raw.task DROP COLUMN task_type"), author="t", message="m"
    )
    with pytest.raises(DataError, match=r"task 1\.0\.0 breaks the lake at task_type"):
        create_lake(paths)


# reading --------------------------------------------------------------------------------------


def test_a_reader_sees_one_snapshot_while_rows_arrive(paths):
    append(paths, offsets(1))
    with read_lake(paths) as lake:
        append(paths, offsets(2))
        assert lake.query("SELECT count(*) FROM raw.journal_offset").item() == 1
    assert seqs(paths) == [1, 2]


def test_the_past_is_read_by_its_snapshot(paths):
    append(paths, offsets(1))
    then = connection.latest_snapshot(paths, "raw")
    append(paths, offsets(2))
    assert seqs(paths, raw_at=then) == [1]
    with pytest.raises(NotFoundError, match="no snapshot 999"):
        seqs(paths, raw_at=999)


def test_times_are_read_in_utc_and_money_as_decimals(paths):
    append(paths, offsets(1))
    with read_lake(paths) as lake:
        frame = lake.query("SELECT ingested_at, 1.5::DECIMAL(18,9) AS cost_usd FROM raw.journal_offset")
    assert frame.schema == {"ingested_at": pl.Datetime("us", "UTC"), "cost_usd": pl.Decimal(18, 9)}
    assert frame["ingested_at"].item() == NOW


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO raw.journal_offset VALUES (1, 1, now())",
        "CREATE TABLE mart.x AS SELECT 1",
        "SET threads = 1",
        "ATTACH 'x.sqlite' AS x (TYPE sqlite)",
        "SELECT 1; DROP TABLE raw.usage",
        "COPY (SELECT 1) TO 'x.csv'",
        "SELECT * FROM sqlite_scan('raw.catalog.sqlite', 'ducklake_snapshot')",
        "SELECT * FROM \"sqlite_scan\" ('raw.catalog.sqlite', 'ducklake_snapshot')",
    ],
)
def test_a_reader_takes_one_select_and_nothing_else(paths, sql):
    with read_lake(paths) as lake, pytest.raises(UsageError, match="one SELECT"):
        lake.query(sql)


def test_a_readers_connection_itself_cannot_write_or_leave_the_tenant(paths, tmp_path):
    (tmp_path / "secret.txt").write_text("x")
    append(paths, offsets(1))
    with read_lake(paths) as lake:
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            lake._connection.execute("DELETE FROM raw.journal_offset")
        with pytest.raises(duckdb.PermissionException):
            lake.query("SELECT * FROM read_text(?)", [str(tmp_path / "secret.txt")])
        with pytest.raises(duckdb.InvalidInputException, match="locked"):
            lake._connection.execute("SET enable_external_access = true")


def test_one_tenant_never_sees_the_rows_of_another(paths):
    other = create_tenant(paths.data_dir, "other", "ae-dubai")
    create_lake(other)
    append(other, offsets(7))
    assert seqs(paths) == []
    assert seqs(other) == [7]
    assert not any(paths.files("raw").rglob("*.parquet"))


def test_an_unknown_tenant_is_not_found_and_is_not_brought_into_being(tmp_path):
    paths = TenantPaths(tmp_path, "nobody", "ae-dubai")
    with pytest.raises(NotFoundError, match="nobody"):
        seqs(paths)
    with pytest.raises(NotFoundError):
        append(paths, offsets(1))
    with pytest.raises(NotFoundError):
        create_lake(paths)
    assert not paths.directory.exists()


def test_a_tenant_without_a_lake_is_not_ready(tmp_path):
    paths = create_tenant(tmp_path, "fresh", "ae-dubai")
    with pytest.raises(NotReadyError, match="not been made"):
        seqs(paths)
    with pytest.raises(NotReadyError):
        append(paths, offsets(1))


# writing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["frame", "lazy", "table", "stream"])
def test_rows_are_appended_by_column_name_from_any_form(paths, form):
    rows = offsets(1, 2, 3).select("ingested_at", "row_count", "journal_seq")
    table = rows.to_arrow()
    forms = {
        "frame": rows,
        "lazy": rows.lazy(),
        "table": table,
        "stream": pa.RecordBatchReader.from_batches(table.schema, table.to_batches()),
    }
    assert append(paths, forms[form]) == 3
    assert seqs(paths) == [1, 2, 3]


def test_a_lazy_frame_of_many_batches_and_an_empty_one_are_appended(paths):
    many = offsets(0).lazy().select("row_count", "ingested_at", journal_seq=pl.int_range(300_000))
    assert append(paths, many) == 300_000
    assert append(paths, offsets().lazy()) == 0


def test_columns_that_a_frame_lacks_become_null(paths):
    rows = pl.DataFrame({"conversation_id": ["c"], "source": ["s"], "source_format": ["f"], "started_at": [NOW], "is_error": [False], "region": ["ae-dubai"], "batch_id": ["b"], "batch_seq": [1], "row_number": [1], "ingested_at": [NOW]})  # fmt: skip
    assert append(paths, rows, "conversation") == 1
    with read_lake(paths) as lake:
        assert lake.query("SELECT channel FROM raw.conversation").item() is None


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (offsets(1).with_columns(row_count=pl.lit(None, pl.Int64)), "NOT NULL"),
        (offsets(1).drop("row_count"), "NOT NULL"),
        (offsets(1).with_columns(extra=pl.lit(1)), "extra"),
        (offsets(1).with_columns(row_count=pl.lit("many")), "many"),
    ],
)
def test_rows_that_break_the_table_are_refused_and_nothing_lands(paths, rows, says):
    with pytest.raises(DataError, match=says):
        append(paths, rows)
    assert seqs(paths) == []


def test_keys_are_not_enforced_so_callers_check_them(paths):
    append(paths, offsets(1))
    append(paths, offsets(1))
    assert seqs(paths) == [1, 1]


def test_a_writer_reads_its_own_rows_and_an_error_undoes_them(paths):
    def work(lake: LakeWriter) -> None:
        lake.append("journal_offset", offsets(1))
        assert lake.query("SELECT count(*) FROM raw.journal_offset").item() == 1
        raise DataError("Refused.", next_step="Nothing.")

    with pytest.raises(DataError, match="Refused"):
        write_lake(paths, "raw", work, author="test", message="fails")
    assert seqs(paths) == []


def test_work_cannot_end_the_transaction_itself(paths):
    with pytest.raises(UsageError, match="transaction"):
        write_lake(paths, "raw", lambda lake: lake.execute("COMMIT"), author="test", message="m")


def test_a_writer_of_mart_reads_raw_and_cannot_write_it(paths):
    append(paths, offsets(1, 2))
    write_lake(
        paths,
        "mart",
        lambda lake: lake.execute("CREATE TABLE mart.n AS SELECT count(*) AS n FROM raw.journal_offset"),
        author="t",
        message="m",
    )
    with read_lake(paths) as lake:
        assert lake.query("SELECT n FROM mart.n").item() == 2
    with pytest.raises(duckdb.InvalidInputException, match="read-only"):
        write_lake(paths, "mart", lambda lake: lake.execute("DELETE FROM raw.journal_offset"), author="t", message="m")


def test_a_snapshot_says_who_made_it_and_why(paths):
    append(paths, offsets(1))
    with read_lake(paths) as lake:
        last = lake.query("SELECT author, commit_message FROM raw.snapshots() ORDER BY snapshot_id DESC LIMIT 1")
    assert last.row(0) == ("test", "rows")


def test_a_busy_catalog_is_tried_again_and_given_up_by_name(paths):
    calls: list[int] = []
    naps: list[float] = []

    def busy_twice(lake: LakeWriter) -> int:
        calls.append(1)
        lake.append("journal_offset", offsets(1))
        if len(calls) < 3:
            raise duckdb.TransactionException("database is locked")
        return len(calls)

    assert write_lake(paths, "raw", busy_twice, author="t", message="m", sleep=naps.append) == 3
    assert seqs(paths) == [1]
    assert len(naps) == 2

    def always(_: LakeWriter) -> None:
        raise duckdb.TransactionException("database is locked")

    with pytest.raises(ConflictError, match="stayed busy"):
        write_lake(paths, "raw", always, author="t", message="m", sleep=naps.append)


def test_threads_of_one_process_write_one_after_the_other(paths):
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda seq: append(paths, offsets(seq)), range(12))) == [1] * 12
    assert seqs(paths) == list(range(12))


def test_a_view_over_the_lake_does_no_harm(paths):
    """DuckLake crashes on set_option when a view exists, so inlining is turned off while attaching."""
    write_lake(
        paths,
        "mart",
        lambda lake: lake.execute("CREATE VIEW mart.v AS SELECT journal_seq FROM raw.journal_offset"),
        author="t",
        message="m",
    )
    append(paths, offsets(1))
    write_lake(paths, "mart", lambda lake: lake.execute("CREATE TABLE mart.n AS FROM mart.v"), author="t", message="m")
    with read_lake(paths) as lake:
        assert lake.query("SELECT (SELECT count(*) FROM mart.v) + (SELECT count(*) FROM mart.n)").item() == 2


def test_a_writer_that_waits_too_long_is_told_so(paths):
    with (
        connection.hold_write_lock(paths, "raw"),
        connection.hold_write_lock(paths, "mart"),
        pytest.raises(NotReadyError, match="raw lake of demo"),
        connection.hold_write_lock(paths, "raw", timeout_s=0.01),
    ):
        pass


# files ----------------------------------------------------------------------------------------


def parquet(paths: TenantPaths, name: str, rows: pl.DataFrame) -> Path:
    folder = table_folder(paths, "raw", "journal_offset")
    folder.mkdir(parents=True, exist_ok=True)
    rows.write_parquet(folder / name)
    return folder / name


def add(paths: TenantPaths, *files: Path) -> None:
    write_lake(paths, "raw", lambda lake: lake.add_files("journal_offset", files), author="t", message="m")


def test_written_files_are_registered_as_they_are(paths):
    file = parquet(paths, "a.parquet", offsets(1, 2))
    add(paths, file)
    assert seqs(paths) == [1, 2]
    assert list(file.parent.iterdir()) == [file]


def test_a_file_is_registered_once_only(paths):
    file = parquet(paths, "a.parquet", offsets(1))
    with pytest.raises(ConflictError, match=r"a\.parquet is already part"):
        add(paths, file, file)
    add(paths, file)
    with pytest.raises(ConflictError, match=r"a\.parquet is already part"):
        add(paths, file)
    assert seqs(paths) == [1]


def test_a_file_outside_the_tables_folder_is_refused(paths, tmp_path):
    offsets(1).write_parquet(tmp_path / "a.parquet")
    link = parquet(paths, "b.parquet", offsets(1)).with_name("link.parquet")
    link.symlink_to(tmp_path / "a.parquet")
    offsets(1).write_parquet(paths.files("raw") / "c.parquet")
    for file in (tmp_path / "a.parquet", link, link.with_name("none.parquet"), paths.files("raw") / "c.parquet"):
        with pytest.raises(DataError, match="is not a file below"):
            add(paths, file)


def test_a_file_whose_columns_do_not_fit_is_refused(paths):
    with pytest.raises(DataError, match="does not fit"):
        add(paths, parquet(paths, "a.parquet", offsets(1).with_columns(extra=pl.lit(1))))
    with pytest.raises(DataError, match="does not fit"):
        add(paths, parquet(paths, "b.parquet", offsets(1).drop("row_count")))


# where things lie -----------------------------------------------------------------------------


def test_small_commits_lie_in_the_region_and_not_in_the_catalog(paths):
    append(paths, offsets(1))
    assert len(list(paths.files("raw").rglob("*.parquet"))) == 1
    with connection.open_duckdb(paths) as database:
        database.execute(
            f"ATTACH '{str(paths.catalog('raw')).replace(chr(39), chr(39) * 2)}' AS c (TYPE sqlite, READ_ONLY)"
        )
        assert database.execute("SELECT count(*) FROM c.ducklake_inlined_data_tables").fetchone() == (0,)
        assert database.execute("SELECT DISTINCT path_is_relative::BOOLEAN FROM c.ducklake_data_file").fetchall() == [
            (True,)
        ]


def test_a_moved_tenant_still_opens_and_takes_rows(paths, tmp_path):
    append(paths, offsets(1))
    add(paths, parquet(paths, "a.parquet", offsets(2)))
    paths.data_dir.rename(tmp_path / "elsewhere")
    moved = TenantPaths(tmp_path / "elsewhere", paths.tenant, paths.region)
    assert seqs(moved) == [1, 2]
    append(moved, offsets(3))
    create_lake(moved)
    assert seqs(moved) == [1, 2, 3]
    with pytest.raises(ConflictError):
        add(moved, table_folder(moved, "raw", "journal_offset") / "a.parquet")
    assert not paths.data_dir.exists()


def test_the_catalog_keeps_a_write_ahead_log_so_that_readers_go_on(paths):
    assert paths.catalog("raw").read_bytes()[18:20] == b"\x02\x02"
    assert paths.catalog("mart").read_bytes()[18:20] == b"\x02\x02"


def test_extensions_come_from_the_pinned_packages_and_nothing_is_fetched(paths, monkeypatch):
    def refuse(*_: object) -> None:
        raise AssertionError("the lake reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert extension_file("ducklake").parent.name == f"v{duckdb.__version__}"
    with connection.open_duckdb(paths) as database:
        for name, value in OFFLINE.items():
            assert database.execute("SELECT current_setting(?)", [name]).fetchone() == (value == "true",)
        with pytest.raises(duckdb.Error, match="httpfs"):
            database.execute("SELECT * FROM read_csv('https://localhost/x.csv')")
    with pytest.raises(NotReadyError, match="no spatial extension"):
        extension_file("spatial")


def test_an_extension_that_was_changed_on_disk_is_refused(tmp_path):
    changed = bytearray(extension_file("sqlite_scanner").read_bytes())
    changed[1000] ^= 1
    file = tmp_path / "sqlite_scanner.duckdb_extension"
    file.write_bytes(changed)
    with pytest.raises(NotReadyError, match="signed"):
        check_signature(file)


def test_duckdb_and_its_extensions_are_pinned_to_one_version():
    lines = (Path(connection.__file__).parents[2] / "requirements.lock").read_text().splitlines()
    pinned = {line.split("==")[0]: line.split("==")[1].split()[0] for line in lines if line.startswith("duckdb")}
    assert {"duckdb", "duckdb-extension-ducklake", "duckdb-extension-sqlite-scanner"} <= pinned.keys()
    assert set(pinned.values()) == {duckdb.__version__}


# dbt ------------------------------------------------------------------------------------------


def test_dbt_gets_links_that_duckdb_loads_by_name(paths):
    parts = dbt_attach(paths)
    link_extensions(Path(parts["extension_directory"]))
    with duckdb.connect(":memory:", config=parts["config_options"]) as database:
        for name in parts["extensions"]:
            database.execute(f"INSTALL {name}")
            database.execute(f"LOAD {name}")
        loaded = database.execute(
            "SELECT extension_name FROM duckdb_extensions() WHERE loaded AND install_path LIKE ?",
            [f"{parts['extension_directory']}%"],
        ).fetchall()
    assert {name for (name,) in loaded} == {"ducklake", "sqlite_scanner"}
    links = list(Path(parts["extension_directory"]).rglob("*"))
    assert all(link.is_symlink() for link in links if link.suffix == ".duckdb_extension")


def test_dbts_own_attach_reads_raw_at_one_snapshot_and_writes_mart(paths):
    from dbt.adapters.duckdb.credentials import Attachment

    append(paths, offsets(1))
    parts = dbt_attach(paths)
    append(paths, offsets(2))
    with connection.open_duckdb(paths) as database:
        for attachment in parts["attach"]:
            database.execute(Attachment(**attachment).to_sql())
        assert database.execute("SELECT count(*) FROM raw.journal_offset").fetchone() == (1,)
        database.execute("CREATE TABLE mart.n AS SELECT 1 AS n")
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            database.execute("DELETE FROM raw.journal_offset")
    assert parts["raw_snapshot_id"] == connection.latest_snapshot(paths, "raw") - 1
