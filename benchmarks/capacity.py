"""Capacity on ServeGen: replica-hours of the plan against stabilised autoscalers, at no more than 1 % violations.

`data` as in the forecast bench. Everything is chosen on days before the judged ones: the estimator of the gate is
trained on the first two thirds of the known days; on the last third the autoscaler's settings, the plan's and the
gate's verdicts are chosen; then a new estimator is trained on all known days. The best autoscaler that the plan is
held against is chosen afterwards, on the judged days themselves: the cheapest of the grid that keeps to 1 %.
A replica is sized so that a target's 99th percentile needs 20, and starts in ten minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from aurora.decisions.capacity.gate import BUDGET, Case, choose_autoscaler
from aurora.decisions.capacity.plan import CapacityLimits
from aurora.decisions.capacity.simulate import Outcome, fixed_plan, outcome, reactive_plan, replay
from aurora.settings import Settings
from benchmarks.harness import Result
from ml.demand.estimator import ROWS, Estimator, fit
from ml.demand.predict import hindcasts
from ml.demand.sources import CLIENTS, Trace, grouped, load_traces, training_series
from ml.demand.tuning import Target, forecaster, horizons_for, sized, tune

HOURS_RATIO = 0.95
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
        judged += _judge(group, judged_from, _trainer(shared, trained_until, most))
    return _figures(judged) if judged else [Result(metric="series_judged", value=0.0, unit="count", bar=1.0, op=">=")]


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
    def hours(of: Callable[[_Judged], Outcome]) -> float:
        return sum(of(one).replica_hours for one in judged)

    def violations(of: Callable[[_Judged], Outcome]) -> float:
        seen = sum(of(one).observed_count for one in judged)
        return sum(of(one).violation_count for one in judged) / max(1, seen)

    ours = hours(lambda one: one.ours)
    worse = [one for one in judged if _is_worse(one)]
    ratios = [one.ours.replica_hours / max(one.chosen.replica_hours, 1e-9) for one in judged]
    return [
        Result(metric="series_judged", value=len(judged), unit="count", bar=1.0, op=">="),
        Result(metric="series_promoted", value=sum(one.is_promoted for one in judged), unit="count"),
        Result(metric="replica_hours", value=ours, unit="hours"),
        Result(
            metric="replica_hours_over_best_autoscaler",
            value=ours / hours(lambda one: one.best),
            unit="ratio",
            bar=HOURS_RATIO,
            op="<=",
        ),
        Result(metric="violation_share", value=violations(lambda one: one.ours), unit="share", bar=BUDGET, op="<="),
        Result(metric="violation_share_best_autoscaler", value=violations(lambda one: one.best), unit="share"),
        Result(
            metric="replica_hours_over_chosen_autoscaler",
            value=ours / hours(lambda one: one.chosen),
            unit="ratio",
            bar=HOURS_RATIO,
            op="<=",
        ),
        Result(metric="violation_share_chosen_autoscaler", value=violations(lambda one: one.chosen), unit="share"),
        Result(
            metric="replica_hours_over_own_best_autoscaler", value=ours / hours(lambda one: one.own_best), unit="ratio"
        ),
        Result(metric="replica_hours_over_fixed", value=ours / hours(lambda one: one.fixed), unit="ratio"),
        Result(metric="worst_series_replica_hours_ratio", value=max(ratios), unit="ratio", bar=1.0, op="<="),
        Result(metric="series_worse_than_chosen_autoscaler", value=len(worse), unit="count", bar=0.0, op="<="),
        Result(
            metric="worse_series_extra_violations",
            value=max((one.ours.violation_count - one.chosen.violation_count for one in worse), default=0),
            unit="windows",
        ),
    ]


def _is_worse(one: _Judged) -> bool:
    """More replica-hours, or violations beyond both 1 % and the autoscaler's."""
    tolerated = max(BUDGET, one.chosen.violation_share)
    return one.ours.replica_hours > one.chosen.replica_hours * (1 + 1e-9) or one.ours.violation_share > tolerated
