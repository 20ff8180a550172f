"""The way of pushed bodies through the API: one lane a tenant, bounded, with one worker process behind it.

DuckLake has one writer, so bodies that wait are committed together. A lane that is full says so before it
reads a body (429), and when to come again.
"""

from __future__ import annotations

import asyncio
import logging
import math
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

import msgspec

from apps.api.ingest_messages import ANSWERS, Answer, Job
from apps.api.problems import PROBLEMS, Header, InternalError, RateLimitError, internal_error
from aurora.errors import AuroraError, NotReadyError
from aurora.ingest.spool import VERDICTS, SpooledBody, spool_folder
from aurora.settings import Settings
from aurora.store.paths import TenantPaths

_GROUP: Final = 64
_GROUP_BYTES: Final = 256 * 2**20
_IDLE_S: Final = 600.0
_SPOOL_THREADS: Final = 4
_LONGEST_WAIT_S: Final = 60
_LAST_S: Final = 8.0
"""What a group at hand is given when the server stops."""
_FORGET: Final = 0.3
_logger = logging.getLogger("aurora.api")


@dataclass(slots=True, eq=False)
class _Waiting:
    """A body in the queue and the one who waits for its answer."""

    body: SpooledBody
    job: Job
    done: asyncio.Future[Answer]


class IngestLane:
    """One tenant's queue and worker. Lives on the API's event loop."""

    def __init__(self, paths: TenantPaths, settings: Settings, *, length: int) -> None:
        self._paths = paths
        self._settings = settings
        self._length = length
        self._taken = 0
        self._queue: deque[_Waiting] = deque()
        self._came = asyncio.Event()
        self._seconds_each = 0.1
        self._worker = _Worker(paths, settings)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"ingest-{paths.tenant}")
        self._runner = asyncio.create_task(self._run())

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place in the lane while a body is received and ingested; `RateLimitError` when there is none."""
        if self._taken >= self._length:
            wait = min(_LONGEST_WAIT_S, max(1, math.ceil(self._taken * self._seconds_each)))
            raise RateLimitError(
                f"{self._taken} bodies of {self._paths.tenant} are on their way into the lake; no more are taken now.",
                field="ingest",
                rule="queue_length",
                next_step="Wait for Retry-After and send it again; the same body or Idempotency-Key makes that safe.",
                headers=[(b"retry-after", b"%d" % wait), *self.limit_headers()],
            )
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    def limit_headers(self) -> tuple[Header, Header]:
        """The lane's RateLimit headers."""
        free = max(0, self._length - self._taken)
        return (b"ratelimit-policy", b'"ingest";q=%d' % self._length), (b"ratelimit", b'"ingest";r=%d' % free)

    async def put(self, body: SpooledBody, job: Job) -> tuple[Answer, BinaryIO]:
        """What became of a body, and the open file of its verdicts; raises why it was refused as a whole.

        The lane owns the body from here on: it goes into the lake even if its sender hangs up.
        """
        waiting = _Waiting(body, job, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._came.set()
        try:
            answer = await waiting.done
        except asyncio.CancelledError:
            raise _stopping() from None  # the server ends: its sender is told to come again
        if answer.code:
            raise _error(answer)
        return answer, _opened(Path(job.file + VERDICTS))

    async def close(self) -> None:
        """Refuse what waits and end the worker; what is whole in the spool is ingested at the next start."""
        self._runner.cancel()
        await asyncio.gather(self._runner, return_exceptions=True)
        for waiting in self._queue:
            if not waiting.done.done():
                waiting.done.set_exception(_stopping())
        ending = asyncio.get_running_loop().run_in_executor(self._thread, self._worker.end)
        try:
            await asyncio.wait_for(asyncio.shield(ending), _LAST_S)
        except TimeoutError:  # a large body: the next start takes it from the spool
            self._worker.kill()
            await ending
        self._thread.shutdown(wait=False)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        if spool_folder(self._paths).is_dir():
            await loop.run_in_executor(self._thread, self._worker.begin)
        while True:
            try:
                await asyncio.wait_for(self._came.wait(), _IDLE_S)
            except TimeoutError:
                await loop.run_in_executor(self._thread, self._worker.end)
                continue
            group = self._next_group()
            if group:
                await self._ingest(group)

    def _next_group(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        size = 0
        while self._queue and len(group) < _GROUP and (not group or size + self._queue[0].body.size <= _GROUP_BYTES):
            group.append(self._queue.popleft())
            size += group[-1].body.size
        if not self._queue:
            self._came.clear()
        return group

    async def _ingest(self, group: list[_Waiting]) -> None:
        loop = asyncio.get_running_loop()
        began = time.monotonic()
        at_work = loop.run_in_executor(self._thread, self._worker.ingest, [waiting.job for waiting in group])
        try:
            answers = await asyncio.shield(at_work)
        except asyncio.CancelledError:
            at_work.add_done_callback(lambda done: done.exception())
            for waiting in group:
                _settle(waiting, _stopping())
            raise
        except Exception as error:
            _logger.exception("A group of %s bodies of %s was not ingested", len(group), self._paths.tenant)
            answers = [Answer(code=InternalError.code, message=str(error))] * len(group)
        each = (time.monotonic() - began) / len(group)
        self._seconds_each += _FORGET * (each - self._seconds_each)
        for waiting, answer in zip(group, answers, strict=True):
            waiting.body.remove()
            if waiting.done.cancelled() and not answer.code:
                _opened(Path(waiting.job.file + VERDICTS)).close()
            _settle(waiting, answer)


def _opened(file: Path) -> BinaryIO:
    """The file, open; its name goes at once, so that nothing stays when the reader goes."""
    opened = file.open("rb")
    file.unlink()
    return opened


def _settle(waiting: _Waiting, outcome: Answer | Exception) -> None:
    if waiting.done.done():
        return
    if isinstance(outcome, Exception):
        waiting.done.set_exception(outcome)
    else:
        waiting.done.set_result(outcome)


def _stopping() -> NotReadyError:
    return NotReadyError(
        "The server is stopping; the body was not ingested yet.",
        field="ingest",
        next_step="Send it again in a moment; it will not happen twice.",
    )


def _error(answer: Answer) -> AuroraError:
    kind, _ = PROBLEMS[answer.code]
    if kind is InternalError:
        return internal_error()
    field = "format" if answer.field == "source_format" else answer.field
    return kind(answer.message, next_step=answer.next_step, field=field, rule=answer.rule)


class _Worker:
    """The process behind a lane; started when there is work, and again when it died. One thread calls it."""

    def __init__(self, paths: TenantPaths, settings: Settings) -> None:
        self._command = [
            sys.executable,
            "-m",
            "apps.api.ingest_worker",
            str(paths.data_dir),
            paths.tenant,
            str(settings.max_upload_mb),
        ]
        self._process: subprocess.Popen[bytes] | None = None
        self._is_killed = False

    def begin(self) -> None:
        """Start the process; it first ingests what an earlier one left in the spool."""
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ingest(self, jobs: list[Job]) -> list[Answer]:
        """Ingest a group. A process that dies over it is started again once: the ledger knows what it did."""
        try:
            return self._exchange(jobs)
        except (OSError, EOFError):
            if self._is_killed:
                raise
            _logger.warning("The ingest process died; starting another")
            self.end()
            return self._exchange(jobs)

    def _exchange(self, jobs: list[Job]) -> list[Answer]:
        self.begin()
        process = cast("subprocess.Popen[bytes]", self._process)
        to_worker, from_worker = cast("BinaryIO", process.stdin), cast("BinaryIO", process.stdout)
        to_worker.write(msgspec.json.encode(jobs) + b"\n")
        to_worker.flush()
        line = from_worker.readline()
        if not line:
            raise EOFError("The ingest process ended without an answer.")
        return ANSWERS.decode(line)

    def kill(self) -> None:
        """End the process at once, from any thread; nothing is started after it."""
        self._is_killed = True
        if self._process is not None:
            self._process.kill()

    def end(self) -> None:
        """End the process, once it is done with what it has."""
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        process.wait()


class IngestLanes:
    """Every tenant's lane, and the threads that write bodies to the disk."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lanes: dict[str, IngestLane] = {}
        self.disk = ThreadPoolExecutor(max_workers=_SPOOL_THREADS, thread_name_prefix="ingest-spool")

    def start(self, tenants: list[TenantPaths]) -> None:
        """Begin on what an earlier process left in the spools."""
        for paths in tenants:
            folder = spool_folder(paths)
            if folder.is_dir() and any(file.suffix for file in folder.iterdir()):
                self.lane(paths)

    def lane(self, paths: TenantPaths) -> IngestLane:
        """The tenant's lane, made at the first push."""
        lane = self._lanes.get(paths.tenant)
        if lane is None:
            lane = self._lanes[paths.tenant] = IngestLane(paths, self._settings, length=self._settings.ingest_queue)
        return lane

    async def stop(self) -> None:
        """End every lane."""
        await asyncio.gather(*[lane.close() for lane in self._lanes.values()])
        self._lanes.clear()
        self.disk.shutdown(wait=False)
