"""Business days, and when a clock runs out."""

from __future__ import annotations

import datetime as dt

from aurora.compliance.declarations import Calendar, Clock
from aurora.errors import DataError

_DAY = dt.timedelta(days=1)


def is_business_day(calendar: Calendar, day: dt.date) -> bool:
    """Whether people work on that day."""
    is_holiday = day in calendar.holidays or day in calendar.expected_holidays
    return day.isoweekday() not in calendar.weekend and not is_holiday


def add_business_days(calendar: Calendar, moment: dt.datetime, count: int) -> dt.datetime:
    """The same hour on the `count`th business day after the moment's own day."""
    while count > 0:
        moment += _DAY
        count -= is_business_day(calendar, moment.date())
    return moment


def business_days_ago(calendar: Calendar, now: dt.datetime, count: int) -> dt.date:
    """The first day after which no more than `count` business days came, today among them.

    What happened before it is more than `count` business days old.
    """
    day = now.date()
    passed = 0
    while True:
        passed += is_business_day(calendar, day)
        if passed > count:
            return day
        day -= _DAY


def due_at(clock: Clock, value: int | None, start: dt.datetime, calendar: Calendar) -> dt.datetime:
    """When the clock that began at `start` runs out. `value` is the clock's own or its parameter's; UTC."""
    if clock.kind == "pre_act":
        return start
    if value is None:
        raise DataError(
            f"The clock {clock.said!r} has neither a value nor a parameter.",
            field="clock",
            rule="value",
            next_step="Give it `value` or `parameter`.",
        )
    match clock.kind:
        case "hours":
            return start + dt.timedelta(hours=value)
        case "calendar_days":
            return start + value * _DAY
        case _:
            return add_business_days(calendar, start, value)
