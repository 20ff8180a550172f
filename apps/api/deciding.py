"""Decisions as the API makes them: one request to one record, or a batch to many, with the commands that follow."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Any, Final

import msgspec

from apps.api.admission import Admitted
from apps.api.problems import decode_error, internal_error, problem
from aurora.audit.records import check_request, decision_record, decision_seed
from aurora.errors import AuroraError, NotReadyError
from aurora.store.ids import IdMaker
from aurora.store.journal import JournalRecord
from aurora.store.state import Statement
from contracts.messages.conflicts import Conflict
from contracts.messages.decisions import (
    BatchRequest,
    Decision,
    DecisionRequest,
    ResolveConflictRequest,
    ScaleRequest,
    TuneRequest,
)

_REQUESTS: Final[msgspec.json.Decoder[DecisionRequest]] = msgspec.json.Decoder(DecisionRequest)
_BATCHES: Final = msgspec.json.Decoder(BatchRequest)
_ENCODER: Final = msgspec.json.Encoder()
_CARRIED_OUT: Final = frozenset({"scale", "rebalance", "tune"})
"""As `aurora.decisions.carrying.KINDS`; that room is loaded only when there is something to carry out."""


class Made(msgspec.Struct, frozen=True):
    """A decision's record, and what else is made durable with it: commands."""

    record: JournalRecord
    more: Sequence[JournalRecord] = ()
    statements: Sequence[Statement] = ()


@dataclass(frozen=True, slots=True)
class MadeBatch:
    """The answer to a batch, and what it makes durable at once."""

    answer: bytes
    records: Sequence[JournalRecord]
    statements: Sequence[Statement]
    decide_us: int


class Decider:
    """Makes decisions. Pure but for the clock, the ids and, for tuning, a look at the state."""

    def __init__(self, *, clock: Callable[[], dt.datetime], ids: IdMaker) -> None:
        self._clock = clock
        self._ids = ids

    def decide(self, admitted: Admitted, body: bytes) -> Made:
        """One decision. `AuroraError` says what does not fit."""
        return self._decided(admitted, decoded(_REQUESTS, body))

    def batch(self, admitted: Admitted, body: bytes, trace_id: str) -> MadeBatch:
        """Each request by itself: an answer of its own, a problem where it cannot be decided."""
        started = perf_counter_ns()
        results: list[dict[str, Any]] = []
        made: list[Made] = []
        for raw in decoded(_BATCHES, body).requests:
            try:
                one = self.decide(admitted, bytes(raw))
            except AuroraError as error:
                results.append({"status": error.status, "problem": problem(error, trace_id=trace_id)})
                continue
            except Exception:  # noqa: BLE001 - one item's fault must not take the others with it
                fault = internal_error()
                results.append({"status": fault.status, "problem": problem(fault, trace_id=trace_id)})
                continue
            made.append(one)
            results.append({"status": 201, "decision": msgspec.Raw(one.record.body)})
        answer = {"results": results, "decided_count": len(made), "refused_count": len(results) - len(made)}
        return MadeBatch(
            _ENCODER.encode(answer),
            [record for one in made for record in (one.record, *one.more)],
            [statement for one in made for statement in one.statements],
            (perf_counter_ns() - started) // 1000,
        )

    def _decided(self, admitted: Admitted, request: DecisionRequest) -> Made:
        check_request(request)
        runtime = admitted.runtime
        engine = runtime.require_engine()
        opening: list[JournalRecord] = []
        conflict: Conflict | None = None
        if isinstance(request, TuneRequest | ScaleRequest):
            request = self._completed(admitted, request)
        elif isinstance(request, ResolveConflictRequest):
            from aurora.decisions.conflicts import in_ledger

            actor_id, region = admitted.identity.actor_id, runtime.paths.region
            request, conflict, opening = in_ledger(
                request, runtime.store, actor_id=actor_id, region=region, now=self._clock()
            )
        decision_id = self._ids.new("dec")
        now = self._clock()
        started = perf_counter_ns()
        decision = engine.decide(
            request,
            actor_id=admitted.identity.actor_id,
            decision_id=decision_id,
            decided_at=now,
            seed=decision_seed(decision_id),
            live=runtime.live_states,
            switches=runtime.switches,
            holds=runtime.holds.read(),
        )
        record = decision_record(decision, elapsed_us=(perf_counter_ns() - started) // 1000)
        if conflict is not None:
            from aurora.decisions.conflicts import resolved

            return Made(record, [*opening, resolved(conflict, decision)])
        if decision.mode != "act" or decision.kind not in _CARRIED_OUT:
            return Made(record)
        return self._acted(admitted, decision, record)

    def _completed(self, admitted: Admitted, request: TuneRequest | ScaleRequest) -> DecisionRequest:
        from aurora.decisions.acting import completed

        runtime = admitted.runtime
        return completed(request, runtime.store, None if runtime.fleet is None else runtime.fleet.live, runtime.paths)

    def _acted(self, admitted: Admitted, decision: Decision, record: JournalRecord) -> Made:
        """The decision with the commands it sends; a refused command is recorded too and the decision stands."""
        from aurora.decisions.carrying import carry_out

        if decision.action is None:
            return Made(record)
        admitted.identity.require("command:write")
        try:
            desk = admitted.runtime.require_fleet().desk()
        except NotReadyError as error:
            error.next_step = "Ask in advise mode, or ask the API of `aurora up`, which looks after assistants."
            raise
        acts = carry_out(decision, desk, actor_id=admitted.identity.actor_id)
        return Made(record, acts.records, acts.statements)


def decoded(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    """The message; an error that names the field."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise decode_error(error) from error
