"""Intervals against figures reckoned elsewhere, and the refusal of small samples."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from aurora.errors import UsageError
from aurora.insights import intervals
from aurora.insights.periods import before, resolve

NEWEST = dt.date(2026, 11, 25)


def test_wilson_and_newcombe_give_the_published_ends():
    """Newcombe 1998, table II: 56 of 70 less 48 of 80, method 10."""
    gap = intervals.share_difference((56, 70), (48, 80))
    assert gap is not None
    assert (round(gap.value, 4), round(gap.low or 0, 4), round(gap.high or 0, 4)) == (0.2, 0.0524, 0.3339)


def test_rank_correlation_is_spearmans_with_ties():
    draw = random.Random(3)
    first = [draw.randrange(12) for _ in range(200)]
    second = [value + draw.randrange(9) for value in first]
    found = intervals.rank_correlation(first, second)
    assert found is not None
    assert found.value == pytest.approx(spearmanr(first, second).statistic, abs=1e-12)
    assert found.excludes(0.0)
    assert -1 < found.low < found.value < found.high < 1


def test_too_few_pairs_or_one_side_that_never_changes_give_no_correlation():
    assert intervals.rank_correlation(range(29), range(29)) is None
    assert intervals.rank_correlation(range(30), range(30)) is not None
    assert intervals.rank_correlation(range(40), [1.0] * 40) is None


def test_too_small_groups_are_not_compared():
    assert intervals.share_difference((10, 29), (20, 500)) is None
    assert intervals.total_difference([1.0] * 29, [1.0] * 30) is None
    assert intervals.count_ratio(29, 300) is None
    assert intervals.ratio([1.0] * 6, [2.0] * 6).low is None
    assert intervals.mean([1.0] * 29).low is None


def test_a_sum_of_arrivals_varies_by_its_squares():
    found = intervals.total([3.0, 4.0])
    assert found.value == 7
    assert found.high == pytest.approx(7 + 1.959964 * 5, abs=1e-5)


@given(st.integers(1, 500), st.integers(0, 500), st.integers(1, 40))
def test_a_share_lies_in_its_interval_which_grows_with_comparisons(trials, successes, comparisons):
    successes = min(successes, trials)
    one, many = intervals.share(successes, trials), intervals.share(successes, trials, comparisons=comparisons)
    assert 0 <= many.low <= one.low + 1e-12 <= one.value + 2e-12
    assert one.value - 1e-12 <= one.high <= many.high + 1e-12 <= 1 + 1e-9


@pytest.mark.parametrize(
    ("word", "since", "until"),
    [
        ("last_30_days", dt.date(2026, 10, 27), NEWEST),
        ("7d", dt.date(2026, 11, 19), NEWEST),
        ("month", dt.date(2026, 11, 1), NEWEST),
        ("quarter", dt.date(2026, 10, 1), NEWEST),
        ("2026-02", dt.date(2026, 2, 1), dt.date(2026, 2, 28)),
        ("2026-Q3", dt.date(2026, 7, 1), dt.date(2026, 9, 30)),
        ("2026-09-05..2026-09-06", dt.date(2026, 9, 5), dt.date(2026, 9, 6)),
    ],
)
def test_a_period_is_days_that_the_data_decides(word, since, until):
    period = resolve(word, newest=NEWEST)
    assert (period.since, period.until) == (since, until)
    assert before(period)[1] == since - dt.timedelta(days=1)


@pytest.mark.parametrize(
    "word", ["", "soon", "0d", "2026-13", "2026-q5", "2026-09-06..2026-09-05", "999d", "2020-01-01..2026-01-01"]
)
def test_what_is_no_period_is_refused_with_what_is(word):
    with pytest.raises(UsageError, match="is not a period") as refused:
        resolve(word, newest=NEWEST)
    assert refused.value.field == "time_period"
