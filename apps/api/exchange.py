"""One HTTP exchange on the raw routes: reading headers and body, writing replies, with no framework."""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from apps.api.problems import CONTENT_TYPE, PayloadTooLargeError, UnsupportedMediaTypeError, encode_problem
from aurora.errors import AuroraError, AuthenticationError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]

MAX_BODY = 1024 * 1024
"""Largest body of a raw route: a prompt of 100,000 characters fits with every one escaped."""
_JSON: Header = (b"content-type", b"application/json")
_PROBLEM: Header = (b"content-type", CONTENT_TYPE)
_CHALLENGE: Header = (b"www-authenticate", b'Bearer realm="aurora"')
_TRACEPARENT = re.compile(rb"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


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
                match = _TRACEPARENT.fullmatch(value)
                if match:
                    self.trace_id = match[1].decode()

    async def json_body(self) -> bytes:
        """The whole body; refuses one that is too large before reading it, and one that is not JSON."""
        if int(self._length) > MAX_BODY:  # h11 and httptools let only digits through
            raise _too_large()
        if self.content_type is not None and not self.content_type.startswith(b"application/json"):
            raise UnsupportedMediaTypeError(
                "This route reads JSON.",
                field="Content-Type",
                rule="one_of",
                next_step="Send `Content-Type: application/json`.",
            )
        message = await self._receive()
        body: bytes = message.get("body", b"")
        while message.get("more_body"):
            message = await self._receive()
            body += message.get("body", b"")
            if len(body) > MAX_BODY:
                raise _too_large()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        return body

    async def reply(self, status: int, body: bytes, headers: list[Header]) -> None:
        """Send a JSON reply; `headers` are its own, the common ones are added."""
        trace = self.trace_id.encode()
        headers.append(_JSON)
        headers.append((b"content-length", b"%d" % len(body)))
        headers.append((b"traceparent", b"00-%b-%b-01" % (trace, trace[16:])))
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    async def refuse(self, error: AuroraError) -> None:
        """Send an error as a problem."""
        self.trace_id = self.trace_id or os.urandom(16).hex()
        body = encode_problem(error, trace_id=self.trace_id)
        headers = [
            _PROBLEM,
            (b"content-length", b"%d" % len(body)),
            (b"traceparent", f"00-{self.trace_id}-{self.trace_id[16:]}-01".encode()),
        ]
        if isinstance(error, AuthenticationError):
            headers.append(_CHALLENGE)
        if error.status in (429, 503):
            headers.append((b"retry-after", b"1"))
        if error.status in (413, 415):
            headers.append((b"connection", b"close"))  # the body was not read
        await self._send({"type": "http.response.start", "status": error.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


def _too_large() -> PayloadTooLargeError:
    return PayloadTooLargeError(
        f"The body is larger than {MAX_BODY} bytes.",
        field="Content-Length",
        rule="at_most",
        next_step="Shorten the prompt, or send what it is about as a reference.",
    )
