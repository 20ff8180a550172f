"""A reader is kept for the next one: the same snapshots of the same catalogs, nothing staler, nobody else's."""

import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from aurora.errors import NotFoundError, UsageError
from aurora.store import idle_reader
from aurora.store.connection import latest_snapshot
from aurora.store.lake import read_lake
from aurora.store.maintenance import maintain
from aurora.store.paths import TenantPaths
from tests.store.offset_rows import NOW, append, offsets, seqs


def opened(paths: TenantPaths) -> object:
    """The connection that a reader of the newest snapshots gets."""
    with read_lake(paths) as lake:
        return lake._connection


def test_the_next_reader_of_the_same_snapshots_takes_it(paths):
    first = opened(paths)
    assert opened(paths) is first


def test_a_commit_ends_it(paths):
    append(paths, offsets(1))
    before = opened(paths)
    append(paths, offsets(2))
    assert seqs(paths) == [1, 2]
    assert opened(paths) is not before


def test_two_readers_at_once_are_two(paths):
    opened(paths)
    with read_lake(paths) as one, read_lake(paths) as two:
        assert one._connection is not two._connection
        assert one.query("SELECT 1 AS n").item() == two.query("SELECT 1 AS n").item()


def test_many_threads_read_what_is_there(paths):
    append(paths, offsets(1))
    found: list[list[int]] = []
    threads = [threading.Thread(target=lambda: found.extend(seqs(paths) for _ in range(5))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [[1]] * 20


def test_one_that_met_an_error_is_not_used_again(paths):
    failed = opened(paths)
    with pytest.raises(UsageError), read_lake(paths) as lake:
        lake.query("DROP TABLE raw.task")
    assert opened(paths) is not failed


def test_another_lake_in_the_same_place_is_read_anew(paths: TenantPaths, template: Path):
    append(paths, offsets(1))
    at = latest_snapshot(paths, "raw")
    assert seqs(paths) == [1]
    shutil.rmtree(paths.data_dir)
    shutil.copytree(template, paths.data_dir)
    append(paths, offsets(2))
    assert latest_snapshot(paths, "raw") == at
    assert seqs(paths) == [2]


def test_an_expired_snapshot_is_gone_for_a_kept_reader_too(paths):
    append(paths, offsets(1))
    then = latest_snapshot(paths, "raw")
    append(paths, offsets(2))
    assert seqs(paths, raw_at=then) == [1]
    with closing(sqlite3.connect(paths.catalog("raw"))) as catalog:
        catalog.execute("DELETE FROM ducklake_snapshot WHERE snapshot_id = ?", [then])
        catalog.commit()
    with pytest.raises(NotFoundError, match=f"no snapshot {then}"):
        seqs(paths, raw_at=then)


def test_it_holds_up_no_maintenance(paths):
    append(paths, offsets(1))
    assert seqs(paths) == [1]
    maintain(paths, now=NOW)
    append(paths, offsets(2))
    assert seqs(paths) == [1, 2]
    with closing(sqlite3.connect(paths.catalog("raw"))) as catalog:
        assert catalog.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0, "a reader is in the log"


def test_an_old_one_is_not_used(paths, monkeypatch):
    first = opened(paths)
    monkeypatch.setattr(idle_reader, "LONGEST_IDLE_S", 0.0)
    assert opened(paths) is not first
