"""Detectors on series whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from aurora.alerts.detectors import DETECTORS, MIN_SAMPLES, WARM_UP_SHARE, Floats, Times, cadence_of, score
from aurora.alerts.triage import DIGEST_FROM, PAGE_FROM, episodes
from aurora.errors import DataError


def _times(count: int, minutes: int = 30) -> Times:
    return np.datetime64("2026-10-01", "us") + np.arange(count) * np.timedelta64(minutes, "m")


def _daily(count: int, seed: int = 5) -> Floats:
    draw = np.random.default_rng(seed)
    return 100 + 30 * np.sin(np.arange(count) * 2 * np.pi / 48) + draw.normal(0, 2, count)


def _pages(times: Times, values: Floats) -> list[int]:
    found = score(times, values)
    assert found is not None
    return episodes(times, found.consensus, above=PAGE_FROM, quiet_s=found.cadence.cycle_s)


def test_a_season_with_noise_raises_no_page() -> None:
    for seed in range(5):
        assert _pages(_times(960), _daily(960, seed)) == []


def test_a_jump_that_was_never_seen_is_one_page_where_it_is() -> None:
    values = _daily(960)
    values[700:720] += 120
    pages = _pages(_times(960), values)
    assert len(pages) == 1
    assert 700 <= pages[0] <= 706


def test_a_flat_series_stays_silent_and_its_first_step_is_seen() -> None:
    values = np.full(400, 7.0)
    assert _pages(_times(400), values) == []
    values[300:] = 9.0
    assert [300 <= place <= 306 for place in _pages(_times(400), values)] == [True]


def test_nothing_is_scored_while_a_series_warms_up() -> None:
    values = _daily(400)
    values[20] = 10_000.0
    found = score(_times(400), values)
    assert found is not None
    assert (found.consensus[: int(WARM_UP_SHARE * 400)] < DIGEST_FROM).all()


def test_a_sample_gets_the_same_votes_whatever_comes_after_it() -> None:
    values = _daily(600)
    values[500] += 90
    whole, again = score(_times(600), values), score(_times(600), np.concatenate([values[:550], values[550:] * 3]))
    assert whole is not None
    assert again is not None
    np.testing.assert_allclose(whole.votes["spike"][:550], again.votes["spike"][:550], atol=1e-6)
    assert set(whole.votes) == set(DETECTORS)


def test_daily_samples_have_a_weekly_season() -> None:
    cadence = cadence_of(_times(60, minutes=24 * 60))
    assert (cadence.hour, cadence.cycle) == (1, 7)


def test_too_short_a_series_is_not_judged() -> None:
    assert score(_times(MIN_SAMPLES - 1), np.ones(MIN_SAMPLES - 1)) is None


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_refused_by_name(bad: float) -> None:
    values = _daily(100)
    values[50] = bad
    with pytest.raises(DataError, match="not finite"):
        score(_times(100), values)
