"""How many replicas a target needs: the larger of a forecast's quantile and a stabilised reactive figure.

Pure: history, forecast, limits and the time in, a plan out; the same in gives the same plan, so that a
receipt that holds the four can be replayed. A window that was not observed is missing, never zero demand.

The reactive figure is what a stabilised horizontal autoscaler asks for: demand over the share of a replica that
is planned for, and on the way down the largest figure of the last `stabilisation_s`. Without a promoted forecast
(`gate.py`) it is the plan. Beneath a promoted one stands a looser reactive floor, and three safeguards hold the plan
to the autoscaler it replaced. It is smaller than the autoscaler's only while one more spell of violations fits into
the budget; having had more violations than the autoscaler would have had, it makes amends with more replicas than
that until it is even; and it is larger only by replicas that it has saved before.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Annotated, Literal

from msgspec import Meta, Struct

from aurora.errors import DataError

Decider = Literal["forecast", "reactive", "both", "held", "minimum", "maximum"]
Positive = Annotated[float, Meta(gt=0)]
Share = Annotated[float, Meta(gt=0, le=1)]
AMENDS = 1.2
"""Of the autoscaler's replicas, while a plan makes amends for violations that the autoscaler would not have had."""
_SLACK = 1e-9
"""Rounding error that is not worth a replica."""


class Standing(Struct, frozen=True, kw_only=True):
    """How the plan has fared since its forecast was promoted, beside the autoscaler that it replaced."""

    observed_count: Annotated[int, Meta(ge=0)]
    """Windows with a known demand."""
    violation_count: Annotated[int, Meta(ge=0)]
    """Windows whose demand was beyond what was ready."""
    saved_replica_windows: float
    """Replicas times windows that the autoscaler would have taken more."""
    autoscaler_violation_count: Annotated[int, Meta(ge=0)] | None = None
    """Windows whose demand would have been beyond what the autoscaler had ready; None: nobody kept count."""


class CapacityHistory(Struct, frozen=True, kw_only=True):
    """What a target (assistant or llm) was asked to do lately, and what it runs on."""

    target_id: str
    window_s: Annotated[int, Meta(gt=0)]
    ends_at: dt.datetime
    """End of the last window."""
    demand: tuple[float | None, ...]
    """Units a second (requests or tokens) of each window, oldest first; null: not observed."""
    replicas: Annotated[int, Meta(ge=0)]
    """Wanted at this moment, whether or not they have all started."""
    scaled_at: dt.datetime | None = None
    """When that figure last changed."""
    backlog: Annotated[float, Meta(ge=0)] = 0.0
    """Units that wait, after an outage for example."""
    standing: Standing | None = None
    """None: no safeguards, for example because nobody keeps count."""


class DemandForecast(Struct, frozen=True, kw_only=True):
    """Quantiles of the coming windows' demand. Promoted: replay over history won, so a plan may rest on it."""

    target_id: str
    made_at: dt.datetime
    window_s: Annotated[int, Meta(gt=0)]
    levels: tuple[float, ...]
    """Quantile levels, rising, such as .05, .5, .95."""
    values: tuple[tuple[float, ...], ...]
    """Units a second: one row a window after `made_at`, one column a level."""
    is_promoted: bool = False
    bundle_hash: str | None = None


class CapacityLimits(Struct, frozen=True, kw_only=True):
    """What may be planned, and how carefully. Set for a tenant and target; tuned by replay (`gate.py`)."""

    replica_rate: Positive
    """Units a second that one replica serves."""
    min_replicas: Annotated[int, Meta(ge=0)] = 1
    max_replicas: Annotated[int, Meta(ge=1)] = 100
    target_share: Share = 0.7
    """Share of a replica's rate that the autoscaler plans for."""
    stabilisation_s: Annotated[int, Meta(ge=0)] = 1800
    """How long the autoscaler remembers its largest figure."""
    floor_share: Positive = 1.0
    """As `target_share`, of the floor beneath a promoted forecast; over 1 is less than what was asked."""
    floor_s: Annotated[int, Meta(ge=0)] = 1200
    """As `stabilisation_s`, of that floor."""
    startup_s: Annotated[int, Meta(ge=0)] = 300
    """From asking for a replica to its first answer."""
    cooldown_s: Annotated[int, Meta(ge=0)] = 0
    """No replica is taken away so soon after a change."""
    hysteresis_share: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    """A plan that is smaller by less than this share is not worth a change."""
    drain_s: Annotated[int, Meta(gt=0)] = 1800
    """In how long a backlog shall be worked off."""
    forecast_quantile: Annotated[float, Meta(gt=0, lt=1)] = 0.95
    forecast_share: Positive = 1.0
    """Share of a replica's rate that the forecast's quantile may use up."""
    violation_budget: Annotated[float, Meta(gt=0, lt=1)] = 0.01
    """Share of windows that may see more demand than capacity."""


class CapacityPlan(Struct, frozen=True, kw_only=True):
    """Replicas wanted until a time, and why."""

    target_id: str
    replicas: int
    until: dt.datetime
    """When it wants to be made anew: a window later."""
    decided_by: Decider
    """Which figure won; `held`: neither, the present figure was kept; `minimum`, `maximum`: a limit cut it."""
    reason: str
    reactive_replicas: int | None
    """None when nothing was observed in the stabilisation window."""
    forecast_replicas: int | None
    """None without a promoted forecast of these windows."""
    forecast_demand: float | None
    """Units a second at `forecast_quantile`, the largest of the windows planned for."""
    forecast_quantile: float | None
    is_forecast_used: bool


def plan_replicas(
    history: CapacityHistory, forecast: DemandForecast | None, limits: CapacityLimits, *, now: dt.datetime
) -> CapacityPlan:
    """The plan from `now` until a window later. `DataError` when limits or forecast do not fit together."""
    _check(history, forecast, limits)
    reactive = reactive_replicas(history, limits, now=now)
    demand = None if forecast is None or not forecast.is_promoted else demand_ahead(forecast, limits, now=now)
    waiting = history.backlog / limits.drain_s
    ahead = None if demand is None else replicas_for(demand + waiting, limits.replica_rate * limits.forecast_share)
    wanted, decided_by, why = _wanted(history, limits, reactive, ahead, now)
    if decided_by != "held" and wanted < history.replicas and (kept := _kept(wanted, history, limits, now)):
        wanted, decided_by, why = history.replicas, "held", kept
    replicas = min(max(wanted, limits.min_replicas), limits.max_replicas)
    if replicas != wanted:
        decided_by = "minimum" if replicas > wanted else "maximum"
        why = f"{why} Cut to the {decided_by} of {replicas}."
    return CapacityPlan(
        target_id=history.target_id,
        replicas=replicas,
        until=now + dt.timedelta(seconds=history.window_s),
        decided_by=decided_by,
        reason=why,
        reactive_replicas=reactive,
        forecast_replicas=ahead,
        forecast_demand=demand,
        forecast_quantile=None if ahead is None else limits.forecast_quantile,
        is_forecast_used=decided_by in {"forecast", "both"},
    )


def replicas_for(demand: float, usable_rate: float) -> int:
    """Replicas that serve `demand` when each gives `usable_rate` (units a second)."""
    return max(0, math.ceil(demand / usable_rate - _SLACK))


def reactive_replicas(history: CapacityHistory, limits: CapacityLimits, *, now: dt.datetime) -> int | None:
    """What a stabilised autoscaler asks for at `now`; None when it saw nothing in its stabilisation window."""
    return _reactive(history, limits, limits.stabilisation_s, limits.target_share, now)


def _reactive(
    history: CapacityHistory, limits: CapacityLimits, memory_s: int, share: float, now: dt.datetime
) -> int | None:
    age_s = max(0.0, (now - history.ends_at).total_seconds())
    windows = max(1, int((memory_s - age_s) // history.window_s) + 1)
    seen = [value for value in history.demand[-windows:] if value is not None]
    if not seen:
        return None
    return replicas_for(max(seen) + history.backlog / limits.drain_s, limits.replica_rate * share)


def demand_ahead(forecast: DemandForecast, limits: CapacityLimits, *, now: dt.datetime) -> float | None:
    """The largest demand at the planned quantile until a replica asked for at the next plan could answer.

    None when the forecast ends before that: an outdated forecast is no forecast.
    """
    width = forecast.window_s
    first = math.floor((now - forecast.made_at).total_seconds() / width)
    last = math.ceil(((now - forecast.made_at).total_seconds() + limits.startup_s + width) / width)
    if first < 0 or last > len(forecast.values):
        return None
    return max(quantile_of(forecast.levels, row, limits.forecast_quantile) for row in forecast.values[first:last])


def quantile_of(levels: tuple[float, ...], values: tuple[float, ...], level: float) -> float:
    """The value at `level`, between the two levels beside it; the outermost beyond them."""
    if level <= levels[0]:
        return values[0]
    for index in range(1, len(levels)):
        if level <= levels[index]:
            share = (level - levels[index - 1]) / (levels[index] - levels[index - 1])
            return values[index - 1] + share * (values[index] - values[index - 1])
    return values[-1]


def _wanted(
    history: CapacityHistory, limits: CapacityLimits, reactive: int | None, ahead: int | None, now: dt.datetime
) -> tuple[int, Decider, str]:
    sees = f"the forecast at {limits.forecast_quantile:.1%} asks for {ahead}"
    if reactive is None:
        if ahead is None or ahead <= history.replicas:
            return history.replicas, "held", "Nothing was observed lately, so nothing is taken away."
        return ahead, "forecast", f"Nothing was observed lately; {sees}."
    looks = f"the autoscaler ({limits.stabilisation_s / 60:g} minutes, {limits.target_share:.0%} use) for {reactive}"
    if ahead is None:
        return reactive, "reactive", f"No promoted forecast; {looks}."
    floor = _reactive(history, limits, limits.floor_s, limits.floor_share, now)
    floor = reactive if floor is None else floor
    wanted = max(ahead, floor)
    decided_by: Decider = "both" if ahead == floor else "forecast" if ahead > floor else "reactive"
    why = f"{sees[0].upper()}{sees[1:]}, demand of late for {floor}: the larger; {looks}."
    held = _safeguarded(wanted, reactive, history, limits)
    if held != wanted:
        side = "Another violation is not within the budget" if held > wanted else "Nothing more has been saved before"
        return held, "reactive" if held >= reactive else "forecast", f"{why} {side}: {held}."
    return wanted, decided_by, why


def _safeguarded(wanted: int, reactive: int, history: CapacityHistory, limits: CapacityLimits) -> int:
    """`wanted`, held to the autoscaler where another spell of violations is beyond the budget, or savings end.

    A jump of demand is seen when its window is over and answered by replicas that start up meanwhile, so violations
    come in spells of that many windows. The first spell is free; each later one must fit into the budget whole.
    """
    standing = history.standing
    if standing is None:
        return wanted
    spell = math.ceil(limits.startup_s / history.window_s) + 1
    if standing.violation_count + spell > max(spell, limits.violation_budget * standing.observed_count):
        wanted = max(wanted, reactive)
        theirs = standing.autoscaler_violation_count
        if theirs is not None and standing.violation_count > theirs:
            wanted = math.ceil(wanted * AMENDS - _SLACK)
    return min(wanted, reactive + max(0, math.floor(standing.saved_replica_windows)))


def _kept(wanted: int, history: CapacityHistory, limits: CapacityLimits, now: dt.datetime) -> str:
    """Why nothing is taken away yet; empty when it may be."""
    if history.scaled_at is not None and (now - history.scaled_at).total_seconds() < limits.cooldown_s:
        return f"{wanted} would do, but the last change is less than {limits.cooldown_s / 60:g} minutes ago."
    if wanted > history.replicas * (1 - limits.hysteresis_share):
        return f"{wanted} would do; a change of under {limits.hysteresis_share:.0%} is not made."
    return ""


def _check(history: CapacityHistory, forecast: DemandForecast | None, limits: CapacityLimits) -> None:
    if limits.min_replicas > limits.max_replicas:
        raise _misfit("min_replicas", f"{limits.min_replicas} is over max_replicas {limits.max_replicas}")
    if forecast is None:
        return
    if forecast.target_id != history.target_id:
        raise _misfit("forecast", f"is of {forecast.target_id}, the history of {history.target_id}")
    if not forecast.levels or any(len(row) != len(forecast.levels) for row in forecast.values):
        raise _misfit("forecast", "has rows that do not hold one value a level")
    if list(forecast.levels) != sorted(set(forecast.levels)):
        raise _misfit("forecast", "has levels that do not rise")


def _misfit(field: str, problem: str) -> DataError:
    return DataError(
        f"No capacity plan can be made: {field} {problem}.",
        field=field,
        rule="capacity",
        next_step="Give limits, history and forecast of one target that fit together.",
    )
