"""The process that ingests one tenant's pushes: groups of bodies in by one pipe, what became of them out by another.

A process and not a thread: the gate and the format readers hold the interpreter lock for milliseconds at a
time, which decisions would wait for, and what crashes or swells here takes no decision with it.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from apps.api.ingest_messages import JOBS, Answer, Job
from aurora.errors import AuroraError
from aurora.ingest.push import Push, ingest_pushes, recover_spool
from aurora.store.paths import TenantPaths, tenant_paths

_NICE: Final = 5
"""Decisions go first where both want the processor."""
_logger = logging.getLogger("aurora.ingest")


def main(arguments: list[str]) -> None:
    """Serve groups until the pipe ends. Arguments: data folder, tenant, longest line in MiB."""
    data_dir, tenant, max_line_mb = arguments
    os.nice(_NICE)
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever a library prints must not look like an answer
    logging.basicConfig(level=logging.WARNING)
    _serve(sys.stdin.buffer, replies, Path(data_dir), tenant, int(max_line_mb))


def _serve(groups: BinaryIO, replies: BinaryIO, data_dir: Path, tenant: str, max_line_mb: int) -> None:
    paths = tenant_paths(data_dir, tenant)
    try:
        recover_spool(paths, clock=_utc_now, max_line_mb=max_line_mb)
    except Exception:
        _logger.exception("What an earlier process left in the spool of %s was not ingested", tenant)
    worker = _Worker(paths, max_line_mb)
    with suppress(BrokenPipeError):  # the API was killed: what was at hand is in the lake, nobody asks any more
        replies.writelines(msgspec.json.encode(worker.answers(JOBS.decode(line))) + b"\n" for line in groups)


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class _Worker:
    def __init__(self, paths: TenantPaths, max_line_mb: int) -> None:
        self._paths = paths
        self._max_line_mb = max_line_mb

    def answers(self, jobs: list[Job]) -> list[Answer]:
        """The group in one transaction; where that fails, each body by itself, so that one harms no other."""
        try:
            return self._ingested(jobs)
        except Exception as error:
            if len(jobs) > 1:
                return [answer for job in jobs for answer in self.answers([job])]
            if isinstance(error, AuroraError):
                return [_refused(error)]
            _logger.exception("A body of %s could not be ingested", jobs[0].source)
            return [Answer(code="internal")]

    def _ingested(self, jobs: list[Job]) -> list[Answer]:
        pushes = [
            Push(
                file=Path(job.file),
                batch_id=job.batch_id,
                source=job.source,
                contract=job.contract,
                source_format=job.source_format,
                wanted=job.wanted,
            )
            for job in jobs
        ]
        found = ingest_pushes(self._paths, pushes, clock=_utc_now, max_line_mb=self._max_line_mb)
        return [
            _refused(one)
            if isinstance(one, AuroraError)
            else Answer(batch_id=one.batch_id, quarantined=one.quarantined)
            for one in found
        ]


def _refused(error: AuroraError) -> Answer:
    return Answer(code=error.code, message=error.message, next_step=error.next_step, field=error.field, rule=error.rule)


if __name__ == "__main__":
    main(sys.argv[1:])
