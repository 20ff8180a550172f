"""The whole state of the fleet in the shape of the Aurora plan's slice ("Aurora's Enhanced Redux State")."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from msgspec import Struct

from contracts.messages.assistants import AssistantState

Posture = Literal["compliant", "pending_review", "non_compliant", "unknown"]


class EcosystemAssistant(Struct, frozen=True, kw_only=True, rename="camel"):
    """One assistant in short."""

    status: AssistantState
    performance: float | None
    """0 to 100; null before its first answer."""
    last_ping: dt.datetime | None
    """When it last answered; null when it never did."""
    is_connected: bool
    is_simulated: bool


class EcosystemAssistants(Struct, frozen=True, kw_only=True, rename="camel"):
    """Registry and status of the fleet."""

    by_id: dict[str, EcosystemAssistant]
    dependencies: dict[str, tuple[str, ...]]
    """Which assistants each one cannot do without."""
    communication_matrix: dict[str, tuple[str, ...]]
    """Whom each one may speak to."""


class EcosystemWorkflow(Struct, frozen=True, kw_only=True, rename="camel"):
    """One run of a workflow, as its system last said."""

    case_id: str
    workflow_id: str
    case_state: str
    started_at: dt.datetime
    updated_at: dt.datetime
    ended_at: dt.datetime | None
    is_sample: bool


class ComplianceStatus(Struct, frozen=True, kw_only=True, rename="camel"):
    """Where the company stands towards a regime: the least favourable word of those who watch it."""

    posture: Posture
    assistant_id: str | None
    """Who said so; null when Aurora derives it (source `aurora`), or nobody did."""
    source: str | None
    updated_at: dt.datetime | None


class SecurityAlert(Struct, frozen=True, kw_only=True, rename="camel"):
    """An open alert about security."""

    alert_id: str
    alert_kind: str
    severity: str
    summary: str
    assistant_id: str | None
    raised_at: dt.datetime


class EcosystemMetrics(Struct, frozen=True, kw_only=True, rename="camel"):
    """Figures of 0 to 100 by the published formulas; null where there is nothing to reckon with."""

    overall_health: float | None
    cross_assistant_success_rate: float | None
    cost_efficiency: float | None


class Ecosystem(Struct, frozen=True, kw_only=True, rename="camel"):
    """The fleet as a whole: live states from Aurora's polls, the rest from the newest snapshot of the lake."""

    assistants: EcosystemAssistants
    active_workflows: list[EcosystemWorkflow]
    """Runs that are not over, newest first; at most 200."""
    workflow_history: list[EcosystemWorkflow]
    """Runs that are over, newest first; at most 200."""
    compliance_status: dict[str, Posture]
    """`dld`, `rera`, `aml` and every other regime that somebody watches."""
    compliance_sources: dict[str, ComplianceStatus]
    security_alerts: list[SecurityAlert]
    ecosystem_metrics: EcosystemMetrics
    formulas: dict[str, str]
    """How each figure is reckoned."""
    source: dict[str, Any]
    """What it was read from: the snapshot of the lake, and when the fleet was polled."""
    updated_at: dt.datetime
