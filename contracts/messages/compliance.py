"""Rules at work: what enforcing one found and asks for. Records are named by source and key; protected values never stand here."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from msgspec import Meta, Struct

RemedyState = Literal["requested", "done", "failed", "waiting", "closed"]
"""`waiting` is for a person; `closed` is no longer needed, or a person said that it will not be done."""
HoldKind = Literal["hold", "block"]
"""A hold stands until a person releases it; a block falls when the record no longer breaks the rule."""
JudgedAs = Literal["open", "false_positive", "accepted"]
"""What a person may make of a finding."""
Note = Annotated[str, Meta(min_length=3, max_length=2000)]


class EnforcedFinding(Struct, frozen=True, kw_only=True):
    """One record that breaks the rule."""

    finding_id: str
    record_source: str
    about_id: str
    """The record's key without its source, joined by `|`."""
    assistant_id: str | None
    due_at: dt.datetime
    evidence: dict[str, str | None]
    """Values that may be shown; `(protected)` stands for one that may not."""


class Enforcement(Struct, frozen=True, kw_only=True):
    """What enforcing a rule did, or would do."""

    rule_id: str
    is_dry_run: bool
    raw_snapshot_id: int
    judged_count: int
    broken_count: int
    unknown_count: int
    """Records that do not say enough for a verdict."""
    opened_count: int
    remediated_count: int
    requested_count: int
    """Findings for which a remedy is asked for now; one that was asked for before is not asked for again."""
    acts: dict[str, str]
    """What the rule's remedy does, by act."""
    findings: list[EnforcedFinding]
    """At most 200."""
    remedies: dict[str, int] = {}
    """Acts by what became of them: done, waiting for a person, failed. Of a dry run: `would do`, by act."""


class RemediationRequest(Struct, frozen=True, kw_only=True):
    """A remedy asked for, as the journal keeps it."""

    remediation_id: str
    finding_id: str
    rule_id: str
    acts: tuple[str, ...]
    says: str
    about_contract: str
    record_source: str
    about_id: str
    owner_role: str
    due_at: dt.datetime
    actor_id: str
    requested_at: dt.datetime
    rule_version: int = 1
    pack_version: str = ""
    """Of the rule and its pack, as they were when the remedy was asked for."""
    is_sample: bool = False


class RemedyEvent(Struct, frozen=True, kw_only=True):
    """What became of one act of a remedy, as the journal keeps it."""

    remedy_id: str
    finding_id: str
    remedy_state: RemedyState
    reason: str
    """What was done, or why it was not."""
    proof: dict[str, str | int]
    actor_id: str
    recorded_at: dt.datetime


class Remedy(Struct, frozen=True, kw_only=True):
    """One act that mends a finding, as it stands."""

    remedy_id: str
    remediation_id: str
    finding_id: str
    rule_id: str
    act: str
    remedy_state: RemedyState
    says: str
    """The rule's remedy in words."""
    reason: str
    proof: dict[str, str | int]
    about_contract: str
    record_source: str
    about_id: str
    owner_role: str
    due_at: dt.datetime
    requested_at: dt.datetime
    updated_at: dt.datetime
    actor_id: str
    attempt_count: int
    is_sample: bool = False


class RemediesPage(Struct, frozen=True, kw_only=True):
    """Remedies, those due first at the top."""

    remedies: list[Remedy]
    counts: dict[str, int]
    """Of all remedies, by state."""


class Hold(Struct, frozen=True, kw_only=True):
    """A record that nothing is done with until it is released."""

    hold_id: str
    hold_kind: HoldKind
    finding_id: str
    rule_id: str
    about_contract: str
    record_source: str
    about_id: str
    reason: str
    placed_at: dt.datetime
    actor_id: str
    released_at: dt.datetime | None = None
    released_by: str | None = None
    release_note: str | None = None


class HoldRelease(Struct, frozen=True, kw_only=True):
    """The end of a hold, as the journal keeps it."""

    hold_id: str
    released_at: dt.datetime
    released_by: str
    release_note: str


class HoldsPage(Struct, frozen=True, kw_only=True):
    """Holds, newest first."""

    holds: list[Hold]


class FindingJudgement(Struct, frozen=True, kw_only=True):
    """What a person made of a finding, as the journal keeps it."""

    judgement_id: str
    finding_id: str
    rule_id: str
    judged_as: JudgedAs
    note: str
    actor_id: str
    recorded_at: dt.datetime


class RulesChange(Struct, frozen=True, kw_only=True):
    """A version of the tenant's rules that was put in force, as the journal keeps it."""

    change_id: str
    version: int
    """0 is the rules as they are shipped."""
    previous_version: int
    is_back: bool
    changed: list[str]
    """`added AML-023`, `changed AML-002 (parameters)`, `uae_aml 1.0.0 -> 1.1.0` and the like."""
    book_hash_before: str
    book_hash: str
    gained_count: int
    """Records that the back-test found anew in the lake as it was."""
    lost_count: int
    note: str
    actor_id: str
    recorded_at: dt.datetime


class BackTestLine(Struct, frozen=True, kw_only=True):
    """What one changed rule would find and no longer find in the lake as it is."""

    rule_id: str
    change: Literal["added", "removed", "changed"]
    fields: list[str]
    """What is another, of a changed rule."""
    old_count: int
    new_count: int
    gained_count: int
    """Findings that would open."""
    lost_count: int
    """Findings that would close."""
    gained: list[str]
    """The first twenty, as source and key."""
    lost: list[str]


class RulesUpdate(Struct, frozen=True, kw_only=True):
    """What a new version of the rules changes, tried on history; in force only when `is_in_force`."""

    is_in_force: bool
    version: int
    """Number it has, or would have."""
    previous_version: int
    changed: list[str]
    rules: list[BackTestLine]
    checked_example_count: int
    book_hash_before: str
    book_hash: str
    gained_count: int
    lost_count: int
    raw_snapshot_id: int
