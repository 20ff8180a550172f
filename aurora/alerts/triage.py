"""Triage: what is worth waking someone, what waits for the digest, what is dropped, learnt from labels.

Precision is kept a rule, with Wilson intervals. A rule that people mostly call noise is muted by itself, with its
figures as the reason; a detector's threshold for pages follows its labels once there are enough of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from aurora.alerts.detectors import Floats, Times

Tier = Literal["page", "digest", "drop"]
PAGE_FROM: Final = 0.15
"""Consensus from which an anomaly is a page, where a rule has no labels yet: `page_threshold` of the 38 labelled series
of NAB is 0.13 (`aurora bench alerts`), and a little more since the consensus was shaped on them too."""
PAGE_SAMPLES: Final = 500
"""Samples of a series from which the shipped threshold makes pages: what it was measured on has 1,127 and more. A
shorter series is in the digest until its rule has labels of its own."""
DIGEST_FROM: Final = 0.01
"""Consensus from which it is in the digest: a record, by one percent, by the mean of the detectors. A series that never
moves has a consensus of exactly 0."""
THRESHOLDS: Final = tuple(round(0.01 * step, 2) for step in range(46))
TARGET_PRECISION: Final = 0.98
MARGIN: Final = 0.05
"""Added to the lowest threshold that reached the target, since it was chosen on the very labels it was measured on."""
MIN_LABELS: Final = 8
"""Of a rule, before its own labels say anything about it."""
NOISY_BELOW: Final = 0.5
"""A rule whose precision lies below this with 95 % confidence mutes itself."""
_Z: Final = 1.959964
Labelled = Sequence[tuple[float, bool]]
"""Score of an alert, and whether a person called it relevant."""


@dataclass(frozen=True, slots=True)
class Precision:
    """Share of labelled alerts that were relevant, with its 95 % Wilson interval; null without labels."""

    relevant_count: int
    labelled_count: int
    share: float | None
    low: float
    high: float

    @property
    def is_noisy(self) -> bool:
        """Whether the rule should be muted: enough labels, and even the upper end is low."""
        return self.labelled_count >= MIN_LABELS and self.high < NOISY_BELOW


def wilson(good: int, count: int) -> tuple[float, float]:
    """The 95 % Wilson interval of a share; 0 to 1 when nothing was counted."""
    if count == 0:
        return 0.0, 1.0
    share = good / count
    scale = 1 + _Z**2 / count
    centre = (share + _Z**2 / (2 * count)) / scale
    half = _Z * math.sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2)) / scale
    return max(0.0, centre - half), min(1.0, centre + half)


def precision(relevant: int, noise: int) -> Precision:
    """Precision by labels."""
    count = relevant + noise
    low, high = wilson(relevant, count)
    return Precision(relevant, count, relevant / count if count else None, low, high)


def tier_of(consensus: float, page_from: float = PAGE_FROM) -> Tier:
    """The tier of an anomaly."""
    if consensus >= page_from:
        return "page"
    return "digest" if consensus >= DIGEST_FROM else "drop"


def episodes(times: Times, consensus: Floats, *, above: float, quiet_s: float) -> list[int]:
    """Places of the samples at which an alert begins: at or above the threshold, `quiet_s` after the one before."""
    found: list[int] = []
    quiet = np.timedelta64(round(quiet_s * 1e6), "us")
    for place in np.flatnonzero(consensus >= above):
        if not found or times[place] - times[found[-1]] >= quiet:
            found.append(int(place))
    return found


def page_threshold(curve: Iterable[tuple[float, int, int]]) -> float | None:
    """The threshold for pages by a curve of (threshold, right, wrong): the lowest from which on every one with pages
    reaches the target precision, and the margin above it. None where none does."""
    best: float | None = None
    for threshold, right, wrong in sorted(curve, reverse=True):
        if right + wrong == 0:
            continue
        if right / (right + wrong) < TARGET_PRECISION:
            break
        best = threshold
    return None if best is None else round(best + MARGIN, 4)


def label_curve(labelled: Labelled) -> list[tuple[float, int, int]]:
    """Threshold, and how many labelled alerts at or above it were relevant and were noise."""
    return [
        (at, sum(ok for s, ok in labelled if s >= at), sum(not ok for s, ok in labelled if s >= at))
        for at in THRESHOLDS
    ]


def learnt_page_from(labelled: Labelled) -> float:
    """The threshold for pages by a rule's own labels; the shipped one while they are few, above all when none fits."""
    if len(labelled) < MIN_LABELS:
        return PAGE_FROM
    learnt = page_threshold(label_curve(labelled))
    return math.inf if learnt is None else learnt


def suggested_limit(labelled: Labelled, *, is_below: bool = False) -> float | None:
    """The limit by labels of alerts with these values: the mildest value from which on the target precision is kept.

    None while there are few labels, where there is no noise to leave out, or where no limit leaves it out.
    """
    if len(labelled) < MIN_LABELS or all(ok for _, ok in labelled):
        return None
    worst_first = sorted(labelled, reverse=not is_below)
    best, right = None, 0
    for count, (value, is_right) in enumerate(worst_first, start=1):
        right += is_right
        is_last_of_value = count == len(worst_first) or worst_first[count][0] != value
        if is_last_of_value and right / count < TARGET_PRECISION:
            break
        best = value if is_last_of_value else best
    return best
