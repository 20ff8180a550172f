"""The journal's rows and how they are read: one snapshot a call, never a write."""

from __future__ import annotations

import datetime as dt
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import msgspec

from aurora.store.paths import TenantPaths
from aurora.store.state_schema import open_reader

_COLUMNS = "seq, record_id, kind, subject_id, actor_id, recorded_at, elapsed_us, body, leaf"
_HEADER = msgspec.json.Encoder()


class JournalRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened: a decision, an outcome, an override. `body` is canonical JSON.

    `subject_id` is the decision it is about (its own id for a decision). `elapsed_us` is how long the
    act took in microseconds, where that is known: it is kept beside the body, which replay must reproduce.
    """

    record_id: str
    kind: str
    subject_id: str
    actor_id: str
    recorded_at: dt.datetime
    body: bytes
    elapsed_us: int | None = None


class JournalEntry(JournalRecord, frozen=True, kw_only=True):
    """A record as the journal keeps it: with its place, from 1 and without gaps, and its Merkle leaf."""

    seq: int
    leaf: bytes


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """What makes a repeated request the same one, and the answer to give when it comes again."""

    actor_id: str
    key: str
    request_hash: bytes
    status: int
    response: bytes


@dataclass(frozen=True, slots=True)
class ApiKeyRow:
    """An API key as stored; times are RFC 3339 texts, scopes are parted by spaces."""

    prefix: str
    secret_hash: bytes
    actor_id: str
    label: str
    scopes: str
    rate_per_s: int
    created_at: str
    revoked_at: str | None


def time_text(moment: dt.datetime) -> str:
    """A moment as stored: RFC 3339, UTC, microseconds, always the same width."""
    if moment.tzinfo is not dt.UTC:
        moment = moment.astimezone(dt.UTC)
    return moment.isoformat(timespec="microseconds")[:-6] + "Z"


def sealed_entry(record: JournalRecord, recorded_at: str | None = None) -> bytes:
    """The bytes whose hash is the record's leaf: all of its columns as one line of JSON, then the body.

    `recorded_at` is the record's own as `time_text`, for who has it already.
    """
    header = (
        record.record_id,
        record.kind,
        record.subject_id,
        record.actor_id,
        recorded_at or time_text(record.recorded_at),
        record.elapsed_us,
    )
    return _HEADER.encode(header) + b"\n" + record.body


def _entry(row: Sequence[Any]) -> JournalEntry:
    return JournalEntry(
        seq=row[0],
        record_id=row[1],
        kind=row[2],
        subject_id=row[3],
        actor_id=row[4],
        recorded_at=dt.datetime.fromisoformat(row[5]),
        elapsed_us=row[6],
        body=row[7],
        leaf=row[8],
    )


class StateReader:
    """Reads one tenant's state database, from any thread, each with a connection of its own."""

    def __init__(self, paths: TenantPaths) -> None:
        self.paths = paths
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._readers_lock = threading.Lock()

    def close(self) -> None:
        """Close every connection."""
        with self._readers_lock:
            for connection in self._readers:
                connection.close()
            self._readers.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _rows(self, sql: str, params: Sequence[object] = ()) -> list[Any]:
        return self._reader().execute(sql, params).fetchall()

    def _row(self, sql: str, params: Sequence[object] = ()) -> Any:
        return self._reader().execute(sql, params).fetchone()

    def select(self, sql: str, params: Sequence[object] = ()) -> list[Any]:
        """Rows of a query. For this room only: other tables of the state have their own readers here."""
        return self._rows(sql, params)

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = open_reader(self.paths.state)
            self._local.connection = connection
            with self._readers_lock:
                self._readers.append(connection)
        return connection

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything that this thread reads inside sees the database as it is at the first read."""
        connection = self._reader()
        connection.execute("BEGIN")
        try:
            yield
        finally:
            connection.execute("COMMIT")

    # records --------------------------------------------------------------------------------
    def get(self, record_id: str) -> JournalEntry | None:
        """The record of that id, or None."""
        row = self._row(f"SELECT {_COLUMNS} FROM journal WHERE record_id = ?", (record_id,))
        return None if row is None else _entry(row)

    def entry_at(self, seq: int) -> JournalEntry | None:
        """The record at that place, or None."""
        row = self._row(f"SELECT {_COLUMNS} FROM journal WHERE seq = ?", (seq,))
        return None if row is None else _entry(row)

    def about(self, subject_id: str) -> list[JournalEntry]:
        """Everything about one decision, in order: the decision itself first."""
        decision = self.get(subject_id)
        rows = self._rows(
            f"SELECT {_COLUMNS} FROM journal WHERE subject_id = ? AND kind <> 'decision' ORDER BY seq", (subject_id,)
        )
        return ([] if decision is None else [decision]) + [_entry(row) for row in rows if row[1] != subject_id]

    def page(self, kind: str, *, before: int | None = None, limit: int = 50) -> list[JournalEntry]:
        """Records of one kind, newest first, older than the seq `before`."""
        upper = 2**63 - 1 if before is None else before
        sql = f"SELECT {_COLUMNS} FROM journal WHERE kind = ? AND seq < ? ORDER BY seq DESC LIMIT ?"
        if kind != "decision":
            sql = sql.replace("WHERE", "WHERE kind <> 'decision' AND")  # lets SQLite use the partial index
        return [_entry(row) for row in self._rows(sql, (kind, upper, limit))]

    def last_of(self, kinds: Sequence[str]) -> int:
        """Place of the newest record of these kinds (decisions are none of them); 0 when there is none. About 6 us."""
        marks = ", ".join("?" * len(kinds))
        sql = f"SELECT max(seq) FROM journal WHERE kind <> 'decision' AND kind IN ({marks})"
        return int(self._row(sql, kinds)[0] or 0)

    def of_kinds(self, kinds: Sequence[str], *, after: int) -> list[JournalEntry]:
        """Records of these kinds (decisions are none of them) behind a seq, oldest first."""
        marks = ", ".join("?" * len(kinds))
        sql = f"SELECT {_COLUMNS} FROM journal WHERE kind <> 'decision' AND kind IN ({marks}) AND seq > ? ORDER BY seq"
        return [_entry(row) for row in self._rows(sql, (*kinds, after))]

    def after(self, seq: int, limit: int) -> list[JournalEntry]:
        """The next `limit` records behind `seq`, oldest first."""
        return [
            _entry(row)
            for row in self._rows(f"SELECT {_COLUMNS} FROM journal WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit))
        ]

    def last_seq(self) -> int:
        """Place of the newest record; 0 when there is none."""
        return int(self._row("SELECT coalesce(max(seq), 0) FROM journal")[0])

    # audit ----------------------------------------------------------------------------------
    def tree(self) -> tuple[int, bytes]:
        """Size and packed right edge of the Merkle tree."""
        size, edge = self._row("SELECT tree_size, edge FROM tree")
        return int(size), bytes(edge)

    def checkpoint(self, size: int | None = None) -> bytes | None:
        """The signed note at that tree size, or the newest one; None when there is none."""
        if size is not None:
            row = self._row("SELECT note FROM checkpoint WHERE tree_size = ?", (size,))
        else:
            row = self._row("SELECT note FROM checkpoint ORDER BY tree_size DESC LIMIT 1")
        return None if row is None else bytes(row[0])

    def checkpoints(self) -> Iterator[tuple[int, bytes]]:
        """Every checkpoint, oldest first: tree size and signed note."""
        yield from self._reader().execute("SELECT tree_size, note FROM checkpoint ORDER BY tree_size")

    def leaves(self, start: int, end: int) -> list[bytes]:
        """Leaf hashes at the places start, start + 1 .. end - 1, counted from 0 as in RFC 6962."""
        return [
            bytes(row[0])
            for row in self._rows("SELECT leaf FROM journal WHERE seq > ? AND seq <= ? ORDER BY seq", (start, end))
        ]

    def subtree(self, level: int, position: int) -> bytes | None:
        """The kept hash of a complete subtree, or None."""
        row = self._row("SELECT hash FROM subtree WHERE level = ? AND position = ?", (level, position))
        return None if row is None else bytes(row[0])

    def subtrees(self) -> Iterator[tuple[int, int, bytes]]:
        """Every kept inner hash: level, position, hash."""
        yield from self._reader().execute("SELECT level, position, hash FROM subtree")

    # idempotency and keys ---------------------------------------------------------------------
    def answered(self, actor_id: str, key: str) -> IdempotencyKey | None:
        """The answer that was given to this actor's request with this idempotency key, or None."""
        row = self._row(
            "SELECT actor_id, idempotency_key, request_hash, status, response FROM idempotency"
            " WHERE actor_id = ? AND idempotency_key = ?",
            (actor_id, key),
        )
        return None if row is None else IdempotencyKey(*row)

    def api_key(self, prefix: str) -> ApiKeyRow | None:
        """The key of that prefix, revoked or not, or None."""
        row = self._row("SELECT * FROM api_key WHERE prefix = ?", (prefix,))
        return None if row is None else ApiKeyRow(*row)

    def api_keys(self) -> list[ApiKeyRow]:
        """Every key there ever was, oldest first."""
        return [ApiKeyRow(*row) for row in self._rows("SELECT * FROM api_key ORDER BY created_at, prefix")]

    def api_keys_version(self) -> int:
        """A number that grows with each change of any key, by any process."""
        return int(self._row("SELECT value FROM counter WHERE name = 'api_keys'")[0])
