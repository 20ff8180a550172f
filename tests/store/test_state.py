"""The state store: durable, sealed, in order, and nothing acknowledged that is not there."""

from __future__ import annotations

import datetime as dt
import json
import multiprocessing
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aurora.errors import ConflictError, NotReadyError
from aurora.store.ids import IdMaker
from aurora.store.journal import IdempotencyKey, JournalRecord, StateReader
from aurora.store.paths import TenantPaths, create_tenant, tenant_paths
from aurora.store.sealing import Edge, key_path, leaf_hash, load_verifier_key, open_note
from aurora.store.state import StateStore
from aurora.store.state_schema import MIGRATIONS

NOW = dt.datetime(2026, 11, 21, 12, 0, 0, 5, tzinfo=dt.UTC)


def clock() -> dt.datetime:
    return NOW


def record(record_id: str, *, kind: str = "decision", subject_id: str | None = None) -> JournalRecord:
    return JournalRecord(
        record_id=record_id,
        kind=kind,
        subject_id=subject_id or record_id,
        actor_id="person:amal",
        recorded_at=NOW,
        body=json.dumps({"id": record_id}).encode(),
        elapsed_us=12,
    )


@pytest.fixture
def paths(tmp_path: Path) -> TenantPaths:
    return create_tenant(tmp_path, "demo", "ae-dubai")


@pytest.fixture
def store(paths: TenantPaths) -> Iterator[StateStore]:
    with StateStore.open(paths, clock=clock) as opened:
        yield opened


def test_what_is_appended_is_read_back_as_it_was(store: StateStore):
    assert store.append([record("d1"), record("o1", kind="outcome", subject_id="d1")]).result() == [1, 2]
    entry = store.get("d1")
    assert entry is not None
    assert (entry.seq, entry.recorded_at, entry.body, entry.elapsed_us) == (1, NOW, b'{"id": "d1"}', 12)
    assert [found.record_id for found in store.about("d1")] == ["d1", "o1"]
    assert store.get("d2") is None
    assert store.about("d2") == []


def test_pages_go_back_in_time_and_the_copy_goes_forward(store: StateStore):
    store.append([record(f"d{n}") for n in range(5)]).result()
    store.append([record("o1", kind="outcome", subject_id="d1")]).result()
    assert [e.record_id for e in store.page("decision", limit=2)] == ["d4", "d3"]
    assert [e.record_id for e in store.page("decision", before=4, limit=9)] == ["d2", "d1", "d0"]
    assert [e.record_id for e in store.page("outcome")] == ["o1"]
    assert [e.seq for e in store.after(4, limit=10)] == [5, 6]
    assert store.last_seq() == 6


def test_many_submissions_become_one_sealed_batch_in_order(store: StateStore, paths: TenantPaths):
    futures = [store.append([record(f"d{n}")]) for n in range(700)]
    assert [future.result() for future in futures] == [[n + 1] for n in range(700)]
    edge = Edge()
    for leaf in store.leaves(0, 700):
        list(edge.append(leaf))
    note = store.checkpoint()
    assert note is not None
    checkpoint = open_note(note, load_verifier_key(paths))
    assert (checkpoint.size, checkpoint.root) == (700, edge.root())
    assert store.tree() == (700, edge.pack())
    assert {(level, place) for level, place, _ in store.subtrees()} == {(8, 0), (8, 1)}


def test_a_record_id_that_is_taken_is_refused_and_its_neighbours_pass(store: StateStore):
    store.append([record("d1")]).result()
    futures = [store.append([record(name)]) for name in ("d2", "d1", "d3")]
    assert futures[0].result() == [2]
    with pytest.raises(ConflictError, match="already recorded"):
        futures[1].result()
    assert futures[2].result() == [3]


def test_an_idempotency_key_is_stored_with_its_record_and_taken_once(store: StateStore):
    key = IdempotencyKey("person:amal", "k1", b"h", 201, b"{}")
    store.append([record("d1")], idempotency=key).result()
    assert store.answered("person:amal", "k1") == key
    assert store.answered("person:omar", "k1") is None
    with pytest.raises(ConflictError, match="idempotency key"):
        store.append([record("d2")], idempotency=key).result()
    assert store.get("d2") is None
    store.forget_answers(before=NOW + dt.timedelta(seconds=1)).result()
    assert store.answered("person:amal", "k1") is None


def test_the_journal_refuses_changes_and_deletions(store: StateStore, paths: TenantPaths):
    store.append([record("d1")]).result()
    with sqlite3.connect(paths.state) as connection:
        for sql in ("DELETE FROM journal", "UPDATE journal SET body = x''", "DELETE FROM checkpoint"):
            with pytest.raises(sqlite3.IntegrityError, match="append only"):
                connection.execute(sql)
    connection.close()


@pytest.mark.usefixtures("store")
def test_a_reader_cannot_write(paths: TenantPaths):
    with StateReader(paths) as reader, pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader._rows("UPDATE counter SET value = 9")


def test_a_probe_commits_and_leaves_no_record(store: StateStore):
    assert store.probe().result() == []
    assert store.last_seq() == 0
    assert store.checkpoint() is None


def test_the_store_is_flushed_on_every_commit_and_private(store: StateStore, paths: TenantPaths):
    assert store._connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert store._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert paths.state.stat().st_mode & 0o777 == 0o600
    assert key_path(paths).stat().st_mode & 0o777 == 0o600


def test_closing_commits_what_is_queued_and_refuses_what_comes_later(paths: TenantPaths):
    store = StateStore.open(paths, clock=clock)
    futures = [store.append([record(f"d{n}")]) for n in range(50)]
    store.close()
    assert all(future.done() and future.exception() is None for future in futures)
    with pytest.raises(NotReadyError, match="closed"):
        store.append([record("late")])


def test_a_tenant_without_state_is_told_what_to_do(paths: TenantPaths):
    with StateReader(paths) as reader, pytest.raises(NotReadyError, match="no state database"):
        reader.last_seq()


def test_a_newer_schema_is_not_touched(paths: TenantPaths):
    StateStore.open(paths, clock=clock).close()
    connection = sqlite3.connect(paths.state)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    with pytest.raises(NotReadyError, match="newer Aurora"):
        StateStore.open(paths, clock=clock)


def test_a_log_that_was_signed_never_gets_a_new_key(paths: TenantPaths):
    with StateStore.open(paths, clock=clock) as store:
        store.append([record("d1")]).result()
    key_path(paths).unlink()
    with pytest.raises(NotReadyError, match="audit key"):
        StateStore.open(paths, clock=clock)


def test_a_full_disk_refuses_and_recovers(store: StateStore):
    store.append([record("d1")]).result()
    (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    big = JournalRecord(
        record_id="big", kind="decision", subject_id="big", actor_id="a", recorded_at=NOW, body=b"x" * 100_000
    )
    with pytest.raises(NotReadyError, match="disk is full"):
        store.append([big]).result()
    store._connection.execute(f"PRAGMA max_page_count = {pages + 1000}")
    assert store.append([big]).result() == [2]


def _write_until_the_disk_fails(data_dir: Path) -> None:
    """In a process whose files may not grow beyond 800 kB: the kernel itself refuses the write."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (800_000, 800_000))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    store = StateStore.open(tenant_paths(data_dir, "demo"), clock=clock)
    acknowledged = 0
    try:
        for n in range(100_000):
            store.append([record(f"d{n}")]).result()
            acknowledged += 1
    except NotReadyError:
        assert store.broken is not None
    try:
        store.append([record("after")]).result()
    except NotReadyError:
        (data_dir / "acknowledged").write_text(str(acknowledged))
    os._exit(0)


def test_after_an_io_error_nothing_is_acknowledged_and_nothing_acknowledged_is_lost(paths: TenantPaths):
    process = multiprocessing.get_context("spawn").Process(target=_write_until_the_disk_fails, args=(paths.data_dir,))
    process.start()
    process.join()
    acknowledged = int((paths.data_dir / "acknowledged").read_text())
    assert acknowledged > 10
    with StateStore.open(paths, clock=clock) as store:
        assert acknowledged <= store.last_seq() <= acknowledged + 1
        assert store.get(f"d{acknowledged - 1}") is not None


_WRITER = """
import datetime as dt, sys
from pathlib import Path
from aurora.store.paths import tenant_paths
from aurora.store.state import StateStore
from aurora.store.journal import JournalRecord
name, count = sys.argv[2], int(sys.argv[3])
now = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
with StateStore.open(tenant_paths(Path(sys.argv[1]), "demo"), clock=lambda: now) as store:
    for n in range(0, count, 5):
        futures = [
            store.append([JournalRecord(record_id=f"{name}-{i}", kind="decision", subject_id=f"{name}-{i}",
                                        actor_id=name, recorded_at=now, body=b"{}")])
            for i in range(n, n + 5)
        ]
        for future in futures:
            future.result()
            print("ok", flush=True)
"""


def test_four_processes_write_one_journal_and_nothing_is_lost(paths: TenantPaths):
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(paths.data_dir), f"w{n}", "200"], stdout=subprocess.PIPE, text=True
        )
        for n in range(4)
    ]
    assert [writer.communicate()[0].count("ok") for writer in writers] == [200] * 4
    with StateStore.open(paths, clock=clock) as store:
        entries = store.after(0, 10_000)
        assert [entry.seq for entry in entries] == list(range(1, 801))
        assert len({entry.record_id for entry in entries}) == 800
        edge = Edge()
        for entry in entries:
            list(edge.append(entry.leaf))
        note = store.checkpoint(800)
        assert note is not None
        assert open_note(note, load_verifier_key(paths)).root == edge.root()


def test_ids_sort_by_the_time_they_were_made_even_when_the_clock_stands():
    ids = IdMaker(clock)
    made = [ids.new("dec") for _ in range(5000)]
    assert made == sorted(made)
    assert len(set(made)) == 5000
    assert {len(one) for one in made} == {36}


def test_the_reference_tree_has_the_reference_roots():
    """The test vectors of the Certificate Transparency reference implementation."""
    inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]
    edge = Edge()
    for given, root in zip(inputs, roots, strict=True):
        list(edge.append(leaf_hash(bytes.fromhex(given))))
        assert edge.root().hex() == root
