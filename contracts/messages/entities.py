"""Golden records in the journal: what a person joined or parted, and what systems are told to put right.

No value of a person's record stands here: the journal is never rewritten. Records are named by source and id.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from msgspec import Meta, Struct

from contracts.messages.decisions import Text

EntityKind = Literal["party", "property"]
Reason = Annotated[str, Meta(min_length=3, max_length=2000)]


class RecordName(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, order=True):
    """One record of one system."""

    source: Text
    record_id: Text


class MergeRequest(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Make two golden records one."""

    other_entity_id: Text
    reason: Reason


class UnmergeRequest(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Part a golden record: the named records leave it and stay away until a person brings them back.

    With `other_entity_id` instead, two golden records that look alike are said to be two.
    """

    reason: Reason
    records: Annotated[tuple[RecordName, ...], Meta(max_length=200)] = ()
    other_entity_id: Text | None = None


class EntityDecision(Struct, frozen=True, kw_only=True):
    """What a person said: `left` and `right` are one (`merge`), or they are two (`unmerge`)."""

    entity_decision_id: str
    verdict: Literal["merge", "unmerge"]
    entity_kind: EntityKind
    entity_id: str
    left: tuple[RecordName, ...]
    right: tuple[RecordName, ...]
    actor_id: str
    occurred_at: dt.datetime
    reason: str
    region: str


class SyncCommand(Struct, frozen=True, kw_only=True):
    """Bring a column of a system's record in line with the golden record. By reference: the value is read when it is sent."""

    command_id: str
    assistant_id: str
    command_kind: Literal["sync"]
    command_state: Literal["issued", "completed", "expired"]
    control_level: str
    actor_id: str
    entity_kind: EntityKind
    entity_id: str
    record: RecordName
    column: str
    golden_from: RecordName
    """The record whose value survived."""
    batch_seq: int
    """Batch of the record's state that disagreed."""
    issued_at: dt.datetime
    updated_at: dt.datetime
    is_sample: bool
    region: str


class SyncAlert(Struct, frozen=True, kw_only=True):
    """The same for a system that Aurora never writes to: a person there must put it right."""

    alert_id: str
    alert_kind: Literal["golden_conflict"]
    severity: Literal["medium"]
    summary: str
    assistant_id: str | None
    entity_kind: EntityKind
    entity_id: str
    record: RecordName
    column: str
    golden_from: RecordName
    batch_seq: int
    raised_at: dt.datetime
    updated_at: dt.datetime
    resolved_at: dt.datetime | None
    is_sample: bool
    region: str
