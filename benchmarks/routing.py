"""Routing among language models, on public labels: what the estimator of `ml.route_llm` gains over single llms.

`data` is a folder laid out as the shared one: `llmrouter/`, `routerbench/`, `routellm/mmlu/`. A part that is
absent gives no figure. Files that are not the known training files are tests: the estimator is then trained on
the known ones and judged on them. Without such files the training data is cross-validated, so that every row
is judged by a fit that has not seen it or its duplicate. `scale` below 1 takes that share of the rows.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from aurora.settings import Settings
from benchmarks.harness import Result
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

WEAK, STRONG = "mistralai/Mixtral-8x7B-Instruct-v0.1", "gpt-4-1106-preview"
MMLU_LABELS = 1531
MMLU_SEEDS = 5
MMLU_USD_PER_MTOK = {WEAK: 0.24, STRONG: 24.7}
"""As RouteLLM counts them, one price for input and output."""
NEIGHBOURS = 100

Predict = Callable[[LabelledPrompts, LabelledPrompts], Floats]


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


def _ridge(train: LabelledPrompts, test: LabelledPrompts) -> Floats:
    found = fit([train]).estimator
    return found.predict(test.prompts, test.task_types)[:, found.columns(test.llms)]


def _neighbours(train: LabelledPrompts, test: LabelledPrompts) -> Floats:
    """The baseline that issue 6 names: mean quality of the nearest training prompts."""
    from sklearn.neighbors import NearestNeighbors

    vectoriser = make_vectoriser().fit(train.prompts)
    index = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(train.prompts)), metric="cosine")
    index.fit(vectoriser.transform(train.prompts))
    nearest = index.kneighbors(vectoriser.transform(test.prompts), return_distance=False)
    return np.asarray(train.quality[nearest].mean(axis=1), dtype=np.float64)


def _average(train: LabelledPrompts, test: LabelledPrompts) -> Floats:
    return np.tile(train.quality.mean(axis=0), (len(test.prompts), 1))


def _judged(
    train: LabelledPrompts, test: LabelledPrompts | None, predictors: Sequence[Predict]
) -> tuple[LabelledPrompts, list[Floats]]:
    """The rows that are judged and each predictor's values: on `test`, or out of fold on `train`."""
    if test is not None:
        seen = {prompt_key(prompt) for prompt in train.prompts}
        fresh = test.take([i for i, prompt in enumerate(test.prompts) if prompt_key(prompt) not in seen])
        return fresh, [predict(train, fresh) for predict in predictors]
    folds = np.array([fold_of(prompt) for prompt in train.prompts])
    values = [np.zeros_like(train.quality) for _ in predictors]
    for fold in range(FOLD_COUNT):
        rows = np.flatnonzero(folds == fold)
        for found, predict in zip(values, predictors, strict=True):
            found[rows] = predict(train.take(np.flatnonzero(folds != fold)), train.take(rows))
    return train, values


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
    judged, (ours, near, flat) = _judged(train, test, [_ridge, _neighbours, _average])
    quality = [_mean_quality(judged, values) for values in (ours, near, flat)]
    expected = expected_cost_usd(judged.prompts, judged.llms, judged.prices, judged.mean_output_tokens)
    curve = cost_curve(ours, expected, judged.quality, judged.cost_usd)
    best = int(train.quality.mean(axis=0).argmax())
    singles = np.column_stack([judged.cost_usd.mean(axis=0), judged.quality.mean(axis=0)])
    bars = (0.6175, 0.597) if test is not None else (None, None)
    return [
        Result(metric="llmrouter.prompts", value=len(judged.prompts), unit="count"),
        Result(metric="llmrouter.quality", value=quality[0], unit="share", bar=bars[0], op=">=" if bars[0] else None),
        Result(metric="llmrouter.quality_knn100", value=quality[1], unit="share"),
        Result(metric="llmrouter.quality_best_single", value=quality[2], unit="share"),
        Result(metric="llmrouter.over_best_single", value=quality[0] - quality[2], unit="share", bar=0.0, op=">="),
        Result(metric="llmrouter.over_knn100", value=quality[0] - quality[1], unit="share", bar=0.0, op=">="),
        Result(
            metric="llmrouter.cost_share_95",
            value=cost_share_at(curve, 0.95 * float(singles[best, 1]), float(singles[best, 0])),
            unit="share",
        ),
        Result(metric="llmrouter.hull_margin", value=hull_margin(curve, singles), unit="share"),
        Result(metric="llmrouter.ece", value=calibration(ours, judged.quality)[0], unit="share", bar=0.05, op="<="),
    ]


def _mean_quality(block: LabelledPrompts, predicted: Floats) -> float:
    """Mean quality where cost is no matter."""
    expected = expected_cost_usd(block.prompts, block.llms, block.prices, block.mean_output_tokens)
    return float(block.quality[np.arange(len(predicted)), route(predicted, expected, 0.0)].mean())


def _routerbench(folder: Path, shared: Path, scale: float) -> list[Result]:
    files = _others(folder / "routerbench", "*.parquet", [sources.ROUTERBENCH])
    if not files and not (folder / sources.ROUTERBENCH).is_file():
        return []
    root = folder if (folder / sources.ROUTERBENCH).is_file() else shared
    train = _thin(sources.read_routerbench(root / sources.ROUTERBENCH), scale)
    test = sources.read_routerbench(files[0]) if files else None
    judged, (ours,) = _judged(train, test, [_ridge])
    expected = expected_cost_usd(judged.prompts, train.llms, train.prices, train.mean_output_tokens)
    curve = cost_curve(ours, expected, judged.quality, judged.cost_usd)
    singles = np.column_stack([judged.cost_usd.mean(axis=0), judged.quality.mean(axis=0)])
    low, high, best = float(singles[:, 0].min()), float(singles[:, 0].max()), int(singles[:, 1].argmax())
    share = cost_share_at(curve, 0.95 * float(singles[best, 1]), float(singles[best, 0]))
    single_aiq = average_quality(upper_hull(singles), low, high)
    return [
        Result(metric="routerbench.prompts", value=len(judged.prompts), unit="count"),
        Result(
            metric="routerbench.aiq",
            value=average_quality(upper_hull(curve), low, high),
            unit="share",
            bar=0.865,
            op=">=",
        ),
        Result(metric="routerbench.aiq_singles", value=single_aiq, unit="share"),
        Result(metric="routerbench.quality_best_single", value=float(singles[best, 1]), unit="share"),
        Result(metric="routerbench.cost_share_95", value=share, unit="share", bar=0.20, op="<="),
        Result(metric="routerbench.hull_margin", value=hull_margin(curve, singles), unit="share", bar=0.0, op=">="),
        Result(metric="routerbench.ece", value=calibration(ours, judged.quality)[0], unit="share", bar=0.05, op="<="),
    ]


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
    with_subject = [_few_labels(pool, block, seed) for seed in range(MMLU_SEEDS)]
    words_only = [_few_labels(_without_task(pool), _without_task(block), seed) for seed in range(MMLU_SEEDS)]
    folds = [_one_fold(block, fold) for fold in range(FOLD_COUNT)]
    (apgr, share), (plain, _), (fold_apgr, fold_share) = (
        np.mean(found, axis=0) for found in (with_subject, words_only, folds)
    )
    return [
        Result(metric="mmlu.prompts", value=len(block.prompts), unit="count"),
        Result(metric="mmlu.apgr_1531", value=float(apgr), unit="share", bar=0.65, op=">="),
        Result(metric="mmlu.cost_share_95_1531", value=float(share), unit="share", bar=0.48, op="<="),
        Result(metric="mmlu.apgr_1531_words_only", value=float(plain), unit="share"),
        Result(metric="mmlu.apgr_5fold", value=float(fold_apgr), unit="share", bar=0.71, op=">="),
        Result(metric="mmlu.cost_share_95_5fold", value=float(fold_share), unit="share", bar=0.40, op="<="),
    ]


def _without_task(block: LabelledPrompts) -> LabelledPrompts:
    return replace(block, task_types=(None,) * len(block.prompts))


def _few_labels(pool: LabelledPrompts, block: LabelledPrompts, seed: int) -> tuple[float, float]:
    """Train on MMLU_LABELS of the pool (at most half), judge on the rest of the block."""
    order = np.random.default_rng(seed).permutation(len(pool.prompts))
    train = pool.take(order[: min(MMLU_LABELS, len(order) // 2)])
    used = set(train.prompts)
    test = block.take([i for i, prompt in enumerate(block.prompts) if prompt not in used])
    return strong_calls(_ridge(train, test), test)


def _one_fold(block: LabelledPrompts, fold: int) -> tuple[float, float]:
    folds = np.array([fold_of(prompt) for prompt in block.prompts])
    train, test = block.take(np.flatnonzero(folds != fold)), block.take(np.flatnonzero(folds == fold))
    return strong_calls(_ridge(train, test), test)


def strong_calls(predicted: Floats, block: LabelledPrompts) -> tuple[float, float]:
    """APGR over all shares of calls to the strong llm, and the cost share at 95 % of its quality."""
    gain = (block.quality[:, 1] - block.quality[:, 0])[np.argsort(predicted[:, 0] - predicted[:, 1], kind="stable")]
    weak, strong = block.quality.mean(axis=0)
    quality = weak + np.concatenate([np.zeros(1), np.cumsum(gain)]) / len(gain)
    calls = np.linspace(0.0, 1.0, len(quality))
    apgr = float(np.trapezoid((quality - weak) / (strong - weak), calls))
    reached = calls[np.argmax(quality >= 0.95 * strong)]
    ratio = MMLU_USD_PER_MTOK[WEAK] / MMLU_USD_PER_MTOK[STRONG]
    return apgr, float(reached + (1 - reached) * ratio)
