"""Inference of a trained router in numpy: the same numbers as the estimator that was trained, without it.

`tfidf_ridge_v1`: word n-grams, sublinear term frequency, idf, l2 norm, a linear map to one raw score a
language model, and a monotone piecewise-linear calibration of it into a probability. `tfidf_ridge_v2` adds
the effect of the task's type, and bends scores by the prompt's difficulty. Where the arrays come from is the matter of
`aurora.decisions.bundles`; training is the matter of `ml/`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
    task_effects: Mapping[str, Floats] = field(default_factory=dict)
    """What a task's type adds to the raw scores, (L,) each."""
    projection: Floats | None = None
    """Terms to latent topics (V, D); None where the scores do without."""
    task_places: Mapping[str, Floats] = field(default_factory=dict)
    """What the prompt's topics add within a task's type, (D, L) each."""
    level: Floats | None = None
    """Weights (L, L) by which scores become the mean score of the like; None where scores are not bent."""
    bend: Floats | None = None
    """How each score is bent, (L, 4): see `bend_parts`."""

    def terms(self, prompt: str) -> tuple[npt.NDArray[np.intp], Floats]:
        """Rows of the known n-grams of the prompt, and their weights."""
        counts = Counter(map(self.index.get, self._ngrams(prompt)))
        counts.pop(None, None)
        rows = np.fromiter(counts, np.intp, len(counts))
        weights: Floats = np.fromiter(counts.values(), np.float64, len(counts))
        if not counts:
            return rows, weights
        if self.is_sublinear:
            weights = np.log(weights) + 1.0
        weights *= self.idf[rows]
        if self.is_normalised:
            weights /= np.sqrt(weights @ weights)
        return rows, weights

    def raw(self, prompt: str, task_type: str | None = None) -> Floats:
        """Raw scores (L,) before calibration."""
        return self.raw_of(*self.terms(prompt), task_type)

    def raw_of(
        self,
        rows: npt.NDArray[np.intp],
        weights: Floats,
        task_type: str | None = None,
        point: Floats | None = None,
    ) -> Floats:
        """The same where the terms are known already, and the place (D,) where it is too."""
        scores: Floats = weights @ self.coef[rows] + self.intercept
        effect = None if task_type is None else self.task_effects.get(task_type)
        if effect is None or task_type is None:
            return scores
        scores = scores + effect
        within = self.task_places.get(task_type)
        if within is None or self.projection is None:
            return scores
        place = place_of(self.projection, rows, weights) if point is None else point
        return np.asarray(scores + place @ within)

    def quality(self, prompt: str, task_type: str | None = None) -> list[float]:
        """Calibrated probability, 0 to 1, that each language model's answer is good enough; L values."""
        return self.quality_of(self.raw(prompt, task_type))

    def quality_of(self, raw: Floats) -> list[float]:
        """The same where the raw scores are known already."""
        if self.level is not None and self.bend is not None:
            raw = (bend_parts(raw[None], self.level)[0] * self.bend).sum(axis=1)
        return calibrated(self.curves, raw)

    def _ngrams(self, prompt: str) -> list[str]:
        text = prompt if self.max_chars is None else prompt[: self.max_chars]
        tokens = self.token_pattern.findall(text.lower() if self.is_lowercase else text)
        low, high = self.ngram_range
        found = list(tokens) if low == 1 else []
        for size in range(max(low, 2), high + 1):
            found += map(" ".join, zip(*(tokens[start:] for start in range(size)), strict=False))
        return found


def place_of(projection: Floats, rows: npt.NDArray[np.intp], weights: Floats) -> Floats:
    """A prompt's place (D,) among latent topics, of length one unless no term is known."""
    place: Floats = weights @ projection[rows]
    length = float(np.sqrt(place @ place))
    return place / length if length > 0 else place


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


def bend_parts(raw: Floats, level: Floats) -> Floats:
    """What a bent score is a sum of, (N, L, 4): one, the score, the level of all, and its square."""
    mean = raw @ level
    return np.stack([np.ones_like(raw), raw, mean, mean * mean], axis=2)


def calibrated(curves: Sequence[Curve], raw: Floats) -> list[float]:
    """Each raw score through its own curve."""
    return [interpolate(curve, score) for curve, score in zip(curves, raw.tolist(), strict=True)]


def curves_of(calib_x: Floats, calib_y: Floats) -> tuple[Curve, ...]:
    """Calibration arrays (L, K) as one curve a language model."""
    rows: Sequence[tuple[Any, Any]] = list(zip(calib_x.tolist(), calib_y.tolist(), strict=True))
    return tuple((list(map(float, xs)), list(map(float, ys))) for xs, ys in rows)
