"""How far a person's change of a decision is to be believed: overrides are noisy labels.

Whether a change was right is not seen: what would have come of the policy's own choice is not known. What is seen is
how often the person's choices end well, beside how often the policy's would have, by its own calibrated expectation.
A person whose choices end as the policy's would have knows nothing more than it; the label then weighs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

PRIOR_COUNT: Final = 10.0
"""Changes that the belief in "no better than the policy" counts as."""
_ONE_SIDED_80: Final = 0.8416212335729143


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change with a known end. `expected` is what the policy expected of its own choice, 0 to 1."""

    overrider_id: str
    expected: float
    reward: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrider:
    """A person's record. `gain` is reward above the policy's expectation a change, shrunk to 0; `lower` its bound."""

    overrider_id: str
    count: int
    gain: float
    lower: float

    @property
    def weight(self) -> float:
        """What a label of this person's weighs beside an outcome, 0 to 1: only what is shown counts."""
        return min(max(self.lower, 0.0) * 2.0, 1.0)


def overriders(changes: Iterable[Change]) -> Mapping[str, Overrider]:
    """Each person's record, sorted by id. The bound is one-sided, 80 %."""
    gains: dict[str, list[float]] = {}
    for change in changes:
        gains.setdefault(change.overrider_id, []).append(change.reward - change.expected)
    return {name: _record(name, values) for name, values in sorted(gains.items())}


def _record(name: str, gains: list[float]) -> Overrider:
    count = len(gains)
    gain = sum(gains) / (count + PRIOR_COUNT)
    spread = sum((one - gain) ** 2 for one in gains) + PRIOR_COUNT * 0.25
    error = math.sqrt(spread / (count + PRIOR_COUNT) / (count + PRIOR_COUNT))
    return Overrider(overrider_id=name, count=count, gain=gain, lower=gain - _ONE_SIDED_80 * error)
