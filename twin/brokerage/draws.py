"""Chance in whole columns, and moments as whole microseconds of the Unix epoch, `NEVER` where they did not come."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from contracts import registry
from twin.frame import Frame

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

MINUTE: Final = 60_000_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
NEVER: Final = int(np.iinfo(np.int64).min)
_DUBAI: Final = 4 * HOUR
_OPENS: Final = 8 * HOUR
_CLOSES: Final = 20 * HOUR
_HOURS: Final = (2, 1, 1, 1, 1, 2, 3, 6, 11, 15, 17, 16, 13, 12, 12, 13, 14, 15, 17, 18, 17, 14, 9, 5)
"""Demand of each hour in Dubai."""
_WEEKDAYS: Final = (1.0, 1.04, 1.0, 0.98, 0.86, 1.1, 1.06)
"""Demand from Monday on."""
_HOLIDAY_SHARE: Final = 0.45


def microseconds(moment: dt.datetime) -> int:
    """Microseconds since the Unix epoch."""
    return (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)


def arrivals(draw: np.random.Generator, frame: Frame, count: int) -> Ints:
    """`count` moments in order, as people enquire: by hour and weekday, few on holidays, many when a campaign runs."""
    first_day, days = frame.first_day, frame.days
    named = [first_day + dt.timedelta(days=day) for day in range(days)]
    weights = np.array([_WEEKDAYS[day.weekday()] for day in named]) * draw.lognormal(0, 0.12, days)
    weights *= np.array([_HOLIDAY_SHARE if day in frame.quiet_days else 1.0 for day in named])
    for start in draw.integers(0, days, max(1, days // 22)):
        weights[start : start + 3] *= draw.uniform(1.7, 2.6)
    day = draw.choice(days, count, p=weights / weights.sum())
    hour = draw.choice(24, count, p=np.array(_HOURS) / sum(_HOURS))
    start_us = microseconds(dt.datetime.combine(first_day, dt.time(), dt.UTC))
    local = start_us + day * DAY + hour * HOUR + draw.integers(0, HOUR, count)
    within = (local - _DUBAI - start_us) % (days * DAY)
    return np.sort(start_us + within)


def at_work(draw: np.random.Generator, us: Ints) -> Ints:
    """Each moment, put off to the next time the office in Dubai is open."""
    local = us + _DUBAI
    of_day = local % DAY
    late = np.where(of_day >= _CLOSES, DAY - of_day + _OPENS, np.where(of_day < _OPENS, _OPENS - of_day, 0))
    put_off = local + late + np.where(late > 0, draw.integers(0, 90 * MINUTE, len(us)), 0)
    return np.where(us == NEVER, NEVER, put_off - _DUBAI)


def later(draw: np.random.Generator, us: Ints, *, median_h: float, spread: float = 0.7) -> Ints:
    """A log-normal delay after each moment."""
    delay = draw.lognormal(np.log(median_h), spread, len(us)) * HOUR
    return np.where(us == NEVER, NEVER, us + delay.astype(np.int64))


def only(us: Ints, where: Flags) -> Ints:
    """The moments where the flag is set, `NEVER` elsewhere."""
    return np.where(where, us, NEVER)


def until(us: Ints, end: int) -> Ints:
    """The moments before `end`; what would come later has not happened."""
    return np.where(us < end, us, NEVER)


def moments(us: Ints) -> pl.Series:
    """As a column of times, null for `NEVER`."""
    numbers = pl.Series(us, dtype=pl.Int64)
    return numbers.set(numbers == NEVER, None).cast(pl.Datetime("us", "UTC"))


def dates(us: Ints) -> pl.Series:
    """As a column of UTC days."""
    return moments(us).dt.date()


def choose(
    draw: np.random.Generator, values: Sequence[Any], count: int, weights: Sequence[float] | Floats | None = None
) -> pl.Series:
    """`count` values, drawn by weight."""
    shares = None if weights is None else np.asarray(weights, dtype=float) / float(np.sum(weights))
    return pl.Series(list(values)).gather(draw.choice(len(values), count, p=shares))


def ids(prefix: str, count: int, *, start: int = 1, width: int = 6) -> pl.Series:
    """`prefix` and a running number."""
    return named(prefix, np.arange(start, start + count), width=width)


def named(prefix: str, numbers: Ints, *, width: int = 6) -> pl.Series:
    """`prefix` and each number, null where it is negative."""
    series = pl.Series(numbers, dtype=pl.Int64)
    written = pl.lit(prefix) + pl.col("n").cast(pl.String).str.zfill(width)
    return pl.DataFrame({"n": series}).select(pl.when(pl.col("n") >= 0).then(written)).to_series()


def digits(draw: np.random.Generator, count: int, width: int) -> pl.Series:
    """Numbers of `width` digits as text."""
    return pl.Series(draw.integers(0, 10**width, count)).cast(pl.String).str.zfill(width)


def said(text: str, where: Flags) -> pl.Series:
    """A text where the flag is set, null elsewhere."""
    return pl.Series([text]).gather(np.zeros(len(where), dtype=np.int64)).set(pl.Series(~where), None)


def exported(contract: str, rows: pl.DataFrame) -> pl.DataFrame:
    """The contract's columns of `rows`, in its order and types, marked as a sample: nothing here is anyone's own."""
    declared = registry.table(contract)
    types: Mapping[str, pl.DataType] = registry.polars_schema(declared)
    marked = rows.with_columns(pl.lit(value=True).alias("is_sample")) if "is_sample" in types else rows
    return marked.select(pl.col(name).cast(types[name]) for name in declared.columns if name in marked.columns)
