"""How good a routing estimator is on prompts it has not seen: quality at cost, against single llms and a champion.

Pure functions over arrays: rows are prompts, columns llms, costs in USD. A trade-off is one price of quality
(`lam`, quality points a USD): the router takes the llm of the largest `quality - lam * expected cost`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from ml.route_llm.features import Floats, LabelledPrompts, expected_cost_usd

BIN_COUNT = 10
STEP_COUNT = 240


class CalibrationBin(TypedDict):
    """Predictions of one tenth of the scale, and what came of them."""

    predicted: float
    observed: float
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Figures of one estimator on held-out prompts."""

    metrics: Mapping[str, float]
    calibration_curve: tuple[CalibrationBin, ...]
    cost_curve: Mapping[str, tuple[tuple[float, float], ...]]
    """By source: (mean cost in USD, mean quality) of the router, cheapest first."""
    per_group: Mapping[str, Mapping[str, float]]


def route(predicted: Floats, expected_cost: Floats, lam: float) -> NDArray[np.intp]:
    """Chosen column of each row; equal utilities go to the cheaper llm, then to the first."""
    utility = np.round(predicted - lam * expected_cost, 9)
    is_best = utility == utility.max(axis=1, keepdims=True)
    chosen: NDArray[np.intp] = np.argmin(np.where(is_best, expected_cost, np.inf), axis=1)
    return chosen


def trade_offs(expected_cost: Floats) -> Floats:
    """Prices of quality from "cost is no matter" to "only cost matters" at this level of cost."""
    scale = 1.0 / max(float(expected_cost.mean()), 1e-12)
    return np.concatenate([np.zeros(1), np.geomspace(1e-3, 30.0, STEP_COUNT) * scale])


def cost_curve(predicted: Floats, expected_cost: Floats, quality: Floats, cost: Floats) -> Floats:
    """(mean cost, mean quality) at each trade-off, sorted by cost; (steps, 2)."""
    rows = np.arange(len(quality))
    points = []
    for lam in trade_offs(expected_cost):
        chosen = route(predicted, expected_cost, float(lam))
        points.append((cost[rows, chosen].mean(), quality[rows, chosen].mean()))
    return np.array(sorted(set(points)), dtype=np.float64)


def upper_hull(points: Floats) -> Floats:
    """Non-decreasing convex hull of (cost, quality): what mixing these choices at random can reach."""
    hull: list[tuple[float, float]] = []
    for cost, quality in sorted(map(tuple, points.tolist()), key=lambda p: (p[0], -p[1])):
        if hull and quality <= hull[-1][1]:
            continue
        while len(hull) > 1 and _is_below(hull[-2], hull[-1], (cost, quality)):
            hull.pop()
        hull.append((cost, quality))
    return np.array(hull, dtype=np.float64)


def _is_below(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    return (b[1] - a[1]) * (c[0] - a[0]) <= (c[1] - a[1]) * (b[0] - a[0])


def average_quality(hull: Floats, low: float, high: float) -> float:
    """AIQ (RouterBench): mean quality of the hull over the costs low..high, 0 below its cheapest point."""
    grid = np.linspace(low, high, 2001)
    values = np.interp(grid, hull[:, 0], hull[:, 1], left=0.0)
    return float(np.trapezoid(values, grid) / max(high - low, 1e-15))


def cost_share_at(curve: Floats, quality: float, full_cost: float) -> float:
    """Smallest share of `full_cost` at which the curve reaches `quality`; 1 when it never does."""
    reached = curve[curve[:, 1] >= quality - 1e-12]
    return float(min(1.0, reached[:, 0].min() / full_cost)) if len(reached) else 1.0


def hull_margin(curve: Floats, singles: Floats) -> float:
    """Least distance of the router's hull above the single llms' hull, over costs both reach."""
    ours, theirs = upper_hull(curve), upper_hull(singles)
    grid = np.linspace(max(ours[0, 0], theirs[0, 0]), theirs[-1, 0], 201)
    return float((np.interp(grid, ours[:, 0], ours[:, 1]) - np.interp(grid, theirs[:, 0], theirs[:, 1])).min())


def standing(predicted: Floats, expected_cost: Floats, quality: Floats, cost: Floats) -> tuple[float, float]:
    """How good a router is to have: first that no single llm nor mixture of them beats it anywhere, then its AIQ.

    Greater is better. The first is 0, or how far the router's hull falls below the single llms'.
    """
    singles = np.column_stack([cost.mean(axis=0), quality.mean(axis=0)])
    curve = cost_curve(predicted, expected_cost, quality, cost)
    reached = average_quality(upper_hull(curve), float(singles[:, 0].min()), float(singles[:, 0].max()))
    return min(0.0, hull_margin(curve, singles)), reached


def calibration(predicted: Floats, quality: Floats) -> tuple[float, tuple[CalibrationBin, ...]]:
    """Expected calibration error over ten equal bins, and the curve."""
    flat, truth = predicted.ravel(), quality.ravel()
    bins = np.minimum((flat * BIN_COUNT).astype(int), BIN_COUNT - 1)
    curve = tuple(
        CalibrationBin(
            predicted=round(float(flat[bins == i].mean()), 6),
            observed=round(float(truth[bins == i].mean()), 6),
            count=int((bins == i).sum()),
        )
        for i in range(BIN_COUNT)
        if (bins == i).any()
    )
    error = sum(abs(b["predicted"] - b["observed"]) * b["count"] for b in curve) / max(len(flat), 1)
    return float(error), curve


def evaluate(
    held_out: Sequence[LabelledPrompts],
    predicted: Sequence[Floats],
    best: Sequence[int],
    *,
    output_tokens: Sequence[Floats] | None = None,
) -> Evaluation:
    """Judge calibrated predictions on held-out blocks. `output_tokens[i]`, (prompts, llms): expected answer lengths.

    `predicted[i]` fits `held_out[i].quality`; `best[i]` is the column of the llm that was best on average
    in training. Totals are means over prompts; figures of one source carry its name as a prefix.
    """
    costs = _expected_costs(held_out, output_tokens)
    by_source = [_judge(*one) for one in zip(held_out, predicted, best, costs, strict=True)]
    weights = np.array([len(block.prompts) for block in held_out], dtype=np.float64)
    metrics = {
        name: float(np.average([figures[name] for figures, _ in by_source], weights=weights))
        for name in ("quality_equal_cost", "quality_best_single", "quality_max", "quality_oracle", "aiq")
    }
    errors = [block.quality.ravel() for block in held_out]
    ece, curve = calibration(np.concatenate([p.ravel() for p in predicted]), np.concatenate(errors))
    metrics |= {"ece": ece, "gain_equal_cost": metrics["quality_equal_cost"] - metrics["quality_best_single"]}
    for block, (figures, _) in zip(held_out, by_source, strict=True):
        metrics |= {f"{block.source}.{name}": value for name, value in figures.items()}
    return Evaluation(
        metrics={name: round(value, 6) for name, value in metrics.items()},
        calibration_curve=curve,
        cost_curve={
            block.source: tuple((round(c, 9), round(q, 6)) for c, q in points.tolist())
            for block, (_, points) in zip(held_out, by_source, strict=True)
        },
        per_group=_per_group(held_out, predicted, best, costs),
    )


def _judge(block: LabelledPrompts, predicted: Floats, best: int, expected: Floats) -> tuple[dict[str, float], Floats]:
    rows = np.arange(len(block.prompts))
    curve = cost_curve(predicted, expected, block.quality, block.cost_usd)
    singles = np.column_stack([block.cost_usd.mean(axis=0), block.quality.mean(axis=0)])
    low, high = float(singles[:, 0].min()), float(singles[:, 0].max())
    chosen = route_at_cost(predicted, expected, best)
    gain = block.quality[rows, chosen] - block.quality[:, best]
    strong = float(singles[best, 1])
    figures = {
        "prompt_count": float(len(rows)),
        "quality_max": float(block.quality[rows, route(predicted, expected, 0.0)].mean()),
        "quality_best_single": strong,
        "quality_oracle": float(block.quality.max(axis=1).mean()),
        "quality_equal_cost": float(block.quality[rows, chosen].mean()),
        "gain_equal_cost_se": float(gain.std() / np.sqrt(max(len(rows), 1))),
        "cost_share_equal_cost": float(block.cost_usd[rows, chosen].mean() / max(singles[best, 0], 1e-15)),
        "cost_share_95": cost_share_at(curve, 0.95 * strong, float(singles[best, 0])),
        "aiq": average_quality(upper_hull(curve), low, high),
        "aiq_singles": average_quality(upper_hull(singles), low, high),
        "hull_margin": hull_margin(curve, singles),
        "ece": calibration(predicted, block.quality)[0],
    }
    return figures, curve


def _expected_costs(blocks: Sequence[LabelledPrompts], output_tokens: Sequence[Floats] | None) -> list[Floats]:
    return [
        expected_cost_usd(
            block.prompts,
            block.llms,
            block.prices,
            block.mean_output_tokens if output_tokens is None else output_tokens[i],
        )
        for i, block in enumerate(blocks)
    ]


def route_at_cost(predicted: Floats, expected_cost: Floats, best: int) -> NDArray[np.intp]:
    """Choices at the least price of quality whose expected cost is no more than that of llm `best` for all.

    Labels play no part in choosing the trade-off. Falls back to `best` itself, which always fits.
    """
    rows, budget = np.arange(len(predicted)), expected_cost[:, best].mean() * (1 + 1e-9)
    for lam in trade_offs(expected_cost):
        chosen = route(predicted, expected_cost, float(lam))
        if expected_cost[rows, chosen].mean() <= budget:
            return chosen
    return np.full(len(predicted), best, dtype=np.intp)


def _per_group(
    held_out: Sequence[LabelledPrompts],
    predicted: Sequence[Floats],
    best: Sequence[int],
    costs: Sequence[Floats],
) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for block, values, one, cost in zip(held_out, predicted, best, costs, strict=True):
        chosen = route_at_cost(values, cost, one)
        groups = np.array(block.groups)
        for group in sorted(set(block.groups)):
            rows = np.flatnonzero(groups == group)
            found[f"{block.source}/{group}"] = {
                "prompt_count": float(len(rows)),
                "quality": round(float(block.quality[rows, chosen[rows]].mean()), 6),
                "quality_best_single": round(float(block.quality[rows, one].mean()), 6),
                "cost_usd": round(float(block.cost_usd[rows, chosen[rows]].mean()), 9),
            }
    return found
