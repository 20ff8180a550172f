"""Ingest: the one path from a dropped file to rows in the lake.

fingerprint -> ledger -> format -> canonical columns -> gate -> good rows and quarantine -> keys ->
prices -> one lake transaction. Run it again after any end, a kill included: the result is the same.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aurora.errors import DataError, UsageError
from aurora.gateway.prices import PriceBook, default_book
from aurora.ingest.commit import UNKNOWN_FORMAT, BatchReport, commit_batches, known_batches, last_batch_seq
from aurora.ingest.landing import fingerprint, landed_files, require_landed
from aurora.ingest.portions import BatchOrigin, Refusal, SourceFile, refusals
from aurora.ingest.source_formats import contract_for, detect
from aurora.ingest.staging import StagedBatch, StagedPart, stage_file
from aurora.privacy.door import Doorkeeper
from aurora.settings import Settings
from aurora.store.lake import read_lake, table_folder
from aurora.store.paths import TenantPaths, check_slug

Clock = Callable[[], dt.datetime]
Progress = Callable[[int, int, str], None]
"""Called with files done, files in all, and the name of the file at hand."""

_GROUP_ROWS: Final = 500_000
_GROUP_FILES: Final = 64
"""Small files are committed together: a transaction costs as much as staging thousands of rows."""


def ingest_file(
    paths: TenantPaths,
    file: Path,
    *,
    source: str,
    clock: Clock,
    contract: str | None = None,
    source_format: str | None = None,
    max_line_mb: int = Settings().max_upload_mb,
    book: PriceBook | None = None,
) -> BatchReport:
    """Ingest one file of the landing folder; contract and format are detected where not given.

    Errors: `UsageError` for a file outside the landing folder, an unknown format or contract,
    `NotFoundError` for an unknown tenant or file, `DataError` for a file in no known format.
    """
    path = require_landed(paths, file)
    check_slug(source, field="source")
    named = source_format or detect(path)
    job = _Job(path, source, named, contract_for(path, named, contract))
    reports = _run(paths, [job], clock=clock, max_line_mb=max_line_mb, book=book, progress=None)
    if not reports:
        raise DataError(
            f"{path.name} changed while it was read.",
            field="file",
            rule="whole",
            next_step="Wait until it is written, then ingest it again; write under .part and rename when done.",
        )
    return reports[0]


def ingest_landing(
    paths: TenantPaths,
    *,
    clock: Clock,
    progress: Progress | None = None,
    max_line_mb: int = Settings().max_upload_mb,
    book: PriceBook | None = None,
    files_per_commit: int = _GROUP_FILES,
) -> list[BatchReport]:
    """Ingest everything in the landing folder that the lake does not hold yet; files stay where they are.

    A file that changes while it is read is left for the next run. A file in no known format, or a link out of the folder, lands as a batch with one quarantined row.
    """
    jobs = [_job(paths, source, file) for source, file in landed_files(paths) if file.stat().st_size]
    return _run(
        paths,
        jobs,
        clock=clock,
        max_line_mb=max_line_mb,
        book=book,
        progress=progress,
        files_per_commit=files_per_commit,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A file that came by another door than the landing folder, and lies in the tenant's region.

    `file_name` is what the ledger calls it, `batch_id` what makes a repeat of it the same batch.
    """

    file: Path
    file_name: str
    batch_id: str
    source: str
    contract: str
    source_format: str
    source_cursor: str | None = None


def arrival_format(file: Path, contract: str, source_format: str | None) -> str:
    """The format to read an arrival with; raises what `ingest_file` raises for one that cannot be read."""
    named = source_format or detect(file)
    contract_for(file, named, contract)
    return named


def ingest_arrivals(
    paths: TenantPaths,
    arrivals: Sequence[Arrival],
    *,
    clock: Clock,
    max_line_mb: int = Settings().max_upload_mb,
    book: PriceBook | None = None,
) -> list[BatchReport]:
    """Ingest files that were pushed or pulled, committed together; one report each, in order."""
    jobs = [
        _Job(
            one.file,
            check_slug(one.source, field="source"),
            one.source_format,
            one.contract,
            batch_id=one.batch_id,
            file_name=one.file_name,
            source_cursor=one.source_cursor,
        )
        for one in arrivals
    ]
    return _run(paths, jobs, clock=clock, max_line_mb=max_line_mb, book=book, progress=None)


@dataclass(slots=True)
class _Job:
    """One file to ingest; `trouble` says why it cannot be read at all."""

    file: Path
    source: str
    source_format: str
    contract: str
    trouble: Refusal | None = None
    batch_id: str | None = None
    file_name: str | None = None
    source_cursor: str | None = None


def _job(paths: TenantPaths, source: str, file: Path) -> _Job:
    try:
        path = require_landed(paths, file)
        named = detect(path)
        return _Job(path, source, named, contract_for(path, named, None))
    except (DataError, UsageError) as error:
        return _Job(file, source, UNKNOWN_FORMAT, "usage", Refusal(1, error.rule or "known_format", str(error)))


def _run(
    paths: TenantPaths,
    jobs: Sequence[_Job],
    *,
    clock: Clock,
    max_line_mb: int,
    book: PriceBook | None,
    progress: Progress | None,
    files_per_commit: int = _GROUP_FILES,
) -> list[BatchReport]:
    with read_lake(paths) as lake:
        ids = [job.batch_id for job in jobs if job.batch_id is not None]
        known = known_batches(lake, ids if len(ids) == len(jobs) else None)
        seq = last_batch_seq(lake)
    prices = book or default_book()
    reports: list[BatchReport | None] = [None] * len(jobs)
    waiting: list[tuple[int, StagedBatch]] = []

    def commit() -> None:
        done = commit_batches(paths, [batch for _, batch in waiting], book=prices)
        for (place, _), report in zip(waiting, done, strict=True):
            reports[place] = report
        waiting.clear()

    try:
        for place, job in enumerate(jobs):
            if progress:
                progress(place, len(jobs), job.file.name)
            stamp = _stamp(job)
            batch_id = _batch_id(job)
            before = known.get((batch_id, job.contract))
            if before and (before.source_format != UNKNOWN_FORMAT or job.trouble):
                reports[place] = before
                continue
            seq += 1
            origin = BatchOrigin(
                batch_id=batch_id,
                batch_seq=seq,
                source=job.source,
                source_format=job.source_format,
                file_name=job.file_name or job.file.name,
                source_cursor=job.source_cursor,
                region=paths.region,
                ingested_at=clock(),
            )
            staged = _staged(paths, job, origin, max_line_mb=max_line_mb, book=prices)
            if _stamp(job) != stamp:  # it is still written: the next run takes it whole
                staged.discard()
                seq -= 1
                continue
            waiting.append((place, staged))
            if len(waiting) >= files_per_commit or _row_count(waiting) >= _GROUP_ROWS:
                commit()
        if waiting:
            commit()
    finally:
        for _, batch in waiting:
            batch.discard()
    if progress:
        progress(len(jobs), len(jobs), "")
    return [report for report in reports if report]


def _stamp(job: _Job) -> tuple[int, int] | None:
    """Size and time of change of the file, None where it is not read."""
    if job.trouble:
        return None
    found = job.file.stat()
    return found.st_size, found.st_mtime_ns


def _batch_id(job: _Job) -> str:
    if job.batch_id is not None:
        return job.batch_id
    return fingerprint(job.file) if job.trouble is None or job.trouble.rule != "inside_landing" else _link_id(job)


def _link_id(job: _Job) -> str:
    """A refused link is known by its name and target: what it leads to is not read."""
    return hashlib.sha256(f"{job.source}/{job.file.name} -> {job.file.resolve()}".encode()).hexdigest()


def _staged(paths: TenantPaths, job: _Job, origin: BatchOrigin, *, max_line_mb: int, book: PriceBook) -> StagedBatch:
    if job.trouble:
        part = StagedPart(job.contract, refused=[refusals([job.trouble])], row_count=1, quarantined_count=1)
        return StagedBatch(origin, (part,))
    file = SourceFile(path=job.file, contract=job.contract, max_line_bytes=max_line_mb * 2**20)
    folders = table_folder(paths, "raw", "usage").parent
    with Doorkeeper(paths) as keeper:
        return stage_file(file, origin, folders=folders, book=book, keeper=keeper)


def _row_count(waiting: Sequence[tuple[int, StagedBatch]]) -> int:
    return sum(part.good_count for _, batch in waiting for part in batch.parts)
