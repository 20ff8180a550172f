"""How right pages are on labelled series: NAB's layout, `data/<group>/<series>.csv` and `labels/combined_windows.json`.

A page is right when it falls into a labelled window; recall is the share of windows with a page. The shipped
threshold is measured as it is, and thresholds are chosen anew without the series (or its whole group) that they are
then measured on. The shipped one was chosen on the series of `../shared/data/nab`; on others it is out of sample.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import polars as pl

from aurora.alerts.detectors import Times, score
from aurora.alerts.triage import PAGE_FROM, THRESHOLDS, episodes, page_threshold, wilson
from aurora.errors import DataError, NotFoundError
from aurora.settings import Settings
from benchmarks.harness import Result, seconds

MIN_PRECISION, MIN_RECALL = 0.95, 0.40
_REPORTED = (0.0, 0.05, 0.10, 0.15, 0.20, 0.25, 0.30, 0.40)


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


@dataclass(frozen=True, slots=True)
class Series:
    """A labelled series by what pages at each threshold came to."""

    name: str
    group: str
    sample_count: int
    curve: dict[float, Counts]


def run(*, data: Path | None, scale: float) -> list[Result]:
    """The figures over `data`, or over NAB's series in the shared data; `scale` takes a share of the series."""
    folder = data or Settings().shared_data_dir / "nab"
    measured: list[Series] = []
    took = seconds(lambda: measured.extend(_measured(folder, scale)))
    names = [one.name for one in measured]
    results = _rates("pages", _total(measured, dict[str, float | None].fromkeys(names, PAGE_FROM)), has_bar=True)
    for name, key in (("series", lambda one: one.name), ("group", lambda one: one.group)):
        results += _rates(f"leave_one_{name}_out", _left_out(measured, key), has_bar=name == "series")
    for threshold in _REPORTED:
        results += _rates(f"at_{threshold:.2f}", _total(measured, dict[str, float | None].fromkeys(names, threshold)))
    learnt = page_threshold(_curve(measured))
    results += [
        Result(metric="page_threshold_shipped", value=PAGE_FROM, unit="log ratio"),
        Result(metric="page_threshold_of_this_data", value=-1.0 if learnt is None else learnt, unit="log ratio"),
        Result(metric="series", value=len(measured), unit="series"),
        Result(metric="samples_per_s", value=sum(one.sample_count for one in measured) / took, unit="samples/s"),
    ]
    return results


def _measured(folder: Path, scale: float) -> list[Series]:
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
    found = score(times, frame["value"].to_numpy())
    windows = [(edges[0], edges[1]) for edges in (_moments(list(window), name) for window in labelled)]
    group = name.partition("/")[0]
    if found is None:
        return Series(name, group, len(frame), dict.fromkeys(THRESHOLDS, Counts(windows=len(windows))))
    curve = {}
    for threshold in THRESHOLDS:
        pages = times[episodes(times, found.consensus, above=threshold, quiet_s=found.cadence.cycle_s)]
        inside = np.array([(first <= pages) & (pages <= last) for first, last in windows], dtype=bool)
        inside = inside.reshape(len(windows), len(pages))
        right = int(inside.any(axis=0).sum())
        curve[threshold] = Counts(right, len(pages) - right, int(inside.any(axis=1).sum()), len(windows))
    return Series(name, group, len(frame), curve)


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


def _curve(measured: Sequence[Series]) -> list[tuple[float, int, int]]:
    names = [one.name for one in measured]
    totals = {at: _total(measured, dict[str, float | None].fromkeys(names, at)) for at in THRESHOLDS}
    return [(at, total.right, total.wrong) for at, total in totals.items()]


def _total(measured: Sequence[Series], threshold_of: Mapping[str, float | None]) -> Counts:
    total = Counts()
    for one in measured:
        threshold = threshold_of[one.name]
        silent = Counts(windows=one.curve[THRESHOLDS[0]].windows)
        total += silent if threshold is None else one.curve.get(round(threshold, 2), silent)
    return total


def _left_out(measured: Sequence[Series], key: Callable[[Series], str]) -> Counts:
    """Each part at the threshold that the other parts give."""
    learnt = {
        part: page_threshold(_curve([one for one in measured if key(one) != part])) for part in map(key, measured)
    }
    return _total(measured, {one.name: learnt[key(one)] for one in measured})


def _rates(name: str, counts: Counts, *, has_bar: bool = False) -> list[Result]:
    pages = counts.right + counts.wrong
    results = []
    for rate, good, count, bar in (
        ("precision", counts.right, pages, MIN_PRECISION),
        ("recall", counts.found, counts.windows, MIN_RECALL),
    ):
        low, high = wilson(good, count)
        value = good / count if count else 0.0
        results += [
            Result(
                metric=f"{name}_{rate}",
                value=value,
                unit="share",
                bar=bar if has_bar else None,
                op=">=" if has_bar else None,
            ),
            Result(metric=f"{name}_{rate}_low", value=low, unit="share"),
            Result(metric=f"{name}_{rate}_high", value=high, unit="share"),
            Result(metric=f"{name}_{rate}_n", value=count, unit="pages" if rate == "precision" else "windows"),
        ]
    return results
