"""Appends from the event loop: one hand-over to the writer a loop turn, one wake-up a commit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aurora.store.journal import IdempotencyKey, JournalRecord
from aurora.store.state import Statement, StateStore, Submission


class JournalBridge:
    """Lets coroutines await the journal's commits. Belongs to one event loop and one store."""

    def __init__(self, store: StateStore, loop: asyncio.AbstractEventLoop) -> None:
        self._store = store
        self._loop = loop
        self._pending: list[Submission] = []
        self._deliver_bound = self._deliver

    def append(
        self,
        records: Sequence[JournalRecord],
        *,
        idempotency: IdempotencyKey | None = None,
        statements: Sequence[Statement] = (),
    ) -> asyncio.Future[list[int]]:
        """Seqs of the records once they are on the disk; raises what `StateStore.append` raises."""
        future: asyncio.Future[list[int]] = self._loop.create_future()
        if not self._pending:
            self._loop.call_soon(self._flush)
        self._pending.append(Submission(records, self._deliver_bound, future, idempotency, statements))
        return future

    def _flush(self) -> None:
        submissions, self._pending = self._pending, []
        try:
            self._store.submit(submissions)
        except Exception as error:  # noqa: BLE001 - it is handed to whoever waits
            for submission in submissions:
                if not submission.ticket.done():
                    submission.ticket.set_exception(error)

    def _deliver(self, done: list[Submission]) -> None:
        """Called on the writer's thread, once a commit."""
        self._loop.call_soon_threadsafe(_resolve, done)


def _resolve(done: list[Submission]) -> None:
    for submission in done:
        future: asyncio.Future[list[int]] = submission.ticket
        if future.done():  # the client has gone; its record stays
            continue
        if submission.error is None:
            future.set_result(submission.seqs)
        else:
            future.set_exception(submission.error)
