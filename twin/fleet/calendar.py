"""When a brokerage in Dubai works: hours, the week, holidays, Ramadan, and bursts of work.

Days that follow the moon are those expected by astronomy; the real ones are announced, and may differ by a day.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from twin.frame import Frame

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

HOUR_US: Final = 3_600_000_000
DAY_US: Final = 24 * HOUR_US
DUBAI_HOURS: Final = 4
"""Ahead of UTC, all year."""
_HOURS: Final = (1, 1, 1, 1, 1, 2, 4, 8, 14, 18, 19, 17, 13, 14, 16, 16, 14, 11, 9, 8, 7, 5, 3, 2)
"""Work by hour of the Dubai day."""
_RAMADAN_HOURS: Final = (4, 3, 2, 2, 1, 1, 2, 5, 11, 17, 18, 16, 13, 11, 7, 3, 2, 2, 2, 6, 11, 12, 9, 6)
"""Shorter days, and work again after iftar."""
_WEEK: Final = (1.05, 1.1, 1.08, 1.0, 0.72, 0.42, 0.36)
"""Monday to Sunday: Friday ends at noon, Saturday and Sunday are the weekend."""
_HOLIDAY: Final = 0.22
_MOON: Final = (
    ("eid_al_fitr", dt.date(2026, 3, 20), 3),
    ("arafat_and_eid_al_adha", dt.date(2026, 5, 26), 4),
    ("islamic_new_year", dt.date(2026, 6, 16), 1),
    ("prophets_birthday", dt.date(2026, 8, 25), 1),
    ("eid_al_fitr", dt.date(2027, 3, 10), 3),
    ("arafat_and_eid_al_adha", dt.date(2027, 5, 15), 4),
    ("islamic_new_year", dt.date(2027, 6, 6), 1),
    ("prophets_birthday", dt.date(2027, 8, 15), 1),
)
_RAMADAN: Final = ((dt.date(2026, 2, 18), dt.date(2026, 3, 20)), (dt.date(2027, 2, 8), dt.date(2027, 3, 10)))
_CAMPAIGN_DAYS: Final = 15
"""One campaign starts in about so many days."""


def calendar(frame: Frame) -> pl.DataFrame:
    """One row a day: `day`, `day_kind`, `is_ramadan`, `demand` (1 is a usual weekday)."""
    draw = frame.draws("calendar")
    rows = []
    for number in range(frame.days):
        day = frame.first_day + dt.timedelta(days=number)
        kind = _kind(day, frame)
        usual = _HOLIDAY if kind not in ("weekday", "weekend") else _WEEK[day.weekday()]
        is_ramadan = any(first <= day < end for first, end in _RAMADAN)
        demand = usual * (0.8 if is_ramadan else 1.0) * float(draw.lognormal(0.0, 0.06))
        rows.append({"day": day, "day_kind": kind, "is_ramadan": is_ramadan, "demand": demand})
    return pl.DataFrame(rows)


def _kind(day: dt.date, frame: Frame) -> str:
    if day in frame.quiet_days:
        return "public_holiday"
    for name, first, days in _MOON:
        if first <= day < first + dt.timedelta(days=days):
            return name
    return "weekend" if day.weekday() >= 5 else "weekday"


def hour_weights(days: pl.DataFrame) -> Floats:
    """How much is asked for in each hour of the frame, in UTC: 24 a day, in order."""
    rows = [
        np.roll(np.array(_RAMADAN_HOURS if is_ramadan else _HOURS, dtype=np.float64), -DUBAI_HOURS) * demand
        for is_ramadan, demand in days.select("is_ramadan", "demand").iter_rows()
    ]
    return np.concatenate(rows)


def start_us(frame: Frame) -> int:
    """The frame's first moment, microseconds since 1970."""
    return int(frame.start.timestamp()) * 1_000_000


def moments(frame: Frame, draw: np.random.Generator, weights: Floats, count: int) -> Ints:
    """`count` moments by hourly weights, not sorted; one in eight falls on the hour, when jobs are started."""
    hours = draw.choice(len(weights), size=count, p=weights / weights.sum())
    inside = draw.integers(0, HOUR_US, size=count)
    is_sharp = draw.random(count) < 1 / 8
    sharp = (draw.exponential(4e6 * min(1.0, frame.scale), size=count)).astype(np.int64)
    return np.asarray(start_us(frame) + hours * HOUR_US + np.where(is_sharp, np.minimum(sharp, HOUR_US - 1), inside))


def campaigns(frame: Frame) -> pl.DataFrame:
    """Campaigns of the frame: name, when its mails went out, and for how long answers pour in."""
    draw = frame.draws("campaigns")
    count = max(1, frame.days // _CAMPAIGN_DAYS)
    days = np.sort(draw.choice(frame.days, size=min(count, frame.days), replace=False))
    hours = draw.integers(5, 14, size=len(days))  # 9 to 18 o'clock in Dubai
    begins = start_us(frame) + days * DAY_US + hours * HOUR_US
    seconds = draw.uniform(20.0, 60.0, size=len(days)) * min(1.0, frame.scale)
    return pl.DataFrame(
        {
            "campaign": [f"campaign-{number + 1:02d}" for number in range(len(days))],
            "begins_at": pl.Series(begins).cast(pl.Datetime("us", "UTC")),
            "pours_s": seconds,
        }
    )
