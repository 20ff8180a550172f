"""scale: how many replicas, by the capacity plan (`aurora.decisions.capacity.plan`), inside its limits.

The plan is one candidate among those around it; each says with what probability it serves the coming demand.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import msgspec

from aurora.decisions.capacity.plan import (
    CapacityHistory,
    CapacityLimits,
    CapacityPlan,
    DemandForecast,
    Standing,
    plan_replicas,
)
from aurora.decisions.holding import against
from aurora.decisions.kinds.desk import Desk, Option, plan_options
from aurora.decisions.plans import Plan
from aurora.decisions.policy import Estimate
from aurora.decisions.questions import other_values
from aurora.decisions.slates import LIVE_VETOES, NANO_USD, NOT_KNOWN
from contracts.messages.decision_details import Scaled
from contracts.messages.decisions import DemandQuantiles, ScaleRequest, Veto

_NEAR = (-2, -1, 0, 1, 2)


def plan_scaling(request: ScaleRequest, desk: Desk) -> Plan:
    """The replicas to have until the next plan. `DataError` when history, forecast and limits do not fit."""
    history, limits, forecast = _parts(request)
    planned = plan_replicas(history, forecast, limits, now=desk.decided_at)
    against = _against(request, desk)
    counts = _counts(history, limits, planned)
    options = [
        Option(_estimate(count, planned, request, limits), (*against, *_bounds(count, limits)))
        for count in sorted(counts)
    ]
    details = Scaled(
        replicas_before=history.replicas,
        planned_replicas=planned.replicas,
        until=planned.until,
        decided_by=planned.decided_by,
        reactive_replicas=planned.reactive_replicas,
        forecast_replicas=planned.forecast_replicas,
        forecast_demand=planned.forecast_demand,
    )
    plan = plan_options(options, desk, details=lambda _: details)
    return _reasoned(plan, planned)


def _reasoned(plan: Plan, planned: CapacityPlan) -> Plan:
    """The plan with why the capacity plan says what it says."""
    return replace(plan, reason=f"{planned.reason} {plan.reason}")


def replicas_of(action: str) -> int:
    """The number that an action such as `replicas=4` stands for."""
    return int(action.rpartition("=")[2])


def _parts(request: ScaleRequest) -> tuple[CapacityHistory, CapacityLimits, DemandForecast | None]:
    told = {name: getattr(request.limits, name) for name in CapacityLimits.__struct_fields__}
    limits = CapacityLimits(**{name: value for name, value in told.items() if value is not None})
    told_history = msgspec.structs.asdict(request.history)
    standing = told_history.pop("standing")
    history = CapacityHistory(
        target_id=request.target_id,
        standing=None if standing is None else Standing(**msgspec.structs.asdict(standing)),
        **told_history,
    )
    forecast = None
    if request.forecast is not None:
        forecast = DemandForecast(target_id=request.target_id, **msgspec.structs.asdict(request.forecast))
    return history, limits, forecast


def _counts(history: CapacityHistory, limits: CapacityLimits, planned: CapacityPlan) -> set[int]:
    """What is looked at: the plan, its neighbours, the present figure, both figures it is made of."""
    near = {planned.replicas + step for step in _NEAR}
    found = near | {history.replicas, planned.reactive_replicas or 0, planned.forecast_replicas or 0}
    return {count for count in found if count > 0 or (count == 0 and limits.min_replicas == 0)}


def _bounds(count: int, limits: CapacityLimits) -> tuple[Veto, ...]:
    if limits.min_replicas <= count <= limits.max_replicas:
        return ()
    reason = f"The limits are {limits.min_replicas} to {limits.max_replicas} replicas."
    return (Veto(source="scope", rule_id="limits", reason=reason),)


def _against(request: ScaleRequest, desk: Desk) -> tuple[Veto, ...]:
    """What speaks against scaling the target at all."""
    assistant = desk.assistant(request.target_id)
    on_hold = against(desk.counted, request.target_id)
    values = other_values(request, desk.pack, desk.region)
    if assistant is not None:
        slate = desk.task_question("")[0]
        record = slate.records[slate.positions[assistant.assistant_id]]
        (by_rules,) = desk.admission([record]).vetoes(values, 1)
        state = dict(desk.live).get(assistant.assistant_id)
        return (*on_hold, *((LIVE_VETOES["disabled"],) if state == "disabled" else ()), *by_rules)
    if any(llm.candidate_id == request.target_id for llm in desk.pack.llms):
        (by_rules,) = desk.admission([{"candidate.candidate_id": request.target_id}]).vetoes(values, 1)
        return (*on_hold, *by_rules)
    return (NOT_KNOWN,)


def _estimate(count: int, planned: CapacityPlan, request: ScaleRequest, limits: CapacityLimits) -> Estimate:
    served = limits.replica_rate * count
    hours = Decimal(request.history.window_s) / 3600
    demand = _expected(request)
    return Estimate(
        f"replicas={count}",
        _served_share(served, request),
        1 / (1 + abs(count - planned.replicas)),
        (count * hours * request.limits.replica_usd_per_hour).quantize(NANO_USD),
        0.0,
        min(1.0, demand / served) if served else 1.0,
    )


def _expected(request: ScaleRequest) -> float:
    seen = [value for value in request.history.demand if value is not None]
    return seen[-1] if seen else 0.0


def _served_share(served: float, request: ScaleRequest) -> float:
    """Probability that demand stays under what is served: by the forecast, else by the last windows (Laplace)."""
    if request.forecast is not None:
        return _below(served, request.forecast)
    seen = [value for value in request.history.demand[-48:] if value is not None]
    return (sum(value <= served for value in seen) + 1) / (len(seen) + 2)


def _below(served: float, forecast: DemandQuantiles) -> float:
    """The level that `served` has among the quantiles of the window with the highest of them."""
    peak = max(forecast.values, key=lambda row: row[-1])
    levels = forecast.levels
    if served < peak[0]:
        return levels[0] * served / peak[0] if peak[0] > 0 else levels[0]
    for at in range(1, len(levels)):
        if served < peak[at]:
            share = (served - peak[at - 1]) / (peak[at] - peak[at - 1])
            return levels[at - 1] + share * (levels[at] - levels[at - 1])
    above = 1 - levels[-1]
    return 1.0 - above * (peak[-1] / served if served > 0 else 1.0)
