"""Appends from the event loop: one hand-over to the writer a loop turn, one wake-up a commit.

A lone caller never waits for others; under load the hand-over waits two milliseconds for more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial

from apps.api.problems import internal_error
from aurora.errors import AuroraError
from aurora.store.journal import IdempotencyKey, JournalRecord
from aurora.store.state import Statement, StateStore, Submission

GATHER_FROM = 4
"""Submissions in a commit from which on the next one is worth waiting for."""
GATHER_SECONDS = 0.002
"""How long it is waited for then. A commit costs as much CPU as a dozen records, however few it carries."""


_logger = logging.getLogger("aurora.api")


class JournalBridge:
    """Lets coroutines await the journal's commits. Belongs to one event loop and one store."""

    def __init__(self, store: StateStore, loop: asyncio.AbstractEventLoop) -> None:
        self._store = store
        self._loop = loop
        self._pending: list[Submission] = []
        self._deliver_bound = self._deliver
        self._together = 0  # of the last commit

    def append(
        self,
        records: Sequence[JournalRecord],
        *,
        idempotency: IdempotencyKey | None = None,
        statements: Sequence[Statement] = (),
    ) -> asyncio.Future[list[int]]:
        """Seqs of the records once they are on the disk; raises what `StateStore.append` raises."""
        future: asyncio.Future[list[int]] = self._loop.create_future()
        self.post(partial(_resolve, future), records, idempotency=idempotency, statements=statements)
        return future

    def post(
        self,
        settle: Callable[[Submission], None],
        records: Sequence[JournalRecord],
        *,
        idempotency: IdempotencyKey | None = None,
        statements: Sequence[Statement] = (),
    ) -> None:
        """As `append`; `settle` is called on the loop with what came of it. It must not raise."""
        if not self._pending:
            if self._together >= GATHER_FROM:
                self._loop.call_later(GATHER_SECONDS, self._flush)
            else:
                self._loop.call_soon(self._flush)
        self._pending.append(Submission(records, self._deliver_bound, settle, idempotency, statements))

    def _flush(self) -> None:
        submissions, self._pending = self._pending, []
        try:
            self._store.submit(submissions)
        except Exception as error:  # noqa: BLE001 - it is handed to whoever waits
            for submission in submissions:
                submission.error = error if isinstance(error, AuroraError) else internal_error()
            _settle(submissions)

    def _deliver(self, done: list[Submission]) -> None:
        """Called on the writer's thread, once a commit."""
        self._together = len(done)
        self._loop.call_soon_threadsafe(_settle, done)


def _settle(done: list[Submission]) -> None:
    for submission in done:
        try:
            submission.ticket(submission)
        except Exception:  # one that cannot be told must not keep the others from it
            _logger.exception("What came of a record could not be told")


def _resolve(future: asyncio.Future[list[int]], submission: Submission) -> None:
    if future.done():  # the client has gone; its record stays
        return
    if submission.error is None:
        future.set_result(submission.seqs)
    else:
        future.set_exception(submission.error)
