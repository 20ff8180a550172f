"""The audit log: what is stored is derived again, and whatever was changed is named."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from aurora.audit.verify import verify
from aurora.errors import NotReadyError
from aurora.store.journal import JournalRecord
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.state import StateStore

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


def _record(number: int) -> JournalRecord:
    return JournalRecord(
        record_id=f"dec_{number}",
        kind="decision",
        subject_id=f"dec_{number}",
        actor_id="person:amal",
        recorded_at=NOW,
        body=b'{"n":%d}' % number,
    )


@pytest.fixture
def paths(tmp_path: Path) -> TenantPaths:
    """A log of 600 records: two kept subtrees and a ragged end, sealed in several commits."""
    made = create_tenant(tmp_path, "demo", "ae-dubai")
    with StateStore.open(made, clock=lambda: NOW) as store:
        for start in range(0, 600, 150):
            store.append([_record(number) for number in range(start, start + 150)]).result()
    return made


def _tamper(paths: TenantPaths, *statements: str) -> None:
    with sqlite3.connect(paths.state) as database:
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in names:
            database.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            database.execute(statement)
    database.close()


def test_an_untouched_log_is_derived_again(paths):
    report = verify(paths)
    assert report.is_valid
    assert (report.record_count, report.checkpoint_count) == (600, 4)
    assert report.root in report.as_dict().values()


def test_an_empty_log_holds(tmp_path):
    made = create_tenant(tmp_path, "demo", "ae-dubai")
    StateStore.open(made, clock=lambda: NOW).close()
    assert verify(made).is_valid


def test_a_tenant_that_never_started_is_not_ready(tmp_path):
    with pytest.raises(NotReadyError, match="audit key"):
        verify(create_tenant(tmp_path, "demo", "ae-dubai"))


@pytest.mark.parametrize(
    ("statement", "seq", "says"),
    [
        ("UPDATE journal SET body = zeroblob(3) WHERE seq = 17", 17, "bytes do not give the leaf"),
        ("UPDATE journal SET actor_id = 'somebody' WHERE seq = 400", 400, "bytes do not give the leaf"),
        ("UPDATE journal SET leaf = zeroblob(32) WHERE seq = 3", 3, "bytes do not give the leaf"),
        ("DELETE FROM journal WHERE seq = 200", 200, "missing"),
        ("DELETE FROM journal WHERE seq > 590", 591, "the tree counts 600 records and the journal holds 590"),
        ("UPDATE subtree SET hash = zeroblob(32) WHERE position = 1", 512, "kept hash"),
        ("DELETE FROM subtree WHERE position = 0", 256, "kept hash"),
        ("INSERT INTO subtree VALUES (8, 99, zeroblob(32))", None, "records that are not there"),
        ("UPDATE tree SET edge = zeroblob(length(edge))", None, "edge"),
        ("UPDATE tree SET tree_size = 599", 600, "the tree counts 599"),
        ("DELETE FROM checkpoint WHERE tree_size = 600", 600, "no signed checkpoint"),
        ("INSERT INTO checkpoint SELECT 9000, note, signed_at FROM checkpoint LIMIT 1", None, "9,000 records"),
        (
            "UPDATE checkpoint SET note = (SELECT note FROM checkpoint WHERE tree_size = 150) WHERE tree_size = 300",
            300,
            "signed over another log",
        ),
        ("UPDATE checkpoint SET note = cast('no note' AS BLOB) WHERE tree_size = 300", 300, "not to be trusted"),
    ],
)
def test_whatever_was_changed_is_named(paths, statement, seq, says):
    _tamper(paths, statement)
    report = verify(paths)
    assert not report.is_valid
    assert says in str(report.problem)
    assert report.bad_seq == seq
    assert says in report.summary


def test_a_record_that_was_rewritten_with_its_leaf_breaks_the_root(paths):
    """Whoever changes a record and its leaf in step would have to sign anew, without the key."""
    from aurora.store.journal import StateReader, sealed_entry
    from aurora.store.sealing import leaf_hash

    with StateReader(paths) as state:
        entry = state.get("dec_20")
    assert entry is not None
    changed = JournalRecord(
        record_id=entry.record_id,
        kind=entry.kind,
        subject_id=entry.subject_id,
        actor_id=entry.actor_id,
        recorded_at=entry.recorded_at,
        body=b'{"n":99}',
    )
    leaf = leaf_hash(sealed_entry(changed)).hex()
    _tamper(paths, f"UPDATE journal SET body = cast('{{\"n\":99}}' AS BLOB), leaf = x'{leaf}' WHERE seq = {entry.seq}")
    report = verify(paths)
    assert report.bad_seq == 150
    assert "signed over another log" in str(report.problem)


def test_a_log_is_verified_at_one_snapshot_while_others_write(paths):
    with StateStore.open(paths, clock=lambda: NOW) as store:
        append: Callable[[int], object] = lambda number: store.append([_record(number)]).result()  # noqa: E731
        for number in range(600, 640):
            append(number)
            assert verify(paths).record_count == number + 1
