"""The conflict ledger: contradictory recommendations are recorded, resolved, and later scored: who was right.

Each state of a conflict is one journal record with the whole of it; the newest is how it stands.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from aurora.errors import ConflictError, DataError, NotFoundError
from aurora.store.ids import IdMaker
from aurora.store.journal import JournalEntry, JournalRecord, StateReader
from contracts.messages.conflicts import (
    Conflict,
    ConflictPage,
    ConflictRequest,
    ConflictScoreRequest,
    ConflictSource,
    ConflictState,
    ScoreSource,
)
from contracts.messages.decisions import Decision, DecisionRequest, Outcome, ResolveConflictRequest, canonical

KIND: Final = "conflict"
_PAGE: Final = 1000
_CONFLICTS: Final = msgspec.json.Decoder(Conflict)
_OUTCOMES: Final = msgspec.json.Decoder(Outcome)


def opened(
    request: ConflictRequest | ResolveConflictRequest,
    *,
    actor_id: str,
    region: str,
    now: dt.datetime,
    detected_by: ConflictSource = "api",
    conflict_id: str | None = None,
) -> tuple[Conflict, JournalRecord]:
    """A new conflict. `DataError` when its recommendations do not contradict each other."""
    if len({one.action for one in request.recommendations}) < 2:
        raise DataError(
            "The recommendations agree: there is no conflict.",
            field="recommendations",
            rule="contradict",
            next_step="Send two or more with different actions.",
        )
    conflict = Conflict(
        conflict_id=conflict_id or IdMaker(lambda: now).new("con"),
        conflict_state="open",
        subject_id=request.subject_id,
        topic=request.topic,
        recommendations=request.recommendations,
        detected_by=detected_by,
        detected_at=now,
        updated_at=now,
        actor_id=actor_id,
        region=region,
        case_id=request.case_id,
        privacy_class=request.privacy_class,
        compliance_levels=request.compliance_levels,
    )
    return conflict, _record(conflict, conflict.conflict_id)


def in_ledger(
    request: DecisionRequest, state: StateReader, *, actor_id: str, region: str, now: dt.datetime
) -> tuple[DecisionRequest, Conflict | None, list[JournalRecord]]:
    """A request to resolve, with its conflict: a new one where it names none. Other requests as they are."""
    if not isinstance(request, ResolveConflictRequest):
        return request, None, []
    if request.conflict_id is not None:
        return request, read_conflict(state, request.conflict_id), []
    conflict, record = opened(request, actor_id=actor_id, region=region, now=now)
    return msgspec.structs.replace(request, conflict_id=conflict.conflict_id), conflict, [record]


def question_of(conflict: Conflict) -> ResolveConflictRequest:
    """What the engine is asked about it."""
    return ResolveConflictRequest(
        subject_id=conflict.subject_id,
        topic=conflict.topic,
        recommendations=conflict.recommendations,
        conflict_id=conflict.conflict_id,
        case_id=conflict.case_id,
        privacy_class=conflict.privacy_class,
        compliance_levels=conflict.compliance_levels,
    )


def resolved(conflict: Conflict, decision: Decision) -> JournalRecord:
    """The conflict with its decision: an action is followed, or a person has it. A later one takes its place."""
    after = msgspec.structs.replace(
        conflict,
        conflict_state="resolved" if conflict.conflict_state == "open" else conflict.conflict_state,
        decision_id=decision.decision_id,
        action=decision.action,
        updated_at=max(decision.decided_at, conflict.updated_at),
        actor_id=decision.actor_id,
    )
    return _record(after, f"{conflict.conflict_id}.{decision.decision_id}")


def scored(
    conflict: Conflict,
    request: ConflictScoreRequest,
    *,
    actor_id: str,
    now: dt.datetime,
    scored_by: ScoreSource = "person",
) -> tuple[Conflict, JournalRecord]:
    """Who was right. `DataError` for an action that nobody recommended, `ConflictError` when it is scored."""
    if conflict.conflict_state == "scored":
        raise ConflictError(
            f"{conflict.conflict_id} is scored already: {conflict.right_action} was right.",
            field="conflict_id",
            rule="once",
            next_step="Nothing is left to do.",
        )
    actions = sorted({one.action for one in conflict.recommendations})
    if request.right_action not in actions:
        raise DataError(
            f"Nobody recommended {request.right_action[:64]!r}.",
            field="right_action",
            rule="one_of",
            next_step=f"There were: {', '.join(actions)}.",
        )
    after = msgspec.structs.replace(
        conflict,
        conflict_state="scored",
        right_action=request.right_action,
        is_resolution_right=None if conflict.action is None else conflict.action == request.right_action,
        scored_by=scored_by,
        note=request.note,
        updated_at=max(now, conflict.updated_at),
        actor_id=actor_id,
    )
    return after, _record(after, f"{conflict.conflict_id}.scored")


def scored_by_outcomes(state: StateReader, *, actor_id: str, now: dt.datetime) -> Iterator[JournalRecord]:
    """Scores that outcomes of resolutions allow: what was followed was right, or of two the other was."""
    for conflict in every_conflict(state):
        if conflict.conflict_state != "resolved" or conflict.decision_id is None or conflict.action is None:
            continue
        told = [entry for entry in state.about(conflict.decision_id) if entry.kind == "outcome"]
        if not told:
            continue
        right = conflict.action
        if not _OUTCOMES.decode(told[-1].body).is_success:
            others = {one.action for one in conflict.recommendations} - {conflict.action}
            if len(others) != 1:
                continue
            (right,) = others
        request = ConflictScoreRequest(right_action=right)
        yield scored(conflict, request, actor_id=actor_id, now=now, scored_by="outcome")[1]


def read_conflict(state: StateReader, conflict_id: str) -> Conflict:
    """A conflict of this tenant as it stands; `NotFoundError` also when it is another tenant's."""
    entries = [entry for entry in state.about(conflict_id) if entry.kind == KIND]
    if not entries:
        raise NotFoundError(
            f"There is no conflict {conflict_id[:64]!r}.",
            field="conflict_id",
            next_step="GET /api/v1/conflicts and `aurora conflict list` name them.",
        )
    return _standing(entries)


def history_of(state: StateReader, conflict_id: str) -> list[Conflict]:
    """Every state of a conflict, oldest first."""
    return [_CONFLICTS.decode(entry.body) for entry in state.about(conflict_id) if entry.kind == KIND]


def list_conflicts(
    state: StateReader, *, conflict_state: ConflictState | None, before: str | None, limit: int
) -> ConflictPage:
    """Conflicts as they stand, newest first, detected before the conflict `before`."""
    found = [one for one in every_conflict(state) if conflict_state in (None, one.conflict_state)]
    found.sort(key=lambda one: (one.detected_at, one.conflict_id), reverse=True)
    at = next((number + 1 for number, one in enumerate(found) if one.conflict_id == before), 0)
    page = found[at : at + limit]
    return ConflictPage(conflicts=page, next_cursor=page[-1].conflict_id if len(found) > at + limit else None)


def every_conflict(state: StateReader) -> Iterable[Conflict]:
    """Every conflict as it stands, oldest first."""
    newest: dict[str, JournalEntry] = {}
    before: int | None = None
    while True:
        entries = state.page(KIND, before=before, limit=_PAGE)
        for entry in entries:
            newest.setdefault(entry.subject_id, entry)
        if len(entries) < _PAGE:
            break
        before = entries[-1].seq
    return [_CONFLICTS.decode(entry.body) for entry in reversed(newest.values())]


def _standing(entries: list[JournalEntry]) -> Conflict:
    return _CONFLICTS.decode(entries[-1].body)


def _record(conflict: Conflict, record_id: str) -> JournalRecord:
    return JournalRecord(
        record_id=record_id,
        kind=KIND,
        subject_id=conflict.conflict_id,
        actor_id=conflict.actor_id,
        recorded_at=conflict.updated_at,
        body=canonical(conflict),
    )
