"""Quantiles that learn from their own misses: one tracked score a level, a step up at a miss, a small one down else.

Adaptive conformal inference in its tracking form (Gibbs and Candes 2021; Angelopoulos et al. 2023): whatever the
demand does, the long-run share of windows above the q-quantile tends to 1 - q. The step follows the size of
recent errors, so that a calm series gets a calm quantile. A window that was not observed teaches nothing.
"""

from __future__ import annotations

import numpy as np

from aurora.decisions.capacity.demand import Floats

STEP = 0.05
"""Step at a miss, as a share of the recent largest score."""
LARGEST = 20.0
"""A score beyond this counts as this: one awakening must not widen a day's quantiles."""
MEMORY = 0.98
"""What remains, a window later, of the recent largest score."""

MIX_MEMORY, MIX_RATE = 0.997, 0.3
"""Of the mixture: what remains of an error a window later, and how sharply weights follow errors."""


def tracked_scores(scores: Floats, levels: Floats, start: Floats, *, delay: int, step: float = STEP) -> Floats:
    """The score of each level in force at each window, (windows, levels).

    `scores[t]` is the error over spread of the forecast made at t, which is known only `delay` windows later;
    NaN where it never was. Row t is what a forecast made at t used.
    """
    out = np.empty((len(scores), len(levels)))
    held, size, rise = start.copy(), float(np.abs(start).max()), 1 - levels
    for now in range(len(scores)):
        score = float(scores[now - delay]) if now >= delay else np.nan
        if score == score:
            size = max(MEMORY * size, min(abs(score), LARGEST), 1.0)
            held += step * size * ((score > held) - rise)
        out[now] = held
    return np.maximum.accumulate(out, axis=1)


def mixed(guesses: Floats, truth: Floats, *, delay: int) -> Floats:
    """One forecast from several, (windows, guesses) in, weighed by how wrong each was lately on this very series.

    Exponential weights on absolute errors that are forgotten at MIX_MEMORY: a series on which the forest is no
    better than its last value gets its last value. `truth[t]` is what the forecasts made at t were about.
    """
    loss, total = np.abs(guesses - truth[:, None]), np.zeros(guesses.shape[1])
    out = np.empty(len(guesses))
    for now in range(len(guesses)):
        if now >= delay and truth[now - delay] == truth[now - delay]:
            total = MIX_MEMORY * total + loss[now - delay]
        best = float(total.min())
        typical = best / max(1.0, min(now, 1 / (1 - MIX_MEMORY)))
        weight = np.exp(-MIX_RATE * (total - best) / max(typical, 1e-12))
        out[now] = weight @ guesses[now] / weight.sum()
    return out
