"""What the other policies see of a prompt, fitted on the same labels: topics, clusters, neighbours, statistics.

The space is a truncated SVD of the estimator's own TF-IDF, so a request's terms are weighed once for all. Each
view is calibrated on predictions out of fold. The space is fitted without a label, so folds may share it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aurora.decisions.bandit import LinearBandit
from aurora.decisions.views import View, read_views, with_one
from ml.route_llm.calibrate import calibrate, knots_of
from ml.route_llm.features import FOLD_COUNT, Floats, LabelledPrompts, fold_of, input_tokens

TOPIC_COUNT = 64
CLUSTER_COUNT = 32
CLUSTER_PRIOR = 10.0
"""How many labels the mean of all prompts is worth in a cluster."""
RESIDUAL_RIDGE = 100.0
NEIGHBOURS = 100
TOKEN_RIDGE = 1.0
POLICIES = ("cluster_prior", "nearest", "linear_bandit")

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Views:
    """The arrays of `space`, answer lengths and views, as `aurora.decisions.bundles` reads them."""

    arrays: Arrays
    out_of_fold: Mapping[str, Floats]
    """Calibrated predictions of each view by policy, (prompts of all blocks, llms)."""
    columns: Mapping[str, slice]
    """Columns of each source's llms."""

    def points(self, terms: Any) -> Floats:
        """Places (N, D) of prompts whose TF-IDF is (N, V)."""
        return places_of(terms, self.arrays["space"])

    def output_tokens(self, points: Floats) -> Floats:
        """Expected answer lengths (N, L)."""
        return np.asarray(np.maximum(points @ self.arrays["token_coef"] + self.arrays["token_intercept"], 1.0))

    def quality(self, policy_id: str, points: Floats) -> Floats:
        """Calibrated quality (N, L) as the policy's view sees it."""
        raw = _raw(read_views(self.arrays)[policy_id], points)
        return calibrate(raw, self.arrays[f"{policy_id}.calib_x"], self.arrays[f"{policy_id}.calib_y"])


def fit_views(blocks: Sequence[LabelledPrompts], terms: Sequence[Any]) -> Views:
    """Fit on blocks (their llms disjoint, in this order) and their TF-IDF. Deterministic."""
    space, points = _space(terms)
    quality = _stacked([block.quality for block in blocks])
    lengths = _stacked([_answer_tokens(block) for block in blocks])
    folds = np.array([fold_of(prompt) for block in blocks for prompt in block.prompts])
    token_coef, token_intercept = _token_map(points, lengths)
    arrays: dict[str, NDArray[Any]] = {
        "space": space,
        "token_coef": token_coef,
        "token_intercept": token_intercept,
    }
    out_of_fold = {}
    centres = _centres(points)
    fits: dict[str, Callable[[Floats, Floats], dict[str, NDArray[Any]]]] = {
        "cluster_prior": lambda p, q: _cluster_prior(centres, p, q),
        "nearest": _nearest,
        "linear_bandit": _linear_bandit,
    }
    for policy_id, fit in fits.items():
        raw = np.zeros_like(quality)
        for fold in range(FOLD_COUNT):
            rows = np.flatnonzero(folds == fold)
            if len(rows) and (folds != fold).any():
                fitted = fit(points[folds != fold], quality[folds != fold])
                raw[rows] = _raw(read_views(fitted)[policy_id], points[rows])
        x, y = knots_of(raw, quality)
        arrays |= {**fit(points, quality), f"{policy_id}.calib_x": x, f"{policy_id}.calib_y": y}
        out_of_fold[policy_id] = calibrate(raw, x, y)
    ends = np.cumsum([len(block.llms) for block in blocks]).tolist()
    columns = {block.source: slice(end - len(block.llms), end) for block, end in zip(blocks, ends, strict=True)}
    return Views(arrays, out_of_fold, columns)


def places_of(terms: Any, space: NDArray[Any]) -> Floats:
    """Places (N, D) among topics of prompts whose TF-IDF is (N, V)."""
    return _unit(np.asarray(terms @ space, dtype=np.float64))


def _raw(view: View, points: Floats) -> Floats:
    return np.stack([view.raw(point) for point in points])


def _unit(points: Floats) -> Floats:
    length = np.sqrt((points * points).sum(axis=1, keepdims=True))
    return points / np.where(length > 0, length, 1.0)


def _space(terms: Sequence[Any]) -> tuple[NDArray[np.float32], Floats]:
    import scipy.sparse as sp
    from sklearn.decomposition import TruncatedSVD

    stacked = sp.csr_matrix(sp.vstack(terms))
    count = max(1, min(TOPIC_COUNT, min(stacked.shape) - 1))
    found = TruncatedSVD(n_components=count, n_iter=4, random_state=0).fit(stacked)
    space = found.components_.T.astype(np.float32)
    return space, _unit(np.asarray(stacked @ space, dtype=np.float64))


def _stacked(parts: Sequence[Floats]) -> Floats:
    """Blocks below each other, each with its own llms beside the others': NaN where a block's llm was not asked."""
    whole = np.full((sum(map(len, parts)), sum(part.shape[1] for part in parts)), np.nan)
    row = column = 0
    for part in parts:
        whole[row : row + part.shape[0], column : column + part.shape[1]] = part
        row, column = row + part.shape[0], column + part.shape[1]
    return whole


def _answer_tokens(block: LabelledPrompts) -> Floats:
    """Answer lengths that explain the recorded costs beyond the prompts' own, (prompts, llms)."""
    into = np.array([block.prices[llm].input_usd_per_mtok for llm in block.llms])
    out = np.array([block.prices[llm].output_usd_per_mtok for llm in block.llms])
    beyond = block.cost_usd * 1e6 - input_tokens(block.prompts)[:, None] * into[None, :]
    return np.asarray(np.maximum(beyond, 0.0) / out[None, :], dtype=np.float64)


def _token_map(points: Floats, lengths: Floats) -> tuple[Floats, Floats]:
    coef, intercept = np.zeros((points.shape[1], lengths.shape[1])), np.zeros(lengths.shape[1])
    for i in range(lengths.shape[1]):
        known = ~np.isnan(lengths[:, i])
        mean = lengths[known, i].mean()
        centre = points[known].mean(axis=0)
        coef[:, i] = _ridge(points[known] - centre, lengths[known, i] - mean, TOKEN_RIDGE)
        intercept[i] = mean - centre @ coef[:, i]
    return coef, intercept


def _ridge(x: Floats, y: Floats, penalty: float) -> Floats:
    return np.asarray(np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ y), dtype=np.float64)


def _centres(points: Floats) -> Floats:
    from sklearn.cluster import KMeans

    count = max(1, min(CLUSTER_COUNT, len(points) // 20))
    found = KMeans(n_clusters=count, n_init=1, random_state=0).fit(points)
    return np.asarray(found.cluster_centers_, dtype=np.float64)


def _cluster_prior(centres: Floats, points: Floats, quality: Floats) -> dict[str, NDArray[Any]]:
    distance = (centres * centres).sum(axis=1)[None, :] - 2.0 * points @ centres.T
    cluster = distance.argmin(axis=1)
    means, residual = np.zeros((len(centres), quality.shape[1])), np.zeros((points.shape[1], quality.shape[1]))
    within = points - centres[cluster]
    for i in range(quality.shape[1]):
        known = ~np.isnan(quality[:, i])
        count = np.bincount(cluster[known], minlength=len(centres))
        total = np.bincount(cluster[known], weights=quality[known, i], minlength=len(centres))
        means[:, i] = (total + CLUSTER_PRIOR * quality[known, i].mean()) / (count + CLUSTER_PRIOR)
        residual[:, i] = _ridge(within[known], quality[known, i] - means[cluster[known], i], RESIDUAL_RIDGE)
    return {
        "cluster_prior.centres": centres,
        "cluster_prior.quality": means,
        "cluster_prior.residual": residual,
    }


def _nearest(points: Floats, quality: Floats) -> dict[str, NDArray[Any]]:
    return {
        "nearest.points": points.astype(np.float16),
        "nearest.outcomes": quality.astype(np.float32),
        "nearest.prior": np.nanmean(quality, axis=0),
        "nearest.k": np.array(NEIGHBOURS),
    }


def _linear_bandit(points: Floats, quality: Floats) -> dict[str, NDArray[Any]]:
    """Warm start: every label is an outcome of every llm that has one."""
    learnt = LinearBandit.blank(quality.shape[1], points.shape[1] + 1)
    rows, arms = np.nonzero(~np.isnan(quality))
    learnt = learnt.learn(with_one(points)[rows], arms, quality[rows, arms])
    return {"linear_bandit.precision": learnt.precision, "linear_bandit.moment": learnt.moment}
