"""The estimator: two small forests of regression trees as plain arrays, trained with scikit-learn, read by numpy.

One says the median of demand `h` windows ahead, as a step from the last value; the other how far from it demand
usually lands. Both speak in shares of the series' own level and take the horizon as a column, so one pair serves
every target and every horizon. What a quantile is, the conformal part learns online from its own misses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from aurora.decisions.capacity.demand import HORIZON, DemandSeries, Floats
from aurora.errors import DataError
from ml.demand.features import WARM_UP, Basis, basis, matrix

ROWS = 100_000
"""Most (series, window, horizon) rows that a fit takes, drawn evenly; half as many cost 1 % of the error."""
CALIBRATION_SHARE = 0.25
"""Newest share of the training windows whose errors teach the spread: errors of rows not fitted on."""
MAX_STEP = 10.0
"""A step of more than ten times the level is taken for ten times."""
MIN_SPREAD = 0.005
MIN_ROWS = 200
LEVELS = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.99, 0.995)
SETTINGS = {
    "max_iter": 100, "learning_rate": 0.07, "max_leaf_nodes": 31, "max_depth": 8, "min_samples_leaf": 60,
    "l2_regularization": 10.0, "max_bins": 63,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trees:
    """A boosted forest: (trees, nodes) arrays; a leaf points to itself."""

    feature: npt.NDArray[np.int16]
    threshold: Floats
    is_missing_left: npt.NDArray[np.bool_]
    left: npt.NDArray[np.int16]
    right: npt.NDArray[np.int16]
    value: Floats
    start: float
    depth: int

    def predict(self, rows: Floats) -> Floats:
        """One value a row."""
        total = np.full(len(rows), self.start)
        every = np.arange(len(rows))
        for tree in range(len(self.value)):
            node = np.zeros(len(rows), dtype=np.int16)
            feature, threshold, missing = self.feature[tree], self.threshold[tree], self.is_missing_left[tree]
            left, right = self.left[tree], self.right[tree]
            for _ in range(self.depth):
                cell = rows[every, feature[node]]
                goes_left = (cell <= threshold[node]) | (np.isnan(cell) & missing[node])
                node = np.where(goes_left, left[node], right[node])
            total += self.value[tree][node]
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimator:
    """Both forests, and the scores (error over spread) at LEVELS that a new series starts from, (horizons, levels)."""

    median: Trees
    spread: Trees
    start_scores: Floats

    def forecast(self, base: Basis, horizon: int, windows: slice) -> tuple[Floats, Floats]:
        """Median and spread (units a second) of demand `horizon` windows after each of `windows`."""
        rows, level = matrix(base, horizon)[windows], base.level[windows]
        median = np.maximum(base.last[windows] + self.median.predict(rows) * level, 0.0)
        spread = np.maximum(self.spread.predict(rows), MIN_SPREAD) * level
        return np.nan_to_num(median), np.nan_to_num(spread, nan=1.0)


@dataclass(frozen=True, slots=True)
class Rows:
    """Training rows: features, the step in levels, weight, and the window's place in time (0 oldest, 1 newest)."""

    features: Floats
    step: Floats
    weight: Floats
    age: Floats


def training_rows(series: Sequence[DemandSeries], *, most: int = ROWS, seed: int = 0) -> Rows:
    """Rows of all series and horizons, drawn evenly without replacement; busier targets count a little more."""
    bases = [basis(one) for one in series]
    sizes = [max(0, len(one.values) - WARM_UP - HORIZON) for one in bases]
    share = min(1.0, most / max(1, sum(sizes) * HORIZON))
    draws = np.random.default_rng(seed)
    parts = [_rows_of(base, horizon, share, draws) for base in bases for horizon in range(1, HORIZON + 1)]
    if not parts:
        raise DataError(
            "There is no demand to learn from.",
            field="demand",
            rule="at least one series",
            next_step="Give series that go on for longer than two days before the first judged window.",
        )
    return Rows(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _rows_of(base: Basis, horizon: int, share: float, draws: np.random.Generator) -> tuple[Floats, ...]:
    target = np.full(len(base.values), np.nan)
    target[:-horizon] = base.values[horizon:]
    usable = ~np.isnan(target) & (base.level > 1e-6)
    usable[:WARM_UP] = False
    chosen = np.flatnonzero(usable & (draws.random(len(usable)) < share))
    step = (target - base.last)[chosen] / base.level[chosen]
    age = chosen / max(1, len(base.values) - 1)
    return matrix(base, horizon)[chosen], np.clip(step, -MAX_STEP, MAX_STEP), base.level[chosen] ** 0.25, age


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted estimator, the median's forest as scikit-learn knows it, and how many rows it saw."""

    estimator: Estimator
    forest: Any
    row_count: int


def fit(series: Sequence[DemandSeries], *, most: int = ROWS, settings: Mapping[str, Any] = SETTINGS) -> Fit:
    """Fit on whole series: the spread on errors of the newest quarter, made by a fit on the older rows.

    `DataError` where they are too few or too short to learn from.
    """
    rows = training_rows(series, most=most)
    is_old = rows.age < 1 - CALIBRATION_SHARE
    fresh = ~is_old
    if is_old.sum() < MIN_ROWS or fresh.sum() < MIN_ROWS:
        raise DataError(
            f"{len(rows.step)} rows of demand are too few to learn from.",
            field="demand",
            rule=f"at least {MIN_ROWS} old and {MIN_ROWS} new",
            next_step="Wait for more days of usage.",
        )
    first = as_trees(_boost(rows.features[is_old], rows.step[is_old], rows.weight[is_old], settings))
    error = rows.step[fresh] - first.predict(rows.features[fresh])
    small = {**settings, "max_iter": settings["max_iter"] // 2}
    spread = as_trees(_boost(rows.features[fresh], np.abs(error), rows.weight[fresh], small, loss="squared_error"))
    score = error / np.maximum(spread.predict(rows.features[fresh]), MIN_SPREAD)
    start_scores = np.tile(np.quantile(score, LEVELS), (HORIZON, 1))
    forest = _boost(rows.features, rows.step, rows.weight, settings)
    found = Estimator(median=as_trees(forest), spread=spread, start_scores=start_scores)
    return Fit(found, forest, len(rows.step))


def _boost(
    features: Floats, target: Floats, weight: Floats, settings: Mapping[str, Any], loss: str = "absolute_error"
) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    is_unknown = np.isnan(features).all(axis=0)  # such as last week's demand in the first; it cannot be binned
    features = np.where(is_unknown, 0.0, features)
    grown = HistGradientBoostingRegressor(loss=loss, random_state=0, early_stopping=False, **settings)
    with threadpool_limits(1, user_api="openmp"):  # its threads wait busily: two on a busy machine are slower than one
        grown.fit(features.astype(np.float32), target, sample_weight=weight)
    return grown


def as_trees(grown: Any) -> Trees:
    """A fitted `HistGradientBoostingRegressor` as arrays that give the same predictions."""
    trees = [predictors[0].nodes for predictors in grown._predictors]  # noqa: SLF001 - scikit-learn has no public way
    width = max(len(nodes) for nodes in trees)

    def padded(name: str, kind: Any) -> Any:
        out = np.zeros((len(trees), width), dtype=kind)
        for row, nodes in enumerate(trees):
            out[row, : len(nodes)] = nodes[name]
        return out

    left, right, is_leaf = padded("left", np.int16), padded("right", np.int16), padded("is_leaf", bool)
    own = np.broadcast_to(np.arange(width, dtype=np.int16), left.shape)
    return Trees(
        feature=np.where(is_leaf, 0, padded("feature_idx", np.int16)).astype(np.int16),
        threshold=padded("num_threshold", np.float64),
        is_missing_left=padded("missing_go_to_left", bool),
        left=np.where(is_leaf, own, left).astype(np.int16),
        right=np.where(is_leaf, own, right).astype(np.int16),
        value=np.where(is_leaf, padded("value", np.float64), 0.0),
        start=float(np.ravel(grown._baseline_prediction)[0]),  # noqa: SLF001
        depth=int(max(nodes["depth"].max() for nodes in trees)),
    )
