"""What a bundle would have done on logged decisions, by the code that serves them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from aurora.decisions.bundles import Bundle
from aurora.decisions.choice import choose
from aurora.decisions.policy import ConfiguredPolicy, Estimate
from ml.learning.training_set import Matured
from ml.off_policy.estimators import Floats, Logged

_CHANCES = 50
"""Times that rewards are drawn to see what chance shows."""


def columns_of(rows: Sequence[Matured]) -> tuple[str, ...]:
    """Every candidate that was admissible in any of the rows, sorted: the columns of what follows."""
    return tuple(sorted({name for row in rows for name in row.chances}))


def log_of(rows: Sequence[Matured], columns: Sequence[str], *, worth_usd: float) -> Logged:
    """The decisions as a log: the reward less what the action cost, one unit of reward being worth `worth_usd`."""
    place = {name: number for number, name in enumerate(columns)}
    cost = np.array([_cost(row) for row in rows])
    rewards = np.array([float(row.reward or 0.0) for row in rows]) - cost / worth_usd
    return Logged(
        actions=np.array([place[str(row.action)] for row in rows], dtype=np.intp),
        rewards=rewards,
        propensities=np.array([float(row.propensity or 0.0) for row in rows]),
    )


def _cost(row: Matured) -> float:
    return row.spent_usd if row.spent_usd is not None else row.cost_usd.get(str(row.action), 0.0)


def prior_of(rows: Sequence[Matured], columns: Sequence[str], *, worth_usd: float) -> Floats:
    """What the receipts expected of each candidate, in the log's unit; the row's mean where one was not admissible."""
    found = np.zeros((len(rows), len(columns)))
    for number, row in enumerate(rows):
        known = {name: row.quality[name] - row.cost_usd.get(name, 0.0) / worth_usd for name in row.quality}
        mean = sum(known.values()) / len(known) if known else 0.0
        found[number] = [known.get(name, mean) for name in columns]
    return found


def chances_of(bundle: Bundle, configured: ConfiguredPolicy, rows: Sequence[Matured], columns: Sequence[str]) -> Floats:
    """Probability with which the bundle's policy takes each candidate, (rows, columns).

    Where it would have asked a person, it is counted as doing what it prefers: the person is not part of the estimate.
    """
    place = {name: number for number, name in enumerate(columns)}
    found = np.zeros((len(rows), len(columns)))
    for number, row in enumerate(rows):
        estimates = _estimates(bundle, configured.policy.policy_id, row)
        floor = row.request.get("min_quality")
        choice = choose(estimates, configured, min_quality=None if floor is None else float(floor))
        chances = choice.propensities if not choice.is_abstained else _surely(choice.greedy, len(estimates))
        for estimate, chance in zip(estimates, chances, strict=True):
            found[number, place[estimate.candidate_id]] = chance
    return found


def forbidden_count(chances: Floats, rows: Sequence[Matured], columns: Sequence[str]) -> int:
    """Decisions in which a policy might take a candidate that was not admissible."""
    admissible = np.array([[name in row.chances for name in columns] for row in rows], dtype=bool)
    return int(((chances > 0) & ~admissible).any(axis=1).sum())


def _surely(greedy: int, count: int) -> tuple[float, ...]:
    return tuple(1.0 if place == greedy else 0.0 for place in range(count))


def _estimates(bundle: Bundle, policy_id: str, row: Matured) -> list[Estimate]:
    expected = bundle.expect(str(row.request["prompt"]), task_type=row.request.get("task_type"), policy_id=policy_id)
    return [
        Estimate(
            name,
            expected.quality.get(name, row.quality.get(name, 0.0)),
            row.quality.get(name, 0.0),
            Decimal(str(row.cost_usd.get(name, 0.0))),
            0.0,
            0.0,
            spread=expected.spread.get(name, 0.0),
        )
        for name in sorted(row.chances)
    ]


def expected_of_actions(bundle: Bundle, policy_id: str, rows: Sequence[Matured]) -> Floats:
    """Calibrated quality that the bundle expects of each row's own action, (rows,)."""
    return np.array(
        [
            bundle.expect(
                str(row.request["prompt"]), task_type=row.request.get("task_type"), policy_id=policy_id
            ).quality.get(str(row.action), np.nan)
            for row in rows
        ]
    )


def calibration_beyond_chance(expected: Floats, rewards: Floats, *, seed: int = 0) -> float:
    """Expected calibration error less what the same expectations would show if they were true, at least 0.

    Few rows show an error however true the expectations are: 0.04 with 1,000 of them. Rewards within 0 and 1 vary at
    most as right and wrong do, so what chance shows is never taken for less than it is.
    """
    from ml.route_llm.evaluate import calibration

    draws = np.random.default_rng(seed)
    by_chance = [
        calibration(expected, (draws.random(len(expected)) < expected).astype(np.float64))[0] for _ in range(_CHANCES)
    ]
    return max(0.0, float(calibration(expected, rewards)[0]) - float(np.mean(by_chance)))


def p99_ms(bundle: Bundle, policy_id: str, rows: Sequence[Matured], *, limit: int = 500) -> float:
    """Milliseconds of processor time that looking at a prompt takes at the 99th percentile, on these rows' prompts."""
    took = []
    for row in rows[:limit]:
        began = time.thread_time()
        bundle.expect(str(row.request["prompt"]), task_type=row.request.get("task_type"), policy_id=policy_id)
        took.append(1000.0 * (time.thread_time() - began))
    return float(np.quantile(took, 0.99)) if took else 0.0
