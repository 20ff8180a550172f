"""The estimator itself: expected answer quality of every llm for a prompt, as plain arrays.

Ridge over TF-IDF and the task's type, one output an llm. Blocks of prompts may know different llms: the largest block also gives the
difficulty of a prompt, and smaller blocks learn only how their llms differ from it, so that a question unlike
any they have seen is not taken for an easy one. Per llm a monotone piecewise-linear calibration, learned on
out-of-fold predictions, turns the raw value into a probability-like quality.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ml.route_llm.calibrate import bent, calibrate, fit_bend, knots_of, level_of
from ml.route_llm.evaluate import standing
from ml.route_llm.features import (
    FOLD_COUNT,
    MAX_TERMS,
    MIN_PROMPTS_PER_TERM,
    Floats,
    LabelledPrompts,
    Price,
    expected_cost_usd,
    fold_of,
    make_vectoriser,
)
from ml.route_llm.teacher import Encode, Teacher
from ml.route_llm.views import POLICIES, Views, fit_views, places_of

GRID = (1.0, 3.0, 10.0, 30.0)
"""Ridge penalties that cross-validation chooses from."""
TEACHER_GRID = (10.0, 20.0, 30.0, 60.0)
"""The same of a teacher, whose kernel is larger."""
STUDENT_RIDGE = 0.3
"""Penalty of the linear map that learns what a teacher says, which has no noise left to be shrunk away."""
OWN_POLICY = "learned_llm"
MAX_TERM_CHARACTERS = 40
CONTEST_OF = 2
"""Up to so many language models, squared error says how well contrasts route."""
AIQ_TOLERANCE = 0.001
"""Among more, the strongest penalty that loses less than this: a difference of AIQ so small is chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimator:
    """Arrays of a fitted estimator: V terms, L llms, T task types, K calibration knots."""

    llms: tuple[str, ...]
    prices: tuple[Price, ...]
    mean_output_tokens: Floats
    vocabulary: tuple[str, ...]
    idf: Floats
    coef: Floats
    intercept: Floats
    calib_x: Floats
    calib_y: Floats
    task_types: tuple[str, ...] = ()
    task_coef: Floats
    space: Floats | None = None
    """Terms to topics (V, D); None where topics are no part of it."""
    task_places: Floats
    """What topics add within a task type, (T, D, L)."""
    level: Floats
    bend: Floats

    def terms(self, prompts: Sequence[str]) -> Any:
        """TF-IDF, (prompts, terms)."""
        vectoriser = make_vectoriser(self.vocabulary)
        vectoriser.idf_ = self.idf
        return vectoriser.transform(prompts)

    def raw(self, prompts: Sequence[str], task_types: Sequence[str | None] | None = None) -> Floats:
        """Uncalibrated quality, (prompts, llms)."""
        return self._raw(self.terms(prompts), task_types)

    def _raw(self, terms: Any, task_types: Sequence[str | None] | None) -> Floats:
        values = np.asarray(terms @ self.coef) + self.intercept
        if task_types is not None and self.task_types:
            flags = _one_hot(task_types, self.task_types)
            values = values + np.asarray(flags @ self.task_coef)
            if self.space is not None:
                within = self.task_places.reshape(-1, len(self.llms))
                values = values + np.asarray(_within(flags, places_of(terms, self.space)) @ within)
        return np.asarray(values, dtype=np.float64)

    def predict(self, prompts: Sequence[str], task_types: Sequence[str | None] | None = None) -> Floats:
        """Calibrated quality between 0 and 1, (prompts, llms)."""
        return self.predict_terms(self.terms(prompts), task_types)

    def predict_terms(self, terms: Any, task_types: Sequence[str | None] | None = None) -> Floats:
        """The same of prompts whose `terms` are known."""
        return calibrate(bent(self._raw(terms, task_types), self.level, self.bend), self.calib_x, self.calib_y)

    def cost_usd(self, prompts: Sequence[str]) -> Floats:
        """Expected cost in USD, (prompts, llms)."""
        return expected_cost_usd(
            prompts,
            self.llms,
            dict(zip(self.llms, self.prices, strict=True)),
            dict(zip(self.llms, self.mean_output_tokens.tolist(), strict=True)),
        )

    def columns(self, llms: Sequence[str]) -> list[int]:
        """Positions of these llms."""
        position = {llm: i for i, llm in enumerate(self.llms)}
        return [position[llm] for llm in llms]


def _one_hot(task_types: Sequence[str | None], known: Sequence[str]) -> Any:
    position = {name: i for i, name in enumerate(known)}
    cells = [(row, position[name]) for row, name in enumerate(task_types) if name in position]
    rows, columns = zip(*cells, strict=True) if cells else ((), ())
    return sp.csr_matrix((np.ones(len(cells)), (rows, columns)), shape=(len(task_types), len(known)))


def _within(flags: Any, points: Floats) -> Any:
    """Topics of each prompt in the columns of its task type, (prompts, task types x topics), sparse."""
    width = points.shape[1]
    rows, types = flags.nonzero()
    columns = types[:, None] * width + np.arange(width)[None, :]
    shape = (flags.shape[0], flags.shape[1] * width)
    return sp.csr_matrix((points[rows].ravel(), (np.repeat(rows, width), columns.ravel())), shape=shape)


@dataclass(frozen=True, slots=True)
class Alphas:
    """Ridge penalties: of what all llms share, and of how each differs (far less certain, so shrunk more)."""

    mean: float
    contrast: float


@dataclass(frozen=True, slots=True)
class _Linear:
    coef: Floats
    intercept: Floats

    def of(self, features: Any) -> Floats:
        return np.asarray(features @ self.coef + self.intercept, dtype=np.float64)

    def mean(self) -> _Linear:
        """The mean over its outputs: how easy a prompt is for these llms together."""
        return _Linear(self.coef.mean(axis=1, keepdims=True), self.intercept.mean(keepdims=True))

    def plus(self, other: _Linear) -> _Linear:
        return _Linear(self.coef + other.coef, self.intercept + other.intercept)


def _ridge(features: Any, target: Floats, alpha: float) -> _Linear:
    from sklearn.linear_model import Ridge

    fitted = Ridge(alpha=alpha, solver="sparse_cg", tol=1e-4).fit(features, target)
    return _Linear(np.atleast_2d(fitted.coef_).T, np.atleast_1d(fitted.intercept_))


@dataclass(frozen=True, slots=True)
class _Design:
    """A block with its features, folds and teacher. `fit` and the search see quality beyond `offset` only."""

    block: LabelledPrompts
    features: Any
    folds: NDArray[np.int_]
    teacher: Teacher | None
    expected_cost: Floats

    def fit(self, alphas: Alphas, offset: _Linear | None, rows: Any = None) -> _Linear:
        """The mean of all llms and each llm's distance from it, shrunk apart, on top of `offset`."""
        chosen = np.arange(len(self.folds)) if rows is None else np.flatnonzero(rows)
        target = self.block.quality[chosen]
        if offset is not None:
            target = target - offset.of(self.features[chosen])
        own = self._learn(chosen, target, alphas)
        return own if offset is None else own.plus(offset)

    def search(self, offsets: Sequence[_Linear | None], grid: Sequence[float]) -> tuple[Alphas, Floats]:
        """The alphas that do best out of fold, and those predictions. `offsets`: one a fold."""
        base = np.zeros_like(self.block.quality)
        for fold, offset in enumerate(offsets):
            rows = np.flatnonzero(self.folds == fold)
            if offset is not None and len(rows):
                base[rows] = offset.of(self.features[rows])
        target = self.block.quality - base
        mean = target.mean(axis=1, keepdims=True)
        parts = np.hstack([mean, target - mean])
        tried = self._tried(parts, grid)
        best_mean = min(tried, key=lambda pair: float(((pair[1][:, :1] - mean) ** 2).mean()))
        best_contrast = self._best_contrast(base + best_mean[1][:, :1], tried, parts[:, 1:])
        alphas = Alphas(best_mean[0], best_contrast[0])
        if self.teacher is None or self._is_contest():
            return alphas, base + best_mean[1][:, :1] + best_contrast[1][:, 1:]
        return alphas, base + self._served(self.teacher, parts, alphas)

    def _is_contest(self) -> bool:
        """Whether more than two language models stand against each other."""
        return len(self.block.llms) > CONTEST_OF

    def _tried(self, target: Floats, grid: Sequence[float]) -> list[tuple[float, Floats]]:
        """Each penalty with what it expects out of fold: the linear map, or of two llms its teacher, which is quicker.

        Among more, what routing comes to is chosen by what is served: a teacher's choice fell below the hull.
        """
        found = {alpha: np.zeros_like(target) for alpha in grid}
        for test, train in self._folds():
            if self.teacher is None:
                expected = [_ridge(self.features[train], target[train], a).of(self.features[test]) for a in grid]
            elif self._is_contest():
                smooth = np.hstack(self.teacher.expect(train, target[train], train, grid))
                served = _ridge(self.features[train], smooth, STUDENT_RIDGE).of(self.features[test])
                expected = np.hsplit(served, len(grid))
            else:
                expected = self.teacher.expect(train, target[train], test, grid)
            for alpha, values in zip(grid, expected, strict=True):
                found[alpha][test] = values
        return list(found.items())

    def _served(self, teacher: Teacher, parts: Floats, alphas: Alphas) -> Floats:
        """What the linear map that learns from the teacher expects out of fold: what calibration is fitted to."""
        found = np.zeros((len(parts), parts.shape[1] - 1))
        for test, train in self._folds():
            mean = teacher.expect(train, parts[train, :1], train, [alphas.mean])[0]
            contrast = teacher.expect(train, parts[train, 1:], train, [alphas.contrast])[0]
            found[test] = _ridge(self.features[train], mean + contrast, STUDENT_RIDGE).of(self.features[test])
        return found

    def _folds(self) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Rows to judge and rows to learn from, a fold each; folds without either are left out."""
        pairs = [(np.flatnonzero(self.folds == f), np.flatnonzero(self.folds != f)) for f in range(FOLD_COUNT)]
        return [(test, train) for test, train in pairs if len(test) and len(train)]

    def _best_contrast(
        self, common: Floats, tried: Sequence[tuple[float, Floats]], truth: Floats
    ) -> tuple[float, Floats]:
        """Of two llms by squared error, of more by what routing by them comes to.

        The largest of many noisy contrasts is mostly noise, which an error averaged over all llms does not see.
        """
        if not self._is_contest():
            return min(tried, key=lambda pair: float(((pair[1][:, 1:] - truth) ** 2).mean()))
        quality, cost = self.block.quality, self.block.cost_usd
        found = [standing(common + pair[1][:, 1:], self.expected_cost, quality, cost) for pair in tried]
        least, best = max(found)
        good = [i for i, (margin, aiq) in enumerate(found) if margin >= least and aiq >= best - AIQ_TOLERANCE]
        return tried[max(good, key=lambda i: tried[i][0])]

    def _learn(self, rows: NDArray[np.intp], target: Floats, alphas: Alphas) -> _Linear:
        """A linear map of the target: shrunk by the penalties itself, or learned from a teacher that is."""
        features, mean = self.features[rows], target.mean(axis=1, keepdims=True)
        if self.teacher is None:
            own = _ridge(features, target - mean, alphas.contrast)
            return _ridge(features, mean, alphas.mean).plus(own)
        if alphas.mean == alphas.contrast:
            return _ridge(features, self.teacher.smooth(rows, target, alphas.mean), STUDENT_RIDGE)
        common = self.teacher.smooth(rows, mean, alphas.mean)
        return _ridge(features, common + self.teacher.smooth(rows, target - mean, alphas.contrast), STUDENT_RIDGE)


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted estimator, and what was found on the way."""

    estimator: Estimator
    alphas: Mapping[str, Alphas]
    out_of_fold: Mapping[str, Floats]
    """Calibrated out-of-fold predictions by source, (prompts, llms) in the block's order."""
    views: Views | None = None

    def output_tokens(self, prompts: Sequence[str], llms: Sequence[str]) -> Floats:
        """Expected answer lengths, (prompts, llms): by the prompt where the views are fitted, else the means."""
        columns = self.estimator.columns(llms)
        if self.views is None:
            return np.tile(self.estimator.mean_output_tokens[columns], (len(prompts), 1))
        return self.views.output_tokens(self.views.points(self.estimator.terms(prompts)))[:, columns]

    def quality_by_policy(
        self, prompts: Sequence[str], llms: Sequence[str], task_types: Sequence[str | None] | None = None
    ) -> dict[str, Floats]:
        """Calibrated quality as each policy sees it, (prompts, llms) each: the estimator's, and the views' where fitted."""
        terms, columns = self.estimator.terms(prompts), self.estimator.columns(llms)
        found = {OWN_POLICY: self.estimator.predict_terms(terms, task_types)[:, columns]}
        if self.views is not None:
            points = self.views.points(terms)
            found |= {one: self.views.quality(one, points)[:, columns] for one in POLICIES}
        return found


def fit(
    blocks: Sequence[LabelledPrompts],
    *,
    grid: Sequence[float] | None = None,
    max_terms: int = MAX_TERMS,
    min_prompts: int = MIN_PROMPTS_PER_TERM,
    encode: Encode | None = None,
    with_views: bool = True,
) -> Fit:
    """Fit on training blocks (sources with disjoint llms). Deterministic: no random draw is made.

    With `encode` a teacher that knows what prompts mean stands between the labels and the linear map.
    `with_views` false leaves out what other policies see, and the lengths of answers.
    """
    ordered = sorted(blocks, key=lambda block: -len(block.prompts))
    vectoriser = _fit_vectoriser(ordered, max_terms=max_terms, min_prompts=min_prompts)
    known = tuple(sorted({name for block in ordered for name in block.task_types if name is not None}))
    views = fit_views(ordered, [vectoriser.transform(block.prompts) for block in ordered]) if with_views else None
    designs = [_design(block, vectoriser, known, encode, views) for block in ordered]
    difficulty: _Linear | None = None
    by_fold: list[_Linear | None] = [None] * FOLD_COUNT
    parts: list[_Linear] = []
    chosen: dict[str, Alphas] = {}
    raw: dict[str, Floats] = {}
    for design in designs:
        source = design.block.source
        chosen[source], raw[source] = design.search(by_fold, grid or (GRID if encode is None else TEACHER_GRID))
        parts.append(design.fit(chosen[source], difficulty))
        if difficulty is None and len(designs) > 1:
            difficulty = parts[0].mean()
            by_fold = [design.fit(chosen[source], None, rows=design.folds != f).mean() for f in range(FOLD_COUNT)]
    bends, knots, calibrated = [], [], {}
    for block in ordered:
        level = level_of([len(block.llms)])
        folds = np.array([fold_of(prompt) for prompt in block.prompts])
        bends.append(fit_bend(raw[block.source], block.quality, level, folds))
        scores = bent(raw[block.source], level, bends[-1])
        knots.append(knots_of(scores, block.quality))
        calibrated[block.source] = calibrate(scores, *knots[-1])
    space = None if views is None else views.arrays["space"]
    estimator = _assemble(ordered, vectoriser, known, parts, knots, np.concatenate(bends), space)
    return Fit(estimator, chosen, calibrated, views)


def _fit_vectoriser(blocks: Sequence[LabelledPrompts], *, max_terms: int, min_prompts: int) -> Any:
    """TF-IDF of all blocks. Very long terms go: each would widen the whole vocabulary array of the bundle."""
    fitted = make_vectoriser(max_terms=max_terms, min_prompts=min_prompts)
    fitted.fit([prompt for block in blocks for prompt in block.prompts])
    terms = fitted.get_feature_names_out()
    kept = [i for i, term in enumerate(terms) if len(term) <= MAX_TERM_CHARACTERS]
    vectoriser = make_vectoriser([str(terms[i]) for i in kept])
    vectoriser.idf_ = fitted.idf_[kept]
    return vectoriser


def _design(
    block: LabelledPrompts, vectoriser: Any, known: Sequence[str], encode: Encode | None, views: Views | None
) -> _Design:
    terms, flags = vectoriser.transform(block.prompts), _one_hot(block.task_types, known)
    features = sp.hstack([terms, flags]) if known else terms
    lengths: Mapping[str, float] | Floats = block.mean_output_tokens
    if views is not None:
        points = views.points(terms)
        lengths = views.output_tokens(points)[:, views.columns[block.source]]
        features = sp.hstack([features, _within(flags, points)]) if known else features
    teacher = None if encode is None else Teacher.of(terms, encode(block.prompts), block.task_types)
    folds = np.array([fold_of(prompt) for prompt in block.prompts])
    cost = expected_cost_usd(block.prompts, block.llms, block.prices, lengths)
    return _Design(block, sp.csr_matrix(features), folds, teacher, cost)


def _assemble(
    blocks: Sequence[LabelledPrompts],
    vectoriser: Any,
    known: tuple[str, ...],
    parts: Sequence[_Linear],
    knots: Sequence[tuple[Floats, Floats]],
    bend: Floats,
    space: NDArray[Any] | None,
) -> Estimator:
    vocabulary = tuple(str(term) for term in vectoriser.get_feature_names_out())
    coef = np.concatenate([part.coef for part in parts], axis=1)
    terms = len(vocabulary)
    llms = [(block, llm) for block in blocks for llm in block.llms]
    return Estimator(
        llms=tuple(llm for _, llm in llms),
        prices=tuple(block.prices[llm] for block, llm in llms),
        mean_output_tokens=np.array([block.mean_output_tokens[llm] for block, llm in llms]),
        vocabulary=vocabulary,
        idf=np.asarray(vectoriser.idf_, dtype=np.float64),
        coef=coef[:terms].astype(np.float32),
        intercept=np.concatenate([part.intercept for part in parts]),
        calib_x=np.concatenate([x for x, _ in knots]),
        calib_y=np.concatenate([y for _, y in knots]),
        task_types=known,
        task_coef=coef[terms : terms + len(known)].astype(np.float32),
        space=space,
        task_places=coef[terms + len(known) :]
        .reshape(len(known), 0 if space is None else space.shape[1], len(llms))
        .astype(np.float32),
        level=level_of([len(block.llms) for block in blocks]),
        bend=bend,
    )
