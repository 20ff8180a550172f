"""What `time_period` means: days that depend on the data alone, so that one snapshot gives one report."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from typing import Final

from aurora.errors import UsageError
from contracts.messages.insights import ReportPeriod

DEFAULT: Final = "last_30_days"
_DAYS: Final = re.compile(r"(?:last_)?(\d{1,3})(?:d|_days)")
_MONTH: Final = re.compile(r"(\d{4})-(\d{2})")
_QUARTER: Final = re.compile(r"(\d{4})-?q([1-4])")
_DAY: Final = r"\d{4}-\d{2}-\d{2}"
_RANGE: Final = re.compile(rf"({_DAY})\.\.({_DAY})")
_MOST_DAYS: Final = 400


def resolve(time_period: str, *, newest: dt.date) -> ReportPeriod:
    """The days of a period; those that count back do so from `newest`, the newest day there is data of.

    `month` and `quarter` are the ones that `newest` lies in, up to it. Errors: `UsageError` for anything else.
    """
    word = time_period.strip().lower()
    try:
        since, until = _ends(word, newest)
    except ValueError as error:
        raise _unknown(time_period) from error
    if not 1 <= (until - since).days + 1 <= _MOST_DAYS:
        raise _unknown(time_period)
    return ReportPeriod(time_period=word, since=since, until=until)


def before(period: ReportPeriod) -> tuple[dt.date, dt.date]:
    """As many days just before."""
    length = (period.until - period.since).days + 1
    return period.since - dt.timedelta(days=length), period.since - dt.timedelta(days=1)


def _ends(word: str, newest: dt.date) -> tuple[dt.date, dt.date]:
    if found := _DAYS.fullmatch(word):
        return newest - dt.timedelta(days=int(found[1]) - 1), newest
    if word == "month":
        return newest.replace(day=1), newest
    if word == "quarter":
        return _quarter(newest.year, (newest.month + 2) // 3)[0], newest
    if found := _MONTH.fullmatch(word):
        return _months(int(found[1]), int(found[2]), 1)
    if found := _QUARTER.fullmatch(word):
        return _quarter(int(found[1]), int(found[2]))
    if found := _RANGE.fullmatch(word):
        return dt.date.fromisoformat(found[1]), dt.date.fromisoformat(found[2])
    raise ValueError(word)


def _quarter(year: int, number: int) -> tuple[dt.date, dt.date]:
    return _months(year, 3 * number - 2, 3)


def _months(year: int, first: int, count: int) -> tuple[dt.date, dt.date]:
    last = first + count - 1
    return dt.date(year, first, 1), dt.date(year, last, calendar.monthrange(year, last)[1])


def _unknown(time_period: str) -> UsageError:
    return UsageError(
        f"{time_period[:40]!r} is not a period of 1 to {_MOST_DAYS} days.",
        field="time_period",
        rule="one_of",
        next_step="Use last_30_days, 90d, month, quarter, 2026-09, 2026-q3 or 2026-09-01..2026-09-30.",
    )
