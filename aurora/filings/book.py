"""The book of drafts, folded from the journal: their states, who prepared, who approved.

draft -> in_review -> approved | rejected; approved -> handed_over. Whatever changes the content leads back to draft, and
an approval is void with it. A confidential draft is not there for those who may not know of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from aurora.entities.judgements import entries_of
from aurora.errors import ConflictError, DataError, NotFoundError, PermissionDeniedError
from aurora.filings.contents import read_content
from aurora.filings.goaml import report_xml
from aurora.filings.goaml_schema import schema_problems
from aurora.filings.kind import Kind, kind_of, kinds
from aurora.filings.people import require_person
from aurora.identity.keys import Identity
from aurora.store.journal import IdempotencyKey, JournalRecord, StateReader
from aurora.store.lake import read_lake
from aurora.store.paths import TenantPaths
from aurora.store.state import StateStore
from contracts.messages.decisions import canonical
from contracts.messages.filings import (
    Filing,
    FilingAct,
    FilingContent,
    FilingDetail,
    FilingEvent,
    FilingField,
    FilingState,
)

KIND: Final = "filing"
Answered = Callable[[Filing], IdempotencyKey] | None
_EVENTS: Final = msgspec.json.Decoder(FilingEvent)
_PREPARING: Final = ("made", "filled", "refreshed", "submitted")
_VOIDING: Final = ("made", "filled", "refreshed", "submitted", "rejected")


def may_know(kind: Kind, identity: Identity) -> bool:
    """Whether the caller may know that a draft of this kind is there."""
    return not kind.is_confidential or "suspicion:read" in identity.scopes


def list_filings(state: StateReader, identity: Identity) -> list[Filing]:
    """Every draft that the caller may know of, the newest first. Needs the scope filing:read."""
    identity.require("filing:read")
    known = {name for name, kind in kinds().items() if may_know(kind, identity)}
    found = [one for one in read_filings(state) if one.kind in known]
    return sorted(found, key=lambda one: one.updated_at, reverse=True)


def read_filings(state: StateReader) -> list[Filing]:
    """Every draft, whoever asks."""
    events: dict[str, list[FilingEvent]] = {}
    for entry in entries_of(state, KIND):
        event = _EVENTS.decode(entry.body)
        events.setdefault(event.filing_id, []).append(event)
    return [folded(one) for one in events.values()]


def find_filing(state: StateReader, filing_id: str, identity: Identity) -> Filing:
    """One draft. `NotFoundError` without it, and where the caller may not know of it."""
    found = [_EVENTS.decode(entry.body) for entry in state.about(filing_id) if entry.kind == KIND]
    if not found or not may_know(kind_of(found[0].kind), identity):
        raise NotFoundError(
            f"There is no draft {filing_id[:64]!r}.", field="filing_id", next_step="`aurora draft list` names them."
        )
    return folded(found)


def folded(events: list[FilingEvent]) -> Filing:
    """A draft from its acts, oldest first."""
    first, last = events[0], events[-1]
    kind = kind_of(first.kind)
    approval = None
    for one in events:
        approval = one if one.act == "approved" else None if one.act in _VOIDING else approval
    return Filing(
        filing_id=first.filing_id,
        kind=first.kind,
        title=kind.title,
        authority=kind.authority,
        state=last.state,
        about_contract=first.about_contract,
        record_source=first.record_source,
        about_id=first.about_id,
        content_hash=last.content_hash,
        raw_snapshot_id=last.raw_snapshot_id,
        missing_count=last.missing_count,
        due_at=last.due_at,
        prepared_by=tuple(dict.fromkeys(one.actor_id for one in events if one.act in _PREPARING)),
        approved_by=None if approval is None else approval.actor_id,
        approved_at=None if approval is None else approval.occurred_at,
        authority_reference=last.authority_reference,
        made_at=first.occurred_at,
        updated_at=last.occurred_at,
        is_sample=last.is_sample,
        events=tuple(events),
    )


def show_filing(state: StateReader, paths: TenantPaths, filing_id: str, identity: Identity) -> FilingDetail:
    """One draft with its content. Needs the scope filing:read. Errors: as `find_filing`, `read_content`."""
    identity.require("filing:read")
    filing = find_filing(state, filing_id, identity)
    content, is_intact = read_content(paths, filing_id, filing.content_hash)
    return FilingDetail(filing=filing, content=content, missing=missing_fields(content), is_intact=is_intact)


def missing_fields(content: FilingContent) -> tuple[FilingField, ...]:
    """Mandatory fields without a value."""
    return tuple(one for one in content.fields if one.is_mandatory and one.value is None)


def content_problems(content: FilingContent) -> list[str]:
    """What keeps a complete draft from being approved: for goAML, where its XML does not fit the subset."""
    return schema_problems(report_xml(content)) if kind_of(content.kind).root == "report" else []


def submit(
    store: StateStore, filing_id: str, *, identity: Identity, now: dt.datetime, note: str | None = None, answered: Answered = None
) -> Filing:  # fmt: skip
    """Give a draft to another person to look at. Needs the scope filing:write."""
    identity.require("filing:write")
    filing = find_filing(store, filing_id, identity)
    _require_state(filing, "submitted", ("draft",))
    return record(store, filing, "submitted", "in_review", identity=identity, now=now, note=note, answered=answered)


def approve(
    store: StateStore,
    paths: TenantPaths,
    filing_id: str,
    *,
    content_hash: str,
    identity: Identity,
    now: dt.datetime,
    note: str | None = None,
    answered: Answered = None,
) -> Filing:
    """Approve the content of that hash. Needs the scope filing:approve, and a person who did not prepare it.

    Errors: `PermissionDeniedError` for the preparer and for assistants, `DataError` where mandatory fields are missing
    or the XML does not fit, `ConflictError` for another state or content.
    """
    filing = _to_judge(store, paths, filing_id, content_hash, identity, "approved")
    content, is_intact = read_content(paths, filing_id, filing.content_hash)
    if not is_intact:
        raise _changed(filing)
    missing = missing_fields(content)
    if missing:
        raise DataError(
            f"{len(missing)} mandatory fields are missing: {', '.join(one.path for one in missing[:8])}.",
            field=missing[0].path,
            rule="mandatory",
            next_step=f"{missing[0].label}: put it in {missing[0].where}. Then submit it again.",
        )
    if problems := content_problems(content):
        raise DataError(
            f"The XML does not fit the schema: {problems[0]}",
            field="xml",
            rule="schema",
            next_step="Correct the field with `aurora draft fill`, then submit it again.",
        )
    return record(store, filing, "approved", "approved", identity=identity, now=now, note=note, answered=answered)


def reject(
    store: StateStore,
    paths: TenantPaths,
    filing_id: str,
    *,
    content_hash: str,
    identity: Identity,
    now: dt.datetime,
    note: str | None = None,
    answered: Answered = None,
) -> Filing:
    """Send a draft back; the note says why. Needs what `approve` needs, but the fields may be missing."""
    filing = _to_judge(store, paths, filing_id, content_hash, identity, "rejected")
    if note is None:
        raise DataError(
            "A rejection says why.", field="note", rule="required", next_step="Say in a sentence what is to be changed."
        )
    return record(store, filing, "rejected", "rejected", identity=identity, now=now, note=note, answered=answered)


def hand_over(
    store: StateStore,
    paths: TenantPaths,
    filing_id: str,
    *,
    authority_reference: str,
    identity: Identity,
    now: dt.datetime,
    note: str | None = None,
    answered: Answered = None,
) -> Filing:
    """A person says that they filed it, and under which number. Needs the scope filing:write and an approval.

    Aurora sends nothing anywhere. Errors: `ConflictError` where it is not approved or its content changed.
    """
    identity.require("filing:write")
    filing = find_filing(store, filing_id, identity)
    _require_state(filing, "handed_over", ("approved",))
    with read_lake(paths) as lake:
        require_person(lake, identity)
    if not read_content(paths, filing_id, filing.content_hash)[1]:
        raise _changed(filing)
    return record(store, filing, "handed_over", "handed_over", identity=identity, now=now, note=note, reference=authority_reference, answered=answered)  # fmt: skip


def record(
    store: StateStore,
    filing: Filing,
    act: FilingAct,
    state: FilingState,
    *,
    identity: Identity,
    now: dt.datetime,
    note: str | None = None,
    reference: str | None = None,
    answered: Answered = None,
) -> Filing:
    """Journal an act that leaves the content as it is, and return the draft after it."""
    event = msgspec.structs.replace(
        filing.events[-1],
        act=act,
        state=state,
        actor_id=identity.actor_id,
        occurred_at=now,
        note=note,
        authority_reference=reference,
    )
    return append(store, [*filing.events, event], answered)


def append(store: StateStore, events: list[FilingEvent], answered: Answered) -> Filing:
    """Journal the last of the events. `ConflictError` when somebody else acted on the draft at the same moment."""
    filing, event = folded(events), events[-1]
    written = JournalRecord(
        record_id=event.filing_id if len(events) == 1 else f"{event.filing_id}.{len(events) - 1}",
        kind=KIND,
        subject_id=event.filing_id,
        actor_id=event.actor_id,
        recorded_at=event.occurred_at,
        body=canonical(event),
    )
    store.append([written], idempotency=None if answered is None else answered(filing)).result()
    return filing


def _to_judge(
    store: StateReader, paths: TenantPaths, filing_id: str, content_hash: str, identity: Identity, act: FilingAct
) -> Filing:
    identity.require("filing:approve")
    filing = find_filing(store, filing_id, identity)
    with read_lake(paths) as lake:
        require_person(lake, identity)
    if identity.actor_id in filing.prepared_by:
        raise PermissionDeniedError(
            f"{identity.actor_id} prepared this draft and may not judge it: four eyes are asked for.",
            field="Authorization",
            rule="four_eyes",
            next_step="Ask another person with the scope filing:approve.",
        )
    _require_state(filing, act, ("in_review",))
    if content_hash != filing.content_hash:
        raise _changed(filing)
    return filing


def _require_state(filing: Filing, act: FilingAct, allowed: Iterable[FilingState]) -> None:
    if filing.state not in allowed:
        raise ConflictError(
            f"Draft {filing.filing_id} is {filing.state.replace('_', ' ')}; it cannot be {act.replace('_', ' ')} now.",
            field="state",
            rule="one_of",
            next_step=_NEXT[filing.state],
        )


def _changed(filing: Filing) -> ConflictError:
    return ConflictError(
        f"The content of draft {filing.filing_id} is not the one that was read or approved.",
        field="content_hash",
        rule="content_hash",
        next_step=f"Look at it anew with `aurora draft show {filing.filing_id}`; a changed file is mended by `aurora draft refresh`.",
    )


_NEXT: Final[dict[FilingState, str]] = {
    "draft": "Submit it first: `aurora draft submit`.",
    "in_review": "Another person approves or rejects it first.",
    "approved": "A person files it with the authority, then `aurora draft handed-over`.",
    "rejected": "Correct it with `aurora draft fill` or `refresh`, then submit it again.",
    "handed_over": "Nothing is left to do; a follow-up is a new draft.",
}
