"""95 % intervals in closed form: the same data gives the same ends, without a draw.

What does not belong here: what a figure means, and any reading of data.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np

LEVEL: Final = 0.95
FEWEST_PAIRS: Final = 30
"""Pairs below which a correlation is not told."""
FEWEST_IN_A_GROUP: Final = 30
"""Observations below which a group is not compared."""
FEWEST_DAYS: Final = 7
"""Days below which nothing is said of how days vary."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value, the ends of its interval, and what it rests on."""

    value: float
    low: float | None
    high: float | None
    n: int

    def excludes(self, other: float) -> bool:
        """Whether the interval leaves `other` out."""
        return self.low is not None and self.high is not None and not self.low <= other <= self.high


def z_of(comparisons: int = 1) -> float:
    """Width of a normal interval that holds for all of so many comparisons together (Bonferroni)."""
    return NormalDist().inv_cdf(1 - (1 - LEVEL) / (2 * max(1, comparisons)))


def share(successes: float, trials: int, *, comparisons: int = 1) -> Estimate | None:
    """A share with the Wilson interval; None without trials."""
    if trials <= 0:
        return None
    low, rate, high = _wilson(successes, trials, comparisons)
    return Estimate(rate, low, high, trials)


def _wilson(successes: float, trials: int, comparisons: int) -> tuple[float, float, float]:
    """Low end, share, high end."""
    z, rate = z_of(comparisons), successes / trials
    middle = (rate + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z * math.sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials)) / (1 + z * z / trials)
    return max(0.0, middle - half), rate, min(1.0, middle + half)


def share_difference(first: tuple[float, int], second: tuple[float, int], *, comparisons: int = 1) -> Estimate | None:
    """First less second share, with Newcombe's interval; None when a group is smaller than `FEWEST_IN_A_GROUP`."""
    if min(first[1], second[1]) < FEWEST_IN_A_GROUP:
        return None
    low_1, rate_1, high_1 = _wilson(*first, comparisons)
    low_2, rate_2, high_2 = _wilson(*second, comparisons)
    gap = rate_1 - rate_2
    low = gap - math.hypot(rate_1 - low_1, high_2 - rate_2)
    high = gap + math.hypot(high_1 - rate_1, rate_2 - low_2)
    return Estimate(gap, low, high, first[1] + second[1])


def total(amounts: Sequence[float]) -> Estimate:
    """A sum of independent arrivals: its interval is how far the sum of another such period may lie (compound Poisson)."""
    values = np.asarray(amounts, dtype=np.float64)
    half = z_of() * math.sqrt(float(values @ values))
    value = math.fsum(amounts)
    return (
        Estimate(value, max(0.0, value - half), value + half, len(amounts)) if amounts else Estimate(0.0, None, None, 0)
    )


def total_difference(now: Sequence[float], before: Sequence[float]) -> Estimate | None:
    """Sum now less sum before, both of independent arrivals; None when a period has fewer than `FEWEST_IN_A_GROUP`."""
    if min(len(now), len(before)) < FEWEST_IN_A_GROUP:
        return None
    half = z_of() * math.sqrt(math.fsum(x * x for x in now) + math.fsum(x * x for x in before))
    gap = math.fsum(now) - math.fsum(before)
    return Estimate(gap, gap - half, gap + half, len(now) + len(before))


def day_total(days: Sequence[float]) -> Estimate:
    """A sum over days: its interval is how far the sum of as many such days may lie, by how the days differ."""
    value, count = math.fsum(days), len(days)
    if count < FEWEST_DAYS:
        return Estimate(value, None, None, count)
    half = z_of() * math.sqrt(count) * float(np.std(np.asarray(days), ddof=1))
    return Estimate(value, max(0.0, value - half), value + half, count)


def ratio(tops: Sequence[float], bottoms: Sequence[float], *, comparisons: int = 1) -> Estimate | None:
    """Sum of tops over sum of bottoms, clusters (days, sales) being what varies; None without a bottom.

    The interval is the linearised one; it is left out below `FEWEST_DAYS` clusters.
    """
    bottom, top = math.fsum(bottoms), math.fsum(tops)
    if bottom <= 0:
        return None
    value, count = top / bottom, len(tops)
    if count < FEWEST_DAYS:
        return Estimate(value, None, None, count)
    residuals = np.asarray(tops, dtype=np.float64) - value * np.asarray(bottoms, dtype=np.float64)
    half = z_of(comparisons) * math.sqrt(count / (count - 1) * float(residuals @ residuals)) / bottom
    return Estimate(value, value - half, value + half, count)


def mean(values: Sequence[float]) -> Estimate | None:
    """A mean; its interval is left out below `FEWEST_IN_A_GROUP` values; None without any."""
    if not values:
        return None
    value, count = math.fsum(values) / len(values), len(values)
    if count < FEWEST_IN_A_GROUP:
        return Estimate(value, None, None, count)
    half = z_of() * float(np.std(np.asarray(values), ddof=1)) / math.sqrt(count)
    return Estimate(value, value - half, value + half, count)


def rank_correlation(first: Sequence[float], second: Sequence[float], *, comparisons: int = 1) -> Estimate | None:
    """Spearman's correlation with Bonett and Wright's interval on Fisher's scale.

    None below `FEWEST_PAIRS` pairs, or where one side never changes.
    """
    count = len(first)
    if count < FEWEST_PAIRS:
        return None
    one, two = _ranks(first), _ranks(second)
    if not (one.std() and two.std()):
        return None
    value = float(np.corrcoef(one, two)[0, 1])
    centre = math.atanh(max(-0.999999, min(0.999999, value)))
    half = z_of(comparisons) * math.sqrt((1 + value * value / 2) / (count - 3))
    return Estimate(value, math.tanh(centre - half), math.tanh(centre + half), count)


def _ranks(values: Sequence[float]) -> np.ndarray:
    """Ranks; equal values share the mean of theirs."""
    array = np.asarray(values, dtype=np.float64)
    _, place, counts = np.unique(array, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return ((last - counts + 1 + last) / 2)[place]


def count_ratio(now: int, before: int) -> Estimate | None:
    """How many times as many as before, two Poisson counts; None when one is under `FEWEST_IN_A_GROUP`."""
    if min(now, before) < FEWEST_IN_A_GROUP:
        return None
    spread = math.exp(z_of() * math.sqrt(1 / now + 1 / before))
    return Estimate(now / before, now / before / spread, now / before * spread, now + before)
