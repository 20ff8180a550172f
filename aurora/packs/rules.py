"""The rules of a pack: one file each in `compliance/`."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from aurora.packs.words import Line, Slug
from contracts.messages.decisions import DecisionKind


class RuleExample(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A record and the verdict the rule must give on it; a field left out is unknown (NULL)."""

    expect: Literal["pass", "fail", "unknown"]
    request: dict[str, Any] = {}
    candidate: dict[str, Any] = {}
    tenant: dict[str, Any] = {}


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One rule: a condition in SQL that is true of what it forbids."""

    rule_id: Slug
    title: Line
    authority: Line
    source: Line
    article: Line
    jurisdiction: Line
    provenance: Line
    """How sure the source is: S seen, S1 seen once, K general knowledge (to be verified), A/B the plans."""
    effective_from: dt.date
    severity: Literal["critical", "high", "medium", "low"]
    applies_to: Annotated[tuple[DecisionKind, ...], Meta(min_length=1)]
    violates_when: Annotated[str, Meta(min_length=1, max_length=2000)]
    reason: Line
    """What a person reads when the rule forbids a candidate."""
    remediation: Line
    examples: Annotated[tuple[RuleExample, ...], Meta(min_length=2)]
    effective_to: dt.date | None = None
    """First day it no longer holds."""
    compliance_level: Slug | None = None
    """Regime it belongs to (the plan's rule type)."""
    description: Line | None = None
    remediation_action: Slug | None = None
    """What mends a breach, by the name that a workflow or an assistant knows it by."""
