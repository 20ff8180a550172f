"""The promise of at most x % wrong holds on questions nobody has seen, as often as it says."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from aurora.decisions.risk import (
    Limit,
    binomial_tail,
    certify,
    expected_threshold,
    p_value,
    thresholds_for,
)
from aurora.errors import UsageError

TRIALS = 600


def _questions(draw: np.random.Generator, count: int, *, boast: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Confidences and right-or-wrong losses; `boast` is how much too sure the estimator is."""
    confidence = draw.beta(5, 2, count)
    wrong = draw.random(count) > np.clip(confidence - boast, 0, 1)
    return confidence, wrong.astype(float)


def _true_share(boast: float) -> Callable[[float], float]:
    """Share wrong among the answered of very many questions, by threshold."""
    confidence, wrong = _questions(np.random.default_rng(99), 400_000, boast=boast)
    order = np.argsort(-confidence)
    sure, running = -confidence[order], np.cumsum(wrong[order])

    def share(threshold: float) -> float:
        count = int(np.searchsorted(sure, -threshold, side="right"))
        return float(running[count - 1]) / count if count else 0.0

    return share


@pytest.mark.parametrize("boast", [0.0, 0.08])
def test_the_bound_holds_however_boastful_the_estimator_is(boast: float):
    limit = Limit(0.15, error=0.1)
    draw = np.random.default_rng(4)
    share = _true_share(boast)
    broken = attained = 0
    for _ in range(TRIALS):
        training, _ = _questions(draw, 400, boast=boast)
        confidence, wrong = _questions(draw, 500, boast=boast)
        found = certify(confidence, wrong, thresholds_for(training, 500, limit), limit)
        if found.threshold is None:
            continue
        attained += 1
        broken += share(found.threshold) > limit.wrong_share
    allowed = limit.error + 3 * math.sqrt(limit.error * (1 - limit.error) / TRIALS)
    assert broken / TRIALS <= allowed
    assert attained > TRIALS * (0.5 if boast == 0.0 else 0.04)


def test_the_naive_threshold_breaks_the_promise_far_more_often():
    """Without the test of significance the same data would promise what they do not carry: the test has a tooth."""
    draw, broken, share = np.random.default_rng(5), 0, _true_share(0.0)
    for _ in range(100):
        confidence, wrong = _questions(draw, 200)
        order = np.argsort(-confidence)
        running = np.cumsum(wrong[order]) / (np.arange(200) + 1)
        laxest = confidence[order][np.flatnonzero(running <= 0.15)[-1]] if (running <= 0.15).any() else 1.0
        broken += share(float(laxest)) > 0.15
    assert broken > 30


def test_what_cannot_be_promised_is_said():
    draw = np.random.default_rng(1)
    confidence, wrong = draw.random(300), (draw.random(300) < 0.4).astype(float)
    limit = Limit(0.05)
    found = certify(confidence, wrong, thresholds_for(confidence, 300, limit), limit)
    assert not found.is_attainable
    assert found.answered_share == 0.0
    assert found.reason.startswith("At most 5.0% wrong cannot be promised: of the ")


def test_too_few_outcomes_are_named_as_the_reason():
    limit = Limit(0.01)
    found = certify(np.full(50, 0.9), np.zeros(50), (0.5,), limit)
    assert not found.is_attainable
    assert f"it takes {limit.least_count()} held-out outcomes, and there are 50" in found.reason


def test_nothing_wrong_lets_everything_through():
    limit = Limit(0.05)
    confidence = np.linspace(0.5, 1.0, 400)
    found = certify(confidence, np.zeros(400), thresholds_for(confidence, 400, limit), limit)
    assert found.threshold == pytest.approx(0.5)
    assert found.answered_share == 1.0


def test_conformal_risk_control_keeps_wrong_answers_among_all_on_average():
    draw, shares = np.random.default_rng(7), []
    for _ in range(400):
        confidence, wrong = _questions(draw, 200, boast=0.05)
        threshold = expected_threshold(confidence, wrong, 0.10)
        assert threshold is not None
        fresh, outcome = _questions(draw, 200, boast=0.05)
        shares.append(float((outcome * (fresh >= threshold)).mean()))
    assert np.mean(shares) <= 0.10 + 3 * np.std(shares) / math.sqrt(400)
    assert np.mean(shares) > 0.08


def test_the_binomial_tail_is_exact_and_graded_losses_are_judged_no_more_kindly():
    assert binomial_tail(1, 3, 0.5) == pytest.approx(0.5)
    assert binomial_tail(0, 59, 0.05) == pytest.approx(0.95**59)
    assert binomial_tail(3, 3, 0.2) == 1.0
    assert p_value(0.0505, 200, 0.1) >= p_value(0.05, 200, 0.1)
    assert p_value(0.2, 200, 0.1) == 1.0


@pytest.mark.parametrize("share", [0.0, 1.0, -0.2])
def test_a_limit_is_a_share(share: float):
    with pytest.raises(UsageError, match="wrong_share"):
        Limit(share)
