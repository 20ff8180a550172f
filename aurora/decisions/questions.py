"""What rules read of a request: its fields as a flat record. A field that a kind does not have is unknown."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal

from aurora.decisions.slates import NANO_USD
from aurora.errors import UsageError
from aurora.packs import Pack
from contracts.messages.decisions import (
    KIND_OF,
    DecisionRequest,
    OpenTask,
    RebalanceRequest,
    ResolveConflictRequest,
    RouteLlmRequest,
    RouteTaskRequest,
    ScaleRequest,
    TuneRequest,
)


def task_values(request: RouteTaskRequest, pack: Pack, region: str) -> dict[str, object]:
    """Of a task that is routed."""
    task_type = pack.task_types.get(request.task_type)
    own = task_type.compliance_levels if task_type is not None else ()
    asked_levels = request.compliance_levels
    return {
        "request.kind": "route_task",
        "request.task_type": request.task_type if task_type is not None else None,
        "request.is_acting": task_type.is_acting if task_type is not None else None,
        "request.priority": request.priority,
        "request.privacy_class": request.privacy_class,
        "request.data_region": request.data_region or region,
        "request.compliance_levels": tuple(sorted({*own, *asked_levels})) if asked_levels else own,
        "request.max_cost_usd": ceiling(request.max_cost_usd),
        "request.deadline_ms": request.deadline_ms,
        "request.mode": request.mode,
    }


def open_task_values(task: OpenTask, mode: str, pack: Pack, region: str) -> dict[str, object]:
    """Of open work that may move: what routing it anew would be asked with."""
    routed = RouteTaskRequest(
        task_type=task.task_type,
        priority=task.priority,
        privacy_class=task.privacy_class,
        data_region=task.data_region,
        compliance_levels=task.compliance_levels,
        mode=mode,  # type: ignore[arg-type]
    )
    return task_values(routed, pack, region)


def llm_values(request: RouteLlmRequest, region: str) -> dict[str, object]:
    """Of a question to a language model."""
    return {
        "request.kind": "route_llm",
        "request.task_type": request.task_type,
        "request.is_acting": None,
        "request.priority": None,
        "request.privacy_class": request.privacy_class,
        "request.data_region": request.data_region or region,
        "request.compliance_levels": (),
        "request.max_cost_usd": ceiling(request.max_cost_usd),
        "request.deadline_ms": None,
        "request.mode": request.mode,
    }


def other_values(
    request: ResolveConflictRequest | ScaleRequest | TuneRequest | RebalanceRequest, pack: Pack, region: str
) -> dict[str, object]:
    """Of the other kinds: a conflict's topic may be a task type; scaling and tuning change something by nature."""
    found: dict[str, object] = {
        "request.kind": KIND_OF[type(request)],
        "request.task_type": None,
        "request.is_acting": True,
        "request.priority": None,
        "request.privacy_class": None,
        "request.data_region": region,
        "request.compliance_levels": (),
        "request.max_cost_usd": None,
        "request.deadline_ms": None,
        "request.mode": request.mode,
    }
    if isinstance(request, ResolveConflictRequest):
        task_type = pack.task_types.get(request.topic)
        own = task_type.compliance_levels if task_type is not None else ()
        found |= {
            "request.task_type": request.topic if task_type is not None else None,
            "request.is_acting": task_type.is_acting if task_type is not None else True,
            "request.privacy_class": request.privacy_class,
            "request.data_region": request.data_region or region,
            "request.compliance_levels": tuple(sorted({*own, *request.compliance_levels})),
        }
    return found


def rollout_key(request: DecisionRequest, decision_id: str) -> str:
    """What says on which side of a rollout's share the work falls: the same work, the same side."""
    for name in ("task_id", "case_id", "conversation_id", "conflict_id", "target_id", "assistant_id"):
        found = getattr(request, name, None)
        if found:
            return str(found)
    return decision_id


def ceiling(amount: Decimal | None) -> Decimal | None:
    """The ceiling as the lake holds amounts; cut, never rounded up."""
    if amount is None:
        return None
    if not amount.is_finite() or not 0 <= amount < 10**9:
        raise UsageError(
            "max_cost_usd is not an amount from 0 to 1,000,000,000 USD.",
            field="max_cost_usd",
            rule="at_least",
            next_step="Give an amount in US dollars, or leave it out.",
        )
    return amount.quantize(NANO_USD, rounding=ROUND_FLOOR)
