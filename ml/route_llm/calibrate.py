"""Monotone calibration: from a raw score to the share of answers that are good enough."""

from __future__ import annotations

import numpy as np

from ml.route_llm.features import Floats

KNOT_COUNT = 16


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
    missing = KNOT_COUNT - len(x)
    return np.pad(x, (0, missing), mode="edge") + np.r_[np.zeros(len(x)), np.arange(missing) + 1] * 1e-9, np.pad(
        np.clip(y, 0.0, 1.0), (0, missing), mode="edge"
    )
