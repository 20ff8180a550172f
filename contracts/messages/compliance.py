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
    drafts: str | None = None
    """Kind of report that is drafted, where the rule names one."""


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
    drafts: str | None = None


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


class PackReview(Struct, frozen=True, kw_only=True):
    """A person's word that a rule pack was held against its sources and stands, as the journal keeps it."""

    review_id: str
    rule_pack: str
    pack_version: str
    pack_hash: str
    """Of the rules and parameters that were looked at: what is changed later was not."""
    checked_at: dt.datetime
    checked_against: str
    actor_id: str


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


BreachOrigin = Literal["incident", "finding", "residency_refusal"]
BreachState = Literal["detected", "assessed", "notified_authority", "notified_subjects", "closed"]
BreachStepKind = Literal["assessed", "authority_notified", "subjects_notified", "closed"]


class BreachDetected(Struct, frozen=True, kw_only=True):
    """Something that may be a breach of personal data, as the journal keeps it."""

    breach_id: str
    origin: BreachOrigin
    about_contract: str
    record_source: str
    about_id: str
    rule_ids: list[str]
    """Rules whose findings are the sign of it."""
    jurisdiction: str | None
    authorities: list[str]
    """In charge of it, by name in breaches.yaml."""
    detected_at: dt.datetime
    """When it was noticed: clocks begin."""
    is_sample: bool
    recorded_at: dt.datetime
    actor_id: str


class BreachStep(Struct, frozen=True, kw_only=True):
    """One step of a breach, as the journal keeps it."""

    breach_id: str
    step: BreachStepKind
    done_at: dt.datetime
    """When it was done, which may be before it was recorded."""
    note: str
    actor_id: str
    recorded_at: dt.datetime
    authority: str | None = None
    """Who was told, of `authority_notified`."""
    reference: str | None = None
    """Number or link of the notice."""
    is_personal_breach: bool | None = None
    is_risk_likely: bool | None = None
    is_high_risk: bool | None = None
    affected_subject_count: int | None = None


class BreachDuty(Struct, frozen=True, kw_only=True):
    """Somebody who must be told, and by when."""

    authority: str
    title: str
    who: Literal["authority", "subjects"]
    is_due: bool
    """False where the assessment says that nobody need be told. Before it everybody must."""
    due_at: dt.datetime
    source: str
    """Where the clock stands, and whether it is assumed or to be verified."""
    done_at: dt.datetime | None
    is_overdue: bool


class BreachCase(Struct, frozen=True, kw_only=True):
    """A breach as it stands: what is known, who must be told by when, and every step with actor and time."""

    breach_id: str
    breach_state: BreachState
    origin: BreachOrigin
    about_contract: str
    record_source: str
    about_id: str
    rule_ids: list[str]
    jurisdiction: str | None
    detected_at: dt.datetime
    is_personal_breach: bool | None
    is_risk_likely: bool | None
    is_high_risk: bool | None
    affected_subject_count: int | None
    duties: list[BreachDuty]
    next_due_at: dt.datetime | None
    """Of the first duty that is not met; null when there is none."""
    is_overdue: bool
    next_step: str
    steps: list[BreachStep]
    is_sample: bool


class BreachesPage(Struct, frozen=True, kw_only=True):
    """Breaches that are not closed first, those due first at the top."""

    breaches: list[BreachCase]
    counts: dict[str, int]
    """Of all, by state."""
