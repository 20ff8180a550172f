"""Labelled series in NAB's layout, `data/<group>/<series>.csv` and `labels/combined_windows.json`: what pages at each
threshold come to, and what settings chosen on a half of the series come to on the other half.

A page is right when it falls into a labelled window; recall is the share of windows with a page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import polars as pl

from aurora.alerts.detectors import DETECTORS, SHIPPED, Scores, Times, Tuning, scores
from aurora.alerts.triage import THRESHOLDS, episodes, page_threshold
from aurora.errors import DataError, NotFoundError

TUNINGS: Final = (
    *(Tuning(hold_hours=hours, trim=trim) for hours in (1, 3, 6) for trim in (0, 1, 2)),
    *(Tuning(without=name) for name in DETECTORS),
)
"""What could have been shipped: how long votes stand, how the consensus is taken, which detector has none."""
SPLITS: Final = 40


@dataclass(frozen=True, slots=True)
class Counts:
    """Pages that were right and wrong, windows that were found and that there are."""

    right: int = 0
    wrong: int = 0
    found: int = 0
    windows: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.right + other.right, self.wrong + other.wrong, self.found + other.found, self.windows + other.windows
        )

    @property
    def precision(self) -> float:
        """Share of pages that were right; 1 without a page."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """Share of windows that were found."""
        return self.found / self.windows if self.windows else 1.0


Curve = Mapping[float, Counts]


@dataclass(frozen=True, slots=True)
class Series:
    """A labelled series by what pages at each threshold came to, for each tuning."""

    name: str
    group: str
    sample_count: int
    curves: Mapping[Tuning, Curve]

    @property
    def curve(self) -> Curve:
        """With the tuning that is shipped."""
        return self.curves[SHIPPED]


def measured(folder: Path, scale: float) -> list[Series]:
    """Every series of the folder, or a share of them. `NotFoundError` without labels."""
    labels = next(iter(sorted(folder.rglob("combined_windows.json"))), None)
    if labels is None:
        raise NotFoundError(
            f"There is no combined_windows.json in {folder}.",
            field="data",
            next_step="Name a folder in NAB's layout with --data.",
        )
    windows = msgspec.json.decode(labels.read_bytes(), type=dict[str, list[tuple[str, str]]])
    names = [name for name in sorted(windows) if (folder / "data" / name).is_file()]
    every = max(1, round(1 / scale))
    return [_series(folder, name, windows[name]) for name in names[::every]]


def _series(folder: Path, name: str, labelled: Sequence[tuple[str, str]]) -> Series:
    frame = pl.read_csv(
        folder / "data" / name, schema_overrides={"timestamp": pl.String, "value": pl.Float64}
    ).drop_nulls()
    times = _moments(frame["timestamp"].to_list(), name)
    windows = [(edges[0], edges[1]) for edges in (_moments(list(window), name) for window in labelled)]
    found = scores(times, frame["value"].to_numpy(), TUNINGS)
    silent = dict.fromkeys(THRESHOLDS, Counts(windows=len(windows)))
    curves: dict[Tuning, Curve] = {
        one: silent if found is None else _curve_of(times, found[one], windows) for one in TUNINGS
    }
    return Series(name, name.partition("/")[0], len(frame), curves)


def _curve_of(times: Times, found: Scores, windows: Sequence[tuple[np.datetime64, np.datetime64]]) -> Curve:
    curve = {}
    for threshold in THRESHOLDS:
        pages = times[episodes(times, found.consensus, above=threshold, quiet_s=found.cadence.cycle_s)]
        inside = np.array([(first <= pages) & (pages <= last) for first, last in windows], dtype=bool)
        inside = inside.reshape(len(windows), len(pages))
        right = int(inside.any(axis=0).sum())
        curve[threshold] = Counts(right, len(pages) - right, int(inside.any(axis=1).sum()), len(windows))
    return curve


def _moments(texts: list[str], name: str) -> Times:
    try:
        return np.array([text.strip().replace(" ", "T") for text in texts], dtype="datetime64[us]")
    except ValueError as error:
        raise DataError(
            f"{name} holds a time that cannot be read: {error}.",
            field="timestamp",
            rule="timestamp",
            next_step="Write times as 2014-02-14 14:30:00.",
        ) from error


def curve(series: Sequence[Series], tuning: Tuning = SHIPPED) -> dict[float, Counts]:
    """All series together, at each threshold."""
    return {at: sum((one.curves[tuning][at] for one in series), Counts()) for at in THRESHOLDS}


def learnt(series: Sequence[Series], tuning: Tuning = SHIPPED) -> float | None:
    """The threshold that the shipped procedure takes from these series; None where none is right often enough."""
    return page_threshold((at, counts.right, counts.wrong) for at, counts in curve(series, tuning).items())


def at_threshold(series: Sequence[Series], threshold: float | None, tuning: Tuning = SHIPPED) -> Counts:
    """Pages at one threshold; none at all without one."""
    totals = curve(series, tuning)
    silent = Counts(windows=totals[THRESHOLDS[0]].windows)
    return silent if threshold is None else totals.get(round(threshold, 2), silent)


def left_out(series: Sequence[Series], key: Callable[[Series], str]) -> Counts:
    """Each part at the threshold that the other parts give."""
    total = Counts()
    for part in sorted(set(map(key, series))):
        mine, others = _parted(series, lambda one, part=part: key(one) == part)  # type: ignore[misc]
        total += at_threshold(mine, learnt(others))
    return total


def halves(series: Sequence[Series], *, by_group: bool = False, count: int = SPLITS, seed: int = 1) -> list[Counts]:
    """Tuning and threshold chosen on a random half of the series (or of their groups), judged on the other half."""
    draw = np.random.default_rng(seed)
    names = sorted({one.group if by_group else one.name for one in series})
    results = []
    for _ in range(count):
        chosen = set(draw.permutation(names)[: (len(names) + 1) // 2].tolist())
        taught, other = _parted(series, lambda one: (one.group if by_group else one.name) in chosen)  # noqa: B023
        tuning, threshold = _chosen(taught)
        results.append(at_threshold(other, threshold, tuning))
    return results


def _chosen(series: Sequence[Series]) -> tuple[Tuning, float | None]:
    """The tuning that finds most at the threshold it gives; the shipped one where they are equal."""
    options = [(tuning, learnt(series, tuning)) for tuning in TUNINGS]
    return max(options, key=lambda one: (at_threshold(series, one[1], one[0]).found, one[0] == SHIPPED))


def _parted(series: Sequence[Series], belongs: Callable[[Series], bool]) -> tuple[list[Series], list[Series]]:
    return [one for one in series if belongs(one)], [one for one in series if not belongs(one)]
