"""Settings and promotion by replay over history: nothing is trusted that has not won on days it was not fitted on.

Three steps, each over days before those it will be used on. The autoscaler is the cheapest of a grid (use of a
replica, length of the stabilisation) whose violations stay within a part of the budget: the same care for it as
for the plan that wants its place. The plan's own settings are chosen likewise, over all targets together, for
one target's history is too short to tell one in a hundred windows from two. Then each target's gate: it may use
the forecast where its own replay, safeguards included, took fewer replica-hours and kept to the budget. That the
autoscaler broke the budget, too, is no excuse: where it does, there is nothing to be spent.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from aurora.decisions.capacity.demand import WINDOW_S, DemandSeries, Floats
from aurora.decisions.capacity.plan import CapacityLimits, DemandForecast
from aurora.decisions.capacity.simulate import Outcome, forecast_plan, outcome, reactive_plan, replay
from aurora.errors import DataError

Setting = TypeVar("Setting")

BUDGET = 0.01
"""Share of windows with more demand than capacity that is tolerated."""
CARE = 0.6
"""Part of the budget that settings may use up on the days they are chosen on: later days are less kind."""
TARGET_SHARES = tuple(round(0.4 + 0.05 * step, 2) for step in range(13))
MEMORIES_S = tuple((windows - 1) * WINDOW_S for windows in (1, 2, 3, 6, 12, 18, 36, 72))
QUANTILES = (0.9, 0.95, 0.975, 0.99)
FORECAST_SHARES = (0.8, 0.9, 1.0, 1.1)
FLOOR_SHARES = (0.8, 0.9, 1.0, 1.2)
FLOOR_MEMORIES_S = tuple((windows - 1) * WINDOW_S for windows in (1, 3, 6, 18))
MIN_SAVING = 0.02
"""A promotion must save at least this share of the replica-hours."""


@dataclass(frozen=True, slots=True)
class Case:
    """One target's demand, its limits, and the forecast's demand ahead by quantile level (NaN: no forecast)."""

    series: DemandSeries
    limits: CapacityLimits
    ahead: Mapping[float, Floats]


class GateEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """Why a target may or may not plan with its forecast: both replayed over the same days."""

    is_promoted: bool
    reason: str
    window_count: int
    replica_hours: float
    autoscaler_replica_hours: float
    violation_share: float
    autoscaler_violation_share: float

    @property
    def saved_share(self) -> float:
        """Share of the autoscaler's replica-hours that the plan would not have taken."""
        return 1 - self.replica_hours / max(self.autoscaler_replica_hours, 1e-12)


def choose_autoscaler(cases: Sequence[Case], *, since: int, budget: float = BUDGET * CARE) -> tuple[float, int]:
    """(target_share, stabilisation_s) of least replica-hours over all cases within the budget of violations."""

    def score(setting: tuple[float, int]) -> tuple[float, float]:
        share, memory_s = setting
        changed = [msgspec.structs.replace(case.limits, target_share=share, stabilisation_s=memory_s) for case in cases]
        return _together(
            outcome(case.series.values, reactive_plan(case.series.values, limits), limits, since=since)
            for case, limits in zip(cases, changed, strict=True)
        )

    return _cheapest(list(itertools.product(TARGET_SHARES, MEMORIES_S)), score, budget)


def choose_plan(cases: Sequence[Case], *, since: int, budget: float = BUDGET * CARE) -> tuple[float, float, float, int]:
    """(forecast_quantile, forecast_share, floor_share, floor_s) of least replica-hours within the budget."""

    def score(setting: tuple[float, float, float, int]) -> tuple[float, float]:
        quantile = setting[0]
        changed = [with_plan(case.limits, setting) for case in cases]
        return _together(
            outcome(
                case.series.values,
                forecast_plan(case.series.values, case.ahead[quantile], limits),
                limits,
                since=since,
            )
            for case, limits in zip(cases, changed, strict=True)
        )

    grid = list(itertools.product(QUANTILES, FORECAST_SHARES, FLOOR_SHARES, FLOOR_MEMORIES_S))
    return _cheapest(grid, score, budget)


def with_plan(limits: CapacityLimits, setting: tuple[float, float, float, int]) -> CapacityLimits:
    """`limits` with the settings that `choose_plan` found."""
    quantile, share, floor_share, floor_s = setting
    return msgspec.structs.replace(
        limits, forecast_quantile=quantile, forecast_share=share, floor_share=floor_share, floor_s=floor_s
    )


def judge(
    series: DemandSeries,
    forecast_of: Callable[[int], DemandForecast | None],
    limits: CapacityLimits,
    *,
    since: int,
    budget: float = BUDGET,
) -> GateEvidence:
    """Whether a target may plan with its forecast, by replay from window `since` on. Forecasts must be promoted ones."""
    planned = replay(series, forecast_of, limits, since=since).planned
    ours = outcome(series.values, planned, limits, since=since)
    theirs = outcome(series.values, reactive_plan(series.values, limits), limits, since=since)
    reason = _why_not(ours, theirs, budget)
    saved = 1 - ours.replica_hours / max(theirs.replica_hours, 1e-12)
    return GateEvidence(
        is_promoted=not reason,
        reason=reason or f"{saved:.1%} fewer replica-hours than the autoscaler within the budget of violations.",
        window_count=len(series.values) - since,
        replica_hours=ours.replica_hours,
        autoscaler_replica_hours=theirs.replica_hours,
        violation_share=ours.violation_share,
        autoscaler_violation_share=theirs.violation_share,
    )


def _why_not(ours: Outcome, theirs: Outcome, budget: float) -> str:
    if ours.observed_count < 1 / budget:
        return f"Only {ours.observed_count} windows were observed; one violation in {1 / budget:.0f} cannot be told."
    if ours.violation_share > budget:
        return (
            f"Demand was beyond capacity in {ours.violation_share:.2%} of windows, more than {budget:.0%}; "
            f"with the autoscaler in {theirs.violation_share:.2%}."
        )
    if ours.replica_hours > (1 - MIN_SAVING) * theirs.replica_hours:
        return f"{ours.replica_hours:.0f} replica-hours are not {MIN_SAVING:.0%} under {theirs.replica_hours:.0f}."
    return ""


def _together(outcomes: Iterable[Outcome]) -> tuple[float, float]:
    """Replica-hours of all, and their violations over their windows."""
    found = list(outcomes)
    violations, seen = sum(one.violation_count for one in found), sum(one.observed_count for one in found)
    return sum(one.replica_hours for one in found), violations / max(1, seen)


def _cheapest(grid: Sequence[Setting], score: Callable[[Setting], tuple[float, float]], budget: float) -> Setting:
    """The setting of least hours within the budget; where none is, the one of fewest violations."""
    if not grid:
        raise DataError("There is no setting to choose from.", field="grid", next_step="Give at least one.")
    scored = [(*score(setting), setting) for setting in grid]
    within = [one for one in scored if one[1] <= budget]
    if within:
        return min(within, key=lambda one: one[0])[2]
    return min(scored, key=lambda one: (one[1], one[0]))[2]
