"""What a forecast is made from: the same columns in training and in serving, scale-free, never a look ahead.

Every column at window t is computed from windows up to and including t. Columns are shares of the series' own
slow level, so that one estimator serves a busy target and a quiet one. Windows that were not observed are NaN:
means and maxima pass over them, the last value is the last that was seen, and how long ago an outage ended (its
backlog comes back as a burst) is a column of its own.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from aurora.decisions.capacity.demand import WINDOWS_A_DAY, DemandSeries, Floats

DAY, WEEK, HOUR = WINDOWS_A_DAY, 7 * WINDOWS_A_DAY, WINDOWS_A_DAY // 24
WARM_UP = DAY
"""Windows before the first that is forecast: a day, so that yesterday is known."""
LEVEL_SPAN = 72
PEAK_SHARE = 0.01
"""A level is never under this share of the last week's peak: a series that wakes has a scale to speak in."""
MAX_SINCE_OUTAGE = 50


@dataclass(frozen=True, slots=True)
class Basis:
    """What does not depend on the horizon. `level` (units a second) scales everything; `last` is last seen."""

    values: Floats
    last: Floats
    level: Floats
    smooth: Floats
    phase: int
    columns: tuple[Floats, ...]


def basis(series: DemandSeries) -> Basis:
    """Columns of a series that all horizons share."""
    values = series.values.astype(np.float64)
    last, level = _carried(values), _level(values)
    change = np.abs(values - shifted(values, 1))
    columns = [shifted(last, lag) / level for lag in (0, 1, 2, 3, 4, 5, 6, 9, 12, 18, 36, 72)]
    columns += [_smoothed(values, share) / level for share in (0.3, 0.1, 0.02)]
    for width in (6, 18, 72, DAY):
        columns += [_rolling(values, width, np.nanmax) / level, _rolling(values, width, np.nanmin) / level]
    columns += [_rolling(change, width, np.nanmean) / level for width in (6, 36, DAY)]
    since, length = _outages(values)
    columns += [since, length, _rolling(np.where(np.isnan(values), np.nan, values <= 0), DAY, np.nanmean)]
    columns.append(_rolling(np.abs(values - shifted(values, DAY)), DAY, np.nanmean) / level)
    return Basis(values, last, level, _smoothed(values, 0.5), series.phase, tuple(columns))


def matrix(base: Basis, horizon: int) -> Floats:
    """Columns for demand `horizon` windows later, (windows, columns)."""
    values, last, level = base.values, base.last, base.level
    past = [shifted(values, days * DAY - horizon) for days in range(1, 8)]
    yesterday, week = past[0], past[6]
    usual, usual3 = _mean_of(past, last), _mean_of(past[:3], last)
    before = shifted(usual, horizon)
    risen = _risen(base, usual, before)
    columns = [
        *base.columns,
        np.full(len(values), float(horizon)),
        np.where(np.isnan(yesterday), last, yesterday) / level,
        usual / level,
        usual3 / level,
        np.where(np.isnan(week), usual, week) / level,
        (base.smooth + yesterday - shifted(base.smooth, DAY)) / level,
        np.clip(base.smooth / np.maximum(shifted(base.smooth, DAY), 1e-9), 0.2, 5.0) * yesterday / level,
        risen / level,
        (yesterday - shifted(values, DAY)) / level,
        (past[1] - shifted(values, 2 * DAY)) / level,
        (usual - before) / level,
        (last - before) / level,
        *[shifted(values, DAY - horizon - shift) / level for shift in (-2, -1, 1, 2, 3)],
        *_errors(values, last, before, shifted(risen, horizon), horizon, level),
        *_slot(values, horizon, level),
        *_time_of_day(len(values), base.phase + horizon),
    ]
    return np.stack(columns, axis=1)


def simple_forecasts(base: Basis, horizon: int) -> tuple[Floats, Floats]:
    """Two forecasts anybody would make: as yesterday at that time; as usual at that time, moved to today's level.

    While nothing is observed there is no level of today to move to.
    """
    past = [shifted(base.values, days * DAY - horizon) for days in range(1, 8)]
    usual = _mean_of(past, base.last)
    risen = _risen(base, usual, shifted(usual, horizon))
    return np.where(np.isnan(past[0]), base.last, past[0]), np.where(np.isnan(base.values), usual, risen)


def _risen(base: Basis, usual: Floats, before: Floats) -> Floats:
    return base.smooth + usual - before


def _level(values: Floats) -> Floats:
    peak = _rolling(values, WEEK, np.nanmax)
    return np.maximum(np.maximum(_smoothed(values, 1 / LEVEL_SPAN), PEAK_SHARE * np.nan_to_num(peak)), 1e-9)


def _errors(values: Floats, last: Floats, usual: Floats, risen: Floats, horizon: int, level: Floats) -> list[Floats]:
    """How wrong three simple forecasts of this horizon were on the last day: whom to believe for this series."""
    simple = (shifted(last, horizon), usual, risen)
    return [_rolling(np.abs(values - guess), DAY, np.nanmean) / level for guess in simple]


def _slot(values: Floats, horizon: int, level: Floats) -> list[Floats]:
    """Mean and maximum at the target's place in the hour over the last day: scheduled jobs run on the hour."""
    at_slot = np.stack([shifted(values, lag * HOUR - horizon) for lag in range(1, 25)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        lift = np.nanmean(at_slot, axis=0) - _rolling(values, DAY, np.nanmean)
        return [lift / level, np.nanmax(at_slot, axis=0) / level]


def _time_of_day(count: int, phase: int) -> list[Floats]:
    angle = 2 * np.pi * ((np.arange(count) + phase) % DAY) / DAY
    return [np.sin(angle), np.cos(angle)]


def _mean_of(past: list[Floats], otherwise: Floats) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a mean of nothing is NaN, which is meant
        mean = np.nanmean(np.stack(past), axis=0)
    return np.where(np.isnan(mean), otherwise, mean)


def _carried(values: Floats) -> Floats:
    """Each window's value, or the last one that was seen before it."""
    index = np.where(np.isnan(values), -1, np.arange(len(values)))
    index = np.maximum.accumulate(index)
    return np.where(index >= 0, values[np.maximum(index, 0)], np.nan)


def _smoothed(values: Floats, share: float) -> Floats:
    """Exponential mean that stands still while nothing is observed."""
    out, mean = np.empty(len(values)), np.nan
    for index, value in enumerate(values.tolist()):
        if value == value:
            mean = value if mean != mean else mean + share * (value - mean)
        out[index] = mean
    return out


def shifted(values: Floats, lag: int) -> Floats:
    """Values of `lag` windows ago; NaN before the first."""
    out = np.full(len(values), np.nan)
    if lag < len(values):
        out[lag:] = values[: len(values) - lag]
    return out


def _rolling(values: Floats, width: int, of: Callable[..., Floats]) -> Floats:
    padded = np.concatenate([np.full(width - 1, np.nan), values])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(of(sliding_window_view(padded, width), axis=1), dtype=np.float64)


def _outages(values: Floats) -> tuple[Floats, Floats]:
    """Windows since the last gap (at most MAX_SINCE_OUTAGE), and how long that gap was."""
    since, length = np.full(len(values), float(MAX_SINCE_OUTAGE)), np.zeros(len(values))
    ago, run, gap = MAX_SINCE_OUTAGE, 0, 0
    for index, is_missing in enumerate(np.isnan(values).tolist()):
        run = run + 1 if is_missing else 0
        gap = run or gap
        ago = 0 if is_missing else min(ago + 1, MAX_SINCE_OUTAGE)
        since[index], length[index] = ago, min(gap, DAY) if ago < MAX_SINCE_OUTAGE else 0
    return since, length
