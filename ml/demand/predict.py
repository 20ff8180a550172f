"""The estimator at work: forecasts with quantiles for every window of a series, each from what was known then.

Pure numpy, and a function of history and estimator alone: what a published forecast's quantiles have learnt is
learnt again from the history each time, so nothing has to be kept between two runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aurora.decisions.capacity.demand import HORIZON, WINDOW_S, DemandSeries, Floats
from aurora.decisions.capacity.plan import DemandForecast
from ml.demand.conformal import mixed, tracked_scores
from ml.demand.estimator import LEVELS, Estimator
from ml.demand.features import WARM_UP, Basis, basis, simple_forecasts

KIND = "demand"
_SHARES = np.array([0.0, 0.25, 0.5, 0.75, 1.0, 1.25])
"""How much of the forest's step from the last value the mixture may take."""


@dataclass(frozen=True, slots=True)
class Hindcast:
    """Forecasts of one horizon. Row t was made at the end of window t and is about window t + horizon.

    `quantiles` is (windows, LEVELS); rows before the first that was made are NaN. `point` minimises the absolute error.
    """

    horizon: int
    point: Floats
    quantiles: Floats


def hindcasts(
    estimator: Estimator,
    series: DemandSeries,
    horizons: Sequence[int] = tuple(range(1, HORIZON + 1)),
    *,
    since: int = WARM_UP,
) -> dict[int, Hindcast]:
    """Forecasts made at every window from `since` on, by horizon; what they learn online starts there, too."""
    base = basis(series)
    return {horizon: _hindcast(estimator, base, horizon, max(since, WARM_UP)) for horizon in horizons}


def _hindcast(estimator: Estimator, base: Basis, horizon: int, since: int) -> Hindcast:
    rows = slice(since, len(base.values))
    tree, spread = estimator.forecast(base, horizon, rows)
    truth = _later(base.values, horizon)[rows]
    last = np.nan_to_num(base.last[rows])
    simple = [np.where(np.isnan(one[rows]), last, one[rows]) for one in simple_forecasts(base, horizon)]
    # In an outage the forest looks at columns that few trained rows had; the usual day is the safer guess.
    tree = np.where(np.isnan(base.values[rows]), simple[1], tree)
    guesses = [last + share * (tree - last) for share in _SHARES]
    for known in simple:
        guesses += [known, (known + tree) / 2]
    point = mixed(np.maximum(np.stack(guesses, axis=1), 0.0), truth, delay=horizon)
    start = estimator.start_scores[horizon - 1]
    scores = tracked_scores((truth - point) / spread, np.array(LEVELS), start, delay=horizon)
    quantiles = np.maximum(point[:, None] + scores * spread[:, None], 0.0)
    head = len(base.values) - len(point)
    return Hindcast(
        horizon,
        np.concatenate([np.full(head, np.nan), point]),
        np.concatenate([np.full((head, len(LEVELS)), np.nan), quantiles]),
    )


def _later(values: Floats, horizon: int) -> Floats:
    out = np.full(len(values), np.nan)
    out[:-horizon] = values[horizon:]
    return out


def forecast_at(
    found: dict[int, Hindcast], series: DemandSeries, window: int, *, is_promoted: bool, bundle_hash: str | None = None
) -> DemandForecast | None:
    """The forecast made at the end of `window`, as plans take it; None while the series is too young for one."""
    rows = [found[horizon].quantiles[window] for horizon in sorted(found)]
    if any(np.isnan(row[0]) for row in rows):
        return None
    return DemandForecast(
        target_id=series.target_id,
        made_at=series.until(window + 1).ends_at,
        window_s=WINDOW_S,
        levels=LEVELS,
        values=tuple(tuple(row.tolist()) for row in rows),
        is_promoted=is_promoted,
        bundle_hash=bundle_hash,
    )
