"""The state store's write side: one writer thread a process, group commit, every batch sealed.

Whatever is queued while one commit runs becomes the next one: records, idempotency keys, Merkle
leaves and one signed checkpoint in one transaction. A future resolves only after its commit is on
the disk. Several processes may write: each commit takes the database's write lock and starts from
the tree that the last one left.
"""

from __future__ import annotations

import datetime as dt
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Self

import msgspec

from aurora.errors import AuroraError, ConflictError, NotReadyError
from aurora.store.journal import IdempotencyKey, JournalRecord, StateReader, sealed_entry, time_text
from aurora.store.paths import TenantPaths
from aurora.store.sealing import Edge, Signer, Subtree, leaf_hash, load_signer
from aurora.store.state_schema import open_writer

Clock = Callable[[], dt.datetime]
Statement = tuple[str, Sequence[object]]

MAX_BATCH = 512
"""Submissions in one commit: bounds how long a reply can wait for others' records."""
_CHUNKS = (64, 16, 4, 1)
"""Rows written by one statement. A statement gives the interpreter lock away, so few are faster."""
_INSERTS = {
    count: "INSERT INTO journal (seq, record_id, kind, subject_id, actor_id, recorded_at, elapsed_us, body, leaf)"
    " VALUES " + ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?, ?)"] * count)
    for count in _CHUNKS
}
_logger = logging.getLogger(__name__)


class Submission(msgspec.Struct, eq=False):
    """Records to append together or not at all; afterwards either `seqs` or `error` says what came of it."""

    records: Sequence[JournalRecord]
    deliver: Callable[[list[Submission]], None]
    ticket: Any = None
    idempotency: IdempotencyKey | None = None
    statements: Sequence[Statement] = ()
    seqs: list[int] = []
    error: AuroraError | None = None


class StateStore(StateReader):
    """One tenant's state: appends through one writer thread, reads as `StateReader` does."""

    def __init__(self, paths: TenantPaths, *, connection: sqlite3.Connection, signer: Signer, clock: Clock) -> None:
        super().__init__(paths)
        self._connection = connection
        self._signer = signer
        self._clock = clock
        self._queue: queue.SimpleQueue[list[Submission] | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._is_closed = False
        self._broken: AuroraError | None = None
        self._writer = threading.Thread(target=self._run, name=f"state-{paths.tenant}", daemon=True)
        self._writer.start()

    @classmethod
    def open(cls, paths: TenantPaths, *, clock: Clock) -> Self:
        """Open, make or migrate the tenant's state database and start its writer."""
        connection = open_writer(paths.state)
        try:
            (size,) = connection.execute("SELECT tree_size FROM tree").fetchone()
            signer = load_signer(paths, may_create=size == 0)
        except BaseException:
            connection.close()
            raise
        return cls(paths, connection=connection, signer=signer, clock=clock)

    def close(self) -> None:
        """Commit what is queued, then stop the writer and close every connection."""
        with self._gate:
            is_first = not self._is_closed
            self._is_closed = True
        if is_first:
            self._queue.put(None)
            self._writer.join()
            self._connection.close()
        super().close()

    @property
    def broken(self) -> AuroraError | None:
        """Why nothing is accepted any more after a disk error, or None."""
        return self._broken

    def append(
        self,
        records: Sequence[JournalRecord],
        *,
        idempotency: IdempotencyKey | None = None,
        statements: Sequence[Statement] = (),
    ) -> Future[list[int]]:
        """Append records in one transaction; the future gives their seqs once they are on the disk.

        It raises `ConflictError` for a record id or idempotency key that is already there, `NotReadyError`
        when the disk refuses. `statements` run in the same transaction and are for this room only.
        """
        future: Future[list[int]] = Future()
        future.set_running_or_notify_cancel()
        self.submit([Submission(records, _resolve_futures, future, idempotency, statements)])
        return future

    def submit(self, submissions: list[Submission]) -> None:
        """Queue submissions; the writer calls each `deliver` once a commit, with all that it carries of them."""
        with self._gate:
            if self._is_closed:
                raise _closed()
            if self._broken is not None:
                raise self._broken
            self._queue.put(submissions)

    def probe(self) -> Future[list[int]]:
        """A real commit that leaves no record: whether the journal can be written now."""
        return self.append((), statements=[("UPDATE counter SET value = value + 1 WHERE name = 'probes'", ())])

    def forget_answers(self, *, before: dt.datetime) -> Future[list[int]]:
        """Drop idempotency keys recorded before that moment; the records themselves stay."""
        return self.append((), statements=[("DELETE FROM idempotency WHERE recorded_at < ?", (time_text(before),))])

    # the writer thread ------------------------------------------------------------------------
    def _run(self) -> None:
        is_open = True
        while is_open:
            batch, is_open = self._next_batch()
            if batch:
                self._commit(batch)

    def _next_batch(self) -> tuple[list[Submission], bool]:
        batch: list[Submission] = []
        item = self._queue.get()
        while item is not None:
            batch += item
            if len(batch) >= MAX_BATCH:
                return batch, True
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False

    def _commit(self, batch: list[Submission]) -> None:
        try:
            if self._broken is None:
                self._write(batch)
            else:
                _fail(batch, self._broken)
        except sqlite3.IntegrityError as error:
            self._roll_back()
            if len(batch) > 1:  # one of them is at fault: find it, let the others through
                for submission in batch:
                    self._commit([submission])
                return
            _fail(batch, _already_there(error))
        except sqlite3.Error as error:
            self._roll_back()
            _fail(batch, self._refused(error))
        except Exception as error:  # the thread's outer boundary: nobody may wait for ever
            _logger.exception("The state writer failed")
            self._roll_back()
            self._broken = _unusable(str(error))
            _fail(batch, self._broken)
        _deliver(batch)

    def _write(self, batch: list[Submission]) -> None:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        now = time_text(self._clock())
        accepted = self._keep_answers(batch, now)
        rows: list[object] = []
        size, packed = connection.execute("SELECT tree_size, edge FROM tree").fetchone()
        edge = Edge.unpack(size, packed)
        completed: list[Subtree] = []
        for submission in accepted:
            submission.seqs.clear()
            for record in submission.records:
                recorded_at = time_text(record.recorded_at)
                leaf = leaf_hash(sealed_entry(record, recorded_at))
                completed += edge.append(leaf)
                submission.seqs.append(edge.size)
                rows += _row(edge.size, record, recorded_at, leaf)
            for sql, params in submission.statements:
                connection.execute(sql, params)
        if edge.size > size:
            self._insert(rows)
            self._seal(edge, completed, now)
        self._sync()

    def _sync(self) -> None:
        """End the transaction; returns once the disk has it."""
        self._connection.execute("COMMIT")

    def _keep_answers(self, batch: list[Submission], now: str) -> list[Submission]:
        """Store the idempotency keys; a submission whose key is taken is refused and writes nothing."""
        if all(submission.idempotency is None for submission in batch):
            return batch
        accepted: list[Submission] = []
        for submission in batch:
            submission.error = None
            given = submission.idempotency
            if given is not None:
                values = (given.actor_id, given.key, given.request_hash, given.status, given.response, now)
                done = self._connection.execute(
                    "INSERT INTO idempotency VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", values
                )
                if done.rowcount == 0:
                    submission.error = _key_taken(given.key)
                    continue
            accepted.append(submission)
        return accepted

    def _insert(self, values: list[object]) -> None:
        at, width = 0, 9
        for count in _CHUNKS:
            while len(values) - at >= count * width:
                self._connection.execute(_INSERTS[count], values[at : at + count * width])
                at += count * width

    def _seal(self, edge: Edge, completed: list[Subtree], now: str) -> None:
        connection = self._connection
        for tree in completed:
            connection.execute("INSERT INTO subtree VALUES (?, ?, ?)", (tree.level, tree.position, tree.hash))
        note = self._signer.sign(edge.size, edge.root())
        connection.execute("INSERT INTO checkpoint VALUES (?, ?, ?)", (edge.size, note, now))
        connection.execute("UPDATE tree SET tree_size = ?, edge = ?", (edge.size, edge.pack()))

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            try:
                self._connection.execute("ROLLBACK")
            except sqlite3.Error as error:
                self._broken = _unusable(str(error))

    def _refused(self, error: sqlite3.Error) -> AuroraError:
        """What to tell the waiting ones. After an I/O error the process must not acknowledge again."""
        match getattr(error, "sqlite_errorcode", sqlite3.SQLITE_IOERR) & 0xFF:
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                return NotReadyError(
                    "Another process holds the state database's write lock for too long.",
                    field="state",
                    next_step="Try again; if it lasts, end the process that `aurora status` shows as writing.",
                )
            case sqlite3.SQLITE_FULL:
                return NotReadyError(
                    "The disk is full: nothing was recorded.",
                    field="state",
                    next_step="Free space in the data folder and send the request again.",
                )
            case _:
                self._broken = _unusable(str(error))
                _logger.error("The state database failed; no more records are accepted", exc_info=error)
                return self._broken


def _row(seq: int, record: JournalRecord, recorded_at: str, leaf: bytes) -> tuple[object, ...]:
    return (
        seq,
        record.record_id,
        record.kind,
        record.subject_id,
        record.actor_id,
        recorded_at,
        record.elapsed_us,
        record.body,
        leaf,
    )


def _fail(batch: list[Submission], error: AuroraError) -> None:
    for submission in batch:
        submission.error = error


def _deliver(batch: list[Submission]) -> None:
    groups: dict[Callable[[list[Submission]], None], list[Submission]] = {}
    for submission in batch:
        groups.setdefault(submission.deliver, []).append(submission)
    for deliver, submissions in groups.items():
        deliver(submissions)


def _resolve_futures(done: list[Submission]) -> None:
    for submission in done:
        future: Future[list[int]] = submission.ticket
        if submission.error is None:
            future.set_result(submission.seqs)
        else:
            future.set_exception(submission.error)


def _closed() -> NotReadyError:
    return NotReadyError("The state store is closed.", field="state", next_step="Start Aurora again.")


def _already_there(error: sqlite3.IntegrityError) -> ConflictError:
    return ConflictError(
        f"This record contradicts what is already recorded: {error}.",
        field="record_id",
        rule="unique",
        next_step="Use a new id for a new record.",
    )


def _key_taken(key: str) -> ConflictError:
    return ConflictError(
        f"The idempotency key {key!r} was used by another request at the same moment.",
        field="Idempotency-Key",
        rule="unique",
        next_step="Send the same request again: it gets the stored answer.",
    )


def _unusable(why: str) -> NotReadyError:
    return NotReadyError(
        f"The state database cannot be written safely: {why}.",
        field="state",
        next_step="Check the disk, then start Aurora again; nothing that was acknowledged is lost.",
    )
