"""Where the lake's rows lie: files registered once, inside the region, wherever the tenant is moved."""

import socket
from pathlib import Path

import duckdb
import polars as pl
import pytest

from aurora.errors import ConflictError, DataError, NotReadyError
from aurora.store import connection
from aurora.store.extensions import OFFLINE, check_signature, extension_file, link_extensions
from aurora.store.lake import create_lake, dbt_attach, table_folder, write_lake
from aurora.store.paths import TenantPaths
from tests.store.offset_rows import append, offsets, seqs

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
