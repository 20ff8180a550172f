"""Inference of a trained router in numpy: the same numbers as the estimator that was trained, without it.

`tfidf_ridge_v1`: word n-grams, sublinear term frequency, idf, l2 norm, a linear map to one raw score a
language model, and a monotone piecewise-linear calibration of it into a probability. Where the arrays
come from is the matter of `aurora.decisions.bundles`; training is the matter of `ml/`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Curve = tuple[list[float], list[float]]
"""Calibration of one language model: rising raw scores and the probability at each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TfidfScorer:
    """Expected quality of the answer of each of L language models to a prompt.

    `index` maps an n-gram to its row in `coef` (V, L); `idf` is (V,), `intercept` (L,).
    """

    index: dict[str, int]
    idf: Floats
    coef: Floats
    intercept: Floats
    curves: tuple[Curve, ...]
    token_pattern: re.Pattern[str]
    ngram_range: tuple[int, int]
    is_sublinear: bool
    is_lowercase: bool
    is_normalised: bool
    max_chars: int | None

    def raw(self, prompt: str) -> Floats:
        """Raw scores (L,) before calibration; the intercept when no n-gram of the prompt is known."""
        counts = Counter(map(self.index.get, self._ngrams(prompt)))
        counts.pop(None, None)
        if not counts:
            return self.intercept.astype(np.float64)
        rows = np.fromiter(counts, np.intp, len(counts))
        weights = np.fromiter(counts.values(), np.float64, len(counts))
        if self.is_sublinear:
            weights = np.log(weights) + 1.0
        weights *= self.idf[rows]
        if self.is_normalised:
            weights /= np.sqrt(weights @ weights)
        scores: Floats = weights @ self.coef[rows] + self.intercept
        return scores

    def quality(self, prompt: str) -> list[float]:
        """Calibrated probability, 0 to 1, that each language model's answer is good enough; L values."""
        return [interpolate(curve, score) for curve, score in zip(self.curves, self.raw(prompt).tolist(), strict=True)]

    def _ngrams(self, prompt: str) -> list[str]:
        text = prompt if self.max_chars is None else prompt[: self.max_chars]
        tokens = self.token_pattern.findall(text.lower() if self.is_lowercase else text)
        low, high = self.ngram_range
        found = list(tokens) if low == 1 else []
        for size in range(max(low, 2), high + 1):
            found += map(" ".join, zip(*(tokens[start:] for start in range(size)), strict=False))
        return found


def interpolate(curve: Curve, value: float) -> float:
    """Piecewise-linear interpolation as `numpy.interp` does it: flat outside the curve. 0.4 us against its 2."""
    xs, ys = curve
    if value >= xs[-1]:
        return ys[-1]
    if value < xs[0]:
        return ys[0]
    right = bisect_right(xs, value)
    left = right - 1
    slope = (ys[right] - ys[left]) / (xs[right] - xs[left])
    return slope * (value - xs[left]) + ys[left]


def curves_of(calib_x: Floats, calib_y: Floats) -> tuple[Curve, ...]:
    """Calibration arrays (L, K) as one curve a language model."""
    rows: Sequence[tuple[Any, Any]] = list(zip(calib_x.tolist(), calib_y.tolist(), strict=True))
    return tuple((list(map(float, xs)), list(map(float, ys))) for xs, ys in rows)
