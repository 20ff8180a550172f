"""What each candidate would have earned, from what was expected of it when it was decided.

The receipt holds an expectation a candidate. A common slope and one offset a candidate, both shrunk, put it right by
the rewards seen. Fitted across folds: no row's expectation has seen its own reward, which doubly robust asks for.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ml.off_policy.estimators import Floats, Ints, Logged

FOLDS: Final = 5
SLOPE_PRIOR: Final = 5.0
"""Squares of spread that a slope of 0 counts as."""
OFFSET_PRIOR: Final = 20.0
"""Decisions that an offset of 0 counts as."""
_MAX_SLOPE: Final = 1.5


def expected_rewards(log: Logged, prior: Floats) -> Floats:
    """Expected reward of every candidate in every row, (n, k), from `prior`, (n, k) in any unit."""
    fold = np.arange(len(log)) % FOLDS
    found = np.empty_like(prior)
    for one in range(FOLDS):
        held = fold == one
        if held.any():
            found[held] = _fitted(log, prior, ~held, prior[held])
    return found


def _fitted(log: Logged, prior: Floats, rows: np.typing.NDArray[np.bool_], wanted: Floats) -> Floats:
    if not rows.any():
        return np.zeros_like(wanted)
    actions: Ints = log.actions[rows]
    said: Floats = prior[rows, actions]
    rewards = log.rewards[rows]
    centre, mean = float(said.mean()), float(rewards.mean())
    spread = said - centre
    slope = float(np.clip(spread @ (rewards - mean) / (spread @ spread + SLOPE_PRIOR), 0.0, _MAX_SLOPE))
    residual = rewards - mean - slope * spread
    count = prior.shape[1]
    sums = np.bincount(actions, weights=residual, minlength=count)
    offsets = sums / (np.bincount(actions, minlength=count) + OFFSET_PRIOR)
    result: Floats = mean + slope * (wanted - centre) + offsets
    return result
