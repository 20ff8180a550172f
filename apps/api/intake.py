"""Receiving a body of any size: onto the disk of the tenant's region as it comes, never whole in memory.

Limits hold while it comes: bytes on the wire and after gzip, seconds without a byte, and a least speed, so
that neither a bomb nor a slow sender holds a place for long.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from fastapi import Request

from apps.api.admission import Admitted
from apps.api.caller import Services, header
from apps.api.exchange import ClientGoneError, Receive
from apps.api.problems import (
    Header,
    PayloadTooLargeError,
    RequestTimeoutError,
    UnsupportedMediaTypeError,
)
from aurora.errors import AuroraError, DataError, NotReadyError, UsageError
from aurora.ingest.spool import About, SpooledBody
from aurora.store.paths import TenantPaths

_FLUSH_BYTES: Final = 256 * 1024
_INFLATED_AT_ONCE: Final = 1024 * 1024
_LEAST_BYTES_PER_S: Final = 1024
_GZIP: Final = 16 + zlib.MAX_WBITS
_HANG_UP: Final[Header] = (b"connection", b"close")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much may come, and how slowly."""

    max_bytes: int
    """On the wire, and again after gzip."""
    idle_s: float
    """Without a byte; and how long a body may come at less than a kibibyte a second."""


async def receive_from(
    request: Request, parts: Services, caller: Admitted, about: About, *, max_mb: int
) -> SpooledBody:
    """The body of a framework request, see `receive_body`."""
    length = header(request, b"content-length")
    return await receive_body(
        request.receive,
        caller.runtime.paths,
        about,
        limits=Limits(max_bytes=max_mb * 2**20, idle_s=parts.settings.ingest_idle_s),
        disk=parts.lanes.disk,
        length=None if length is None else int(length),
        encoding=(header(request, b"content-encoding") or b"").decode("latin-1").strip().lower(),
    )


async def receive_body(
    receive: Receive,
    paths: TenantPaths,
    about: About,
    *,
    limits: Limits,
    disk: ThreadPoolExecutor,
    length: int | None,
    encoding: str,
) -> SpooledBody:
    """The whole body, durable in the spool. Whatever is raised, nothing of it stays.

    Errors: `PayloadTooLargeError`, `RequestTimeoutError`, `UnsupportedMediaTypeError` for an encoding other than
    gzip, `DataError` for an empty or torn body, `NotReadyError` when the disk takes no more, `ClientGoneError`.
    """
    if length is not None and length > limits.max_bytes:
        raise _too_large(limits.max_bytes)
    if encoding not in {"", "identity", "gzip", "x-gzip"}:
        raise UnsupportedMediaTypeError(
            f"A body in the content encoding {encoding[:40]!r} is not read here.",
            field="Content-Encoding",
            rule="one_of",
            next_step="Send it as it is, or compressed with gzip.",
        )
    writer = _Writer(paths, about, limits, is_gzip=encoding in {"gzip", "x-gzip"})
    loop = asyncio.get_running_loop()
    try:
        async for chunks, is_last in _pieces(receive, limits):
            await loop.run_in_executor(disk, writer.take, chunks, is_last)
    except BaseException as error:
        await asyncio.shield(loop.run_in_executor(disk, writer.abandon))
        if isinstance(error, OSError):
            raise _no_room(error) from error
        raise
    return writer.body


async def _pieces(receive: Receive, limits: Limits) -> AsyncIterator[tuple[list[bytes], bool]]:
    """What comes, some at a time, and whether it is the last; raises when it comes too slowly or not whole."""
    began = time.monotonic()
    waiting: list[bytes] = []
    size = total = 0
    while True:
        try:
            message = await asyncio.wait_for(receive(), limits.idle_s)
        except TimeoutError:
            raise _too_slow(limits) from None
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        chunk: bytes = message.get("body", b"")
        if chunk:
            waiting.append(chunk)
            size += len(chunk)
            total += len(chunk)
        if not message.get("more_body"):
            yield waiting, True
            return
        if time.monotonic() - began > limits.idle_s + total / _LEAST_BYTES_PER_S:
            raise _too_slow(limits)
        if size >= _FLUSH_BYTES:
            yield waiting, False
            waiting, size = [], 0


class _Writer:
    """Inflates and writes, in a thread of the disk's; opens the body with its first bytes."""

    def __init__(self, paths: TenantPaths, about: About, limits: Limits, *, is_gzip: bool) -> None:
        self._paths = paths
        self._about = about
        self._limits = limits
        self._gzip = zlib.decompressobj(_GZIP) if is_gzip else None
        self._body: SpooledBody | None = None
        self._taken = 0

    @property
    def body(self) -> SpooledBody:
        """The body, once it is whole."""
        if self._body is None:
            raise DataError(
                "The body is empty.",
                field="body",
                rule="not_empty",
                next_step="Send one row at least, one object a line.",
            )
        return self._body

    def take(self, chunks: Sequence[bytes], is_last: bool) -> None:  # noqa: FBT001 - called by position in a thread
        """Write some more; the last makes it durable."""
        for chunk in chunks:
            self._taken += len(chunk)
            if self._taken > self._limits.max_bytes:
                raise _too_large(self._limits.max_bytes)
            self._write(chunk)
        if not is_last:
            return
        if self._gzip is not None and self._taken and not self._gzip.eof:
            raise _torn()
        if self._body is not None:
            self._body.finish()

    def _write(self, chunk: bytes) -> None:
        if self._gzip is None:
            self._append(chunk)
            return
        try:
            while chunk:
                if self._gzip.eof:  # another member follows: gzip files may be joined
                    self._gzip = zlib.decompressobj(_GZIP)
                self._append(self._gzip.decompress(chunk, _INFLATED_AT_ONCE))
                chunk = self._gzip.unconsumed_tail or self._gzip.unused_data
        except zlib.error as error:
            raise _torn() from error

    def _append(self, data: bytes) -> None:
        if not data:
            return
        if self._body is None:
            self._body = SpooledBody(self._paths, self._about)
        if self._body.size + len(data) > self._limits.max_bytes:
            raise _too_large(self._limits.max_bytes)
        self._body.write(data)

    def abandon(self) -> None:
        """Leave nothing behind."""
        if self._body is not None:
            self._body.remove()


def _too_large(limit: int) -> AuroraError:
    return PayloadTooLargeError(
        f"The body is larger than {limit / 2**20:g} MiB, as it comes or as gzip inflates it.",
        field="Content-Length",
        rule="at_most",
        next_step="Send it in parts: rows that came before change nothing. Or raise AURORA_MAX_INGEST_MB.",
        headers=[_HANG_UP],
    )


def _too_slow(limits: Limits) -> AuroraError:
    return RequestTimeoutError(
        f"The body came too slowly: nothing for {limits.idle_s:g} s, or less than a kibibyte a second.",
        field="body",
        rule="idle",
        next_step="Send it again, in smaller parts where the line is slow.",
        headers=[_HANG_UP],
    )


def _torn() -> AuroraError:
    return UsageError(
        "The body is not whole gzip.",
        field="body",
        rule="gzip",
        next_step="Compress it anew, or send it without Content-Encoding.",
    )


def _no_room(error: OSError) -> AuroraError:
    return NotReadyError(
        f"The disk does not take the body: {error.strerror or error}.",
        field="ingest",
        rule="disk",
        next_step="Make room on the disk of the data folder; then send it again.",
    )
