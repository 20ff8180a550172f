"""Detectors on one time series, and their consensus: how far a moment lies beyond all that the series did before.

Each detector gives a non-negative deviation a sample: from the season, from the recent past, from the level, in
spread, between two neighbouring windows. A deviation counts by its ratio to the largest one before, in logarithms,
so no scale is set by hand: 0 is a record, 0.2 is one by 22 %. The consensus is the mean of the votes without the
highest and the lowest: no detector alone can raise an alert, none alone can
prevent it. Only the past of a sample is used, so a sample gets the same score online and in a sweep.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from aurora.errors import DataError

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.datetime64]
WARM_UP_SHARE: Final = 0.15
"""Of a series, in which nothing is scored: a record among few samples says nothing. NAB's own probation."""
MIN_SAMPLES: Final = 30
_CLIP: Final = 0.6
"""A vote at most."""
_DAY_S: Final = 86_400.0
_HOUR_S: Final = 3_600.0
_FLOOR_SHARE: Final = 0.02
"""Of the warm-up's spread, added to each deviation: a flat series does not alarm at a rounding error."""
_SEASON_DAYS: Final = 14
_SLOT_S: Final = 900.0


@dataclass(frozen=True, slots=True)
class Cadence:
    """How many samples make an hour (at least one) and a cycle: a day, or a week where samples are daily."""

    hour: int
    cycle: int
    cycle_s: float
    step_s: float


@dataclass(frozen=True, slots=True)
class Tuning:
    """What of the consensus was chosen rather than learnt. `aurora bench alerts` chooses it anew on half of the series."""

    hold_hours: int = 3
    """For how long a vote stands, so that detectors of different slowness meet."""
    trim: int = 1
    """Votes left out at either end before the mean is taken."""
    without: str | None = None
    """A detector that has no vote."""


SHIPPED: Final = Tuning()


@dataclass(frozen=True, slots=True)
class Scores:
    """The consensus and each detector's vote, one a sample; -1 while the series warms up."""

    consensus: Floats
    votes: Mapping[str, Floats]
    cadence: Cadence


def cadence_of(times: Times) -> Cadence:
    """The cadence of a series by the median step between its samples."""
    step = float(np.median(np.diff(times) / np.timedelta64(1, "s")))
    if step <= 0:
        raise DataError(
            "A series has several values at one time.",
            field="at",
            rule="increasing",
            next_step="Aggregate to one value a moment.",
        )
    hour = max(1, round(_HOUR_S / step))
    if step >= _DAY_S:
        return Cadence(hour, max(7, round(7 * _DAY_S / step)), 7 * _DAY_S, step)
    return Cadence(hour, max(1, round(_DAY_S / step)), _DAY_S, step)


def score(times: Times, values: Floats, tuning: Tuning = SHIPPED) -> Scores | None:
    """Scores of every sample of a series in time order, or None where there are fewer than `MIN_SAMPLES`.

    Errors: `DataError` for values that are not finite or times that stand still.
    """
    found = scores(times, values, (tuning,))
    return None if found is None else found[tuning]


def scores(times: Times, values: Floats, tunings: Sequence[Tuning]) -> dict[Tuning, Scores] | None:
    """The same for several tunings; what does not depend on them is computed once."""
    if len(values) < MIN_SAMPLES:
        return None
    if not np.isfinite(values).all():
        raise DataError(
            "A series holds a value that is not finite.", field="value", rule="finite", next_step="Leave it out."
        )
    cadence = cadence_of(times)
    warm_up = int(WARM_UP_SHARE * len(values))
    floor = (
        _FLOOR_SHARE * float(np.std(values[: max(warm_up, MIN_SAMPLES)])) + 1e-9 * float(np.abs(values).max()) + 1e-12
    )
    ratios = {
        name: _ratio(detect(times, values, cadence), cadence, warm_up, floor) for name, detect in DETECTORS.items()
    }
    held = {
        hours: {name: _held(one, hours * cadence.hour) for name, one in ratios.items()}
        for hours in {one.hold_hours for one in tunings}
    }
    return {one: _agreed(held[one.hold_hours], one, cadence) for one in tunings}


def _agreed(votes: Mapping[str, Floats], tuning: Tuning, cadence: Cadence) -> Scores:
    kept = {name: vote for name, vote in votes.items() if name != tuning.without}
    ordered = np.sort(list(kept.values()), axis=0)[tuning.trim : len(kept) - tuning.trim]
    return Scores(ordered.mean(axis=0), MappingProxyType(kept), cadence)


def _ratio(deviation: Floats, cadence: Cadence, warm_up: int, floor: float) -> Floats:
    """Each deviation against the largest before, in logarithms; -1 while the series warms up."""
    record = _delayed(np.maximum.accumulate(deviation), max(1, cadence.hour // 2))
    ratio: Floats = np.log((deviation + floor) / (record + floor))
    ratio[:warm_up] = -1.0
    return ratio


def _held(ratio: Floats, samples: int) -> Floats:
    """The vote: it stands for a while."""
    return np.clip(_trailing(ratio, max(2, samples), np.max, -1.0), -1.0, _CLIP)


def seasonal(times: Times, values: Floats, cadence: Cadence) -> Floats:
    """Distance from the median of the same time of the cycle before; from the mean of a cycle while there is none."""
    since = (times - times[0].astype("datetime64[D]")) / np.timedelta64(1, "s")
    slots = max(1, round(cadence.cycle_s / max(cadence.step_s, _SLOT_S)))
    row = (since // cadence.cycle_s).astype(int)
    slot = ((since % cadence.cycle_s) / cadence.cycle_s * slots).astype(int)
    grid = _means(row, slot, values, (int(row.max()) + 1, slots))
    base = np.full_like(grid, np.nan)
    for day in range(1, len(grid)):
        past = grid[max(0, day - _SEASON_DAYS) : day]
        if slots > cadence.hour * 7:
            past = np.concatenate([past, np.roll(past, 1, axis=1), np.roll(past, -1, axis=1)])
        base[day] = _median(past)
    expected = base[row, slot]
    filled: Floats = np.where(np.isnan(expected), _trailing_mean(values, cadence.cycle), expected)
    deviation: Floats = np.abs(values - filled)
    return deviation


def spike(times: Times, values: Floats, cadence: Cadence) -> Floats:  # noqa: ARG001
    """Distance from the median of the three hours before."""
    before = _delayed(_trailing(values, max(5, 3 * cadence.hour), np.median, np.nan), 1)
    return np.abs(values - before)


def level(times: Times, values: Floats, cadence: Cadence) -> Floats:  # noqa: ARG001
    """Distance from the median of all that was before, taken anew each hour."""
    medians = [float(np.median(values[: max(at, 1)])) for at in range(0, len(values), cadence.hour)]
    deviation: Floats = np.abs(values - np.repeat(medians, cadence.hour)[: len(values)])
    return deviation


def spread(times: Times, values: Floats, cadence: Cadence) -> Floats:  # noqa: ARG001
    """Standard deviation over six hours."""
    window = max(6, 6 * cadence.hour)
    centred = values - float(np.median(values))
    mean = _trailing_mean(centred, window)
    deviation: Floats = np.sqrt(np.maximum(_trailing_mean(centred * centred, window) - mean * mean, 0.0))
    return deviation


def change(times: Times, values: Floats, cadence: Cadence) -> Floats:  # noqa: ARG001
    """Change point: difference between the means of three hours and of the three before them."""
    window = max(3, 3 * cadence.hour)
    mean = _trailing_mean(values, window)
    deviation: Floats = np.abs(mean - _delayed(mean, window))
    return deviation


Detector = Callable[[Times, Floats, Cadence], Floats]
DETECTORS: Final[Mapping[str, Detector]] = MappingProxyType(
    {"seasonal": seasonal, "spike": spike, "level": level, "spread": spread, "change": change}
)


def _means(row: npt.NDArray[np.int64], slot: npt.NDArray[np.int64], values: Floats, shape: tuple[int, int]) -> Floats:
    total, count = np.zeros(shape), np.zeros(shape)
    np.add.at(total, (row, slot), values)
    np.add.at(count, (row, slot), 1)
    means: Floats = np.divide(total, count, out=np.full(shape, np.nan), where=count > 0)
    return means


def _median(past: Floats) -> Floats:
    """Median of each column, NaN where it holds nothing."""
    known = ~np.isnan(past)
    ordered = np.sort(past, axis=0)  # NaN last
    count = known.sum(axis=0)
    columns = np.arange(past.shape[1])
    low = ordered[np.maximum((count - 1) // 2, 0), columns]
    high = ordered[np.minimum(count // 2, len(past) - 1), columns]
    middle: Floats = np.where(count > 0, (low + high) / 2, np.nan)
    return middle


def _trailing(values: Floats, window: int, of: Callable[..., Floats], fill: float) -> Floats:
    """`of` the last `window` samples, the sample itself included; before the first ones there is `fill` or their first."""
    ahead = np.full(window - 1, values[0] if np.isnan(fill) else fill)
    found: Floats = of(sliding_window_view(np.concatenate([ahead, values]), window), axis=1)
    return found


def _trailing_mean(values: Floats, window: int) -> Floats:
    total = np.cumsum(np.concatenate([[0.0], values]))
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(0, ends - window)
    mean: Floats = (total[ends] - total[starts]) / (ends - starts)
    return mean


def _delayed(values: Floats, count: int) -> Floats:
    """The same, `count` samples later; the first value stands before it."""
    count = min(count, len(values) - 1)
    return np.concatenate([np.full(count, values[0]), values[: len(values) - count]])
