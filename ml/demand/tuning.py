"""From forecasts of a stretch of history to settings and a verdict for each target, all by replay over that stretch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from aurora.decisions.capacity.demand import DemandSeries
from aurora.decisions.capacity.gate import (
    QUANTILES,
    Case,
    GateEvidence,
    choose_autoscaler,
    choose_plan,
    judge,
    with_plan,
)
from aurora.decisions.capacity.plan import CapacityLimits, DemandForecast
from aurora.decisions.capacity.simulate import startup_windows
from ml.demand.estimator import LEVELS
from ml.demand.predict import Hindcast, forecast_at

REPLICAS_AT_PEAK = 20
"""Replicas that the busiest windows of a target need when nobody has said what one serves."""


@dataclass(frozen=True, slots=True)
class Target:
    """A series, its limits, and forecasts of every window by horizon."""

    series: DemandSeries
    limits: CapacityLimits
    found: Mapping[int, Hindcast]


@dataclass(frozen=True, slots=True)
class Tuned:
    """Limits with the settings that won, and the gate's evidence, by target."""

    limits: Mapping[str, CapacityLimits]
    evidence: Mapping[str, GateEvidence]


def horizons_for(limits: CapacityLimits) -> tuple[int, ...]:
    """Horizons that a plan looks at: until a replica asked for at the next plan could answer."""
    return tuple(range(1, startup_windows(limits) + 2))


def sized(
    series: DemandSeries, *, until: int, replicas: int = REPLICAS_AT_PEAK, startup_s: int = 600
) -> CapacityLimits:
    """Limits for a target of unknown replicas: its 99th percentile before window `until` needs `replicas`."""
    head = series.values[:until]
    peak = float(np.nanquantile(head, 0.99)) if (~np.isnan(head)).any() else 0.0
    return CapacityLimits(replica_rate=max(peak, 1e-9) / replicas, max_replicas=10 * replicas, startup_s=startup_s)


def as_case(target: Target) -> Case:
    """What the gate compares settings on: the largest demand ahead, by quantile."""
    rows = [target.found[horizon].quantiles for horizon in horizons_for(target.limits)]
    ahead = {level: np.max([row[:, LEVELS.index(level)] for row in rows], axis=0) for level in QUANTILES}
    return Case(target.series, target.limits, ahead)


def forecaster(target: Target, *, is_promoted: bool = True) -> Callable[[int], DemandForecast | None]:
    """The forecast made at the end of each window, as replay asks for it."""
    found = {horizon: target.found[horizon] for horizon in horizons_for(target.limits)}
    return lambda window: forecast_at(found, target.series, window, is_promoted=is_promoted)


def tune(targets: Sequence[Target], *, since: int) -> Tuned:
    """Settings chosen over all targets together, and each target's gate, on windows from `since` on."""
    share, memory_s = choose_autoscaler([as_case(one) for one in targets], since=since)
    based = [
        Target(
            one.series,
            msgspec.structs.replace(one.limits, target_share=share, stabilisation_s=memory_s),
            one.found,
        )
        for one in targets
    ]
    setting = choose_plan([as_case(one) for one in based], since=since)
    ready = [Target(one.series, with_plan(one.limits, setting), one.found) for one in based]
    return Tuned(
        {one.series.target_id: one.limits for one in ready},
        {one.series.target_id: judge(one.series, forecaster(one), one.limits, since=since) for one in ready},
    )
