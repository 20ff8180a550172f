"""How the pages say figures, times and columns, and what their settings promise."""

from __future__ import annotations

import datetime as dt
import tomllib

import pytest

from apps.streamlit.ui.table import label
from apps.streamlit.ui.wording import (
    about_aed,
    aed,
    age,
    change,
    change_text,
    duration,
    gulf_time,
    measured,
    money,
    plain,
    share,
    usd,
)
from aurora.settings import PROJECT_DIR


def test_money_has_as_many_digits_as_matter() -> None:
    amounts = [money(amount) for amount in (0, 12_345.6, 234.561, 0.01234, 0.0000123)]
    assert amounts == ["0.00", "12,346", "234.56", "0.0123", "1.2e-05"]
    assert (aed(100.0), usd(100.0), aed(None)) == ("AED 367.25", "USD 100.00", "–")
    assert about_aed(147.3) == "AED 540"


def test_figures_are_said_in_their_unit() -> None:
    assert [share(value) for value in (0.0, 0.042, 0.5, 0.9999, 1.0, None)] == [
        "0 %", "4.2 %", "50 %", "over 99 %", "100 %", "–",
    ]  # fmt: skip
    assert [duration(value) for value in (850.4, 12_300, None)] == ["850 ms", "12.3 s", "–"]
    assert [measured(value, unit) for value, unit in ((0.1, "share"), (2, "USD"), (3.0, "count"))] == [
        "10 %", "AED 7.34 (USD 2.00)", "3 count",
    ]  # fmt: skip
    assert [change_text(value) for value in (0.08, -0.031, 3.2, None)] == ["+8 %", "-3 %", "+4.2 times", None]


def test_times_are_said_in_gulf_standard_time() -> None:
    moment = dt.datetime(2026, 11, 20, 22, 30, tzinfo=dt.UTC)
    assert gulf_time(moment) == "21 Nov 2026, 02:30 GST"
    ages = [age(moment, moment + dt.timedelta(minutes=minutes)) for minutes in (0, 1, 90, 600, 4_400)]
    assert ages == ["just now", "1 minute ago", "90 minutes ago", "10 hours ago", "3 days ago"]


def test_text_from_outside_cannot_draw_on_a_page() -> None:
    assert plain("[a](http://b) **c** :red[d]") == r"\[a\]\(http\://b\) \*\*c\*\* \:red\[d\]"


def test_a_column_is_called_by_its_meaning_and_unit() -> None:
    assert [label(name) for name in ("cost_usd", "duration_p95_ms", "decide_us", "file_name", "raw_row")] == [
        "Spend (USD)", "p95 (ms)", "Decide (µs)", "File name", "Raw row",
    ]  # fmt: skip


def test_settings_of_the_pages_call_nobody_and_watch_no_file() -> None:
    settings = tomllib.loads((PROJECT_DIR / "apps" / "streamlit" / ".streamlit" / "config.toml").read_text())
    assert settings["browser"]["gatherUsageStats"] is False
    assert settings["server"]["fileWatcherType"] == "none"
    assert settings["client"]["showErrorDetails"] == "none"


def test_a_period_that_follows_next_to_nothing_is_not_compared():
    assert change(30.0, 0.01) is None
    assert change(30.0, 0.0) is None
    assert change(30.0, 20.0) == pytest.approx(0.5)
