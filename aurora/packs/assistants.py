"""The assistants of a fleet, as a pack declares them: one file each in `assistants/`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from aurora.packs.words import Line, Share, Slug, Usd
from contracts.messages.assistants import AssistantState, ControlLevel
from contracts.messages.decisions import PrivacyClass

PROTOCOL_EXPORTS = ("assistant_status", "conversation", "handoff", "task", "usage")
"""Contracts that every assistant exports."""


class AssistantPrior(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is believed of an assistant before there is history."""

    success_share: Share
    duration_ms: Annotated[float, Meta(ge=0)]


class Parameter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A parameter of an assistant that may be tuned within bounds."""

    meaning: Line
    value: float
    """What it is unless it was tuned."""
    minimum: float
    maximum: float
    max_step: Annotated[float, Meta(gt=0)]
    """Most that one tune command may change it by."""


class Thresholds(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Beyond these an assistant counts as degraded, and whoever watches it is told."""

    min_uptime_share: Share = 0.995
    max_error_share: Share = 0.05
    max_latency_p95_ms: Annotated[float, Meta(gt=0)] = 10_000.0
    max_open_share: Annotated[float, Meta(gt=0)] = 1.0
    """Open tasks as a share of capacity."""


class Assistant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One assistant of the fleet. `skills` are task types; `regions` say where it runs."""

    assistant_id: Slug
    assistant_name: Line
    role: Line
    priority: Literal["critical", "high", "medium", "low"]
    control_level: ControlLevel
    skills: Annotated[tuple[Slug, ...], Meta(min_length=1)]
    capacity_count: Annotated[int, Meta(ge=0)]
    cost_per_task_usd: Usd
    regions: tuple[Slug, ...]
    prior: AssistantPrior
    description: str = ""
    exposed_data: tuple[Line, ...] = ()
    exports: tuple[Slug, ...] = ()
    """Contracts whose rows it exports, besides those that every assistant does (`PROTOCOL_EXPORTS`)."""
    compliance_levels: tuple[Slug, ...] = ()
    privacy_classes: tuple[PrivacyClass, ...] = ()
    """Classes of data it is cleared for."""
    backup_assistant_id: Slug | None = None
    is_sample: bool = False
    assistant_state: AssistantState = "active"
    depends_on: tuple[Slug, ...] = ()
    """Assistants without which it cannot do its work."""
    parameters: dict[Slug, Parameter] = {}
    """What Aurora may tune, and how far."""
    thresholds: Thresholds = Thresholds()
