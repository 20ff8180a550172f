"""Off-policy estimates: what a policy would have earned on decisions that another one made.

Rows are decisions, columns the candidates. Every estimator gives one number a row (its contribution), so that two
policies are compared row by row and what they share cancels.

Sources: Horvitz and Thompson 1952 (IPS), Swaminathan and Joachims 2015 (SNIPS), Dudik, Langford and Li 2011 (DR).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from aurora.errors import DataError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]
ONE_SIDED_95: Final = 1.6448536269514722
"""Normal quantile of a one-sided 95 % bound."""
TWO_SIDED_95: Final = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Logged:
    """Decisions with what came of them: n rows. `propensities` are those of the actions taken, over 0."""

    actions: Ints
    """Column of the candidate taken. (n,)"""
    rewards: Floats
    """What it earned, in any unit. (n,)"""
    propensities: Floats
    """Probability with which it was taken. (n,)"""

    def __post_init__(self) -> None:
        """Hold the log to its shape; `DataError` names what does not fit."""
        count = len(self.actions)
        if len(self.rewards) != count or len(self.propensities) != count:
            raise _wrong("rewards", "as many rewards and propensities as actions")
        if count == 0:
            raise _wrong("actions", "at least one decision")
        if not (np.isfinite(self.propensities).all() and (self.propensities > 0).all()):
            raise _wrong("propensities", "a propensity over 0 for every action taken")
        if not np.isfinite(self.rewards).all():
            raise _wrong("rewards", "a finite reward for every decision")

    def __len__(self) -> int:
        """Number of decisions."""
        return len(self.actions)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean of contributions with its standard error, in the reward's unit."""

    value: float
    standard_error: float
    count: int
    effective_count: float
    """Decisions that the estimate is worth: (sum of weights) squared over the sum of squared weights (Kish)."""

    def bounds(self, quantile: float = TWO_SIDED_95) -> tuple[float, float]:
        """Normal interval."""
        return self.value - quantile * self.standard_error, self.value + quantile * self.standard_error

    @property
    def lower(self) -> float:
        """One-sided 95 % lower bound."""
        return self.value - ONE_SIDED_95 * self.standard_error


def weights(log: Logged, policy: Floats) -> Floats:
    """How much likelier `policy` (n, k probabilities) takes what was taken than the policy that logged it. (n,)"""
    taken: Floats = policy[np.arange(len(log)), log.actions]
    return taken / log.propensities


def effective_count(found: Floats) -> float:
    """Kish's effective sample size of weights."""
    squares = float((found**2).sum())
    return float(found.sum()) ** 2 / squares if squares > 0 else 0.0


def ips(log: Logged, policy: Floats) -> Estimate:
    """Inverse propensity scoring: unbiased wherever the log could have taken what the policy takes."""
    found = weights(log, policy)
    return _mean(found * log.rewards, found)


def snips(log: Logged, policy: Floats) -> Estimate:
    """Self-normalised IPS: a little biased, never beyond the rewards seen. Standard error by linearisation."""
    found = weights(log, policy)
    total = float(found.sum())
    if total == 0:
        raise _wrong("policy", "a policy that takes at least one action of the log")
    value = float((found * log.rewards).sum()) / total
    spread = found * (log.rewards - value) / (total / len(log))
    return Estimate(value, _standard_error(spread), len(log), effective_count(found))


def direct(policy: Floats, expected: Floats) -> Estimate:
    """The direct method: what the reward estimator says, (n, k). As biased as that is."""
    contributions: Floats = (policy * expected).sum(axis=1)
    return _mean(contributions, np.ones(len(contributions)))


def doubly_robust(log: Logged, policy: Floats, expected: Floats) -> Estimate:
    """Doubly robust: the direct method, put right by what was seen. `expected` must not have seen its own row."""
    return _mean(dr_contributions(log, policy, expected), weights(log, policy))


def paired(log: Logged, challenger: Floats, champion: Floats, expected: Floats) -> Estimate:
    """What the challenger earns more than the champion a decision, doubly robust and row by row.

    Where both take the same, the row says nothing of the difference and adds no variance. The effective count is
    the challenger's.
    """
    difference = dr_contributions(log, challenger, expected) - dr_contributions(log, champion, expected)
    return _mean(difference, weights(log, challenger))


def dr_contributions(log: Logged, policy: Floats, expected: Floats) -> Floats:
    """The doubly robust estimate of each row. (n,)"""
    seen: Floats = expected[np.arange(len(log)), log.actions]
    said: Floats = (policy * expected).sum(axis=1)
    return said + weights(log, policy) * (log.rewards - seen)


def _mean(contributions: Floats, found: Floats) -> Estimate:
    return Estimate(
        float(contributions.mean()), _standard_error(contributions), len(contributions), effective_count(found)
    )


def _standard_error(contributions: Floats) -> float:
    count = len(contributions)
    return float(contributions.std(ddof=1)) / math.sqrt(count) if count > 1 else math.inf


def _wrong(field: str, rule: str, **_: Any) -> DataError:
    return DataError(
        f"The log cannot be judged: it wants {rule}.",
        field=field,
        rule=rule,
        next_step="Leave the rows out that lack it; decisions that Aurora made have all of it.",
    )
