"""What is said about rules over HTTP: rules, findings, posture, verdicts on one record. One Struct a document."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from contracts.messages.compliance import BreachStepKind, Hold, JudgedAs, Note

PostureName = Literal["compliant", "pending_review", "non_compliant"]
FindingState = Literal["open", "remediated", "false_positive", "accepted"]


class RuleLine(Struct, frozen=True, kw_only=True):
    """One rule about records."""

    rule_id: str
    rule_pack: str
    pack_version: str
    regime: str
    title: str
    instrument: str
    article: str
    said: str
    """What the source asks for, in a line."""
    provenance: str
    must_be_verified: bool
    """The source, or a part of it, is general knowledge."""
    jurisdiction: str
    effective_from: dt.date
    effective_to: dt.date | None
    severity: str
    record: str
    contract: str
    violates_when: str
    clock_kind: str
    clock_value: int | None
    clock_said: str
    remediation: str
    acts: list[str]
    note: str | None
    version: int
    is_stale: bool
    """Its pack was not held against its sources for more than seven days."""


class RulesPage(Struct, frozen=True, kw_only=True):
    """The rules that bind the tenant, by pack and id."""

    rules: list[RuleLine]
    book_hash: str
    rules_version: int
    """Number of the tenant's own version; 0 is the rules as they are shipped."""


class FindingRemedy(Struct, frozen=True, kw_only=True):
    """What became of one act that mends a finding."""

    remedy_id: str
    act: str
    remedy_state: str
    reason: str


class Finding(Struct, frozen=True, kw_only=True):
    """One record that breaks, or broke, a rule."""

    finding_id: str
    rule_id: str
    rule_pack_id: str
    regime: str
    about_contract: str
    record_source: str
    about_id: str
    assistant_id: str | None
    severity: str
    finding_state: FindingState
    evidence: dict[str, str | None]
    """Values that may be shown; `(protected)` stands for one that may not."""
    found_at: dt.datetime
    due_at: dt.datetime
    owner_role: str
    resolved_at: dt.datetime | None
    actor_id: str | None
    note: str | None
    is_sample: bool
    remedies: list[FindingRemedy] = []


class FalsePositives(Struct, frozen=True, kw_only=True):
    """How often people called a rule's findings a false alarm."""

    rule_id: str
    false_positive_count: int
    judged_count: int
    false_positive_share: float
    low: float
    """Of the 95 % Wilson interval, as is `high`."""
    high: float


class FindingsPage(Struct, frozen=True, kw_only=True):
    """Findings, those due first at the top."""

    findings: list[Finding]
    false_positives: list[FalsePositives]
    """Of rules whose findings people judged."""


class JudgeRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person makes of a finding."""

    judged_as: JudgedAs
    note: Note


class CompleteRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A remedy is done; with `is_done` false it will not be."""

    note: Note
    is_done: bool = True


class ReleaseRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a record may be worked on again."""

    note: Note


class BreachStepRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step of a breach. An assessment says `is_personal_breach`, a notice to an authority names it."""

    step: BreachStepKind
    note: Note
    done_at: Annotated[dt.datetime, Meta(tz=True)] | None = None
    """When it was done; now when absent."""
    authority: Annotated[str, Meta(max_length=64)] | None = None
    reference: Annotated[str, Meta(max_length=200)] | None = None
    is_personal_breach: bool | None = None
    is_risk_likely: bool | None = None
    is_high_risk: bool | None = None
    affected_subject_count: Annotated[int, Meta(ge=0)] | None = None


class BackTestRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A version of the rules to try on history. One of the three is given."""

    rule: dict[str, Any] | None = None
    """A rule, as its file holds it."""
    parameters: dict[str, Any] | None = None
    coverage: dict[str, Any] | None = None
    """What sources carry and which law binds, as coverage.yaml holds it."""
    pack: Annotated[str, Meta(max_length=64)] | None = None
    """Rule pack of a new rule or of parameters."""


class RegimePosture(Struct, frozen=True, kw_only=True):
    """Where the company stands towards one regime."""

    regime: str
    authority: str
    posture: PostureName
    open_count: int
    critical_count: int
    overdue_count: int
    next_due_at: dt.datetime | None
    rule_count: int
    judged_count: int
    is_stale: bool
    checked_at: dt.datetime


class AssistantPosture(Struct, frozen=True, kw_only=True):
    """Where one assistant stands, over all regimes."""

    assistant_id: str
    posture: PostureName
    open_count: int
    critical_count: int
    overdue_count: int
    next_due_at: dt.datetime | None


class PostureReport(Struct, frozen=True, kw_only=True):
    """Posture, derived from the findings as they are now."""

    regimes: list[RegimePosture]
    assistants: list[AssistantPosture]
    raw_snapshot_id: int
    false_positives: list[FalsePositives]
    book_hash: str
    rules_version: int


class EnforceRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Enforce a rule, or say what that would do."""

    dry_run: bool = True


class EvaluateRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A record to judge before an act: its columns and the facts that rules need. What is left out is unknown."""

    record: Annotated[str, Meta(min_length=1, max_length=64)]
    values: Annotated[dict[str, Any], Meta(max_length=200)]


class VerdictLine(Struct, frozen=True, kw_only=True):
    """What one rule says."""

    rule_id: str
    verdict: Literal["pass", "fail", "unknown"]
    stops: bool
    title: str
    severity: str
    remediation: str
    unknown_fields: list[str]
    acts: list[str]
    """What mends it: `mask` says that values are to be masked before the act."""
    pack_version: str
    version: int


class Verdicts(Struct, frozen=True, kw_only=True):
    """What every rule in force about the record says."""

    record: str
    may_act: bool
    """No rule stops the act: none is broken, and none that is asked before the act is unknown; nor is it on hold."""
    verdicts: list[VerdictLine]
    book_hash: str
    rules_version: int
    holds: list[Hold]
    """That stand on the record, by its key."""
