"""Whether a source is silent for too long, or sends too little or too much: judged by its own history.

**Silence.** At each hour of history the newest batch had an age. For the hour of the week at hand, more than
the median of those ages plus 8 robust deviations (at least one hour) is too long, if it is also more than the
same of the gaps between batches: nights and weekends are learnt, not declared. Before there are four such weeks, 1.5 times the longest gap ever seen is too long, and
before a week and eight batches nothing is said.

**Volume.** Rows of the newest whole day, on a log scale, against the median of the same weekday; the width is
5 robust deviations of all days from their weekday's median, at least a factor of 1.6, and at least 4 deviations
of a count of that size (few rows scatter by chance). Three weeks of days are needed. Days are those that the rows are about, not those they came on.

A robust deviation is 1.4826 times the median absolute deviation: a holiday or an outage of the past does not
move it. What is declared (`sources.yaml`) goes before what is learnt. Quiet days count for nothing.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final, Literal

from aurora.ingest.expectations import EVERY_SOURCE, Expectation, published_expectations
from aurora.store.lake import LakeReader

HISTORY_DAYS: Final = 120
_ROBUST: Final = 1.4826
_SILENCE_WIDTH: Final = 8.0
_VOLUME_WIDTH: Final = 5.0
_COUNTING_WIDTH: Final = 4.0
_LEAST_SILENCE_H: Final = 1.0
_LEAST_FACTOR: Final = 1.6
_WEEKS: Final = 4
_LEAST_ARRIVALS: Final = 8
_LEAST_HISTORY: Final = dt.timedelta(days=7)
_GAP_FACTOR: Final = 1.5
_LEAST_DAYS: Final = 21
_LEAST_OF_WEEKDAY: Final = 3
_FEW_ROWS: Final = 5
"""A day of fewer rows than these says little: only none at all is told."""
_HOUR: Final = dt.timedelta(hours=1)
_DAY: Final = dt.timedelta(days=1)

Freshness = Literal["fresh", "stale", "quiet", "learning"]
Volume = Literal["normal", "low", "high", "none", "quiet", "learning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """How long a source has been silent, and how long it may be; hours, quiet days left out."""

    verdict: Freshness
    silent_h: float
    limit_h: float | None
    last_arrival_at: dt.datetime
    is_declared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """Rows of one day, and the bounds they were expected in; bounds are null while history is short."""

    verdict: Volume
    day: dt.date
    rows: int
    low: float | None
    high: float | None
    is_declared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHealth:
    """One source and contract: its silence and its amount; `amount` is None before its first whole day."""

    source: str
    contract: str
    silence: Silence
    amount: Amount | None

    @property
    def is_odd(self) -> bool:
        """Whether somebody should look."""
        return self.silence.verdict == "stale" or (
            self.amount is not None and self.amount.verdict in ("low", "high", "none")
        )


def source_health(lake: LakeReader, now: dt.datetime) -> list[SourceHealth]:
    """Every source and contract that sent anything in the last `HISTORY_DAYS`, judged at `now`."""
    expectations = published_expectations(lake)
    since = now - dt.timedelta(days=HISTORY_DAYS)
    arrivals: dict[tuple[str, str], list[dt.datetime]] = defaultdict(list)
    sent = lake.query(
        "SELECT DISTINCT source, contract, ingested_at FROM raw.ingest_batch"
        " WHERE repairs_batch_id IS NULL AND source_format <> 'unknown' AND ingested_at BETWEEN $since AND $now"
        " ORDER BY ingested_at",
        {"since": since, "now": now},
    )
    for source, contract, at in sent.rows():
        arrivals[source, contract].append(at)
    days: dict[tuple[str, str], dict[dt.date, int]] = defaultdict(dict)
    landed = lake.query(
        """
        SELECT source, contract, event_date AS day, sum(good_count) AS row_count
        FROM raw.batch_day GROUP BY ALL HAVING day >= $since
        """,
        {"since": since.date()},
    )
    for source, contract, day, count in landed.rows():
        days[source, contract][day] = int(count)
    return [
        SourceHealth(
            source=source,
            contract=contract,
            silence=judge_silence(found, now, _expected(expectations, source)),
            amount=newest_amount(days[source, contract], now.date(), _expected(expectations, source)),
        )
        for (source, contract), found in sorted(arrivals.items())
    ]


def _expected(expectations: Mapping[str, Expectation], source: str) -> Expectation:
    return expectations.get(source) or expectations.get(EVERY_SOURCE) or Expectation()


# silence --------------------------------------------------------------------------------------


def judge_silence(arrivals: Sequence[dt.datetime], now: dt.datetime, expected: Expectation) -> Silence:
    """The silence since the last of `arrivals` (at least one, in order)."""
    quiet = frozenset(expected.quiet_days)
    last = arrivals[-1]
    silent_h = _awake_h(last, now, quiet)
    declared = expected.expected_interval_h
    limit = declared if declared is not None else _silence_limit_h(arrivals, now, quiet)
    verdict: Freshness = "learning" if limit is None else "stale" if silent_h > limit else "fresh"
    if now.date() in quiet and verdict == "stale":
        verdict = "quiet"
    return Silence(
        verdict=verdict, silent_h=silent_h, limit_h=limit, last_arrival_at=last, is_declared=declared is not None
    )


def _silence_limit_h(arrivals: Sequence[dt.datetime], now: dt.datetime, quiet: Collection[dt.date]) -> float | None:
    if len(arrivals) < _LEAST_ARRIVALS or arrivals[-1] - arrivals[0] < _LEAST_HISTORY:
        return None
    gaps = [_awake_h(one, following, quiet) for one, following in pairwise(arrivals)]
    ages = _ages_h(arrivals, now, quiet)
    return max(_bound(ages), _bound(gaps)) if len(ages) >= _WEEKS else max(_GAP_FACTOR * max(gaps), _LEAST_SILENCE_H)


def _bound(hours: Sequence[float]) -> float:
    middle = median(hours)
    return middle + max(_SILENCE_WIDTH * _ROBUST * _deviation(hours, middle), _LEAST_SILENCE_H)


def _ages_h(arrivals: Sequence[dt.datetime], now: dt.datetime, quiet: Collection[dt.date]) -> list[float]:
    """Age of the newest batch at this hour in each week of history that was no quiet day."""
    ages = []
    place = len(arrivals) - 1
    moment = now - 7 * _DAY
    while moment >= arrivals[0]:
        while arrivals[place] > moment:
            place -= 1
        # the silence at hand may be older than a week: it is what is judged, not what it is judged by
        if moment.date() not in quiet and not (place == len(arrivals) - 1 and now - arrivals[-1] > 7 * _DAY):
            ages.append(_awake_h(arrivals[place], moment, quiet))
        moment -= 7 * _DAY
    return ages


def _awake_h(start: dt.datetime, end: dt.datetime, quiet: Collection[dt.date]) -> float:
    """Hours between two moments, those of quiet days left out."""
    total = (end - start).total_seconds()
    for day in quiet:
        midnight = dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
        total -= max(0.0, (min(end, midnight + _DAY) - max(start, midnight)).total_seconds())
    return total / 3600


def _deviation(values: Sequence[float], middle: float) -> float:
    return median(abs(value - middle) for value in values)


# volume ---------------------------------------------------------------------------------------


def newest_amount(days: Mapping[dt.date, int], today: dt.date, expected: Expectation) -> Amount | None:
    """The newest whole day: the one before the newest day that rows are about, or before today."""
    known = [day for day in days if day <= today]
    if not known or min(known) >= (newest := min(max(known), today)):
        return None
    return judge_amount(days, newest - _DAY, expected)


def judge_amount(days: Mapping[dt.date, int], day: dt.date, expected: Expectation) -> Amount:
    """The rows of `day`, given the rows of each day of history; a day that is not in it had none."""
    rows = days.get(day, 0)
    low, high = expected.expected_low_count, expected.expected_high_count
    if low is not None or high is not None:
        return Amount(verdict=_amount(rows, low or 0, high), day=day, rows=rows, low=low, high=high, is_declared=True)
    quiet = frozenset(expected.quiet_days)
    if day in quiet:
        return Amount(verdict="quiet", day=day, rows=rows, low=None, high=None)
    bounds = _bounds(days, day, quiet)
    if bounds is None:
        return Amount(verdict="learning", day=day, rows=rows, low=None, high=None)
    return Amount(verdict=_amount(rows, *bounds), day=day, rows=rows, low=bounds[0], high=bounds[1])


def _amount(rows: int, low: float, high: float | None) -> Volume:
    if rows == 0 and low > 0:
        return "none"
    if rows < low:
        return "low"
    return "high" if high is not None and rows > high else "normal"


def _bounds(days: Mapping[dt.date, int], day: dt.date, quiet: Collection[dt.date]) -> tuple[float, float] | None:
    first = min(days)
    # the first day of a source is rarely whole
    past = [first + place * _DAY for place in range(1, (day - first).days)]
    past = [one for one in past if one not in quiet]
    if len(past) < _LEAST_DAYS:
        return None
    by_weekday: dict[int, list[float]] = defaultdict(list)
    for one in past:
        by_weekday[one.weekday()].append(math.log1p(days.get(one, 0)))
    middles = {weekday: median(values) for weekday, values in by_weekday.items()}
    same = by_weekday.get(day.weekday(), [])
    if len(same) < _LEAST_OF_WEEKDAY:
        return None
    middle = middles[day.weekday()]
    if math.expm1(middle) < _FEW_ROWS:
        return None
    residuals = [value - middles[weekday] for weekday, values in by_weekday.items() for value in values]
    counting = _COUNTING_WIDTH / math.sqrt(math.expm1(middle))
    width = max(_VOLUME_WIDTH * _ROBUST * _deviation(residuals, 0.0), math.log(_LEAST_FACTOR), counting)
    return math.expm1(middle - width), math.expm1(middle + width)
