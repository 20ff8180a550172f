"""The routes that assistants wait for: decide, read a decision, report its outcome, override it.

They run on raw ASGI and msgspec, because a framework costs more than the decision itself. Their
messages are the contract (`contracts.messages.decisions`); `apps.api.openapi` publishes them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

import msgspec

from apps.api.admission import Admission, Admitted
from apps.api.exchange import ClientGoneError, Exchange, Header
from apps.api.problems import decode_error, internal_error
from aurora.audit.records import (
    check_request,
    decision_record,
    decision_seed,
    outcome_record,
    override_record,
    read_decision,
)
from aurora.errors import AuroraError, ConflictError, DataError, UsageError
from aurora.identity.keys import Scope
from aurora.store.ids import IdMaker
from aurora.store.journal import IdempotencyKey, JournalEntry, JournalRecord
from contracts.messages.decisions import Decision, DecisionRequest, OutcomeRequest, OverrideRequest

_logger = logging.getLogger("aurora.api")
_REQUESTS: msgspec.json.Decoder[DecisionRequest] = msgspec.json.Decoder(DecisionRequest)  # type: ignore[arg-type]
_OUTCOMES = msgspec.json.Decoder(OutcomeRequest)
_OVERRIDES = msgspec.json.Decoder(OverrideRequest)
_ENCODER = msgspec.json.Encoder()
_REPLAYED: Header = (b"idempotency-replayed", b"true")
_MAX_KEY = 255


class HotRoutes:
    """The raw routes over one set of tenants. Each method answers one request, whatever happens."""

    def __init__(self, admission: Admission, *, clock: Callable[[], dt.datetime], ids: IdMaker) -> None:
        self._admission = admission
        self._clock = clock
        self._ids = ids

    async def decide(self, exchange: Exchange) -> None:
        """POST /api/v1/decisions"""
        await self._answer(exchange, "decide", self._decide)

    async def read(self, exchange: Exchange, decision_id: str) -> None:
        """GET /api/v1/decisions/{decision_id}"""
        try:
            admitted = self._admission.admit(exchange.authorization, "read")
            entries = admitted.runtime.store.about(decision_id)
            read_decision(admitted.runtime.store, decision_id)
            exchange.trace_id = exchange.trace_id or decision_id.rpartition("_")[2]
            await exchange.reply(200, _with_what_followed(entries), [*admitted.limit_headers()])
        except AuroraError as error:
            await exchange.refuse(error)
        except Exception:
            await _fault(exchange)

    async def report_outcome(self, exchange: Exchange, decision_id: str) -> None:
        """POST /api/v1/decisions/{decision_id}/outcomes"""
        await self._answer(exchange, "outcome", self._report_outcome, decision_id)

    async def override(self, exchange: Exchange, decision_id: str) -> None:
        """POST /api/v1/decisions/{decision_id}/overrides"""
        await self._answer(exchange, "override", self._override, decision_id)

    async def _answer(
        self,
        exchange: Exchange,
        scope: Scope,
        act: Callable[[Admitted, bytes, str], JournalRecord],
        decision_id: str = "",
    ) -> None:
        try:
            admitted = self._admission.admit(exchange.authorization, scope)
            body = await exchange.json_body()
            if exchange.idempotency_key is None:
                await self._act(exchange, admitted, act(admitted, body, decision_id))
            else:
                await self._act_once(exchange, admitted, act, body, decision_id, scope)
        except AuroraError as error:
            await exchange.refuse(error)
        except ClientGoneError:
            return
        except Exception:
            await _fault(exchange)

    async def _act(
        self, exchange: Exchange, admitted: Admitted, record: JournalRecord, once: IdempotencyKey | None = None
    ) -> None:
        """Make the record durable, then reply with it."""
        started = perf_counter_ns()
        await admitted.runtime.journal.append((record,), idempotency=once)
        journal_us = (perf_counter_ns() - started) // 1000
        exchange.trace_id = exchange.trace_id or record.record_id.rpartition("_")[2]
        headers: list[Header] = [
            *admitted.limit_headers(),
            (b"location", b"/api/v1/decisions/" + record.subject_id.encode()),
            (
                b"server-timing",
                b"decide;dur=%.3f, journal;dur=%.3f" % ((record.elapsed_us or 0) / 1000, journal_us / 1000),
            ),
        ]
        await exchange.reply(201, record.body, headers)

    async def _act_once(
        self,
        exchange: Exchange,
        admitted: Admitted,
        act: Callable[[Admitted, bytes, str], JournalRecord],
        body: bytes,
        decision_id: str,
        scope: Scope,
    ) -> None:
        key = _idempotency_key(exchange.idempotency_key or b"")
        runtime, actor_id = admitted.runtime, admitted.identity.actor_id
        request_hash = hashlib.sha256(f"{scope} {decision_id}\n".encode() + body).digest()
        slot = (actor_id, key)
        if slot in runtime.in_flight:
            raise ConflictError(
                f"A request with the idempotency key {key!r} is being answered.",
                field="Idempotency-Key",
                rule="in_flight",
                next_step="Wait for its answer, or send the same request again a moment later.",
            )
        stored = runtime.store.answered(actor_id, key)
        if stored is not None:
            await self._replay(exchange, admitted, stored, request_hash)
            return
        runtime.in_flight.add(slot)
        try:
            record = act(admitted, body, decision_id)
            await self._act(exchange, admitted, record, IdempotencyKey(actor_id, key, request_hash, 201, record.body))
        finally:
            runtime.in_flight.discard(slot)

    async def _replay(
        self, exchange: Exchange, admitted: Admitted, stored: IdempotencyKey, request_hash: bytes
    ) -> None:
        if stored.request_hash != request_hash:
            raise DataError(
                f"The idempotency key {stored.key!r} was used for another request.",
                field="Idempotency-Key",
                rule="same_request",
                next_step="Use a new key for a new request.",
            )
        exchange.trace_id = exchange.trace_id or request_hash[:16].hex()
        await exchange.reply(stored.status, stored.response, [*admitted.limit_headers(), _REPLAYED])

    def _decide(self, admitted: Admitted, body: bytes, _: str) -> JournalRecord:
        request = _decoded(_REQUESTS, body)
        check_request(request)
        engine = admitted.runtime.require_engine()
        decision_id = self._ids.new("dec")
        now = self._clock()
        started = perf_counter_ns()
        decision = engine.decide(
            request,
            actor_id=admitted.identity.actor_id,
            decision_id=decision_id,
            decided_at=now,
            seed=decision_seed(decision_id),
        )
        return decision_record(decision, elapsed_us=(perf_counter_ns() - started) // 1000)

    def _report_outcome(self, admitted: Admitted, body: bytes, decision_id: str) -> JournalRecord:
        request = _decoded(_OUTCOMES, body)
        return outcome_record(
            request,
            _decision(admitted, decision_id),
            outcome_id=self._ids.new("out"),
            actor_id=admitted.identity.actor_id,
            now=self._clock(),
        )

    def _override(self, admitted: Admitted, body: bytes, decision_id: str) -> JournalRecord:
        request = _decoded(_OVERRIDES, body)
        return override_record(
            request,
            _decision(admitted, decision_id),
            override_id=self._ids.new("ovr"),
            actor_id=admitted.identity.actor_id,
            now=self._clock(),
        )


def _decision(admitted: Admitted, decision_id: str) -> Decision:
    return read_decision(admitted.runtime.store, decision_id)


def _decoded(decoder: Any, body: bytes) -> Any:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise decode_error(error) from error


def _idempotency_key(value: bytes) -> str:
    if not 0 < len(value) <= _MAX_KEY or not value.isascii() or not value.decode().isprintable():
        raise UsageError(
            f"The Idempotency-Key must be 1 to {_MAX_KEY} printable ASCII characters.",
            field="Idempotency-Key",
            rule="matches",
            next_step="Send a random id, such as a UUID, a new one for each new request.",
        )
    return value.decode()


def _with_what_followed(entries: list[JournalEntry]) -> bytes:
    def of_kind(kind: str) -> list[msgspec.Raw]:
        return [msgspec.Raw(entry.body) for entry in entries if entry.kind == kind]

    decisions = of_kind("decision")
    return _ENCODER.encode(
        {
            "decision": decisions[0] if decisions else None,
            "journal_seq": entries[0].seq if entries else None,
            "outcomes": of_kind("outcome"),
            "overrides": of_kind("override"),
        }
    )


async def _fault(exchange: Exchange) -> None:
    """The outer boundary: the caller gets a trace id, the log gets the cause."""
    error = internal_error()
    try:
        await exchange.refuse(error)
    finally:
        _logger.exception("Request %s failed", exchange.trace_id)
