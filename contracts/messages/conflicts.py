"""The conflict ledger: assistants that contradict each other about one subject, how it was settled, who was right.

A conflict is never changed: each state of it is one record of the journal and one row of the lake.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from msgspec import Meta, Struct

from contracts.messages.decisions import PrivacyClass, Recommendation, Slug, Text

ConflictState = Literal["open", "resolved", "scored"]
ConflictSource = Literal["api", "recommendations", "handoffs"]
ScoreSource = Literal["outcome", "person"]


class ConflictRequest(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Recommendations that contradict each other, as somebody noticed."""

    subject_id: Text
    topic: Slug
    recommendations: Annotated[tuple[Recommendation, ...], Meta(min_length=2, max_length=64)]
    case_id: Text | None = None
    privacy_class: PrivacyClass = "internal"
    compliance_levels: Annotated[tuple[Text, ...], Meta(max_length=16)] = ()


class ConflictScoreRequest(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Which of the recommended actions turned out to be right."""

    right_action: Text
    note: Annotated[str, Meta(max_length=2000)] | None = None


class Conflict(Struct, frozen=True, kw_only=True):
    """A conflict as it stands."""

    conflict_id: Text
    conflict_state: ConflictState
    subject_id: Text
    topic: Slug
    recommendations: tuple[Recommendation, ...]
    detected_by: ConflictSource
    detected_at: dt.datetime
    updated_at: dt.datetime
    actor_id: Text
    region: Text
    case_id: Text | None = None
    privacy_class: PrivacyClass = "internal"
    compliance_levels: tuple[Text, ...] = ()
    decision_id: Text | None = None
    """The decision that resolved it, or gave it to a person."""
    action: Text | None = None
    """What was followed; null while a person has it."""
    right_action: Text | None = None
    is_resolution_right: bool | None = None
    """Null while it is not scored, and where nothing was followed."""
    scored_by: ScoreSource | None = None
    note: str | None = None


class ConflictPage(Struct, frozen=True, kw_only=True):
    """Conflicts, newest first, each as it stands now."""

    conflicts: list[Conflict]
    next_cursor: str | None
