"""The lake's promises: one snapshot a reader, one transaction a writer, nothing outside the tenant."""

from concurrent.futures import ThreadPoolExecutor

import duckdb
import polars as pl
import pyarrow as pa
import pytest

from aurora.errors import ConflictError, DataError, NotFoundError, NotReadyError, UsageError
from aurora.store import connection
from aurora.store.lake import LakeWriter, create_lake, read_lake, write_lake
from aurora.store.paths import TenantPaths, create_tenant
from contracts import registry
from tests.store.offset_rows import NOW, append, offsets, seqs

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
    with pytest.raises(DataError, match=r"task 2\.0\.0 breaks the lake at task_type"):
        create_lake(paths)


def test_a_required_column_that_came_later_is_filled_in_rows_that_are_there(paths):
    row = {"task_id": "t", "source": "s", "task_type": "k", "task_state": "completed", "submitted_at": NOW}
    row |= {"completed_at": NOW, "is_sample": False, "region": "ae-dubai"}
    stamps = {"batch_id": "b", "batch_seq": 1, "row_number": 1, "ingested_at": NOW}

    def older(lake: LakeWriter) -> None:
        lake.execute("ALTER TABLE raw.task DROP COLUMN updated_at")
        lake.append("task", pl.DataFrame([row | stamps]))

    write_lake(paths, "raw", older, author="test", message="older")
    create_lake(paths)
    with read_lake(paths) as lake:
        assert lake.query("SELECT updated_at FROM raw.task").item() == NOW
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


def test_tables_and_views_are_named_as_of_the_snapshot(paths):
    def made(lake: LakeWriter) -> list[str]:
        for statement in ("TABLE mart.t", "TABLE mart.gone", "VIEW mart.v", "VIEW mart.broken"):
            lake.execute(f"CREATE {statement} AS {'FROM mart.gone' if 'broken' in statement else 'SELECT 1 AS n'}")
        return lake.table_names("mart")

    assert write_lake(paths, "mart", made, author="t", message="m") == ["broken", "gone", "t", "v"]
    then = connection.latest_snapshot(paths, "mart")
    write_lake(paths, "mart", lambda lake: lake.execute("DROP TABLE mart.gone"), author="t", message="m")
    with read_lake(paths) as lake:
        known = "SELECT table_name FROM information_schema.tables WHERE table_catalog = 'mart' ORDER BY 1"
        assert lake.table_names("mart") == lake.query(known)["table_name"].to_list() == ["broken", "t", "v"]
    with read_lake(paths, mart_at=then) as lake:
        assert lake.table_names("mart") == ["broken", "gone", "t", "v"]


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
