"""Rules at work: what enforcing one found and asks for. Records are named by source and key; protected values never stand here."""

from __future__ import annotations

import datetime as dt

from msgspec import Struct


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
