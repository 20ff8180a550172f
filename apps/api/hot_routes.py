"""The routes that assistants wait for: decide, read a decision, report its outcome, override it.

They run on raw ASGI and msgspec, because a framework costs more than the decision itself. Their
messages are the contract (`contracts.messages.decisions`); `apps.api.openapi` publishes them.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

import msgspec

from apps.api.admission import Admission, Admitted
from apps.api.exchange import ClientGoneError, Exchange, Header
from apps.api.idempotency import REPLAYED, claimed
from apps.api.problems import decode_error, internal_error
from aurora.audit.records import (
    check_request,
    decision_record,
    decision_seed,
    outcome_record,
    override_record,
    read_decision,
)
from aurora.errors import AuroraError
from aurora.identity.keys import Scope
from aurora.store.ids import IdMaker
from aurora.store.journal import IdempotencyKey, JournalEntry, JournalRecord
from contracts.messages.decisions import Decision, DecisionRequest, OutcomeRequest, OverrideRequest

_logger = logging.getLogger("aurora.api")
_REQUESTS: msgspec.json.Decoder[DecisionRequest] = msgspec.json.Decoder(DecisionRequest)
_OUTCOMES = msgspec.json.Decoder(OutcomeRequest)
_OVERRIDES = msgspec.json.Decoder(OverrideRequest)
_ENCODER = msgspec.json.Encoder()


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
        except Exception as error:  # noqa: BLE001 - the request's outer boundary
            await _fault(exchange, error)

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
        except Exception as error:  # noqa: BLE001 - the request's outer boundary
            await _fault(exchange, error)

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
        key = exchange.idempotency_key or b""
        with claimed(admitted, key, act=f"{scope} {decision_id}", body=body) as claim:
            if claim.stored is not None:
                exchange.trace_id = exchange.trace_id or claim.request_hash[:16].hex()
                headers = [*admitted.limit_headers(), REPLAYED]
                await exchange.reply(claim.stored.status, claim.stored.response, headers)
                return
            record = act(admitted, body, decision_id)
            await self._act(exchange, admitted, record, claim.answered(201, record.body))

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
            live=admitted.runtime.live_states,
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


async def _fault(exchange: Exchange, cause: Exception) -> None:
    """The outer boundary: the caller gets a trace id, the log gets the cause."""
    try:
        await exchange.refuse(internal_error())
    finally:
        _logger.error("Request %s failed", exchange.trace_id, exc_info=cause)
