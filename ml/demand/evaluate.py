"""How good forecasts are: error against what anybody could have said, and whether quantiles hold what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from aurora.decisions.capacity.demand import HORIZON, WINDOWS_A_DAY, DemandSeries, Floats
from ml.demand.estimator import LEVELS
from ml.demand.features import basis, shifted
from ml.demand.predict import Hindcast

ACTIVE_SHARE = 0.95
"""A series with demand in fewer of its windows has no 95 % quantile that could hold: zero is never above it."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One series' figures over the judged windows, 60 minutes ahead. Errors are sums of units a second."""

    target_id: str
    demand: float
    error: float
    naive_errors: Mapping[str, float]
    window_count: int
    covered_count: int
    is_active: bool
    width: float
    """Sum of the distances from the median to the 95 % quantile."""

    @property
    def coverage(self) -> float:
        """Share of windows at or under the 95 % quantile."""
        return self.covered_count / max(1, self.window_count)


def naive_forecasts(series: DemandSeries, horizon: int) -> dict[str, Floats]:
    """What anybody could say at the end of each window; outage-aware, too: the last value is the last one seen."""
    base = basis(series)
    day = WINDOWS_A_DAY
    past = np.stack([shifted(series.values, days * day - horizon) for days in range(1, 8)])
    hour = np.stack([shifted(base.last, lag) for lag in range(HORIZON)])
    return {
        "last_value": base.last,
        "last_hour": _mean(hour, base.last),
        "same_time_yesterday": np.where(np.isnan(past[0]), base.last, past[0]),
        "seasonal_mean_3d": _mean(past[:3], base.last),
        "seasonal_mean_7d": _mean(past, base.last),
        "same_time_last_week": np.where(np.isnan(past[6]), _mean(past, base.last), past[6]),
    }


def judge_series(series: DemandSeries, found: Hindcast, *, since: int) -> Judged:
    """Judge forecasts about windows from `since` on; windows that were not observed judge nobody."""
    horizon, values = found.horizon, series.values
    made = np.arange(max(since - horizon, 0), len(values) - horizon)
    truth = values[made + horizon]
    point, upper = found.point[made], found.quantiles[made, LEVELS.index(0.95)]
    ok = ~np.isnan(truth) & ~np.isnan(point)
    naive = {name: guess[made] for name, guess in naive_forecasts(series, horizon).items()}
    before = values[:since]
    active = float((before[~np.isnan(before)] > 0).mean()) if (~np.isnan(before)).any() else 0.0
    return Judged(
        target_id=series.target_id,
        demand=float(truth[ok].sum()),
        error=float(np.abs(point - truth)[ok].sum()),
        naive_errors={name: float(np.abs(guess - truth)[ok].sum()) for name, guess in naive.items()},
        window_count=int(ok.sum()),
        covered_count=int((truth <= upper * (1 + 1e-9))[ok].sum()),
        is_active=active >= ACTIVE_SHARE,
        width=float((upper - point)[ok].sum()),
    )


def best_naive(judged: Sequence[Judged]) -> tuple[str, float]:
    """The naive forecast of least error over all series, known afterwards, and its summed error."""
    names = judged[0].naive_errors
    total = {name: sum(one.naive_errors[name] for one in judged) for name in names}
    name = min(total, key=lambda one: total[one])
    return name, total[name]


def best_naive_each(judged: Sequence[Judged]) -> float:
    """Summed error when each series has its own best naive forecast, known afterwards: the hardest to beat."""
    return sum(min(one.naive_errors.values()) for one in judged)


def _mean(rows: Floats, otherwise: Floats) -> Floats:
    seen = ~np.isnan(rows)
    count = seen.sum(axis=0)
    total = np.where(seen, rows, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), otherwise)
