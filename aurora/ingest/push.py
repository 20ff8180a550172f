"""Bodies that were pushed, on their way from the spool to the lake, and what their senders are told.

Bodies that wait together are committed together: a transaction costs as much as staging thousands of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from aurora.errors import AuroraError
from aurora.ingest.batch import Arrival, Clock, arrival_format, ingest_arrivals
from aurora.ingest.commit import BatchReport
from aurora.ingest.spool import VERDICTS, left_bodies
from aurora.ingest.verdicts import Wanted, needs_lake, summary, verdict_lines
from aurora.settings import Settings
from aurora.store.lake import read_lake
from aurora.store.paths import TenantPaths

_NOT_READY: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """One body in the spool; `wanted` says which verdicts its sender asked for."""

    file: Path
    batch_id: str
    source: str
    contract: str
    source_format: str | None = None
    wanted: Wanted = "none"
    source_cursor: str | None = None


def ingest_pushes(
    paths: TenantPaths, pushes: Sequence[Push], *, clock: Clock, max_line_mb: int = Settings().max_upload_mb
) -> list[BatchReport | AuroraError]:
    """Ingest bodies in one transaction and write their verdicts; one that cannot be read holds up no other."""
    answers: list[BatchReport | AuroraError | None] = [None] * len(pushes)
    arrivals: dict[int, Arrival] = {}
    for place, push in enumerate(pushes):
        try:
            arrivals[place] = _arrival(push)
        except AuroraError as error:
            answers[place] = error
    if arrivals:
        reports = ingest_arrivals(paths, list(arrivals.values()), clock=clock, max_line_mb=max_line_mb)
        for place, report in zip(arrivals, reports, strict=True):
            answers[place] = report
        _write_verdicts(
            paths, [(pushes[place], report) for place, report in zip(arrivals, reports, strict=True)], max_line_mb
        )
    return [answer for answer in answers if answer is not None]


def recover_spool(
    paths: TenantPaths, *, clock: Clock, max_line_mb: int = Settings().max_upload_mb
) -> list[BatchReport]:
    """Ingest what a killed process left whole in the spool; remove what it left torn.

    The sender of a whole body was not answered: it sends it again, and gets the verdicts of this batch.
    """
    reports: list[BatchReport] = []
    for body in left_bodies(paths):
        try:
            about = body.about
            named = arrival_format(body.file, about.contract, about.source_format)
            arrival = Arrival(
                file=body.file,
                file_name=about.file_name,
                batch_id=body.batch_id,
                source=about.source,
                contract=about.contract,
                source_format=named,
                source_cursor=about.source_cursor,
            )
            reports += ingest_arrivals(paths, [arrival], clock=clock, max_line_mb=max_line_mb)
        except AuroraError as error:
            if error.exit_code == _NOT_READY:
                body.release()
                raise
            body.remove()  # its sender would have been refused, and nothing of it would have landed
        except BaseException:
            body.release()
            raise
        else:
            body.remove()
    return reports


def _arrival(push: Push) -> Arrival:
    return Arrival(
        file=push.file,
        file_name=push.file.name,
        batch_id=push.batch_id,
        source=push.source,
        contract=push.contract,
        source_format=arrival_format(push.file, push.contract, push.source_format),
        source_cursor=push.source_cursor,
    )


def _write_verdicts(paths: TenantPaths, landed: Sequence[tuple[Push, BatchReport]], max_line_mb: int) -> None:
    """The answer of each push as a file beside its body: verdicts, then the summary."""
    needed = any(needs_lake(report, push.wanted) for push, report in landed)
    with read_lake(paths) if needed else nullcontext() as lake:
        for push, report in landed:
            with push.file.with_name(push.file.name + VERDICTS).open("wb") as out:
                if lake is not None:
                    out.writelines(verdict_lines(lake, report, push.file, wanted=push.wanted, max_line_mb=max_line_mb))
                out.write(msgspec.json.encode({"summary": summary(report)}) + b"\n")
