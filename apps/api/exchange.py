"""One HTTP exchange on the raw routes: reading headers and body, writing replies, with no framework."""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from apps.api.problems import (
    CONTENT_TYPE,
    PayloadTooLargeError,
    UnsupportedMediaTypeError,
    encode_problem,
    problem_headers,
)
from aurora.errors import AuroraError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]

MAX_BODY = 1024 * 1024
"""Largest body of a raw route: a prompt of 100,000 characters fits with every one escaped."""
_JSON: Header = (b"content-type", b"application/json")
_PROBLEM: Header = (b"content-type", CONTENT_TYPE)
_DISCARDED = 16 * 1024 * 1024
"""A refused body up to this size is read and thrown away, so that the client sees why; behind it we hang up."""
_HANG_UP: Header = (b"connection", b"close")
_TRACEPARENT = re.compile(rb"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_NO_SPAN = "0" * 16


class ClientGoneError(Exception):
    """The client hung up before its body was there."""


class Exchange:
    """A request's headers that matter, and its reply."""

    __slots__ = ("_length", "_receive", "_send", "authorization", "content_type", "idempotency_key", "trace_id")

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self.authorization: bytes | None = None
        self.content_type: bytes | None = None
        self.idempotency_key: bytes | None = None
        self.trace_id = ""
        self._length = b"0"
        for name, value in scope["headers"]:
            if name == b"authorization":
                self.authorization = value
            elif name == b"content-length":
                self._length = value
            elif name == b"content-type":
                self.content_type = value
            elif name == b"idempotency-key":
                self.idempotency_key = value
            elif name == b"traceparent":
                self.trace_id = trace_id_of(value)

    async def json_body(self) -> bytes:
        """The whole body, see `read_json`."""
        return await read_json(self._receive, length=int(self._length), content_type=self.content_type)

    async def reply(self, status: int, body: bytes, headers: list[Header]) -> None:
        """Send a JSON reply; `headers` are its own, the common ones are added."""
        headers.append(_JSON)
        headers.append((b"content-length", b"%d" % len(body)))
        headers.append((b"traceparent", traceparent(self.trace_id)))
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    async def refuse(self, error: AuroraError) -> None:
        """Send an error as a problem."""
        self.trace_id = self.trace_id or os.urandom(16).hex()
        body = encode_problem(error, trace_id=self.trace_id)
        headers = problem_headers(error)
        headers += (
            _PROBLEM,
            (b"content-length", b"%d" % len(body)),
            (b"traceparent", traceparent(self.trace_id)),
        )
        await self._send({"type": "http.response.start", "status": error.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


async def read_json(receive: Receive, *, length: int, content_type: bytes | None) -> bytes:
    """A whole JSON body; refuses one that is too large before reading it, and one that is not JSON."""
    if length > MAX_BODY:
        raise _too_large(is_endless=length > _DISCARDED)
    if content_type is not None and content_type != b"application/json":
        kind = content_type.partition(b";")[0].strip().lower()
        if kind != b"application/json":
            raise UnsupportedMediaTypeError(
                f"This route reads JSON, not {kind[:80].decode('latin-1')!r}.",
                field="Content-Type",
                rule="one_of",
                next_step="Send `Content-Type: application/json`.",
            )
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        parts, size = [body], len(body)
        while message.get("more_body"):
            message = await receive()
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > MAX_BODY:
                raise _too_large(is_endless=True)
        body = b"".join(parts)
    if message["type"] == "http.disconnect":
        raise ClientGoneError
    return body


def trace_id_of(value: bytes) -> str:
    """The trace id of a W3C `traceparent`, or nothing when it is not one."""
    match = _TRACEPARENT.fullmatch(value)
    return match[1].decode() if match else ""


def traceparent(trace_id: str) -> bytes:
    """The `traceparent` of a reply. The span is the second half of the trace, or the first if that is all zero."""
    span = trace_id[16:]
    return f"00-{trace_id}-{trace_id[:16] if span == _NO_SPAN else span}-01".encode()


def _too_large(*, is_endless: bool) -> PayloadTooLargeError:
    return PayloadTooLargeError(
        f"The body is larger than {MAX_BODY} bytes.",
        field="Content-Length",
        rule="at_most",
        next_step="Shorten the prompt, or send what it is about as a reference.",
        headers=[_HANG_UP] if is_endless else [],
    )
