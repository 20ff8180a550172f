"""A person's word on findings, drafts and packs, from the page: by the functions that the API and commands use."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import TypeVar

import streamlit as st

from apps.streamlit.reads.compliance import identity_of, rulebook_at
from apps.streamlit.reads.lake import Pin
from apps.streamlit.ui.access import Viewer
from aurora.compliance.findings import Said, judge_finding
from aurora.errors import DataError, PermissionDeniedError
from aurora.filings import book, drafting
from aurora.filings.evidence_pack import Pack, make_pack
from aurora.filings.exports import export
from aurora.identity.keys import Identity
from aurora.store.state import StateStore
from contracts.messages.filings import EvidenceRequest, ExportFormat, Filing, FilingDetail

T = TypeVar("T")
_MIN_REASON = 3


def label_finding(pin: Pin, finding_id: str, said: Said, note: str, *, viewer: Viewer) -> None:
    """Say what a finding is. Errors: `PermissionDeniedError` below operator, `DataError` for a note that says nothing."""
    if not viewer.reaches("operator"):
        raise PermissionDeniedError(
            f"The role {viewer.role} may not judge findings.",
            field="role",
            rule="operator",
            next_step="Ask the owner for the role operator.",
        )
    judge_finding(pin.paths, finding_id, said, actor_id=viewer.actor_id, note=_said(note), now=_now())
    st.cache_data.clear()


def make(pin: Pin, kind: str, about_id: str, source: str | None, *, viewer: Viewer) -> FilingDetail:
    """Draft a report. Errors: as `aurora.filings.drafting.make_draft`."""
    return _with_state(
        pin,
        viewer,
        lambda store, identity: drafting.make_draft(
            store,
            pin.paths,
            rulebook_at(pin),
            kind=kind,
            about_id=about_id.strip(),
            record_source=source or None,
            identity=identity,
            now=_now(),
        ),
    )


def fill(pin: Pin, filing_id: str, values: Mapping[str, str | None], *, viewer: Viewer) -> FilingDetail:
    """Put in what is missing; with nothing given the draft is made anew from the lake."""
    return _with_state(
        pin,
        viewer,
        lambda store, identity: (
            drafting.fill_draft(store, pin.paths, rulebook_at(pin), filing_id, values, identity=identity, now=_now())
            if values
            else drafting.refresh_draft(store, pin.paths, rulebook_at(pin), filing_id, identity=identity, now=_now())
        ),
    )


def submit(pin: Pin, filing_id: str, *, viewer: Viewer) -> Filing:
    """Give a draft to another person."""
    return _with_state(
        pin, viewer, lambda store, identity: book.submit(store, filing_id, identity=identity, now=_now())
    )


def judge(pin: Pin, filing: Filing, *, is_approved: bool, note: str, viewer: Viewer) -> Filing:
    """Approve or reject the content as the page showed it. Errors: as `aurora.filings.book.approve`."""
    act = book.approve if is_approved else book.reject
    said = note.strip() or None
    return _with_state(
        pin,
        viewer,
        lambda store, identity: act(
            store,
            pin.paths,
            filing.filing_id,
            content_hash=filing.content_hash,
            identity=identity,
            now=_now(),
            note=said,
        ),
    )


def hand_over(pin: Pin, filing_id: str, reference: str, *, viewer: Viewer) -> Filing:
    """Say that it was filed, and under which number."""
    if not reference.strip():
        raise DataError(
            "The authority's number is missing.",
            field="authority_reference",
            rule="required",
            next_step="Write the number that the authority gave when you filed it.",
        )
    return _with_state(
        pin,
        viewer,
        lambda store, identity: book.hand_over(
            store, pin.paths, filing_id, authority_reference=reference.strip(), identity=identity, now=_now()
        ),
    )


def exported(pin: Pin, detail: FilingDetail, form: ExportFormat) -> bytes:
    """A draft as a file, protected values covered."""
    return export(detail, form, tenant=pin.tenant)


def pack(pin: Pin, wanted: EvidenceRequest, *, viewer: Viewer) -> Pack:
    """An evidence pack. Errors: as `aurora.filings.evidence.collect`."""
    return _with_state(
        pin,
        viewer,
        lambda store, identity: make_pack(store, pin.paths, rulebook_at(pin), wanted, identity=identity, now=_now()),
    )


def _with_state(pin: Pin, viewer: Viewer, act: Callable[[StateStore, Identity], T]) -> T:
    with StateStore.open(pin.paths, clock=_now) as store:
        return act(store, identity_of(viewer, pin.tenant))


def _said(note: str) -> str:
    if len(note.strip()) < _MIN_REASON:
        raise DataError(
            "Say why.", field="note", rule="at_least", next_step="Write at least three letters; they are kept."
        )
    return note.strip()


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
