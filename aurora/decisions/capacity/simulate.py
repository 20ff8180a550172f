"""Capacity played over history: what a plan would have cost in replica-hours, and how often it was too small.

A plan made at the end of a window holds for the next. Replicas that are taken away go at once; those that are
added serve only after `startup_s`, counted in whole windows, so what is ready is the least of the last plans.
A violation is a window whose demand was beyond what was ready. Windows that were not observed cost, but
cannot violate. Fixed fleets, autoscalers and plans with a forecast are all judged by this one code.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from aurora.decisions.capacity.demand import WINDOW_S, DemandSeries, Floats
from aurora.decisions.capacity.plan import (
    CapacityHistory,
    CapacityLimits,
    CapacityPlan,
    DemandForecast,
    Standing,
    plan_replicas,
    replicas_for,
)

Replicas = npt.NDArray[np.float64]
_SLACK = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a sequence of plans came to."""

    replica_hours: float
    observed_count: int
    violation_count: int
    unserved_share: float
    """Share of demand that was beyond what was ready."""
    change_count: int
    replicas_max: int

    @property
    def violation_share(self) -> float:
        """Violations over windows with a known demand."""
        return self.violation_count / max(1, self.observed_count)


def startup_windows(limits: CapacityLimits) -> int:
    """Whole windows until an added replica serves."""
    return math.ceil(limits.startup_s / WINDOW_S)


def ready_replicas(planned: Replicas, delay: int) -> tuple[Replicas, Replicas]:
    """(paid, ready) in each window, where `planned[t]` was decided at the end of window t."""
    paid = np.concatenate([planned[:1], planned[:-1]])
    ready = paid.copy()
    for lag in range(1, delay + 1):
        ready = np.minimum(ready, np.concatenate([np.repeat(paid[:1], lag), paid[:-lag]]))
    return paid, ready


def outcome(values: Floats, planned: Replicas, limits: CapacityLimits, *, since: int = 0) -> Outcome:
    """What `planned` came to from window `since` on."""
    paid, ready = (part[since:] for part in ready_replicas(planned, startup_windows(limits)))
    demand, able = values[since:], ready * limits.replica_rate
    is_seen = ~np.isnan(demand)
    beyond = np.where(is_seen, np.maximum(np.nan_to_num(demand) - able, 0.0), 0.0)
    return Outcome(
        replica_hours=float(paid.sum() * WINDOW_S / 3600),
        observed_count=int(is_seen.sum()),
        violation_count=int((beyond > _SLACK * limits.replica_rate).sum()),
        unserved_share=float(beyond.sum() / max(np.nansum(demand), 1e-12)),
        change_count=int((np.diff(paid) != 0).sum()),
        replicas_max=int(paid.max(initial=0)),
    )


def reactive_plan(values: Floats, limits: CapacityLimits) -> Replicas:
    """The autoscaler's figure at the end of each window; the one before where nothing was observed."""
    return _held(values, limits, limits.stabilisation_s, limits.target_share)


def forecast_plan(values: Floats, ahead: Floats, limits: CapacityLimits) -> Replicas:
    """The larger of forecast and floor at the end of each window, without safeguards: quick, to compare settings.

    `ahead` is demand at the planned quantile, the largest of the windows planned for; NaN: the autoscaler's figure.
    """
    floor = _held(values, limits, limits.floor_s, limits.floor_share)
    asked = np.ceil(ahead / (limits.replica_rate * limits.forecast_share) - _SLACK)
    planned = np.where(np.isnan(asked), reactive_plan(values, limits), np.maximum(asked, floor))
    return _cut(planned, limits)


def fixed_plan(values: Floats, limits: CapacityLimits, *, since: int = 0) -> Replicas:
    """The smallest fleet of one size that keeps the violations of `since` and later to the budget, known afterwards."""
    seen = np.sort(values[since:][~np.isnan(values[since:])])
    allowed = int(limits.violation_budget * len(seen))
    peak = float(seen[-1 - allowed]) if len(seen) else 0.0
    return _cut(np.full(len(values), float(replicas_for(peak, limits.replica_rate))), limits)


def _held(values: Floats, limits: CapacityLimits, memory_s: int, share: float) -> Replicas:
    windows = memory_s // WINDOW_S + 1
    padded = np.concatenate([np.full(windows - 1, -np.inf), np.where(np.isnan(values), -np.inf, values)])
    largest = sliding_window_view(padded, windows).max(axis=1)
    known = np.maximum.accumulate(np.where(np.isinf(largest), -1, np.arange(len(largest))))
    largest = np.where(known >= 0, largest[np.maximum(known, 0)], 0.0)
    return _cut(np.ceil(largest / (limits.replica_rate * share) - _SLACK), limits)


def _cut(planned: Replicas, limits: CapacityLimits) -> Replicas:
    return np.clip(planned, limits.min_replicas, limits.max_replicas)


@dataclass(frozen=True, slots=True)
class Replay:
    """Replicas wanted at the end of each window, and the plans of the windows that were replayed."""

    planned: Replicas
    plans: tuple[CapacityPlan, ...]
    standing: Standing


@dataclass(slots=True)
class _Tally:
    observed: int = 0
    violations: int = 0
    theirs: int = 0
    saved: float = 0.0

    def add(self, demand: float | None, able: float, autoscaler_able: float, saved: float) -> None:
        self.saved += saved
        if demand is not None:
            self.observed += 1
            self.violations += demand > able
            self.theirs += demand > autoscaler_able

    def standing(self) -> Standing:
        return Standing(
            observed_count=self.observed,
            violation_count=self.violations,
            saved_replica_windows=self.saved,
            autoscaler_violation_count=self.theirs,
        )


def replay(
    series: DemandSeries,
    forecast_of: Callable[[int], DemandForecast | None],
    limits: CapacityLimits,
    *,
    since: int,
) -> Replay:
    """Play `plan_replicas` over a series from window `since` on, as it would have run, safeguards included.

    `forecast_of(t)` is the forecast made at the end of window t. Before `since` the autoscaler plans, as it
    did before the promotion.
    """
    delay, autoscaler = startup_windows(limits), reactive_plan(series.values, limits)
    planned, tally = autoscaler.copy(), _Tally()
    known = [None if value != value else value for value in series.values.tolist()]
    plans: list[CapacityPlan] = []
    scaled_at: dt.datetime | None = None
    rate = limits.replica_rate * (1 + _SLACK)
    for now in range(max(since - 1, delay, 1), len(known)):
        if now >= since:
            last = slice(max(0, now - 1 - delay), now)
            able, theirs = (float(way[last].min()) * rate for way in (planned, autoscaler))
            tally.add(known[now], able, theirs, float(autoscaler[now - 1] - planned[now - 1]))
        history = _history(series, known, now, int(planned[now - 1]), scaled_at, tally.standing(), limits)
        plan = plan_replicas(history, forecast_of(now), limits, now=history.ends_at)
        scaled_at = history.ends_at if plan.replicas != history.replicas else scaled_at
        planned[now] = plan.replicas
        plans.append(plan)
    return Replay(planned, tuple(plans), tally.standing())


def _history(
    series: DemandSeries,
    known: list[float | None],
    now: int,
    replicas: int,
    scaled_at: dt.datetime | None,
    standing: Standing,
    limits: CapacityLimits,
) -> CapacityHistory:
    memory = max(limits.stabilisation_s, limits.floor_s) // WINDOW_S + 1
    return CapacityHistory(
        target_id=series.target_id,
        window_s=WINDOW_S,
        ends_at=series.starts_at + dt.timedelta(seconds=WINDOW_S * (now + 1)),
        demand=tuple(known[max(0, now + 1 - memory) : now + 1]),
        replicas=replicas,
        scaled_at=scaled_at,
        standing=standing,
    )
