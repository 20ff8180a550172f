"""Drafts of reports to authorities: what one says, what is missing, who approved it. A draft is never filed by itself."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from msgspec import Meta, Struct

from contracts.messages.decisions import Text

FilingKind = Literal["rear", "str", "ffr", "pnmr", "pdpl_breach", "gdpr_breach", "rera_checklist", "dld_costs"]
FilingState = Literal["draft", "in_review", "approved", "rejected", "handed_over"]
FilingAct = Literal["made", "filled", "refreshed", "submitted", "approved", "rejected", "handed_over"]
FieldOrigin = Literal["lake", "company", "person", "derived", "missing"]
ExportFormat = Literal["xml", "pdf", "json", "html"]
Note = Annotated[str, Meta(min_length=3, max_length=2000)]


class FilingField(Struct, frozen=True, kw_only=True):
    """One field of a draft, its value as text; protected values stay sealed until they are exported in clear."""

    path: str
    label: str
    value: str | None
    origin: FieldOrigin
    is_mandatory: bool
    why: str
    """Why it is asked for."""
    where: str
    """Where it is put when it is missing."""


class FilingTable(Struct, frozen=True, kw_only=True):
    """A table of a draft, as texts."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]


class FilingText(Struct, frozen=True, kw_only=True):
    """A letter or paragraph that goes with the draft."""

    title: str
    body: str


class FilingRecord(Struct, frozen=True, kw_only=True):
    """A record of the lake that the draft was made from, in the state that it had."""

    contract: str
    record_source: str
    record_id: str
    updated_at: dt.datetime | None
    row_hash: str
    """SHA-256 (hex) of the row as it stood in the lake."""


class FilingContent(Struct, frozen=True, kw_only=True):
    """What a draft says. Its canonical JSON is what is hashed and approved."""

    kind: FilingKind
    title: str
    authority: str
    about_contract: str
    record_source: str
    about_id: str
    raw_snapshot_id: int
    derived_at: dt.datetime
    is_sample: bool
    """The records are made up."""
    due_at: dt.datetime | None
    due_because: str | None
    fields: tuple[FilingField, ...]
    tables: tuple[FilingTable, ...]
    texts: tuple[FilingText, ...]
    records: tuple[FilingRecord, ...]
    notes: tuple[str, ...]


class FilingEvent(Struct, frozen=True, kw_only=True):
    """One act on a draft, as the journal keeps it: the content's hash, not the content."""

    filing_id: str
    act: FilingAct
    state: FilingState
    kind: FilingKind
    about_contract: str
    record_source: str
    about_id: str
    content_hash: str
    """SHA-256 (hex) of the content's canonical JSON."""
    raw_snapshot_id: int
    missing_count: int
    due_at: dt.datetime | None
    actor_id: str
    occurred_at: dt.datetime
    region: str
    is_sample: bool
    note: str | None = None
    authority_reference: str | None = None
    """The authority's own number, as a person got it when they filed."""


class Filing(Struct, frozen=True, kw_only=True):
    """A draft in its newest state."""

    filing_id: str
    kind: FilingKind
    title: str
    authority: str
    state: FilingState
    about_contract: str
    record_source: str
    about_id: str
    content_hash: str
    raw_snapshot_id: int
    missing_count: int
    due_at: dt.datetime | None
    prepared_by: tuple[str, ...]
    """Everybody who had a hand in the content; none of them may approve it."""
    approved_by: str | None
    approved_at: dt.datetime | None
    authority_reference: str | None
    made_at: dt.datetime
    updated_at: dt.datetime
    is_sample: bool
    events: tuple[FilingEvent, ...]


class FilingDetail(Struct, frozen=True, kw_only=True):
    """A draft with its content and what it still misses."""

    filing: Filing
    content: FilingContent
    missing: tuple[FilingField, ...]
    is_intact: bool
    """The stored content is the one whose hash the journal holds."""


class FilingKindLine(Struct, frozen=True, kw_only=True):
    """A kind of draft that can be made."""

    kind: FilingKind
    title: str
    authority: str
    about_contract: str
    is_confidential: bool
    """Asks for the scope suspicion:read, against tipping off."""
    exports: tuple[ExportFormat, ...]
    says: str


class FilingKindsPage(Struct, frozen=True, kw_only=True):
    """The kinds of draft."""

    kinds: list[FilingKindLine]


class FilingPage(Struct, frozen=True, kw_only=True):
    """Drafts, the newest first."""

    filings: list[Filing]


class MakeFilingRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Draft a report about one record of the lake."""

    kind: FilingKind
    about_id: Text
    record_source: Text | None = None
    """Needed where two sources know a record of that id."""
    dry_run: bool = False


class FillRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Values for fields of a draft, by path; null takes back what a person put in. Whatever was approved is void."""

    values: Annotated[dict[Text, Annotated[str, Meta(max_length=8000)] | None], Meta(min_length=1, max_length=200)]


class FilingVerdictRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Approve or reject a draft: the content with this hash, as it was read."""

    content_hash: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
    note: Note | None = None


class HandOverRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person says that they filed an approved draft with the authority, and under which number."""

    authority_reference: Text
    note: Note | None = None


class EvidenceRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an evidence pack is about: exactly one of them."""

    regime: Text | None = None
    deal_id: Text | None = None
    finding_id: Text | None = None
