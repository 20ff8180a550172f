"""What is published about one target: its forecast now, its past forecasts, and the replay beside other ways to plan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aurora.decisions.capacity.book import Hindsight, Played, Simulation, TargetCapacity, TargetKind
from aurora.decisions.capacity.demand import HORIZON, WINDOW_S, WINDOWS_A_DAY, DemandSeries, Floats
from aurora.decisions.capacity.gate import GateEvidence
from aurora.decisions.capacity.plan import CapacityHistory, CapacityLimits, Standing
from aurora.decisions.capacity.simulate import Replicas, fixed_plan, outcome, reactive_plan, ready_replicas, replay
from ml.demand.estimator import LEVELS, Estimator
from ml.demand.predict import forecast_at, hindcasts
from ml.demand.tuning import Target, forecaster

SEEN_DAYS = 9
"""Of history before the newest window that a forecast needs: a week for its seasons, two days to adapt in."""
ADAPT_WINDOWS = 2 * WINDOWS_A_DAY
"""Of forecasts before the newest one: for its quantiles to settle."""
SHOWN_WINDOWS = 2 * WINDOWS_A_DAY
"""Past forecasts that are published, for the eye."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found out about a target on days that its estimator had not seen."""

    limits: CapacityLimits
    evidence: GateEvidence
    simulation: Simulation
    hindsight: Hindsight
    standing: Standing | None
    """How the replayed plan fared, for its safeguards from now on; None where the autoscaler plans."""


def look_back(target: Target, evidence: GateEvidence, *, since: int) -> Looked:
    """Past forecasts and the replay of a target whose limits are tuned; windows before `since` were trained on."""
    played = replay(target.series, forecaster(target), target.limits, since=since)
    standing = played.standing if evidence.is_promoted else None
    simulation = simulate(target, played.planned, since=since)
    return Looked(target.limits, evidence, simulation, _hindsight(target, since), standing)


def simulate(target: Target, planned: Replicas, *, since: int) -> Simulation:
    """The plan, the autoscaler and the smallest fixed fleet over the same windows."""
    series, limits = target.series, target.limits
    ways = {
        "plan": planned,
        "autoscaler": reactive_plan(series.values, limits),
        "fixed": fixed_plan(series.values, limits, since=since),
    }
    return Simulation(
        starts_at=series.until(since).ends_at,
        window_s=WINDOW_S,
        demand=known(series.values[since:]),
        **{name: _played(series.values, planned, limits, since) for name, planned in ways.items()},
    )


def published_target(
    series: DemandSeries, kind: TargetKind, estimator: Estimator, looked: Looked, bundle_hash: str | None
) -> TargetCapacity:
    """All of it, with the forecast made at the series' end."""
    recent = tail(series, SEEN_DAYS * WINDOWS_A_DAY)
    found = hindcasts(estimator, recent, since=len(recent.values) - ADAPT_WINDOWS)
    replicas = int(looked.simulation.plan.replicas[-1]) if looked.evidence.is_promoted else None
    reactive = int(reactive_plan(series.values, looked.limits)[-1])
    memory = max(looked.limits.stabilisation_s, looked.limits.floor_s) // WINDOW_S + 1
    return TargetCapacity(
        target_id=series.target_id,
        kind=kind,
        history=CapacityHistory(
            target_id=series.target_id,
            window_s=WINDOW_S,
            ends_at=series.ends_at,
            demand=known(series.values[-memory:]),
            replicas=reactive if replicas is None else replicas,
            standing=looked.standing,
        ),
        limits=looked.limits,
        forecast=forecast_at(
            found,
            recent,
            len(recent.values) - 1,
            is_promoted=looked.evidence.is_promoted,
            bundle_hash=bundle_hash,
        ),
        evidence=looked.evidence,
        simulation=looked.simulation,
        hindsight=looked.hindsight,
    )


def tail(series: DemandSeries, count: int) -> DemandSeries:
    """The last `count` windows."""
    skipped = max(0, len(series.values) - count)
    starts_at = series.until(skipped).ends_at
    return DemandSeries(target_id=series.target_id, starts_at=starts_at, values=series.values[skipped:])


def known(values: Floats) -> tuple[float | None, ...]:
    """Values for JSON: null where there is none, six significant digits otherwise."""
    return tuple(None if value != value else float(f"{value:.6g}") for value in values.tolist())


def _played(values: Floats, planned: Replicas, limits: CapacityLimits, since: int) -> Played:
    came = outcome(values, planned, limits, since=since)
    paid = ready_replicas(planned, 0)[0][since:]
    return Played(
        replica_hours=came.replica_hours,
        violation_share=came.violation_share,
        unserved_share=came.unserved_share,
        change_count=came.change_count,
        replicas_max=came.replicas_max,
        replicas=tuple(int(one) for one in paid),
    )


def _hindsight(target: Target, since: int) -> Hindsight:
    found, values = target.found[HORIZON], target.series.values
    first = max(since, len(values) - SHOWN_WINDOWS)
    made = np.arange(first, len(values)) - HORIZON

    def at(level: float) -> tuple[float | None, ...]:
        return known(found.quantiles[made, LEVELS.index(level)])

    return Hindsight(
        starts_at=target.series.until(first).ends_at,
        window_s=WINDOW_S,
        median=known(found.point[made]),
        low=at(0.05),
        high=at(0.95),
        demand=known(values[first:]),
    )
