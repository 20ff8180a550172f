"""At most x % wrong: the confidence below which a decision goes to a person, with a bound that finite data carry.

Learn-then-test (Angelopoulos et al. 2021): thresholds in a fixed order, strictest first; each is tested on held-out
outcomes that neither training nor the choice of thresholds has seen, and the order ends at the first that fails.
With probability 1 - `error` over those outcomes, the share wrong among what is answered stays within the limit on
further questions of the same kind. Where no threshold passes, the limit cannot be promised, and that is said.

`expected_threshold` gives the weaker promise of conformal risk control: wrong answers among all questions, on average.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from aurora.errors import UsageError

Floats = npt.NDArray[np.floating[Any]]
STEPS = 40
"""How many thresholds are tried."""
LEAST_ANSWERS = 30
"""The strictest threshold lets through at least about so many outcomes."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What is promised: at most `wrong_share` of the answered are wrong, except with probability `error`."""

    wrong_share: float
    error: float = 0.05

    def __post_init__(self) -> None:
        """`UsageError` unless both lie between 0 and 1."""
        for name in ("wrong_share", "error"):
            if not 0 < getattr(self, name) < 1:
                raise UsageError(
                    f"{name} is {getattr(self, name)}, not a share between 0 and 1.",
                    field=name,
                    rule="between",
                    next_step="Give a share such as 0.05.",
                )

    def least_count(self) -> int:
        """Answers without a single wrong one that it takes to promise this."""
        return math.ceil(math.log(self.error) / math.log1p(-self.wrong_share))


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What held-out outcomes allow to promise. `threshold` is None where the limit is unattainable."""

    limit: Limit
    threshold: float | None
    answered_share: float
    """Of held-out questions at the threshold; 0 without one."""
    wrong_share: float
    """Measured among those answered, or at the strictest threshold where none passes."""
    count: int
    """Held-out questions."""
    reason: str

    @property
    def is_attainable(self) -> bool:
        """Whether the limit can be promised."""
        return self.threshold is not None


def thresholds_for(confidence: Floats, count: int, limit: Limit) -> tuple[float, ...]:
    """Thresholds to try, strictest first, from confidences of training and the number of outcomes held out.

    The strictest lets through about four times the outcomes that the promise takes. No label is looked at.
    """
    start = min(1.0, max(4.0 * limit.least_count(), LEAST_ANSWERS) / max(count, 1))
    shares = np.linspace(start, 1.0, STEPS)
    found = np.quantile(confidence, 1.0 - shares)
    return tuple(sorted({round(float(value), 9) for value in found}, reverse=True))


def certify(confidence: Floats, loss: Floats, thresholds: Sequence[float], limit: Limit) -> Certificate:
    """The laxest threshold that held-out outcomes allow. `loss` is 1 for wrong, 0 for right, or between."""
    passed: tuple[float, float, float] | None = None
    first = (1.0, 0)
    for number, threshold in enumerate(sorted(thresholds, reverse=True)):
        answered = confidence >= threshold
        count = int(answered.sum())
        mean = float(loss[answered].mean()) if count else 1.0
        first = (mean, count) if number == 0 else first
        if p_value(mean, count, limit.wrong_share) > limit.error:
            break
        passed = (threshold, count / max(len(loss), 1), mean)
    if passed is None:
        return Certificate(
            limit=limit,
            threshold=None,
            answered_share=0.0,
            wrong_share=first[0],
            count=len(loss),
            reason=_unattainable(limit, *first, len(loss)),
        )
    threshold, share, mean = passed
    reason = (
        f"At most {limit.wrong_share:.1%} wrong holds at confidence {threshold:.3f} and more with {1 - limit.error:.0%} "
        f"certainty: {share:.0%} of {len(loss)} held-out questions are answered, {mean:.1%} of them wrong."
    )
    return Certificate(
        limit=limit, threshold=threshold, answered_share=share, wrong_share=mean, count=len(loss), reason=reason
    )


def _unattainable(limit: Limit, wrong_share: float, answered: int, count: int) -> str:
    need = limit.least_count()
    if count < need:
        return (
            f"At most {limit.wrong_share:.1%} wrong cannot be promised: it takes {need} held-out outcomes, "
            f"and there are {count}."
        )
    return (
        f"At most {limit.wrong_share:.1%} wrong cannot be promised: of the {answered} surest among {count} held-out "
        f"answers {wrong_share:.1%} were wrong, which does not show it with {1 - limit.error:.0%} certainty."
    )


def expected_threshold(confidence: Floats, loss: Floats, wrong_share: float) -> float | None:
    """Conformal risk control: the laxest threshold at which wrong answers are at most this share of all questions.

    In expectation over outcomes and the next question, not with high probability; None where even silence is too much.
    """
    count = len(loss)
    order = np.argsort(-confidence, kind="stable")
    total = np.cumsum(loss[order])
    sure = confidence[order]
    is_last = np.append(sure[1:] != sure[:-1], True)
    fits = (total + 1.0) / (count + 1.0) <= wrong_share
    good = np.flatnonzero(is_last & fits)
    if not len(good):
        return None if 1.0 / (count + 1.0) > wrong_share else math.inf
    return float(sure[good[-1]])


def p_value(mean: float, count: int, wrong_share: float) -> float:
    """How likely so few wrong ones are if the true share were above `wrong_share` (Hoeffding-Bentkus; 1 for none).

    Where the number wrong is whole, as of right-or-wrong outcomes, the exact binomial tail.
    """
    if count == 0 or mean >= wrong_share:
        return 1.0
    wrong = mean * count
    if abs(wrong - round(wrong)) < 1e-9:
        return binomial_tail(round(wrong), count, wrong_share)
    hoeffding = math.exp(-count * _divergence(mean, wrong_share))
    return min(1.0, hoeffding, math.e * binomial_tail(math.ceil(wrong), count, wrong_share))


def _divergence(a: float, b: float) -> float:
    low = a * math.log(a / b) if a > 0 else 0.0
    return low + ((1 - a) * math.log((1 - a) / (1 - b)) if a < 1 else 0.0)


def binomial_tail(most: int, count: int, share: float) -> float:
    """P(at most `most` of `count`) when each happens with probability `share`."""
    if most >= count:
        return 1.0
    k = np.arange(most + 1)
    steps = np.log(count - k[:-1]) - np.log(k[1:]) + math.log(share / (1 - share))
    logs = count * math.log1p(-share) + np.concatenate([np.zeros(1), np.cumsum(steps)])
    return float(min(1.0, np.exp(logs).sum()))
