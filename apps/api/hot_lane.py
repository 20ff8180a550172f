"""Decisions straight off the connection: what a recurring caller sends is known again by its head.

A keep-alive caller sends the same head with each request. One that the ordinary route has parsed and let in is
remembered by its hash; the same bytes mean the same again, so that neither the parser nor an ASGI task is
needed. Whatever is not exactly that (another head, a split or pipelined request, a slow reader) takes the
ordinary route, which answers the same. Nothing is answered here before its commit either.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from time import perf_counter_ns
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from apps.api.admission import Admission, Admitted
from apps.api.deciding import Decider, Made
from apps.api.exchange import traceparent
from apps.api.problems import CONTENT_TYPE, encode_problem, internal_error, problem_headers
from aurora.errors import AuroraError
from aurora.store.state import Submission

_REQUEST_LINE: Final = b"POST /api/v1/decisions HTTP/1.1\r\n"
_HEAD_END: Final = b"\r\n\r\n"
_LONG_BODY: Final = 16_384
"""Bytes beyond which a decision may take long: the ordinary route makes those off the event loop."""
_MAX_HEADS: Final = 10_000
_ONLY: Final = {b"connection": b"keep-alive", b"content-type": b"application/json"}
"""Headers that may have this one value in a head that is remembered."""
_NEVER: Final = frozenset({b"idempotency-key", b"traceparent", b"transfer-encoding", b"expect", b"upgrade"})
"""Headers that ask for more than a decision, or that differ from request to request."""
_CREATED: Final = (
    b"HTTP/1.1 201 Created\r\nratelimit-policy: %b\r\nratelimit: %b\r\nlocation: /api/v1/decisions/%b\r\n"
    b"server-timing: decide;dur=%.3f, journal;dur=%.3f\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\ntraceparent: %b\r\n%b\r\n%b"
)
_CLOSING: Final = b"connection: close\r\n"
_logger = logging.getLogger("aurora.api")


@dataclass(frozen=True, slots=True)
class _Head:
    """What a remembered head says: whose it is (the hash of its Authorization), and how long the body is."""

    caller: bytes
    length: int


class HotLane:
    """Heads that were let in, and what decides for their callers. Lives on one event loop."""

    def __init__(self, admission: Admission, decider: Decider) -> None:
        self._admission = admission
        self._decider = decider
        self._heads: dict[bytes, _Head] = {}

    def find(self, key: bytes) -> _Head | None:
        """The head with that hash, if it was remembered."""
        return self._heads.get(key)

    def admit(self, head: _Head) -> Admitted | None:
        """The head's caller, one token poorer; None when its key must be looked up anew."""
        return self._admission.admit_again(head.caller, "decide")

    def decide(self, admitted: Admitted, body: bytes) -> Made:
        """The decision, not durable yet."""
        return self._decider.decide(admitted, body)

    def remember(self, key: bytes, headers: Sequence[tuple[bytes, bytes]], length: int) -> None:
        """Keep a head that was parsed, when it says no more than whose it is, and that caller was let in."""
        seen: dict[bytes, bytes] = {}
        for name, value in headers:
            if name in seen or name in _NEVER or value.lower() != _ONLY.get(name, value.lower()):
                return
            seen[name] = value
        if seen.get(b"content-length") != b"%d" % length or b"authorization" not in seen:
            return
        caller = sha256(seen[b"authorization"]).digest()
        if self._admission.knows(caller):
            if len(self._heads) >= _MAX_HEADS:
                self._heads.clear()
            self._heads[key] = _Head(caller, length)


class HotProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, with the lane before it. One request of the lane at a time on a connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lane: HotLane | None = getattr(self.app, "lane", None)
        self._is_between = True
        self._is_ending = False
        self._active_at = 0.0
        self._held: list[bytes] = []
        self._waiting: tuple[Admitted, Made, int] | None = None

    def data_received(self, data: bytes) -> None:
        """Bytes of the client: a known request, or something for the parser."""
        if self._waiting is not None:  # what comes behind a request waits for its turn
            self._held.append(data)
            self.flow.pause_reading()
        elif self._lane is None or not data.startswith(_REQUEST_LINE) or not self._is_idle():
            super().data_received(data)
        else:
            self._received(self._lane, data)

    def _is_idle(self) -> bool:
        """Whether `data` begins a request, all before it are answered, and the client reads."""
        is_answered = self.cycle is None or self.cycle.response_complete
        return self._is_between and is_answered and not self.pipeline and not self.flow.write_paused

    def _received(self, lane: HotLane, data: bytes) -> None:
        start = data.find(_HEAD_END) + 4
        length = len(data) - start
        if start < 4 or length >= _LONG_BODY:
            super().data_received(data)
            return
        key = sha256(data[:start]).digest()
        head = lane.find(key)
        admitted = None
        try:
            if head is not None and head.length == length:
                admitted = lane.admit(head)
            if admitted is None:
                super().data_received(data)
                if head is None and self._is_between and self.cycle is not None and self.cycle.keep_alive:
                    lane.remember(key, self.headers, length)
                return
            self._submit(admitted, lane.decide(admitted, data[start:]))
        except AuroraError as error:
            self._refuse(error)
        except Exception as error:  # noqa: BLE001 - the request's outer boundary
            self._fault(error)

    def _submit(self, admitted: Admitted, made: Made) -> None:
        self._waiting = (admitted, made, perf_counter_ns())
        records = (made.record, *made.more) if made.more else (made.record,)
        admitted.runtime.journal.post(self.settle, records, statements=made.statements)

    def settle(self, submission: Submission) -> None:
        """The journal's word: durable, or why not."""
        if self._waiting is None:
            return
        admitted, made, started = self._waiting
        self._waiting = None
        if submission.error is not None:
            self._refuse(submission.error)
            return
        if made.statements and admitted.runtime.fleet is not None:
            admitted.runtime.fleet.dispatcher.wake()
        record = made.record
        named = record.subject_id
        self._answer(
            _CREATED
            % (
                admitted.policy_header[1],
                admitted.limit_header()[1],
                named.encode(),
                (record.elapsed_us or 0) / 1000,
                (perf_counter_ns() - started) / 1_000_000,
                len(record.body),
                traceparent(named.rpartition("_")[2]),
                _CLOSING if self._is_ending else b"",
                record.body,
            )
        )

    def _refuse(self, error: AuroraError) -> None:
        trace_id = os.urandom(16).hex()
        body = encode_problem(error, trace_id=trace_id)
        headers = [
            *problem_headers(error),
            (b"content-type", CONTENT_TYPE),
            (b"content-length", b"%d" % len(body)),
            (b"traceparent", traceparent(trace_id)),
        ]
        lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        status = b"HTTP/1.1 %d %b\r\n" % (error.status, HTTPStatus(error.status).phrase.encode())
        self._answer(b"%b%b%b\r\n%b" % (status, lines, _CLOSING if self._is_ending else b"", body))

    def _fault(self, cause: Exception) -> None:
        self._waiting = None
        _logger.error("A decision failed", exc_info=cause)
        self._refuse(internal_error())

    def _answer(self, reply: bytes) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():  # the client has gone; its record stays
            return
        self.transport.write(reply)
        if self._is_ending:
            self.transport.close()
            return
        self._active_at = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._arm(self.timeout_keep_alive)
        if self._held:
            data, self._held = b"".join(self._held), []
            self.flow.resume_reading()
            self.data_received(data)

    # what uvicorn calls -------------------------------------------------------------------------
    def on_message_begin(self) -> None:
        """The parser is inside a request from here on."""
        self._is_between = False
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """The parser has seen a whole request."""
        self._is_between = True
        super().on_message_complete()

    def timeout_keep_alive_handler(self) -> None:
        """Hang up after a long silence; the lane's requests leave the timer alone and are looked at here."""
        rest = self._active_at + self.timeout_keep_alive - self.loop.time()
        if self.transport.is_closing():
            return
        if self._waiting is not None or rest > 0:
            self._arm(max(rest, 1.0))
        else:
            super().timeout_keep_alive_handler()

    def _arm(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def shutdown(self) -> None:
        """End in order: a request that is being answered is answered first."""
        if self._waiting is None:
            super().shutdown()
        else:
            self._is_ending = True
