"""scale: how many replicas, by the capacity plan (`aurora.decisions.capacity.plan`), inside its limits.

The plan is one candidate among those around it; each says with what probability it serves the coming demand.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import msgspec
from msgspec import UNSET

from aurora.decisions.capacity.plan import (
    CapacityHistory,
    CapacityLimits,
    CapacityPlan,
    DemandForecast,
    Standing,
    demand_ahead,
    plan_replicas,
)
from aurora.decisions.holding import against
from aurora.decisions.kinds.desk import Desk, Option, plan_options
from aurora.decisions.plans import Plan
from aurora.decisions.policy import Estimate
from aurora.decisions.questions import other_values
from aurora.decisions.slates import LIVE_VETOES, NANO_USD, NOT_KNOWN
from aurora.errors import UsageError
from contracts.messages.decision_details import Scaled
from contracts.messages.decisions import Demand, DemandQuantiles, ScaleLimits, ScaleRequest, Veto

REPLICAS: Final = "parallel_task_count"
"""The parameter of an assistant that its replicas are: how many tasks are worked on at the same time."""
_NEAR = (-2, -1, 0, 1, 2)


def plan_scaling(request: ScaleRequest, desk: Desk) -> Plan:
    """The replicas to have until the next plan. `DataError` when history, forecast and limits do not fit."""
    told, bounds = request.history, request.limits
    if told is None or bounds is None:
        raise UsageError(
            "The request says neither what was asked of the target nor how far it may be scaled.",
            field="history",
            rule="not_null",
            next_step="Give history and limits, or have them published by `aurora capacity train`.",
        )
    history, limits, forecast = _parts(request, told, bounds)
    planned = plan_replicas(history, forecast, limits, now=desk.decided_at)
    against = _against(request, desk)
    counts = _counts(history, limits, planned)
    options = [
        Option(_estimate(count, planned, told, bounds, request.forecast), (*against, *_bounds(count, limits)))
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
    said = ""
    if request.forecast is not None and forecast is not None and request.forecast.published_hash is not UNSET:
        age_s = (desk.decided_at - forecast.made_at).total_seconds()
        is_stale = demand_ahead(forecast, limits, now=desk.decided_at) is None
        details = msgspec.structs.replace(
            details,
            forecast_hash=request.forecast.published_hash,
            forecast_age_s=age_s,
            is_forecast_stale=is_stale,
        )
        said = _published(forecast, age_s, is_stale=is_stale)
    plan = plan_options(options, desk, details=lambda _: details)
    return replace(plan, reason=f"{said}{planned.reason} {plan.reason}")


def _published(forecast: DemandForecast, age_s: float, *, is_stale: bool) -> str:
    """What is said of a forecast that was read from the tenant's published file."""
    age = dt.timedelta(seconds=round(age_s))
    if is_stale:
        return f"The published forecast is {age} old and says nothing about the time ahead: demand of late decides. "
    if not forecast.is_promoted:
        return f"The published forecast ({age} old) has not won its replay: demand of late decides. "
    return f"By the published forecast ({age} old). "


def replicas_of(action: str) -> int:
    """The number that an action such as `replicas=4` stands for."""
    return int(action.rpartition("=")[2])


def _parts(
    request: ScaleRequest, told: Demand, bounds: ScaleLimits
) -> tuple[CapacityHistory, CapacityLimits, DemandForecast | None]:
    known = {name: getattr(bounds, name) for name in CapacityLimits.__struct_fields__}
    limits = CapacityLimits(**{name: value for name, value in known.items() if value is not None})
    facts = _set_fields(told)
    standing = facts.pop("standing")
    history = CapacityHistory(
        target_id=request.target_id,
        standing=None if standing is None else Standing(**_set_fields(standing)),
        **facts,
    )
    forecast = None
    if request.forecast is not None:
        said = _set_fields(request.forecast)
        said.pop("published_hash", None)
        forecast = DemandForecast(target_id=request.target_id, **said)
    return history, limits, forecast


def _set_fields(told: msgspec.Struct) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(told).items() if value is not UNSET}


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


def _estimate(
    count: int, planned: CapacityPlan, told: Demand, bounds: ScaleLimits, forecast: DemandQuantiles | None
) -> Estimate:
    served = bounds.replica_rate * count
    hours = Decimal(told.window_s) / 3600
    demand = _expected(told)
    return Estimate(
        f"replicas={count}",
        _served_share(served, told, forecast),
        1 / (1 + abs(count - planned.replicas)),
        (count * hours * bounds.replica_usd_per_hour).quantize(NANO_USD),
        0.0,
        min(1.0, demand / served) if served else 1.0,
    )


def _expected(told: Demand) -> float:
    seen = [value for value in told.demand if value is not None]
    return seen[-1] if seen else 0.0


def _served_share(served: float, told: Demand, forecast: DemandQuantiles | None) -> float:
    """Probability that demand stays under what is served: by the forecast, else by the last windows (Laplace)."""
    if forecast is not None:
        return _below(served, forecast)
    seen = [value for value in told.demand[-48:] if value is not None]
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
