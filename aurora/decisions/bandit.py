"""A linear contextual bandit over language models: what it has seen, as sufficient statistics that persist.

For each arm the precision matrix `sum x x' + ridge I` and the moment `sum x r` of contexts x and rewards r.
They add up: statistics of labels, of one week and of the next are one sum, in any order, so a bundle carries
them on and nothing has to be learned again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
RIDGE = 10.0
"""How sure an arm is, before it has seen anything, that the context does not matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearBandit:
    """Statistics of A arms over D features: `precision` (A, D, D), `moment` (A, D)."""

    precision: Floats
    moment: Floats

    @classmethod
    def blank(cls, arms: int, features: int, *, ridge: float = RIDGE) -> LinearBandit:
        """Nothing seen yet."""
        eye = np.eye(features) * ridge
        return cls(precision=np.tile(eye, (arms, 1, 1)), moment=np.zeros((arms, features)))

    def learn(self, contexts: Floats, arms: npt.NDArray[np.intp], rewards: Floats) -> LinearBandit:
        """With N more outcomes: contexts (N, D), the arm that was pulled and its reward (N,). The old one stays."""
        precision, moment = self.precision.copy(), self.moment.copy()
        for arm in np.unique(arms):
            mine = contexts[arms == arm]
            precision[arm] += mine.T @ mine
            moment[arm] += mine.T @ rewards[arms == arm]
        return LinearBandit(precision=precision, moment=moment)

    def inverse(self) -> Floats:
        """Inverse precision of each arm, (A, D, D)."""
        return np.asarray(np.linalg.inv(self.precision), dtype=np.float64)

    def weights(self) -> Floats:
        """Ridge weights of each arm, (A, D)."""
        return np.asarray(np.linalg.solve(self.precision, self.moment[:, :, None])[:, :, 0], dtype=np.float64)


def bound(context: Floats, inverse: Floats) -> Floats:
    """How uncertain each arm is about this context: sqrt(x' P^-1 x), (A,). LinUCB adds a multiple of it."""
    return np.asarray(np.sqrt(np.maximum(np.einsum("d,ade,e->a", context, inverse, context), 0.0)), dtype=np.float64)
