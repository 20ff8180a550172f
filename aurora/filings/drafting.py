"""Making a draft from the lake, and making it anew when a person filled a field or the lake moved on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

from aurora.compliance.rulebook import Rulebook
from aurora.errors import ConflictError, UsageError
from aurora.filings.book import append, find_filing, folded, missing_fields, read_filings
from aurora.filings.company import Company, read_company
from aurora.filings.contents import content_hash, keep_content, read_content
from aurora.filings.kind import Kind, Source, kind_of
from aurora.filings.records import Records, due_of
from aurora.identity.keys import Identity
from aurora.store.ids import IdMaker
from aurora.store.journal import IdempotencyKey
from aurora.store.lake import LakeReader, read_lake
from aurora.store.paths import TenantPaths
from aurora.store.state import StateStore
from contracts.messages.filings import Filing, FilingAct, FilingContent, FilingDetail, FilingEvent

AnsweredDetail = Callable[[FilingDetail], IdempotencyKey] | None
_OPEN = ("draft", "in_review", "approved", "rejected")
_MOVING = frozenset({"submission_date"})
"""Fields that say when the draft was made: that alone is no change."""


def derive(
    lake: LakeReader,
    company: Company,
    rulebook: Rulebook,
    *,
    kind: str,
    about_id: str,
    record_source: str | None,
    filing_id: str,
    now: dt.datetime,
    filled: Mapping[str, str] | None = None,
) -> FilingContent:
    """What the draft says by the lake as it is, and by what persons filled. Nothing is written.

    Errors: `NotFoundError` without the record, `UsageError` for a field that the draft does not have.
    """
    made, records, given = kind_of(kind), Records(lake), dict(filled or {})
    about = records.one(made.contract, about_id, record_source)
    source = Source(filing_id, about, records, company, rulebook, now, given)
    parts = made.build(source)
    _check_filled(given, {one.path for one in parts.fields})
    clock = due_of(lake, made.rules, made.contract, about["source"], about_id)
    due = (parts.due_at, parts.due_because) if clock is None else (clock[0], f"{clock[1]}, the finding's clock")
    return FilingContent(
        kind=made.kind,
        title=made.title,
        authority=made.authority,
        about_contract=made.contract,
        record_source=about["source"],
        about_id=about_id,
        raw_snapshot_id=records.snapshot_id,
        derived_at=now,
        is_sample=records.has_samples,
        due_at=due[0],
        due_because=due[1],
        fields=tuple(parts.fields),
        tables=tuple(parts.tables),
        texts=tuple(parts.texts),
        records=records.used,
        notes=tuple(parts.notes),
    )


def _check_filled(given: Mapping[str, str], known: set[str]) -> None:
    stray = sorted(set(given) - known)
    if stray:
        raise UsageError(
            f"The draft has no field {stray[0][:120]!r}.",
            field=stray[0][:120],
            rule="one_of",
            next_step="`aurora draft show` names the fields; a field of a record that is gone is taken back with an empty value.",
        )


def make_draft(
    store: StateStore,
    paths: TenantPaths,
    rulebook: Rulebook,
    *,
    kind: str,
    about_id: str,
    record_source: str | None = None,
    identity: Identity,
    now: dt.datetime,
    is_dry_run: bool = False,
    answered: AnsweredDetail = None,
) -> FilingDetail:
    """Draft a report about one record. Needs the scope filing:write, a confidential kind suspicion:read too.

    Errors: `ConflictError` where an open draft of the kind is about the same record; as `derive`.
    """
    made = _may_make(kind, identity)
    filing_id = IdMaker(lambda: now).new("fil")
    with read_lake(paths) as lake:
        content = derive(
            lake,
            read_company(paths),
            rulebook,
            kind=kind,
            about_id=about_id,
            record_source=record_source,
            filing_id=filing_id,
            now=now,
        )
    if not is_dry_run:
        _refuse_second(store, made, content)
    return _kept(store, paths, [], content, "made", filing_id=filing_id, identity=identity, now=now, is_dry_run=is_dry_run, answered=answered)  # fmt: skip


def fill_draft(
    store: StateStore,
    paths: TenantPaths,
    rulebook: Rulebook,
    filing_id: str,
    values: Mapping[str, str | None],
    *,
    identity: Identity,
    now: dt.datetime,
    answered: AnsweredDetail = None,
) -> FilingDetail:
    """Put in what the lake does not know, or take it back (null); the draft is made anew and any approval is void."""
    return _anew(store, paths, rulebook, filing_id, values, "filled", identity=identity, now=now, answered=answered)


def refresh_draft(
    store: StateStore,
    paths: TenantPaths,
    rulebook: Rulebook,
    filing_id: str,
    *,
    identity: Identity,
    now: dt.datetime,
    answered: AnsweredDetail = None,
) -> FilingDetail:
    """Make the draft anew from the lake as it is. Where it says the same as before nothing happens."""
    return _anew(store, paths, rulebook, filing_id, {}, "refreshed", identity=identity, now=now, answered=answered)


def _anew(
    store: StateStore,
    paths: TenantPaths,
    rulebook: Rulebook,
    filing_id: str,
    values: Mapping[str, str | None],
    act: FilingAct,
    *,
    identity: Identity,
    now: dt.datetime,
    answered: AnsweredDetail,
) -> FilingDetail:
    identity.require("filing:write")
    filing = find_filing(store, filing_id, identity)
    if filing.state == "handed_over":
        raise ConflictError(
            f"Draft {filing_id} was filed as {filing.authority_reference}; it stays as it is.",
            field="state",
            rule="handed_over",
            next_step="Make a new draft for a correction.",
        )
    before, is_intact = read_content(paths, filing_id, filing.content_hash)
    filled = {one.path: one.value for one in before.fields if one.origin == "person" and one.value is not None}
    filled |= {path: said for path, said in values.items() if said}
    for path in (path for path, said in values.items() if not said):
        filled.pop(path, None)
    with read_lake(paths) as lake:
        content = derive(
            lake,
            read_company(paths),
            rulebook,
            kind=filing.kind,
            about_id=filing.about_id,
            record_source=filing.record_source,
            filing_id=filing_id,
            now=now,
            filled=filled,
        )
    if is_intact and _same(before, content):
        return FilingDetail(filing=filing, content=before, missing=missing_fields(before), is_intact=True)
    return _kept(store, paths, list(filing.events), content, act, filing_id=filing_id, identity=identity, now=now, answered=answered)  # fmt: skip


def _kept(
    store: StateStore,
    paths: TenantPaths,
    events: list[FilingEvent],
    content: FilingContent,
    act: FilingAct,
    *,
    filing_id: str,
    identity: Identity,
    now: dt.datetime,
    is_dry_run: bool = False,
    answered: AnsweredDetail = None,
) -> FilingDetail:
    digest = content_hash(content) if is_dry_run else keep_content(paths, filing_id, content)
    missing = missing_fields(content)
    event = FilingEvent(
        filing_id=filing_id,
        act=act,
        state="draft",
        kind=content.kind,
        about_contract=content.about_contract,
        record_source=content.record_source,
        about_id=content.about_id,
        content_hash=digest,
        raw_snapshot_id=content.raw_snapshot_id,
        missing_count=len(missing),
        due_at=content.due_at,
        actor_id=identity.actor_id,
        occurred_at=now,
        region=paths.region,
        is_sample=content.is_sample,
    )
    events = [*events, event]
    detail = FilingDetail(filing=folded(events), content=content, missing=missing, is_intact=True)
    if not is_dry_run:
        append(store, events, None if answered is None else lambda _: answered(detail))
    return detail


def _may_make(kind: str, identity: Identity) -> Kind:
    identity.require("filing:write")
    made = kind_of(kind)
    if made.is_confidential:
        identity.require("suspicion:read")
    return made


def open_filing(store: StateStore, *, kind: str, record_source: str, about_id: str) -> Filing | None:
    """The draft of that kind about that record that is not settled yet, if there is one."""
    for one in read_filings(store):
        is_same = (one.kind, one.record_source, one.about_id) == (kind, record_source, about_id)
        if is_same and one.state in _OPEN:
            return one
    return None


def _refuse_second(store: StateStore, kind: Kind, content: FilingContent) -> None:
    one = open_filing(store, kind=kind.kind, record_source=content.record_source, about_id=content.about_id)
    if one is not None:
        raise ConflictError(
            f"Draft {one.filing_id} is about the same record and is {one.state.replace('_', ' ')}.",
            field="about_id",
            rule="one_open_draft",
            next_step=f"Go on with it: `aurora draft show {one.filing_id}`.",
        )


def _same(before: FilingContent, after: FilingContent) -> bool:
    def said(content: FilingContent) -> tuple[object, ...]:
        fields = tuple(one for one in content.fields if one.path not in _MOVING)
        return fields, content.tables, content.texts, content.records, content.notes, content.due_at

    return said(before) == said(after)
