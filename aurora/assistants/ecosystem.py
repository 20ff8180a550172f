"""The fleet as a whole, with the formulas that its figures are reckoned by."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from aurora.assistants.health import PERFORMANCE_FORMULA
from aurora.handoffs.sharing import Sharing
from aurora.packs.pack import Pack
from contracts.messages.assistants import AssistantState
from contracts.messages.commands import LiveAssistant, LiveFleet
from contracts.messages.ecosystem import (
    Ecosystem,
    EcosystemAssistant,
    EcosystemAssistants,
    EcosystemMetrics,
)

if TYPE_CHECKING:
    from aurora.assistants.ecosystem_facts import EcosystemFacts

_WEIGHT: Final = {"critical": 4, "high": 3, "medium": 2, "low": 1}
_HEALTH: Final[dict[AssistantState, float]] = {"active": 1.0, "degraded": 0.5, "down": 0.0}

FORMULAS: Final = {
    "performance": PERFORMANCE_FORMULA,
    "overallHealth": (
        "100 * sum(weight * health) / sum(weight) over connected assistants that are not disabled; weight: critical 4, "
        "high 3, medium 2, low 1; health: active 1, degraded 0.5, down 0. Null when none is connected."
    ),
    "crossAssistantSuccessRate": (
        "100 * handoffs accepted or completed / handoffs that were decided, in the 30 days up to the newest handoff."
    ),
    "costEfficiency": (
        "100 * cost of tasks that succeeded / cost of all tasks with a known cost and outcome, in the 30 days up to "
        "the newest finished task."
    ),
    "complianceStatus": "Per regime the least favourable of the newest words of the assistants that watch it.",
    "securityAlerts": "Open alerts whose kind names security, access, breach, intrusion or fraud.",
}


def ecosystem(
    pack: Pack, sharing: Sharing, live: LiveFleet | None, facts: EcosystemFacts, *, now: dt.datetime
) -> Ecosystem:
    """The whole state, from memory alone."""
    seen = {one.assistant_id: one for one in live.assistants} if live is not None else {}
    edges: dict[str, list[str]] = {one.assistant_id: [] for one in pack.assistants}
    for edge in sharing.policy.edges:
        edges[edge.from_assistant_id] += edge.to_assistant_ids
    return Ecosystem(
        assistants=EcosystemAssistants(
            by_id={
                one.assistant_id: _in_short(seen.get(one.assistant_id), one.assistant_state) for one in pack.assistants
            },
            dependencies={one.assistant_id: one.depends_on for one in pack.assistants},
            communication_matrix={name: tuple(to) for name, to in edges.items()},
        ),
        active_workflows=facts.active_workflows,
        workflow_history=facts.workflow_history,
        compliance_status={regime: status.posture for regime, status in facts.compliance.items()},
        compliance_sources=facts.compliance,
        security_alerts=facts.alerts,
        ecosystem_metrics=EcosystemMetrics(
            overall_health=overall_health(pack, seen.values()),
            cross_assistant_success_rate=_percent(facts.success_share),
            cost_efficiency=_percent(facts.good_cost_share),
        ),
        formulas=FORMULAS,
        source={
            "rawSnapshotId": facts.snapshot_id,
            "readAt": facts.read_at,
            "polledAt": live.updated_at if live is not None else None,
            "roundMs": live.round_ms if live is not None else None,
        },
        updated_at=now,
    )


def overall_health(pack: Pack, seen: Iterable[LiveAssistant]) -> float | None:
    """0 to 100 by the published formula."""
    weights = {one.assistant_id: _WEIGHT[one.priority] for one in pack.assistants}
    counted = [one for one in seen if one.is_connected and one.assistant_state in _HEALTH]
    total = sum(weights[one.assistant_id] for one in counted)
    if not total:
        return None
    return round(100 * sum(weights[one.assistant_id] * _HEALTH[one.assistant_state] for one in counted) / total, 1)


def _in_short(live: LiveAssistant | None, declared: AssistantState) -> EcosystemAssistant:
    if live is None:
        return EcosystemAssistant(
            status=declared, performance=None, last_ping=None, is_connected=False, is_simulated=False
        )
    return EcosystemAssistant(
        status=live.assistant_state,
        performance=live.performance_score,
        last_ping=live.last_ping,
        is_connected=live.is_connected,
        is_simulated=live.is_simulated,
    )


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 1)
