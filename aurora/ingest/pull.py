"""Pull: rows from an assistant's export endpoint, page by page, each exactly once.

`GET url?cursor=...&limit=...` answers an export; its envelope's `cursor`, or the header `Aurora-Next-Cursor`,
says where the next one goes on. A page is made durable in the spool with that cursor, and the cursor stands in
the ledger row of the page's batch: both are in the lake or neither. So a kill at any moment loses nothing and
doubles nothing, and the endpoint may forget a page as soon as it is asked for the next.
"""

from __future__ import annotations

import email.utils
import fcntl
import hashlib
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode, urlsplit

import msgspec

from aurora.errors import AuroraError, ConflictError, DataError
from aurora.ingest import envelope
from aurora.ingest.batch import Clock
from aurora.ingest.commit import BatchReport
from aurora.ingest.fetching import Answer, FetchError, Guard, fetch, is_passing
from aurora.ingest.pull_sources import PullSource, bearer
from aurora.ingest.push import Push, ingest_pushes, recover_spool
from aurora.ingest.spool import VERDICTS, About, SpooledBody, new_spool_id
from aurora.settings import Settings
from aurora.store.lake import read_lake
from aurora.store.paths import TenantPaths

Sleep = Callable[[float], None]
ATTEMPTS: Final = 5
MAX_PAGES: Final = 1000
"""Of one run: an endpoint that never ends must not hold the others up."""
_MAX_WAIT_S: Final = 120.0
_BACKOFF_S: Final = 0.5
_MAX_CURSOR: Final = 2048
_NEXT: Final = "aurora-next-cursor"
_PAGES_A_DEADLINE: Final = 20
_SUFFIXES: Final = {
    "application/json": ".json",
    "text/csv": ".csv",
    "application/vnd.apache.parquet": ".parquet",
}


@dataclass(slots=True, kw_only=True)
class PullReport:
    """What a pull of one source brought; `trouble` is why it ended early, when it did."""

    name: str
    pages: int = 0
    rows: int = 0
    good: int = 0
    quarantined: int = 0
    duplicates: int = 0
    cursor: str | None = None
    is_done: bool = False
    """Whether the endpoint has nothing more for now."""
    trouble: AuroraError | None = None

    def add(self, report: BatchReport) -> None:
        """Count a page."""
        self.pages += 1
        self.rows += report.rows
        self.good += report.good
        self.quarantined += report.quarantined
        self.duplicates += report.duplicates


class _Seen(msgspec.Struct, frozen=True, kw_only=True):
    """The newest answer at the end of an endpoint: a memory that may be lost."""

    cursor: str | None
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """One answer: a body in the spool, or none where nothing changed."""

    body: SpooledBody | None
    next_cursor: str | None
    etag: str | None = None
    is_empty: bool = False


@dataclass(slots=True, kw_only=True)
class Puller:
    """Pulls the sources of one tenant. `sleep` and `draw` are what waiting between attempts is made of."""

    paths: TenantPaths
    settings: Settings
    clock: Clock
    sleep: Sleep = time.sleep
    draw: Callable[[], float] = random.random
    _is_recovered: bool = field(default=False, init=False)

    def pull(self, source: PullSource) -> PullReport:
        """Everything the endpoint has beyond the cursor. Trouble ends it early and stands in the report.

        Errors: `ConflictError` while another process pulls the same source.
        """
        report = PullReport(name=source.name)
        with self._alone(source):
            try:
                self._recover()
                self._pull_pages(source, report)
            except AuroraError as error:
                report.trouble = error
        return report

    def _pull_pages(self, source: PullSource, report: PullReport) -> None:
        token = bearer(source, self.paths)
        cursor = report.cursor = last_cursor(self.paths, source)
        for _ in range(MAX_PAGES):
            page = self._page(source, cursor, token)
            if page.body is None:
                report.is_done = True
                return
            goes_on = page.next_cursor is not None and page.next_cursor != cursor
            if page.is_empty and not goes_on:  # the end, said again: nothing for the ledger
                page.body.remove()
                report.is_done = True
                return
            if goes_on and was_cursor(self.paths, source, str(page.next_cursor)):
                self._land(source, page.body, cursor, report)
                raise _goes_back(source, str(page.next_cursor))
            self._land(source, page.body, page.next_cursor if goes_on else cursor, report)
            if not goes_on:
                self._remember(source, _Seen(cursor=cursor, etag=page.etag) if page.etag else None)
                report.is_done = True
                return
            cursor = report.cursor = page.next_cursor

    def _page(self, source: PullSource, cursor: str | None, token: str | None) -> _Page:
        """One page, tried again while the trouble may pass."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._fetched(source, cursor, token)
            except FetchError as error:
                wait = self._wait(error, attempt)
                if attempt == ATTEMPTS or not is_passing(error) or wait is None:
                    raise
                self.sleep(wait)
        raise AssertionError("The last attempt returns or raises.")

    def _wait(self, error: FetchError, attempt: int) -> float | None:
        """Seconds to wait: what the server asks for, None when that is too long for this run; else ever longer."""
        asked = _seconds(error.retry_after, self.clock) if error.retry_after else None
        if asked is not None:
            return asked if asked <= _MAX_WAIT_S else None
        return float(_BACKOFF_S * 2**attempt * (0.5 + self.draw()))

    def _fetched(self, source: PullSource, cursor: str | None, token: str | None) -> _Page:
        headers = {"Accept": "application/x-ndjson, application/json, text/csv", "User-Agent": "aurora-pull/1"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        seen = self._seen(source)
        if seen is not None and seen.cursor == cursor:
            headers["If-None-Match"] = seen.etag
        about = About(
            spool_id=new_spool_id("pull"),
            suffix=".ndjson",
            source=source.source,
            contract=source.contract,
            source_format=source.source_format,
        )
        guard = Guard(
            max_bytes=self.settings.max_ingest_mb * 2**20,
            timeout_s=source.timeout_s,
            deadline_s=source.timeout_s * _PAGES_A_DEADLINE,
            allowed=self.settings.pull_allowed_hosts,
        )
        body = SpooledBody(self.paths, about)
        try:
            answer = fetch(_url(source, cursor), headers=headers, guard=guard, sink=body.write)
            return _page(source, body, answer, cursor)
        except BaseException:
            body.remove()
            raise

    def _land(self, source: PullSource, body: SpooledBody, cursor: str | None, report: PullReport) -> None:
        body.finish(msgspec.structs.replace(body.about, source_cursor=cursor))
        push = Push(
            file=body.file,
            batch_id=body.batch_id,
            source=source.source,
            contract=source.contract,
            source_format=source.source_format,
            source_cursor=cursor,
        )
        try:
            (outcome,) = ingest_pushes(self.paths, [push], clock=self.clock, max_line_mb=self.settings.max_upload_mb)
        finally:
            body.file.with_name(body.file.name + VERDICTS).unlink(missing_ok=True)
            body.remove()
        if isinstance(outcome, AuroraError):
            raise outcome
        report.add(outcome)

    def _recover(self) -> None:
        if not self._is_recovered:
            recover_spool(self.paths, clock=self.clock, max_line_mb=self.settings.max_upload_mb)
            self._is_recovered = True

    @contextmanager
    def _alone(self, source: PullSource) -> Iterator[None]:
        folder = self.paths.directory / "pull"
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / f"{source.name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise ConflictError(
                f"Another process pulls {source.name}.",
                field="source",
                rule="one_puller",
                next_step="Wait for it; it brings what this one would.",
            ) from error
        finally:
            os.close(descriptor)

    def _seen(self, source: PullSource) -> _Seen | None:
        try:
            return msgspec.json.decode((self.paths.directory / "pull" / f"{source.name}.json").read_bytes(), type=_Seen)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def _remember(self, source: PullSource, seen: _Seen | None) -> None:
        file = self.paths.directory / "pull" / f"{source.name}.json"
        if seen is None:
            file.unlink(missing_ok=True)
            return
        fresh = file.with_suffix(".tmp")
        fresh.write_bytes(msgspec.json.encode(seen))
        fresh.replace(file)


def last_cursor(paths: TenantPaths, source: PullSource) -> str | None:
    """Where the next pull begins: the cursor of the source's newest page in the lake; None before the first."""
    with read_lake(paths) as lake:
        found = lake.query(
            "SELECT source_cursor FROM raw.ingest_batch WHERE source = ? AND contract = ? AND source_cursor IS NOT NULL"
            " ORDER BY batch_seq DESC LIMIT 1",
            [source.source, source.contract],
        )
    return str(found.item()) if found.height else None


def was_cursor(paths: TenantPaths, source: PullSource, cursor: str) -> bool:
    """Whether a page of the source ended there before."""
    with read_lake(paths) as lake:
        return bool(
            lake.query(
                "SELECT 1 FROM raw.ingest_batch WHERE source = ? AND contract = ? AND source_cursor = ? LIMIT 1",
                [source.source, source.contract, cursor],
            ).height
        )


def _page(source: PullSource, body: SpooledBody, answer: Answer, cursor: str | None) -> _Page:
    if not answer.size:  # 304, or nothing at all
        body.remove()
        return _Page(body=None, next_cursor=cursor)
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    body.rename(_SUFFIXES.get(kind, ".ndjson"))
    said = envelope.of_file(body.growing)
    next_cursor = answer.headers.get(_NEXT) or (said.cursor if said is not None else None)
    if next_cursor is not None and not 0 < len(next_cursor) <= _MAX_CURSOR:
        raise DataError(
            f"{source.name} gives a cursor of {len(next_cursor)} characters.",
            field="cursor",
            rule="at_most",
            next_step=f"A cursor may have 1 to {_MAX_CURSOR}.",
        )
    # the same bytes at another place of the export are another page: their rows are told by their keys
    place = f"{source.name}\n{cursor}\n{next_cursor}\n{body.content_hash}"
    body.about = msgspec.structs.replace(body.about, batch_id=hashlib.sha256(place.encode()).hexdigest())
    is_empty = said is not None and said.row_count == 0
    return _Page(body=body, next_cursor=next_cursor, etag=answer.headers.get("etag"), is_empty=is_empty)


def _url(source: PullSource, cursor: str | None) -> str:
    asked = {"limit": str(source.limit)} if cursor is None else {"cursor": cursor, "limit": str(source.limit)}
    return f"{source.url}{'&' if urlsplit(source.url).query else '?'}{urlencode(asked)}"


def _seconds(retry_after: str, clock: Clock) -> float | None:
    """Seconds that a Retry-After asks for, as a number or a date; None for what is neither."""
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        return max(0.0, (email.utils.parsedate_to_datetime(retry_after) - clock()).total_seconds())
    except (TypeError, ValueError):
        return None


def _goes_back(source: PullSource, cursor: str) -> DataError:
    return DataError(
        f"{source.name} goes back to the cursor {cursor[:80]!r}, where it was before.",
        field="cursor",
        rule="cursor_advances",
        next_step="Its rows landed, none twice. Correct the endpoint: a cursor must never come again.",
    )
