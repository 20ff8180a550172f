"""From raw scores to the share of answers that are good enough: bent by the prompt's difficulty, then monotone.

What one llm has over another is most at middling difficulty: easy questions all get right, hopeless ones none. A
linear map cannot say that, so each llm's score is bent by the square of the mean score of all (`bend`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aurora.decisions.scoring import bend_parts
from ml.route_llm.features import Floats

KNOT_COUNT = 16
ISOTONIC_SHARE = 0.5
"""The rest is the score itself, which is a quality already: so curves have no flat steps that tie unlike prompts."""


BEND_RIDGES = (0.01, 1e4)
"""What leaving a score as it is may be worth, in squared quality over all prompts: little, or all but everything."""


def level_of(sizes: Sequence[int]) -> Floats:
    """Weights (L, L) by which scores become the mean score of the llms of the same block."""
    whole, start = np.zeros((sum(sizes), sum(sizes))), 0
    for size in sizes:
        whole[start : start + size, start : start + size] = 1.0 / size
        start += size
    return whole


def fit_bend(raw: Floats, quality: Floats, level: Floats, folds: NDArray[np.int_]) -> Floats:
    """Coefficients (llms, 4) of `bent` that fit quality best, shrunk towards leaving scores as they are.

    How much they are shrunk is chosen out of fold by what llms have over each other. `raw` is out of fold itself.
    """

    def error(ridge: float) -> float:
        missed = 0.0
        for fold in np.unique(folds):
            rows = folds == fold
            coef = _fit_bend(raw[~rows], quality[~rows], level, ridge)
            beyond = bent(raw[rows], level, coef) - quality[rows]
            missed += float(((beyond - beyond @ level) ** 2).sum())
        return missed

    return _fit_bend(raw, quality, level, min(BEND_RIDGES, key=error))


def _fit_bend(raw: Floats, quality: Floats, level: Floats, ridge: float) -> Floats:
    parts = bend_parts(raw, level)
    found = np.zeros((raw.shape[1], parts.shape[2]))
    for i in range(raw.shape[1]):
        x, beyond = parts[:, i], quality[:, i] - raw[:, i]
        found[i] = np.linalg.solve(x.T @ x + ridge * np.eye(x.shape[1]), x.T @ beyond)
        found[i, 1] += 1.0
    return found


def bent(raw: Floats, level: Floats, coef: Floats) -> Floats:
    """Scores (prompts, llms) bent by their level."""
    return np.asarray((bend_parts(raw, level) * coef[None]).sum(axis=2), dtype=np.float64)


def calibrate(raw: Floats, calib_x: Floats, calib_y: Floats) -> Floats:
    """Each llm's raw values through its own knots, (prompts, llms)."""
    columns = [np.interp(raw[:, i], calib_x[i], calib_y[i]) for i in range(raw.shape[1])]
    return np.stack(columns, axis=1) if columns else raw


def knots_of(raw: Floats, quality: Floats) -> tuple[Floats, Floats]:
    """Calibration knots of each llm, ((llms, knots), (llms, knots)). NaN in `quality`: not asked."""
    pairs = []
    for i in range(raw.shape[1]):
        known = ~np.isnan(quality[:, i])
        pairs.append(_knots_of_one(raw[known, i], quality[known, i]))
    return np.stack([x for x, _ in pairs]), np.stack([y for _, y in pairs])


def _knots_of_one(raw: Floats, quality: Floats) -> tuple[Floats, Floats]:
    """Isotonic regression thinned to the means of equal groups, so that few labels do not make steps."""
    from sklearn.isotonic import IsotonicRegression

    order = np.argsort(raw, kind="stable")
    steps = IsotonicRegression(y_min=0.0, y_max=1.0).fit_transform(raw[order], quality[order])
    groups = [group for group in np.array_split(np.arange(len(order)), KNOT_COUNT) if len(group)]
    x = np.array([raw[order][group].mean() for group in groups])
    y = np.maximum.accumulate([steps[group].mean() for group in groups])
    x = np.maximum.accumulate(x) + np.arange(len(x)) * 1e-9
    y = ISOTONIC_SHARE * y + (1 - ISOTONIC_SHARE) * np.clip(x, 0.0, 1.0)
    missing = KNOT_COUNT - len(x)
    return np.pad(x, (0, missing), mode="edge") + np.r_[np.zeros(len(x)), np.arange(missing) + 1] * 1e-9, np.pad(
        np.clip(y, 0.0, 1.0), (0, missing), mode="edge"
    )
