"""How decisions and what follows them become journal records; the one place for API, CLI and pages."""

from __future__ import annotations

import datetime as dt
import zlib
from decimal import Decimal

import msgspec

from aurora.errors import ComplianceError, DataError, NotFoundError
from aurora.store.journal import JournalRecord, StateReader
from contracts.messages.decisions import (
    Candidate,
    Decision,
    DecisionRequest,
    Outcome,
    OutcomeRequest,
    Override,
    OverrideRequest,
    canonical,
    canonical_raw,
)

HUMAN = "human"
"""An override may always give the work to a person."""
_MAX_USD = Decimal(10) ** 9
_MAX_MS = 2**63 - 1
_EARLIEST = dt.datetime(2015, 1, 1, tzinfo=dt.UTC)
_DECISIONS = msgspec.json.Decoder(Decision)
_MAX_WRITTEN = 1024
_written: dict[int, tuple[tuple[Candidate, ...], msgspec.Raw]] = {}


def decision_seed(decision_id: str) -> int:
    """The seed of a decision's exploration: it follows from the id, so replay needs nothing else."""
    return zlib.crc32(decision_id.encode())


def check_request(request: DecisionRequest) -> None:
    """Values that fit their JSON type but not the lake; `DataError` names the field."""
    _check_usd(getattr(request, "max_cost_usd", None), "max_cost_usd")
    _check_ms(getattr(request, "deadline_ms", None), "deadline_ms")


def decision_record(decision: Decision, *, elapsed_us: int | None = None) -> JournalRecord:
    """The journal record of a decision; its body is the receipt itself."""
    return JournalRecord(
        record_id=decision.decision_id,
        kind="decision",
        subject_id=decision.decision_id,
        actor_id=decision.actor_id,
        recorded_at=decision.decided_at,
        body=_receipt(decision),
        elapsed_us=elapsed_us,
    )


def _receipt(decision: Decision) -> bytes:
    """`canonical` of the decision; candidates that many decisions share, as the engine's plans do, are written once.

    They are four fifths of a receipt. The memory holds the tuple itself, so that its id names nothing else.
    """
    known = _written.get(id(decision.candidates))
    if known is None:
        if len(_written) >= _MAX_WRITTEN:
            _written.clear()
        known = _written[id(decision.candidates)] = (decision.candidates, canonical_raw(decision.candidates))
    return canonical(msgspec.structs.replace(decision, candidates=known[1]))


def read_decision(reader: StateReader, decision_id: str) -> Decision:
    """A decision of this tenant; `NotFoundError` also when it is another tenant's."""
    entry = reader.get(decision_id)
    if entry is None or entry.kind != "decision":
        raise NotFoundError(
            f"There is no decision {decision_id[:64]!r}.",
            field="decision_id",
            next_step="Check the id; GET /api/v1/decisions lists the decisions of your tenant.",
        )
    return _DECISIONS.decode(entry.body)


def outcome_record(
    request: OutcomeRequest, decision: Decision, *, outcome_id: str, actor_id: str, now: dt.datetime
) -> JournalRecord:
    """The journal record of what came of a decision."""
    occurred_at = request.occurred_at or now
    _check_usd(request.cost_usd, "cost_usd")
    _check_ms(request.duration_ms, "duration_ms")
    if occurred_at.tzinfo is None:
        raise _wrong("occurred_at", "has_offset", "It has no UTC offset.", "Write it as 2026-11-21T10:00:00Z.")
    if not _EARLIEST <= occurred_at <= now + dt.timedelta(days=1):
        raise _wrong("occurred_at", "not_before", "It is not a plausible time.", "Check the sender's clock.")
    outcome = Outcome(
        outcome_id=outcome_id,
        decision_id=decision.decision_id,
        actor_id=actor_id,
        occurred_at=occurred_at.astimezone(dt.UTC),
        is_success=request.is_success,
        region=decision.region,
        quality=request.quality,
        cost_usd=request.cost_usd,
        duration_ms=request.duration_ms,
        note=request.note,
    )
    return _following("outcome", outcome_id, outcome, decision, actor_id=actor_id, now=now)


def override_record(
    request: OverrideRequest, decision: Decision, *, override_id: str, actor_id: str, now: dt.datetime
) -> JournalRecord:
    """The journal record of a person's change. What a rule forbids stays forbidden: `ComplianceError`."""
    _check_override(request.action, decision)
    override = Override(
        override_id=override_id,
        decision_id=decision.decision_id,
        actor_id=actor_id,
        occurred_at=now,
        action=request.action,
        reason=request.reason,
        region=decision.region,
    )
    return _following("override", override_id, override, decision, actor_id=actor_id, now=now)


def _check_override(action: str, decision: Decision) -> None:
    if action == HUMAN:
        return
    chosen = next((candidate for candidate in decision.candidates if candidate.candidate_id == action), None)
    if chosen is None:
        raise _wrong(
            "action",
            "one_of",
            f"{action[:80]!r} is none of the decision's candidates.",
            f"Choose one of its candidates, or {HUMAN!r} to give the work to a person.",
        )
    for veto in chosen.vetoes:
        if veto.source == "rule":
            raise ComplianceError(
                f"The rule {veto.rule_id} forbids {action!r}: {veto.reason}",
                field="action",
                rule=veto.rule_id,
                next_step=f"Choose a candidate that no rule forbids, or {HUMAN!r}.",
            )


def _following(
    kind: str, record_id: str, body: Outcome | Override, decision: Decision, *, actor_id: str, now: dt.datetime
) -> JournalRecord:
    return JournalRecord(
        record_id=record_id,
        kind=kind,
        subject_id=decision.decision_id,
        actor_id=actor_id,
        recorded_at=now,
        body=canonical(body),
    )


def _check_usd(value: Decimal | None, field: str) -> None:
    if value is not None and (not value.is_finite() or not 0 <= value < _MAX_USD):
        raise _wrong(field, "at_least", "It must be an amount of at least 0 and below 1e9.", "Send dollars.")


def _check_ms(value: int | None, field: str) -> None:
    if value is not None and value > _MAX_MS:
        raise _wrong(field, "at_most", f"It must be at most {_MAX_MS}.", "Send milliseconds.")


def _wrong(field: str, rule: str, message: str, next_step: str) -> DataError:
    return DataError(message, field=field, rule=rule, next_step=next_step)
