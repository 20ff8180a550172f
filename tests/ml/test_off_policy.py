"""Off-policy estimates against truth that is known, and a gate that lets through what is better and only that."""

from types import SimpleNamespace

import numpy as np
import pytest

from aurora.errors import DataError
from ml.learning.at_work import forbidden_count
from ml.off_policy.estimators import Logged, direct, doubly_robust, ips, paired, snips, weights
from ml.off_policy.gate import CANARY_SHARE, MIN_EFFECTIVE_COUNT, Conduct, judge
from ml.off_policy.rewards import expected_rewards

GOOD = Conduct(calibration_error=0.01, violation_count=0, p99_ms=0.5)
MEANS = np.array([0.3, 0.5, 0.7])


def _log(chances: np.ndarray, seed: int, count: int = 4_000) -> Logged:
    rng = np.random.default_rng(seed)
    actions = rng.choice(3, size=count, p=chances)
    rewards = (rng.random(count) < MEANS[actions]).astype(float)
    return Logged(actions, rewards, chances[actions])


def _always(column: int, count: int) -> np.ndarray:
    return np.tile(np.eye(3)[column], (count, 1))


def test_a_log_by_hand_gives_the_figures_by_hand():
    log = Logged(np.array([0, 1]), np.array([1.0, 0.5]), np.array([0.5, 0.25]))
    policy = np.array([[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]])
    assert weights(log, policy).tolist() == [2.0, 2.0]
    assert ips(log, policy).value == 1.5
    assert snips(log, policy).value == 0.75
    expected = np.array([[0.8, 0.0, 0.0], [0.0, 0.4, 0.6]])
    assert direct(policy, expected).value == pytest.approx(0.65)
    assert doubly_robust(log, policy, expected).value == pytest.approx((0.8 + 2 * 0.2 + 0.5 + 2 * 0.1) / 2)


@pytest.mark.parametrize("estimator", [ips, snips])
def test_intervals_hold_the_truth_as_often_as_they_say(estimator):
    held = 0
    for seed in range(200):
        log = _log(np.array([0.6, 0.3, 0.1]), seed, count=500)
        low, high = estimator(log, _always(2, len(log))).bounds()
        held += low <= MEANS[2] <= high
    assert 180 <= held <= 200


def test_doubly_robust_is_right_with_a_wrong_reward_estimator_and_narrower_with_a_right_one():
    log = _log(np.array([0.6, 0.3, 0.1]), 5, count=20_000)
    policy = _always(2, len(log))
    wrong = doubly_robust(log, policy, np.full((len(log), 3), 0.9))
    right = doubly_robust(log, policy, np.tile(MEANS, (len(log), 1)))
    assert wrong.value == pytest.approx(0.7, abs=0.03)
    assert right.value == pytest.approx(0.7, abs=0.03)
    assert right.standard_error < ips(log, policy).standard_error


def test_what_both_policies_do_alike_adds_no_variance():
    log = _log(np.array([0.6, 0.3, 0.1]), 6)
    champion = _always(0, len(log))
    assert paired(log, champion, champion, np.zeros((len(log), 3))).standard_error == 0.0
    challenger = champion.copy()
    challenger[:100] = np.eye(3)[2]
    found = paired(log, challenger, champion, np.zeros((len(log), 3)))
    assert found.standard_error < ips(log, challenger).standard_error


def test_no_row_sees_its_own_reward():
    log = _log(np.array([1 / 3, 1 / 3, 1 / 3]), 7, count=60)
    prior = np.tile(MEANS, (60, 1))
    before = expected_rewards(log, prior)[0].copy()
    log.rewards[0] += 100.0
    assert expected_rewards(log, prior)[0].tolist() == before.tolist()


def _canary(challenger: int, champion: int, seed: int, count: int = 1_000) -> tuple[Logged, np.ndarray, np.ndarray]:
    chances = 0.98 * ((1 - CANARY_SHARE) * np.eye(3)[champion] + CANARY_SHARE * np.eye(3)[challenger]) + 0.02 / 3
    return _log(chances, seed, count), _always(challenger, count), _always(champion, count)


def test_the_gate_lets_a_better_one_through_and_no_worse_one():
    better = [judge(*_canary(2, 1, seed), np.zeros((1_000, 3)), GOOD).is_promoted for seed in range(40)]
    worse = [judge(*_canary(0, 1, seed), np.zeros((1_000, 3)), GOOD).is_promoted for seed in range(40)]
    assert sum(better) >= 38
    assert sum(worse) == 0


def test_without_evidence_of_its_own_decisions_nobody_is_promoted():
    log = _log(np.array([0.98, 0.01, 0.01]), 3, count=2_000)
    found = judge(log, _always(2, 2_000), _always(0, 2_000), np.zeros((2_000, 3)), GOOD)
    assert found.gain.effective_count < MIN_EFFECTIVE_COUNT
    assert "canary" in found.reasons[0]


@pytest.mark.parametrize(
    ("conduct", "reason"),
    [
        (Conduct(calibration_error=0.2, violation_count=0, p99_ms=0.5), "calibration error"),
        (Conduct(calibration_error=0.01, violation_count=1, p99_ms=0.5), "broken a rule"),
        (Conduct(calibration_error=0.01, violation_count=0, p99_ms=5.0), "99th percentile"),
        (Conduct(calibration_error=None, violation_count=0, p99_ms=0.5), "not measured"),
        (Conduct(calibration_error=0.01, violation_count=None, p99_ms=0.5), "not held against the rules"),
        (Conduct(calibration_error=0.01, violation_count=0, p99_ms=None), "latency was not measured"),
    ],
)
def test_a_better_one_that_misbehaves_or_was_not_looked_at_is_kept_out(conduct: Conduct, reason: str):
    found = judge(*_canary(2, 0, 1), np.zeros((1_000, 3)), conduct)
    assert not found.is_promoted
    assert reason in found.reasons[0]
    assert found.evidence()["reasons"] == list(found.reasons)


@pytest.mark.parametrize("propensity", [0.0, float("nan"), -0.1])
def test_a_log_without_propensities_is_refused_by_name(propensity: float):
    with pytest.raises(DataError) as refused:
        Logged(np.array([0]), np.array([1.0]), np.array([propensity]))
    assert refused.value.field == "propensities"


def test_a_policy_that_might_take_what_was_not_admissible_is_counted():
    rows = [SimpleNamespace(chances={"a": 0.9, "b": 0.1}), SimpleNamespace(chances={"b": 1.0})]
    assert forbidden_count(np.array([[1.0, 0.0], [0.0, 1.0]]), rows, ("a", "b")) == 0
    assert forbidden_count(np.array([[1.0, 0.0], [0.1, 0.9]]), rows, ("a", "b")) == 1
