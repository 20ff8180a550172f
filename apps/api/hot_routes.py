"""The routes that assistants wait for: decide, read a decision, report its outcome, override it.

They run on raw ASGI and msgspec, because a framework costs more than the decision itself. Their
messages are the contract (`contracts.messages.decisions`); `apps.api.openapi` publishes them.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Callable
from time import perf_counter_ns

import msgspec

from apps.api.admission import Admission, Admitted
from apps.api.deciding import Decider, Made, decoded
from apps.api.exchange import ClientGoneError, Exchange, Header
from apps.api.hot_lane import HotLane
from apps.api.idempotency import REPLAYED, Claim, claimed
from apps.api.problems import internal_error
from aurora.audit.records import outcome_record, override_record, read_decision
from aurora.errors import AuroraError
from aurora.identity.keys import Scope
from aurora.store.ids import IdMaker
from aurora.store.journal import IdempotencyKey, JournalEntry
from contracts.messages.decisions import Decision, OutcomeRequest, OverrideRequest

_logger = logging.getLogger("aurora.api")
_OUTCOMES = msgspec.json.Decoder(OutcomeRequest)
_OVERRIDES = msgspec.json.Decoder(OverrideRequest)
_ENCODER = msgspec.json.Encoder()
_LONG_BODY = 16_384
"""Bytes beyond which a decision may take long (thousands of open tasks) and is made off the event loop."""


class HotRoutes:
    """The raw routes over one set of tenants. Each method answers one request, whatever happens."""

    def __init__(self, admission: Admission, *, clock: Callable[[], dt.datetime], ids: IdMaker) -> None:
        self._admission = admission
        self._clock = clock
        self._ids = ids
        self._decider = Decider(clock=clock, ids=ids)
        self.lane = HotLane(admission, self._decider)

    async def decide(self, exchange: Exchange) -> None:
        """POST /api/v1/decisions"""
        await self._answer(exchange, "decide", self._decide)

    async def decide_batch(self, exchange: Exchange) -> None:
        """POST /api/v1/decisions:batch"""
        try:
            admitted = self._admission.admit(exchange.authorization, "decide")
            body = await exchange.json_body()
            if exchange.idempotency_key is None:
                await self._act_batch(exchange, admitted, body, None)
                return
            with claimed(admitted, exchange.idempotency_key, act="decide batch", body=body) as claim:
                if claim.stored is None:
                    await self._act_batch(exchange, admitted, body, claim)
                else:
                    headers = [*admitted.limit_headers(), REPLAYED]
                    await exchange.reply(claim.stored.status, claim.stored.response, headers)
        except AuroraError as error:
            await exchange.refuse(error)
        except ClientGoneError:
            return
        except Exception as error:  # noqa: BLE001 - the request's outer boundary
            await _fault(exchange, error)

    async def _act_batch(self, exchange: Exchange, admitted: Admitted, body: bytes, claim: Claim | None) -> None:
        exchange.trace_id = exchange.trace_id or self._ids.new("bat").rpartition("_")[2]
        made = await asyncio.to_thread(self._decider.batch, admitted, body, exchange.trace_id)
        once = None if claim is None else claim.answered(200, made.answer)
        started = perf_counter_ns()
        if made.records or once is not None:
            await admitted.runtime.journal.append(made.records, idempotency=once, statements=made.statements)
        if made.statements and admitted.runtime.fleet is not None:
            admitted.runtime.fleet.dispatcher.wake()
        journal_us = (perf_counter_ns() - started) // 1000
        timing = b"decide;dur=%.3f, journal;dur=%.3f" % (made.decide_us / 1000, journal_us / 1000)
        await exchange.reply(200, made.answer, [*admitted.limit_headers(), (b"server-timing", timing)])

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
        act: Callable[[Admitted, bytes, str], Made],
        decision_id: str = "",
    ) -> None:
        try:
            admitted = self._admission.admit(exchange.authorization, scope)
            body = await exchange.json_body()
            if exchange.idempotency_key is None:
                await self._act(exchange, admitted, await _made(act, admitted, body, decision_id))
            else:
                await self._act_once(exchange, admitted, act, body, decision_id, scope)
        except AuroraError as error:
            await exchange.refuse(error)
        except ClientGoneError:
            return
        except Exception as error:  # noqa: BLE001 - the request's outer boundary
            await _fault(exchange, error)

    async def _act(
        self, exchange: Exchange, admitted: Admitted, made: Made, once: IdempotencyKey | None = None
    ) -> None:
        """Make the record durable, then reply with it."""
        record = made.record
        started = perf_counter_ns()
        await admitted.runtime.journal.append((record, *made.more), idempotency=once, statements=made.statements)
        if made.statements and admitted.runtime.fleet is not None:
            admitted.runtime.fleet.dispatcher.wake()
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
        act: Callable[[Admitted, bytes, str], Made],
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
            made = await _made(act, admitted, body, decision_id)
            await self._act(exchange, admitted, made, claim.answered(201, made.record.body))

    def _decide(self, admitted: Admitted, body: bytes, _: str) -> Made:
        return self._decider.decide(admitted, body)

    def _report_outcome(self, admitted: Admitted, body: bytes, decision_id: str) -> Made:
        request = decoded(_OUTCOMES, body)
        record = outcome_record(
            request,
            _decision(admitted, decision_id),
            outcome_id=self._ids.new("out"),
            actor_id=admitted.identity.actor_id,
            now=self._clock(),
        )
        return Made(record)

    def _override(self, admitted: Admitted, body: bytes, decision_id: str) -> Made:
        request = decoded(_OVERRIDES, body)
        record = override_record(
            request,
            _decision(admitted, decision_id),
            override_id=self._ids.new("ovr"),
            actor_id=admitted.identity.actor_id,
            now=self._clock(),
        )
        return Made(record)


def _decision(admitted: Admitted, decision_id: str) -> Decision:
    return read_decision(admitted.runtime.store, decision_id)


async def _made(act: Callable[[Admitted, bytes, str], Made], admitted: Admitted, body: bytes, subject: str) -> Made:
    """What `act` makes; off the event loop where the body is so long that it may take long."""
    if len(body) < _LONG_BODY:
        return act(admitted, body, subject)
    return await asyncio.to_thread(act, admitted, body, subject)


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
