"""Every policy in the registry: a new file in aurora/decisions/policies/ is held to these without an edit."""

from __future__ import annotations

import math
import random
from decimal import Decimal

import pytest

from aurora.decisions.choice import choose
from aurora.decisions.policy import Ask, ConfiguredPolicy, Estimate, Policy, policies
from aurora.packs import PolicySettings

POLICIES = [pytest.param(policy, id=policy_id) for policy_id, policy in policies().items()]
pytestmark = pytest.mark.parametrize("policy", POLICIES)


def _estimates(count: int, *, seed: int) -> list[Estimate]:
    draw = random.Random(seed)
    return [
        Estimate(
            f"candidate_{number:02}",
            round(draw.random(), draw.choice([1, 6])),
            round(draw.random(), 1),
            Decimal(draw.randrange(10**8)).scaleb(-9),
            draw.uniform(0, 10_000),
            draw.choice([0.0, 0.5, 1.0]),
        )
        for number in range(count)
    ]


def _configured(policy: Policy, *, epsilon: float = 0.1, min_confidence: float = 0.0) -> ConfiguredPolicy:
    return ConfiguredPolicy(
        policy, PolicySettings(epsilon=epsilon, min_confidence=min_confidence), dict(policy.parameters)
    )


@pytest.mark.parametrize("seed", range(25))
def test_propensities_sum_to_one_over_the_admissible(policy: Policy, seed: int):
    estimates = _estimates(1 + seed % 16, seed=seed)
    choice = choose(estimates, _configured(policy), min_quality=None)
    assert math.fsum(choice.propensities) == pytest.approx(1.0, abs=1e-12)
    assert len(choice.propensities) == len(choice.scores) == len(estimates)
    assert all(propensity > 0 for propensity in choice.propensities)
    assert all(math.isfinite(score) for score in choice.scores)


@pytest.mark.parametrize("seed", range(25))
def test_the_order_of_candidates_does_not_matter(policy: Policy, seed: int):
    estimates = _estimates(9, seed=seed)
    shuffled = random.Random(seed).sample(estimates, k=9)
    one = choose(estimates, _configured(policy), min_quality=0.5)
    two = choose(shuffled, _configured(policy), min_quality=0.5)
    assert estimates[one.greedy].candidate_id == shuffled[two.greedy].candidate_id
    assert sorted(one.scores) == sorted(two.scores)
    assert one.reason == two.reason


def test_ties_go_to_the_cheaper_and_then_to_the_first(policy: Policy):
    twins = [Estimate(name, 0.7, 0.7, Decimal("0.01"), 100.0, 0.0) for name in ("b", "a", "c")]
    assert twins[choose(twins, _configured(policy), min_quality=None).greedy].candidate_id == "a"


def test_the_draw_follows_from_the_seed_and_stays_inside(policy: Policy):
    choice = choose(_estimates(7, seed=3), _configured(policy, epsilon=0.5), min_quality=None)
    drawn = [choice.draw(seed) for seed in range(500)]
    assert drawn == [choice.draw(seed) for seed in range(500)]
    assert set(drawn) == set(range(7))


def test_a_policy_that_is_not_sure_enough_abstains(policy: Policy):
    unsure = [Estimate("a", 0.2, 0.9, Decimal("0.01"), 100.0, 0.0)]
    choice = choose(unsure, _configured(policy, min_confidence=0.3), min_quality=None)
    assert choice.is_abstained
    assert set(choice.propensities) == {0.0}
    assert choice.reason.startswith("A person decides")


def test_the_reason_names_the_preferred_candidate(policy: Policy):
    estimates = _estimates(5, seed=8)
    choice = choose(estimates, _configured(policy, epsilon=0.0), min_quality=None)
    assert estimates[choice.greedy].candidate_id in choice.reason
    assert choice.reason.endswith(".")


def test_a_better_and_cheaper_candidate_is_never_worse(policy: Policy):
    worse = Estimate("a", 0.5, 0.5, Decimal("0.02"), 900.0, 0.5)
    better = Estimate("b", 0.8, 0.8, Decimal("0.01"), 100.0, 0.0)
    scores = policy.scores([worse, better], Ask(dict(policy.parameters)))
    assert scores[1] >= scores[0]
