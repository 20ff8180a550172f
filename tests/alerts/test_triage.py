"""Tiers, precision with its interval, and thresholds learnt from labels."""

from __future__ import annotations

import math

import pytest

from aurora.alerts.triage import (
    MARGIN,
    MIN_LABELS,
    PAGE_FROM,
    learnt_page_from,
    page_threshold,
    precision,
    suggested_limit,
    tier_of,
    wilson,
)


@pytest.mark.parametrize(("consensus", "tier"), [(0.5, "page"), (PAGE_FROM, "page"), (0.01, "digest"), (-0.2, "drop")])
def test_the_consensus_says_the_tier(consensus: float, tier: str) -> None:
    assert tier_of(consensus) == tier


def test_wilson_gives_the_textbook_interval() -> None:
    low, high = wilson(8, 10)
    assert low == pytest.approx(0.4902, abs=1e-4)
    assert high == pytest.approx(0.9433, abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


def test_a_rule_is_noisy_only_when_even_the_upper_end_is_low() -> None:
    assert precision(0, MIN_LABELS).is_noisy
    assert not precision(0, MIN_LABELS - 1).is_noisy
    assert not precision(4, 6).is_noisy


def test_the_threshold_is_the_lowest_that_holds_from_there_on() -> None:
    curve = [(0.0, 10, 10), (0.1, 10, 0), (0.2, 9, 1), (0.3, 9, 0), (0.4, 5, 0), (0.5, 0, 0)]
    assert page_threshold(curve) == pytest.approx(0.3 + MARGIN)
    assert page_threshold([(0.1, 1, 1)]) is None


def test_labels_move_the_threshold_once_there_are_enough() -> None:
    labelled = [(0.40, True)] * 6 + [(0.20, False)] * 3
    assert learnt_page_from(labelled[:4]) == PAGE_FROM
    assert 0.2 < learnt_page_from(labelled) <= 0.4
    assert learnt_page_from([(0.45, False)] * MIN_LABELS) == math.inf


def test_a_limit_is_suggested_that_leaves_the_noise_out():
    told = [(0.06, False), (0.07, False), (0.08, True), (0.09, False), *[(0.2 + step / 100, True) for step in range(6)]]
    assert suggested_limit(told) == 0.2
    below = [(1 - value, is_right) for value, is_right in told]
    assert suggested_limit(below, is_below=True) == pytest.approx(0.8)
    assert suggested_limit(told[:5]) is None
    assert suggested_limit([(value, True) for value, _ in told]) is None
    assert suggested_limit([(value, not is_right) for value, is_right in told]) is None
