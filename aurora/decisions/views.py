"""Other ways to expect quality than one linear map: each policy's own view of a prompt, read from arrays.

All look at the prompt in one space of D dimensions (`space`: terms to latent topics, computed once a request)
and answer with one raw value a language model; calibration is the bundle's matter. Training is `ml`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from aurora.decisions.bandit import LinearBandit, bound

Floats = npt.NDArray[np.floating[Any]]
Arrays = Mapping[str, npt.NDArray[Any]]


class View(Protocol):
    """Expects quality of L language models at a point (D,) of the space."""

    def raw(self, point: Floats) -> Floats:
        """Uncalibrated quality (L,)."""
        ...

    def spread(self, point: Floats) -> Floats | None:
        """How uncertain that is (L,), in units of quality; None where the view does not know."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterPrior:
    """Mean quality of the nearest cluster, and a strongly shrunk linear residual of the place within it.

    `centres` is (C, D), `quality` (C, L), `residual` (D, L).
    """

    centres: Floats
    quality: Floats
    residual: Floats

    def raw(self, point: Floats) -> Floats:
        """The cluster's mean quality plus the residual."""
        distance = (self.centres * self.centres).sum(axis=1) - 2.0 * (self.centres @ point)
        nearest = int(distance.argmin())
        return np.asarray(self.quality[nearest] + (point - self.centres[nearest]) @ self.residual)

    def spread(self, point: Floats) -> Floats | None:  # noqa: ARG002 - the Protocol's
        """Not known."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """Mean quality of the k most similar labelled prompts, shrunk to the mean of all by `PRIOR` more.

    `points` is (N, D) of length one, `outcomes` (N, L), NaN where an llm has not answered, `prior` (L,).
    """

    points: Floats
    outcomes: Floats
    prior: Floats
    k: int

    PRIOR = 5.0

    def raw(self, point: Floats) -> Floats:
        """Shrunk mean of the neighbours. Similarity is the cosine."""
        similarity = self.points @ point.astype(self.points.dtype)
        k = min(self.k, len(similarity))
        nearest = np.argpartition(similarity, len(similarity) - k)[len(similarity) - k :]
        found = self.outcomes[nearest]
        known = ~np.isnan(found)
        total = np.where(known, found, 0.0).sum(axis=0) + self.PRIOR * self.prior
        return np.asarray(total / (known.sum(axis=0) + self.PRIOR))

    def spread(self, point: Floats) -> Floats | None:  # noqa: ARG002 - the Protocol's
        """Not known."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bandit:
    """Ridge weights of each language model, and how little is known in this direction.

    The context is the point with a one behind it. `inverse` is (L, D + 1, D + 1), `weights` (L, D + 1).
    """

    inverse: Floats
    weights: Floats

    NOISE = 0.45
    """Standard deviation of one outcome: of right or wrong, at most one half."""

    def raw(self, point: Floats) -> Floats:
        """Expected reward."""
        return np.asarray(self.weights @ with_one(point))

    def spread(self, point: Floats) -> Floats | None:
        """Standard error of that expectation."""
        return self.NOISE * bound(with_one(point), self.inverse)


def with_one(points: Floats) -> Floats:
    """Points with a one appended: a bandit's contexts."""
    return np.concatenate([points, np.ones((*points.shape[:-1], 1))], axis=-1)


def read_views(arrays: Arrays) -> dict[str, View]:
    """The views that a bundle's arrays hold, by the policy that looks through them."""
    found: dict[str, View] = {}
    if "cluster_prior.centres" in arrays:
        found["cluster_prior"] = ClusterPrior(
            centres=arrays["cluster_prior.centres"],
            quality=arrays["cluster_prior.quality"],
            residual=arrays["cluster_prior.residual"],
        )
    if "nearest.points" in arrays:
        found["nearest"] = Nearest(
            points=np.ascontiguousarray(arrays["nearest.points"], dtype=np.float32),
            outcomes=arrays["nearest.outcomes"],
            prior=arrays["nearest.prior"],
            k=int(arrays["nearest.k"]),
        )
    if "linear_bandit.precision" in arrays:
        learnt = LinearBandit(
            precision=arrays["linear_bandit.precision"].astype(np.float64), moment=arrays["linear_bandit.moment"]
        )
        found["linear_bandit"] = Bandit(inverse=learnt.inverse(), weights=learnt.weights())
    return found


def view_shapes(arrays: Arrays, llm_count: int) -> dict[str, tuple[int, ...]]:
    """The shape that each array of `space` and of the views must have."""
    if "space" not in arrays:
        return {}
    size = arrays["space"].shape[-1]
    wanted: dict[str, tuple[int, ...]] = {
        "space": (arrays["vocabulary"].shape[0], size),
        "token_coef": (size, llm_count),
        "token_intercept": (llm_count,),
    }
    if "cluster_prior.centres" in arrays:
        count = arrays["cluster_prior.centres"].shape[0]
        wanted |= {
            "cluster_prior.centres": (count, size),
            "cluster_prior.quality": (count, llm_count),
            "cluster_prior.residual": (size, llm_count),
        }
    if "nearest.points" in arrays:
        count = arrays["nearest.points"].shape[0]
        wanted |= {
            "nearest.points": (count, size),
            "nearest.outcomes": (count, llm_count),
            "nearest.prior": (llm_count,),
            "nearest.k": (),
        }
    if "linear_bandit.precision" in arrays:
        wanted |= {
            "linear_bandit.precision": (llm_count, size + 1, size + 1),
            "linear_bandit.moment": (llm_count, size + 1),
        }
    return wanted
