"""Routing among language models, on public labels: what the estimator of `ml.route_llm` gains over single llms.

`data` is a folder laid out as the shared one: `llmrouter/`, `routerbench/`, `routellm/mmlu/`. A part that is
absent gives no figure. Files that are not the known training files are tests: the estimator is then trained on
the known ones and judged on them. Without such files the training data is cross-validated, so that every row
is judged by a fit that has not seen it or its duplicate. `scale` below 1 takes that share of the rows.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aurora.settings import Settings
from benchmarks.harness import Op, Result
from ml.route_llm import sources
from ml.route_llm.estimator import fit
from ml.route_llm.evaluate import (
    average_quality,
    calibration,
    cost_curve,
    cost_share_at,
    hull_margin,
    route,
    upper_hull,
)
from ml.route_llm.features import (
    FOLD_COUNT,
    Floats,
    LabelledPrompts,
    Price,
    expected_cost_usd,
    fold_of,
    make_vectoriser,
    prompt_key,
)
from ml.route_llm.teacher import Encoder
from ml.route_llm.views import POLICIES

WEAK, STRONG = "mistralai/Mixtral-8x7B-Instruct-v0.1", "gpt-4-1106-preview"
MMLU_LABELS = 1531
MMLU_SEEDS = 5
MMLU_USD_PER_MTOK = {WEAK: 0.24, STRONG: 24.7}
"""As RouteLLM counts them, one price for input and output."""
NEIGHBOURS = 100

ENCODER = Encoder()
"""Read at training only: what is judged here are the linear maps and views that a bundle serves."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Rows and what each policy expected of them before it had seen them; `tokens` are expected answer lengths."""

    block: LabelledPrompts
    quality: Mapping[str, Floats]
    tokens: Floats

    def expected_cost(self) -> Floats:
        """USD, (prompts, llms)."""
        return expected_cost_usd(self.block.prompts, self.block.llms, self.block.prices, self.tokens)


def run(*, data: Path | None, scale: float) -> list[Result]:
    """All figures of the parts that stand below `data`; needs the shared data for training."""
    shared = Settings().shared_data_dir
    folder = data or shared
    results: list[Result] = []
    for measure in (_llmrouter, _routerbench, _mmlu):
        results += measure(folder, shared, scale)
    if not results:
        results = [Result(metric="parts_measured", value=0.0, unit="count", bar=1.0, op=">=")]
    return results


def predictions(train: LabelledPrompts, test: LabelledPrompts, *, with_baselines: bool = True) -> Judged:
    """What every policy of route_llm expects of `test` after a warm start on `train`."""
    found = fit([train], encode=ENCODER)
    quality = found.quality_by_policy(test.prompts, test.llms, test.task_types)
    if not with_baselines:
        return Judged(test, quality, found.output_tokens(test.prompts, test.llms))
    quality["best_single"] = np.tile(train.quality.mean(axis=0), (len(test.prompts), 1))
    quality["cheapest"] = np.zeros_like(test.quality)
    quality["knn100"] = _neighbours(train, test)
    return Judged(test, quality, found.output_tokens(test.prompts, test.llms))


def _neighbours(train: LabelledPrompts, test: LabelledPrompts) -> Floats:
    """The baseline that the literature names: mean quality of the nearest training prompts."""
    from sklearn.neighbors import NearestNeighbors

    vectoriser = make_vectoriser().fit(train.prompts)
    index = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(train.prompts)), metric="cosine")
    index.fit(vectoriser.transform(train.prompts))
    nearest = index.kneighbors(vectoriser.transform(test.prompts), return_distance=False)
    return np.asarray(train.quality[nearest].mean(axis=1), dtype=np.float64)


def _judged(train: LabelledPrompts, test: LabelledPrompts | None) -> Judged:
    """`test` without the questions of `train`, or `train` itself out of fold."""
    if test is not None:
        seen = {prompt_key(prompt) for prompt in train.prompts}
        return predictions(
            train, test.take([i for i, prompt in enumerate(test.prompts) if prompt_key(prompt) not in seen])
        )
    folds = np.array([fold_of(prompt) for prompt in train.prompts])
    order, parts = [], []
    for fold in range(FOLD_COUNT):
        rows = np.flatnonzero(folds == fold)
        order.append(rows)
        parts.append(predictions(train.take(np.flatnonzero(folds != fold)), train.take(rows)))
    return Judged(
        train.take(np.concatenate(order)),
        {name: np.concatenate([part.quality[name] for part in parts]) for name in parts[0].quality},
        np.concatenate([part.tokens for part in parts]),
    )


def _thin(block: LabelledPrompts, scale: float) -> LabelledPrompts:
    count = len(block.prompts)
    return block if scale >= 1 else block.take(np.arange(0, count, max(1, round(1 / max(scale, 1e-6)))))


def _others(folder: Path, pattern: str, known: Sequence[Path]) -> list[Path]:
    names = {path.name for path in known}
    return [file for file in sorted(folder.glob(pattern)) if file.name not in names]


def _llmrouter(folder: Path, shared: Path, scale: float) -> list[Result]:
    known = [sources.LLMROUTER, sources.LLMROUTER_PRICES]
    files = _others(folder / "llmrouter", "*.json", known)
    if not files and not (folder / sources.LLMROUTER).is_file():
        return []
    root = folder if (folder / sources.LLMROUTER).is_file() else shared
    prices = root / sources.LLMROUTER_PRICES
    train = _thin(sources.read_llmrouter(root / sources.LLMROUTER, prices), scale)
    test = sources.read_llmrouter(files[0], prices) if files else None
    judged = _judged(train, test)
    block, expected = judged.block, judged.expected_cost()
    mean = {name: _mean_quality(block, values, expected) for name, values in judged.quality.items()}
    curve = cost_curve(judged.quality["learned_llm"], expected, block.quality, block.cost_usd)
    best = int(train.quality.mean(axis=0).argmax())
    singles = np.column_stack([block.cost_usd.mean(axis=0), block.quality.mean(axis=0)])
    bar, ours = (0.6175 if test is not None else None), mean["learned_llm"]
    share = cost_share_at(curve, 0.95 * float(singles[best, 1]), float(singles[best, 0]))
    return [
        Result(metric="llmrouter.prompts", value=len(block.prompts), unit="count"),
        Result(metric="llmrouter.quality", value=ours, unit="share", bar=bar, op=">=" if bar else None),
        Result(metric="llmrouter.over_best_single", value=ours - mean["best_single"], unit="share", bar=0.0, op=">="),
        Result(metric="llmrouter.over_knn100", value=ours - mean["knn100"], unit="share", bar=0.0, op=">="),
        Result(metric="llmrouter.cost_share_95", value=share, unit="share"),
        Result(metric="llmrouter.hull_margin", value=hull_margin(curve, singles), unit="share"),
        *_per_policy("llmrouter.quality", mean),
        *_ece("llmrouter", judged),
    ]


def _per_policy(metric: str, values: Mapping[str, float]) -> list[Result]:
    return [Result(metric=f"{metric}.{name}", value=value, unit="share") for name, value in values.items()]


def _ece(source: str, judged: Judged) -> list[Result]:
    """Calibration of each policy's confidence; the bar is the promotion gate's."""
    results = []
    for name, values in judged.quality.items():
        bar = 0.05 if name in ("learned_llm", *POLICIES) else None
        if name != "cheapest":
            error = calibration(values, judged.block.quality)[0]
            op: Op | None = None if bar is None else "<="
            results.append(Result(metric=f"{source}.ece.{name}", value=error, unit="share", bar=bar, op=op))
    return results


def _mean_quality(block: LabelledPrompts, predicted: Floats, expected: Floats) -> float:
    """Mean quality where cost is no matter."""
    return float(block.quality[np.arange(len(predicted)), route(predicted, expected, 0.0)].mean())


def _routerbench(folder: Path, shared: Path, scale: float) -> list[Result]:
    files = _others(folder / "routerbench", "*.parquet", [sources.ROUTERBENCH])
    if not files and not (folder / sources.ROUTERBENCH).is_file():
        return []
    root = folder if (folder / sources.ROUTERBENCH).is_file() else shared
    train = _thin(sources.read_routerbench(root / sources.ROUTERBENCH), scale)
    test = sources.read_routerbench(files[0]) if files else None
    judged = _judged(train, test)
    block, expected = judged.block, judged.expected_cost()
    singles = np.column_stack([block.cost_usd.mean(axis=0), block.quality.mean(axis=0)])
    low, high, best = float(singles[:, 0].min()), float(singles[:, 0].max()), int(singles[:, 1].argmax())
    curves = {n: cost_curve(v, expected, block.quality, block.cost_usd) for n, v in judged.quality.items()}
    aiq = {name: average_quality(upper_hull(curve), low, high) for name, curve in curves.items()}
    curve, target, full = curves["learned_llm"], 0.95 * float(singles[best, 1]), float(singles[best, 0])
    margin = hull_margin(curve, singles)
    return [
        Result(metric="routerbench.prompts", value=len(block.prompts), unit="count"),
        Result(metric="routerbench.aiq", value=aiq["learned_llm"], unit="share", bar=0.865, op=">="),
        Result(metric="routerbench.aiq_singles", value=average_quality(upper_hull(singles), low, high), unit="share"),
        Result(metric="routerbench.quality_best_single", value=float(singles[best, 1]), unit="share"),
        Result(
            metric="routerbench.cost_share_95",
            value=cost_share_at(curve, target, full),
            unit="share",
            bar=0.20,
            op="<=",
        ),
        Result(metric="routerbench.cost_share_95_mixed", value=mixed_share_at(curve, target, full), unit="share"),
        Result(metric="routerbench.hull_margin", value=margin, unit="share", bar=0.0, op=">="),
        *_per_policy("routerbench.aiq", aiq),
        *_ece("routerbench", judged),
    ]


def mixed_share_at(curve: Floats, quality: float, full_cost: float) -> float:
    """The same share where two trade-offs may be mixed at random, as AIQ's hull allows."""
    hull = upper_hull(curve)
    if hull[-1, 1] < quality:
        return 1.0
    return float(min(1.0, np.interp(quality, hull[:, 1], hull[:, 0]) / full_cost))


def read_mmlu(folder: Path) -> LabelledPrompts:
    """RouteLLM's labels: was each of the two llms right. The subject is a task type that serving knows too."""
    rows: dict[str, tuple[str, str, float, float]] = {}
    for file in sorted(folder.glob("mmlu_*.csv")):
        with file.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                right = (float(row[WEAK] == "True"), float(row[STRONG] == "True"))
                rows.setdefault(prompt_key(row["prompt"]), (row["prompt"], file.stem.removeprefix("mmlu_"), *right))
    prompts, subjects = tuple(row[0] for row in rows.values()), tuple(row[1] for row in rows.values())
    prices = {llm: Price(input_usd_per_mtok=p, output_usd_per_mtok=p) for llm, p in MMLU_USD_PER_MTOK.items()}
    tokens = {WEAK: 1.0, STRONG: 1.0}
    return LabelledPrompts(
        source="mmlu",
        prompts=prompts,
        llms=(WEAK, STRONG),
        quality=np.array([row[2:] for row in rows.values()], dtype=np.float64).reshape(-1, 2),
        cost_usd=expected_cost_usd(prompts, (WEAK, STRONG), prices, tokens),
        prices=prices,
        mean_output_tokens=tokens,
        task_types=subjects,
        groups=subjects,
    )


def _mmlu(folder: Path, shared: Path, scale: float) -> list[Result]:
    block = _thin(read_mmlu(folder / "routellm" / "mmlu"), scale)
    if len(block.prompts) < 2 * FOLD_COUNT:
        return []
    pool = block if folder == shared or len(block.prompts) > 2 * MMLU_LABELS else read_mmlu(shared / "routellm/mmlu")
    few = [few_labels(pool, block, seed) for seed in range(MMLU_SEEDS)]
    plain = [
        strong_calls(few_labels(_without_task(pool), _without_task(block), seed, with_baselines=False), "learned_llm")
        for seed in range(MMLU_SEEDS)
    ]
    judged = _judged(block, None)
    found = np.array([strong_calls(one, "learned_llm") for one in few])
    folds = np.array([fold_of(prompt) for prompt in judged.block.prompts])
    fold_found = np.array([strong_calls(judged, "learned_llm", np.flatnonzero(folds == f)) for f in range(FOLD_COUNT)])
    policies = ("learned_llm", *POLICIES, "knn100")
    return [
        Result(metric="mmlu.prompts", value=len(block.prompts), unit="count"),
        Result(metric="mmlu.apgr_1531", value=float(found[:, 0].mean()), unit="share", bar=0.65, op=">="),
        Result(metric="mmlu.apgr_1531_spread", value=float(found[:, 0].std()), unit="share"),
        Result(metric="mmlu.cost_share_95_1531", value=float(found[:, 1].mean()), unit="share", bar=0.48, op="<="),
        Result(metric="mmlu.apgr_1531_words_only", value=float(np.mean(plain, axis=0)[0]), unit="share"),
        Result(metric="mmlu.apgr_5fold", value=float(fold_found[:, 0].mean()), unit="share", bar=0.71, op=">="),
        Result(metric="mmlu.apgr_5fold_spread", value=float(fold_found[:, 0].std()), unit="share"),
        Result(metric="mmlu.cost_share_95_5fold", value=float(fold_found[:, 1].mean()), unit="share", bar=0.4, op="<="),
        *_per_policy("mmlu.apgr_1531", {p: float(np.mean([strong_calls(one, p)[0] for one in few])) for p in policies}),
        *_per_policy("mmlu.apgr_5fold", {p: strong_calls(judged, p)[0] for p in policies}),
        *_ece("mmlu", judged),
    ]


def _without_task(block: LabelledPrompts) -> LabelledPrompts:
    return replace(block, task_types=(None,) * len(block.prompts))


def few_labels(pool: LabelledPrompts, block: LabelledPrompts, seed: int, *, with_baselines: bool = True) -> Judged:
    """Train on MMLU_LABELS of the pool (at most half), judge on the rest of the block."""
    order = np.random.default_rng(seed).permutation(len(pool.prompts))
    train = pool.take(order[: min(MMLU_LABELS, len(order) // 2)])
    used = set(train.prompts)
    rest = block.take([i for i, prompt in enumerate(block.prompts) if prompt not in used])
    return predictions(train, rest, with_baselines=with_baselines)


def strong_calls(judged: Judged, policy_id: str, rows: NDArray[np.intp] | None = None) -> tuple[float, float]:
    """APGR over all shares of calls to the strong llm, and the cost share at 95 % of its quality."""
    chosen = np.arange(len(judged.block.prompts)) if rows is None else rows
    predicted, quality = judged.quality[policy_id][chosen], judged.block.quality[chosen]
    gain = (quality[:, 1] - quality[:, 0])[np.argsort(predicted[:, 0] - predicted[:, 1], kind="stable")]
    weak, strong = quality.mean(axis=0)
    reached_by = weak + np.concatenate([np.zeros(1), np.cumsum(gain)]) / len(gain)
    calls = np.linspace(0.0, 1.0, len(reached_by))
    apgr = float(np.trapezoid((reached_by - weak) / (strong - weak), calls))
    reached = calls[np.argmax(reached_by >= 0.95 * strong)]
    ratio = MMLU_USD_PER_MTOK[WEAK] / MMLU_USD_PER_MTOK[STRONG]
    return apgr, float(reached + (1 - reached) * ratio)
