"""What is said about golden records over HTTP. One Struct a document."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from msgspec import Struct

from contracts.messages.entities import EntityKind, RecordName


class GoldenEntry(Struct, frozen=True, kw_only=True):
    """One golden record in the list."""

    entity_id: str
    name: str | None
    """Null for a party, unless the key has privacy:reveal."""
    record_count: int
    source_count: int
    conflict_count: int


class GoldenPage(Struct, frozen=True, kw_only=True):
    """The golden records that most records were made into."""

    entity_kind: EntityKind
    records: list[GoldenEntry]


class GoldenValue(Struct, frozen=True, kw_only=True):
    """What one record holds in one column."""

    column: str
    value: str | None
    """Personal values only for a key with privacy:reveal; what rests encrypted never."""
    source: str
    record_id: str
    updated_at: dt.datetime
    is_survivor: bool
    """The golden record takes this one."""
    is_same: bool
    """It says the same as the golden one, however it is written."""
    strategy: str
    """Why the golden value survived."""


class GoldenMatch(Struct, frozen=True, kw_only=True):
    """Two records held against each other."""

    left: RecordName
    right: RecordName
    other_entity_id: str | None
    """The golden record of the other one, where they are two."""
    verdict: Literal["same", "review", "refused"]
    rule: str
    share: float
    evidence: dict[str, Any]


class GoldenJudgement(Struct, frozen=True, kw_only=True):
    """What a person said."""

    entity_decision_id: str
    verdict: Literal["merge", "unmerge"]
    left: list[RecordName]
    right: list[RecordName]
    actor_id: str
    occurred_at: dt.datetime
    reason: str


class GoldenConflict(Struct, frozen=True, kw_only=True):
    """A system that holds another value, and what it was told."""

    id: str
    is_command: bool
    """A command; else an alert, because Aurora does not write to that system."""
    assistant_id: str | None
    entity_kind: EntityKind
    entity_id: str
    record: RecordName
    column: str
    golden_from: RecordName
    since: dt.datetime
    is_sample: bool


class GoldenConflicts(Struct, frozen=True, kw_only=True):
    """Commands and alerts that wait for a system to agree, oldest first."""

    conflicts: list[GoldenConflict]


class GoldenDetail(Struct, frozen=True, kw_only=True):
    """One golden record: its values, records, evidence, what persons said, who disagrees."""

    entity_kind: EntityKind
    entity_id: str
    asked_for: str
    """Another id where the one asked for was merged into this one."""
    records: list[RecordName]
    values: list[GoldenValue]
    matches: list[GoldenMatch]
    decisions: list[GoldenJudgement]
    open_conflicts: list[GoldenConflict]


class GoldenExplanation(Struct, frozen=True, kw_only=True):
    """Why two records are one, or why not."""

    left: RecordName
    right: RecordName
    verdict: Literal["same", "review", "refused", "different"]
    rule: str
    share: float
    merge_at: float
    review_at: float
    evidence: dict[str, Any]
    are_one: bool


class GoldenDecided(Struct, frozen=True, kw_only=True):
    """A person's decision, recorded; golden records follow in the next build."""

    entity_decision_id: str
    verdict: Literal["merge", "unmerge"]
    entity_id: str
