"""Capacity on ServeGen: replica-hours of the plan against stabilised autoscalers, at no more than 1 % violations.

`data` as in the forecast bench. Everything is chosen on days before the judged ones: the estimator of the gate is
trained on the first two thirds of the known days; on the last third the autoscaler's settings, the plan's and the
gate's verdicts are chosen; then a new estimator is trained on all known days. The best autoscaler that the plan is
held against is chosen afterwards, on the judged days themselves: the cheapest of the grid that keeps to 1 %.
The safeguards were designed on one half of the series (by the hash of their names) over earlier days; `held_half`
is the other half. A replica is sized so that a target's 99th percentile needs 20, and starts in ten minutes.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from aurora.decisions.capacity.gate import BUDGET, Case, choose_autoscaler
from aurora.decisions.capacity.plan import CapacityLimits
from aurora.decisions.capacity.simulate import Outcome, fixed_plan, outcome, reactive_plan, replay
from aurora.errors import DataError
from aurora.settings import Settings
from benchmarks.harness import Result
from ml.demand.estimator import ROWS, Estimator, fit
from ml.demand.predict import hindcasts
from ml.demand.sources import CLIENTS, Trace, grouped, load_traces, training_series
from ml.demand.tuning import Target, forecaster, horizons_for, sized, tune

HOURS_RATIO = 0.95
_logger = logging.getLogger("benchmarks")
TUNED_FROM = 2 / 3
"""Of the known days: where the gate's days begin."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """One target over the judged windows."""

    target_id: str
    is_promoted: bool
    ours: Outcome
    chosen: Outcome
    best: Outcome
    own_best: Outcome
    fixed: Outcome


def run(*, data: Path | None, scale: float) -> list[Result]:
    """Figures over all services and clients, each weighed by its replicas."""
    shared = Settings().shared_data_dir
    traces = load_traces(data or shared, shared, clients=max(3, round(CLIENTS * min(scale, 1.0))))
    traces = [trace for trace in traces if trace.kind != "burstgpt"]
    most = max(5000, round(ROWS * min(scale, 1.0)))
    judged: list[_Judged] = []
    for judged_from, trained_until, group in grouped(traces):
        try:
            judged += _judge(group, judged_from, _trainer(shared, trained_until, most))
        except DataError as error:
            names = ", ".join(trace.series.target_id for trace in group)
            _logger.warning("Not judged: %s. %s", names, error)
    skipped = Result(metric="series_skipped", value=len(traces) - len(judged), unit="count")
    if not judged:
        return [Result(metric="series_judged", value=0.0, unit="count", bar=1.0, op=">="), skipped]
    return [*_figures(judged), skipped]


def _trainer(shared: Path, until: int | None, most: int) -> Callable[[int], Estimator]:
    """Trains on known days up to a window; on all of them for traces of another clock."""
    return lambda window: fit(training_series(shared, until=until and window), most=most).estimator


def _judge(group: Sequence[Trace], until: int, train: Callable[[int], Estimator]) -> list[_Judged]:
    since = int(TUNED_FROM * until)
    tuned = tune(_targets(group, train(since), known_until=until, until=until), since=since)
    targets = [
        Target(one.series, tuned.limits[one.series.target_id], one.found)
        for one in _targets(group, train(until), known_until=until, until=None)
    ]
    best = choose_autoscaler([Case(one.series, one.limits, {}) for one in targets], since=until, budget=BUDGET)
    return [_one(one, until, best, is_promoted=tuned.evidence[one.series.target_id].is_promoted) for one in targets]


def _targets(group: Sequence[Trace], estimator: Estimator, *, known_until: int, until: int | None) -> list[Target]:
    found = []
    for trace in group:
        series = trace.series if until is None else trace.series.until(until)
        limits = sized(series, until=known_until)
        found.append(Target(series, limits, hindcasts(estimator, series, horizons_for(limits))))
    return found


def _one(target: Target, since: int, best: tuple[float, int], *, is_promoted: bool) -> _Judged:
    values, limits = target.series.values, target.limits
    planned = replay(target.series, forecaster(target, is_promoted=is_promoted), limits, since=since).planned
    own = choose_autoscaler([Case(target.series, limits, {})], since=since, budget=BUDGET)

    def autoscaled(setting: tuple[float, int]) -> Outcome:
        changed = _with(limits, setting)
        return outcome(values, reactive_plan(values, changed), changed, since=since)

    return _Judged(
        target.series.target_id,
        is_promoted,
        outcome(values, planned, limits, since=since),
        outcome(values, reactive_plan(values, limits), limits, since=since),
        autoscaled(best),
        autoscaled(own),
        outcome(values, fixed_plan(values, limits, since=since), limits, since=since),
    )


def _with(limits: CapacityLimits, setting: tuple[float, int]) -> CapacityLimits:
    return msgspec.structs.replace(limits, target_share=setting[0], stabilisation_s=setting[1])


def _figures(judged: Sequence[_Judged]) -> list[Result]:
    ours = _hours(judged, lambda one: one.ours)
    ratios = [one.ours.replica_hours / max(one.chosen.replica_hours, 1e-9) for one in judged]
    whole = [
        Result(metric="series_judged", value=len(judged), unit="count", bar=1.0, op=">="),
        Result(metric="series_promoted", value=sum(one.is_promoted for one in judged), unit="count"),
        Result(metric="replica_hours", value=ours, unit="hours"),
        *_against("", judged),
        Result(
            metric="replica_hours_over_own_best_autoscaler",
            value=ours / max(_hours(judged, lambda one: one.own_best), 1e-9),
            unit="ratio",
        ),
        Result(
            metric="replica_hours_over_fixed",
            value=ours / max(_hours(judged, lambda one: one.fixed), 1e-9),
            unit="ratio",
        ),
        Result(metric="worst_series_replica_hours_ratio", value=max(ratios), unit="ratio", bar=1.0, op="<="),
        *_worst(judged),
    ]
    held = [one for one in judged if _is_held(one.target_id)]
    return whole + (_against("held_half.", held) if held else [])


def _hours(judged: Sequence[_Judged], of: Callable[[_Judged], Outcome]) -> float:
    return sum(of(one).replica_hours for one in judged)


def _violations(judged: Sequence[_Judged], of: Callable[[_Judged], Outcome]) -> float:
    return sum(of(one).violation_count for one in judged) / max(1, sum(of(one).observed_count for one in judged))


def _against(prefix: str, judged: Sequence[_Judged]) -> list[Result]:
    """Ours over the autoscaler that is best afterwards, and over the one that was chosen before."""
    results = []
    ways: tuple[tuple[str, Callable[[_Judged], Outcome]], ...] = (
        ("best_autoscaler", lambda one: one.best),
        ("chosen_autoscaler", lambda one: one.chosen),
    )
    for name, way in ways:
        ratio = _hours(judged, lambda one: one.ours) / max(_hours(judged, way), 1e-9)
        results += [
            Result(metric=f"{prefix}replica_hours_over_{name}", value=ratio, unit="ratio", bar=HOURS_RATIO, op="<="),
            Result(metric=f"{prefix}violation_share_{name}", value=_violations(judged, way), unit="share"),
        ]
    share = _violations(judged, lambda one: one.ours)
    budget = None if prefix else BUDGET  # the bar is over all: in half of the series the autoscaler itself misses it
    worse = sum(_is_worse(one) for one in judged)
    return [
        *results,
        Result(metric=f"{prefix}violation_share", value=share, unit="share", bar=budget, op="<=" if budget else None),
        Result(metric=f"{prefix}series_worse_than_chosen_autoscaler", value=worse, unit="count", bar=0.0, op="<="),
    ]


def _worst(judged: Sequence[_Judged]) -> list[Result]:
    """What the least lucky series saw: of those that are worse, and of all that plan with a forecast."""
    extra = [(one.ours.violation_count - one.chosen.violation_count, _is_worse(one)) for one in judged]
    planning = [one.ours.violation_share for one in judged if one.is_promoted]
    return [
        Result(
            metric="worse_series_extra_violations",
            value=max((count for count, is_worse in extra if is_worse), default=0),
            unit="windows",
        ),
        Result(metric="most_extra_violations", value=max(count for count, _ in extra), unit="windows"),
        Result(metric="highest_violation_share_promoted", value=max(planning, default=0.0), unit="share"),
    ]


def _is_held(target_id: str) -> bool:
    return hashlib.sha256(target_id.encode()).digest()[-1] % 2 == 1


def _is_worse(one: _Judged) -> bool:
    """More replica-hours, or violations beyond both 1 % and the autoscaler's."""
    tolerated = max(BUDGET, one.chosen.violation_share)
    return one.ours.replica_hours > one.chosen.replica_hours * (1 + 1e-9) or one.ours.violation_share > tolerated
