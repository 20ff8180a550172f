"""Remedies: what mends a finding, asked for once, carried out, and what came of each act.

The journal holds the request, every outcome, and what an act leaves behind (a hold), each in one transaction, so that a
kill at any moment is mended by running again: an act without an outcome is carried out, and its effect is the same twice.
What only a person can do waits for one, due by the rule's clock.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec

from aurora.compliance.holds import ALL, hold_record, read_holds, release_record
from aurora.compliance.mask_targets import MaskTarget, mask_target
from aurora.errors import AuroraError, ConflictError, NotFoundError
from aurora.store.journal import JournalRecord, StateReader
from aurora.store.lake import read_lake
from aurora.store.paths import TenantPaths
from aurora.store.state import StateStore
from contracts.messages.compliance import Hold, RemediationRequest, Remedy, RemedyEvent, RemedyState
from contracts.messages.decisions import canonical

REQUEST: Final = "remediation"
EVENT: Final = "remedy"
ACTOR: Final = "aurora"
MAX_ATTEMPTS: Final = 3
"""A failed act is tried again by later runs, so often in all; then a person must look."""
_BATCH: Final = 500
_REQUESTS: Final = msgspec.json.Decoder(RemediationRequest)
_EVENTS: Final = msgspec.json.Decoder(RemedyEvent)
_DRAFT: Final = (
    "A report is to be drafted for approval by two people: `aurora draft make KIND {about_id}`, kinds by `aurora draft kinds`."
    " Nothing is filed by itself."
)


class Hands(Protocol):
    """What acts need of other rooms; each call has the same effect twice as once."""

    def mask(self, target: MaskTarget, *, now: dt.datetime) -> dict[str, str | int]:
        """Mask the values, and return the proof."""

    def alert(self, remedy: Remedy, *, now: dt.datetime) -> str:
        """Tell the rule's owner; returns the alert's id."""

    def draft(self, remedy: Remedy, *, now: dt.datetime) -> str | None:
        """Draft the report that the remedy names; returns its id, or None where this run drafts no more."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of an act, and records that belong to the same transaction."""

    state: RemedyState
    reason: str
    proof: dict[str, str | int]
    records: tuple[JournalRecord, ...] = ()


def read_remedies(state: StateReader) -> list[Remedy]:
    """Every act of every remedy as it stands, those due first at the top."""
    events: dict[str, list[RemedyEvent]] = {}
    for entry in reversed(state.page(EVENT, limit=ALL)):
        event = _EVENTS.decode(entry.body)
        events.setdefault(event.remedy_id, []).append(event)
    requests = [_REQUESTS.decode(entry.body) for entry in state.page(REQUEST, limit=ALL)]
    found = [_remedy(one, act, events) for one in requests for act in one.acts]
    return sorted(found, key=lambda one: (one.due_at, one.remedy_id))


def find_remedy(state: StateReader, remedy_id: str) -> Remedy:
    """One act of a remedy; `NotFoundError` where there is none of that id."""
    found = next((one for one in read_remedies(state) if one.remedy_id == remedy_id), None)
    if found is None:
        raise NotFoundError(
            f"There is no remedy {remedy_id[:80]!r}.",
            field="remedy_id",
            next_step="`aurora rules remedies` lists them.",
        )
    return found


def chosen(
    remedies: Iterable[Remedy],
    *,
    state: str = "all",
    act: str | None = None,
    rule_id: str | None = None,
    owner_role: str | None = None,
    finding_id: str | None = None,
) -> list[Remedy]:
    """Those in a state (`open`: neither done nor closed) and of an act, rule, owner and finding."""
    return [
        one
        for one in remedies
        if (state in ("all", one.remedy_state) or (state == "open" and one.remedy_state not in ("done", "closed")))
        and act in (None, one.act)
        and (rule_id is None or one.rule_id == rule_id.upper())
        and owner_role in (None, one.owner_role)
        and finding_id in (None, one.finding_id)
    ]


def unasked(paths: TenantPaths, requests: Sequence[RemediationRequest]) -> list[RemediationRequest]:
    """The requests that the journal does not hold; all of them where there is no journal yet."""
    if not paths.state.is_file():
        return list(requests)
    with StateReader(paths) as state:
        held = {entry.record_id for entry in state.page(REQUEST, limit=ALL)}
    return [one for one in requests if one.remediation_id not in held]


def ask(store: StateStore, requests: Sequence[RemediationRequest]) -> list[RemediationRequest]:
    """Append the requests that the journal does not hold yet, and return them."""
    held = {entry.record_id for entry in store.page(REQUEST, limit=ALL)}
    fresh = [one for one in requests if one.remediation_id not in held]
    records = [
        JournalRecord(
            record_id=one.remediation_id,
            kind=REQUEST,
            subject_id=one.finding_id,
            actor_id=one.actor_id,
            recorded_at=one.requested_at,
            body=canonical(one),
        )
        for one in fresh
    ]
    for start in range(0, len(records), _BATCH):
        store.append(records[start : start + _BATCH]).result()
    return fresh


def carry_out(
    paths: TenantPaths, store: StateStore, hands: Hands, *, now: dt.datetime, rule_id: str | None = None
) -> dict[str, int]:
    """Do every act that is asked for and not done, of one rule or of all; returns how many came to which state.

    A second run does nothing. An act that another process does at the same moment is left to it.
    """
    counts: Counter[str] = Counter()
    written = []
    for remedy in read_remedies(store):
        is_due = remedy.remedy_state == "requested" or (
            remedy.remedy_state == "failed" and remedy.attempt_count < MAX_ATTEMPTS
        )
        if is_due and rule_id in (None, remedy.rule_id):
            outcome = _done(paths, remedy, hands, now)
            written.append((outcome.state, _submit(store, remedy, outcome, actor_id=ACTOR, now=now)))
    for state, future in written:  # many share a commit
        if _is_written(future):
            counts[state] += 1
    return dict(counts)


def settle(store: StateStore, states: Mapping[str, str], *, now: dt.datetime) -> int:
    """Close what nobody needs to do any more, by the findings' states; returns how many acts.

    A finding that is remediated or a false alarm needs no task, and its blocks fall. A hold waits for a person, but for
    a false alarm: a person has said so already.
    """
    over = {name: state for name, state in states.items() if state in ("remediated", "false_positive")}
    why = {"remediated": "The record no longer breaks the rule.", "false_positive": "A person called it a false alarm."}
    closed = [
        _submit(store, remedy, _Outcome("closed", why[over[remedy.finding_id]], {}), actor_id=ACTOR, now=now)
        for remedy in read_remedies(store)
        if remedy.finding_id in over and remedy.remedy_state in ("requested", "waiting", "failed")
    ]
    ended = [
        store.append([release_record(hold, actor_id=ACTOR, note=why[over[hold.finding_id]], now=now)])
        for hold in read_holds(store)
        if hold.finding_id in over and (hold.hold_kind == "block" or over[hold.finding_id] == "false_positive")
    ]
    for one in ended:
        _is_written(one)
    return sum([_is_written(one) for one in closed])


def complete(
    store: StateStore, remedy_id: str, *, actor_id: str, note: str, is_done: bool = True, now: dt.datetime
) -> Remedy:
    """A person says that an act is done, or that it will not be. Errors: `NotFoundError`, `ConflictError`."""
    remedy = find_remedy(store, remedy_id)
    if remedy.remedy_state in ("done", "closed"):
        raise ConflictError(
            f"Remedy {remedy_id} is {remedy.remedy_state} since {remedy.updated_at:%Y-%m-%d %H:%M} UTC.",
            field="remedy_id",
            rule="remedy_state",
            next_step="Nothing is to be done.",
        )
    outcome = _Outcome("done" if is_done else "closed", note, {})
    if not _is_written(_submit(store, remedy, outcome, actor_id=actor_id, now=now)):
        raise ConflictError(
            f"Remedy {remedy_id} was changed at the same moment.",
            field="remedy_id",
            rule="unique",
            next_step="Look at it again.",
        )
    return find_remedy(store, remedy_id)


def preview(paths: TenantPaths, remedies: Iterable[Remedy]) -> dict[str, int]:
    """What carrying these out would do, by act and outcome; nothing is written."""
    counts: Counter[str] = Counter()
    with read_lake(paths) as lake:
        for remedy in remedies:
            if remedy.act == "mask":
                target = mask_target(lake, remedy)
                counts["mask: would wait for a person" if isinstance(target, str) else "mask: would be masked"] += 1
            else:
                counts[f"{remedy.act}: {_WOULD[remedy.act]}"] += 1
    return dict(sorted(counts.items()))


_WOULD: Final = {
    "block": "would be blocked",
    "hold": "would be held",
    "task": "would wait for a person",
    "report_draft": "would wait for a person",
    "alert": "would be told",
}


def remedies_of(request: RemediationRequest) -> list[Remedy]:
    """The acts of a request that has no outcome yet."""
    return [_remedy(request, act, {}) for act in request.acts]


def _done(paths: TenantPaths, remedy: Remedy, hands: Hands, now: dt.datetime) -> _Outcome:
    """Do one act. What goes wrong is an outcome too."""
    try:
        match remedy.act:
            case "hold" | "block":
                hold = _hold(remedy, now)
                return _Outcome("done", _HELD[remedy.act], {"hold_id": hold.hold_id}, (hold_record(hold),))
            case "mask":
                return _masked(paths, remedy, hands, now)
            case "alert":
                return _Outcome("done", "The owner was told.", {"alert_id": hands.alert(remedy, now=now)})
            case "report_draft":
                return _drafted(remedy, hands, now)
            case _:
                return _Outcome("waiting", "A person is asked to do it.", {})
    except AuroraError as error:
        return _Outcome("failed", f"{error.message} {error.next_step or ''}".strip(), {})


def _drafted(remedy: Remedy, hands: Hands, now: dt.datetime) -> _Outcome:
    filing_id = None if remedy.drafts is None else hands.draft(remedy, now=now)
    if filing_id is None:
        return _Outcome("waiting", _DRAFT.format(about_id=remedy.about_id), {})
    told = f"Draft {filing_id} waits for what it lacks and for two people: `aurora draft show {filing_id}`."
    return _Outcome("waiting", told, {"filing_id": filing_id})


_HELD: Final = {
    "hold": "The record is on hold until a person releases it.",
    "block": "Acts on the record are refused while it breaks the rule.",
}


def _masked(paths: TenantPaths, remedy: Remedy, hands: Hands, now: dt.datetime) -> _Outcome:
    with read_lake(paths) as lake:
        target = mask_target(lake, remedy)
    if isinstance(target, str):
        return _Outcome("waiting", target, {})
    proof = hands.mask(target, now=now)
    if not proof["row_count"]:
        return _Outcome("waiting", f"{target.contract} holds no such record: a person must look.", proof)
    told = f"{proof['clear_before_count']} values were in clear, none is now."
    if until := proof.get("readable_until"):
        told += f" Older snapshots can be read until {str(until)[:10]}; `aurora privacy purge` ends them at once."
    return _Outcome("done", told, proof)


def _hold(remedy: Remedy, now: dt.datetime) -> Hold:
    return Hold(
        hold_id=f"hld-{remedy.remedy_id.removeprefix('rem-')}",
        hold_kind="block" if remedy.act == "block" else "hold",
        finding_id=remedy.finding_id,
        rule_id=remedy.rule_id,
        about_contract=remedy.about_contract,
        record_source=remedy.record_source,
        about_id=remedy.about_id,
        reason=remedy.says,
        placed_at=now,
        actor_id=ACTOR,
    )


def _submit(
    store: StateStore, remedy: Remedy, outcome: _Outcome, *, actor_id: str, now: dt.datetime
) -> Future[list[int]]:
    """The nth outcome of an act has one id: of two processes, one writes it."""
    event = RemedyEvent(
        remedy_id=remedy.remedy_id,
        finding_id=remedy.finding_id,
        remedy_state=outcome.state,
        reason=outcome.reason,
        proof=outcome.proof,
        actor_id=actor_id,
        recorded_at=now,
    )
    record = JournalRecord(
        record_id=f"{remedy.remedy_id}.{remedy.attempt_count + 1}",
        kind=EVENT,
        subject_id=remedy.finding_id,
        actor_id=actor_id,
        recorded_at=now,
        body=canonical(event),
    )
    return store.append([*outcome.records, record])


def _is_written(future: Future[list[int]]) -> bool:
    """Whether it is on the disk; False when another process wrote the same."""
    try:
        future.result()
    except ConflictError:
        return False
    return True


def _remedy(request: RemediationRequest, act: str, events: Mapping[str, list[RemedyEvent]]) -> Remedy:
    remedy_id = f"{request.remediation_id}.{act}"
    known = events.get(remedy_id, [])
    newest = known[-1] if known else None
    kept: dict[str, Any] = {
        name: getattr(request, name)
        for name in (
            "remediation_id", "finding_id", "rule_id", "says", "about_contract", "record_source", "about_id",
            "owner_role", "due_at", "requested_at", "is_sample", "drafts",
        )
    }  # fmt: skip
    return Remedy(
        **kept,
        remedy_id=remedy_id,
        act=act,
        remedy_state="requested" if newest is None else newest.remedy_state,
        reason="" if newest is None else newest.reason,
        proof={} if newest is None else newest.proof,
        updated_at=request.requested_at if newest is None else newest.recorded_at,
        actor_id=request.actor_id if newest is None else newest.actor_id,
        attempt_count=len(known),
    )
