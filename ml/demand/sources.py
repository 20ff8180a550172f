"""Public traces of demand on language models: ServeGen's services and clients, BurstGPT. Read in place, never shipped.

A trace knows from which window on it may be judged; whatever lies before is history. Files of later days are
joined to the days that are known, files of other services stand alone.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from aurora.decisions.capacity.demand import WINDOW_S, WINDOWS_A_DAY, DemandSeries, Floats, mark_outages, window_means
from aurora.errors import DataError

Kind = Literal["service", "client", "burstgpt"]
_logger = logging.getLogger("ml.demand")

SERVEGEN_SERVICES = "servegen_*rates*.csv"
SERVEGEN_CLIENTS = "servegen_client*.parquet"
BURSTGPT = "burstgpt*.csv"
EPOCH = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
"""The traces tell no date: their first second is taken for a midnight."""
KNOWN_SHARE = 0.6
"""Of a trace without later days: what is history, before the part that is judged."""
MIN_DAYS = 3
CLIENTS = 80


@dataclass(frozen=True, slots=True)
class Trace:
    """A series, what it is of, and the first window that is judged."""

    series: DemandSeries
    kind: Kind
    judged_from: int
    is_own_clock: bool = False
    """Its days are not the known traces' days, so an estimator for it may learn from all of those."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Values of one id from window `first` on."""

    kind: Kind
    first: int
    values: Floats

    @property
    def end(self) -> int:
        return self.first + len(self.values)


def load_traces(folder: Path, shared: Path, *, clients: int = CLIENTS) -> list[Trace]:
    """Traces below `folder` that can be judged; history from `shared` where it continues them.

    Those that cannot are left out, with a warning that says why. `DataError` when the folder holds none at all.
    """
    known = _read(shared)
    given = known if folder.resolve() == shared.resolve() else _read(folder)
    if not given:
        raise DataError(
            f"There is no demand below {folder}.",
            field="data",
            rule="one of the known files",
            next_step=f"Give a folder with files named {SERVEGEN_SERVICES} (columns model, t_s, rate_rps), "
            f"{SERVEGEN_CLIENTS} (client, too) or {BURSTGPT} (minute, tps, observed).",
        )
    traces = [_trace(target_id, part, known.get(target_id)) for target_id, part in given.items()]
    usable = []
    for trace in traces:
        why = _unusable(trace)
        if not why:
            usable.append(trace)
        elif trace.kind != "client":  # idle clients there are by the hundred
            _logger.warning("%s is not judged: %s", trace.series.target_id, why)
    return _busiest(usable, clients)


def _unusable(trace: Trace) -> str:
    """Why a trace cannot be judged; empty when it can."""
    days = len(trace.series.values) / WINDOWS_A_DAY
    if days < MIN_DAYS:
        return f"it goes on for {days:.1f} days, and {MIN_DAYS} are needed."
    head, rest = trace.series.values[: trace.judged_from], trace.series.values[trace.judged_from :]
    if not (np.nan_to_num(head) > 0).any():
        return "nothing was asked of it before the judged windows."
    if np.isnan(rest).all():
        return "nothing was observed in the judged windows."
    return ""


def training_series(shared: Path, *, until: int | None) -> list[DemandSeries]:
    """What may be trained on: ServeGen's shared days up to window `until`; all of them without it."""
    parts = [(target_id, part) for target_id, part in _read(shared).items() if part.kind != "burstgpt"]
    series = [_series(target_id, part.values[:until]) for target_id, part in parts]
    return [one for one in series if len(one.values) > 2 * WINDOWS_A_DAY and np.nanmax(one.values) > 0]


def grouped(traces: Sequence[Trace]) -> list[tuple[int, int | None, list[Trace]]]:
    """(judged from, trained until, traces) of those that one estimator may be judged on.

    BurstGPT, which nothing is trained on, joins the first group.
    """
    found: dict[tuple[int, int | None], list[Trace]] = {}
    for trace in sorted(traces, key=lambda one: (one.kind == "burstgpt", one.judged_from)):
        key = (trace.judged_from, None if trace.is_own_clock else trace.judged_from)
        joined = next(iter(found), key) if trace.kind == "burstgpt" else key
        found.setdefault(joined, []).append(trace)
    return [(*key, group) for key, group in found.items()]


def _trace(target_id: str, part: _Part, known: _Part | None) -> Trace:
    if known is None or known is part:
        return Trace(_series(target_id, part.values), part.kind, int(KNOWN_SHARE * len(part.values)))
    if part.first >= known.end:
        gap = np.full(part.first - known.end, np.nan)
        return Trace(_series(target_id, np.concatenate([known.values, gap, part.values])), part.kind, part.first)
    shift = part.first - known.first
    common = min(known.end, part.end) - part.first
    ours, theirs = known.values[shift : shift + common], part.values[:common]
    if not np.allclose(ours, theirs, equal_nan=True):  # the same name, other days counted from nought
        return Trace(_series(target_id, part.values), part.kind, int(KNOWN_SHARE * len(part.values)), is_own_clock=True)
    whole = np.concatenate([known.values[:shift], part.values])
    judged = len(known.values) if part.end > known.end else max(shift, int(KNOWN_SHARE * len(whole)))
    return Trace(_series(target_id, whole), part.kind, judged)


def _busiest(traces: Sequence[Trace], clients: int) -> list[Trace]:
    def known_mean(trace: Trace) -> float:
        head = trace.series.values[: trace.judged_from]
        return float(np.nanmean(head)) if (~np.isnan(head)).any() else 0.0

    ours = sorted((one for one in traces if one.kind == "client"), key=known_mean, reverse=True)[:clients]
    return [one for one in traces if one.kind != "client"] + [one for one in ours if known_mean(one) > 0]


def _series(target_id: str, values: Floats) -> DemandSeries:
    return DemandSeries(target_id=target_id, starts_at=EPOCH, values=values)


def _read(folder: Path) -> dict[str, _Part]:
    services = _servegen_services(sorted(folder.rglob(SERVEGEN_SERVICES)))
    clients = _servegen_clients(sorted(folder.rglob(SERVEGEN_CLIENTS)), services)
    for target_id, part in services.items():
        members = [one for key, one in clients.items() if key.startswith(f"{target_id}/")]
        part.values[mark_outages(part.values[None, :])] = np.nan
        _share_outages(part, members)
    return {**services, **clients, **_burstgpt(sorted(folder.rglob(BURSTGPT)))}


def _share_outages(service: _Part, clients: Sequence[_Part]) -> None:
    """Where a service was down, none of its clients was observed."""
    down = np.isnan(service.values)
    for client in clients:
        if client.first == service.first and len(client.values) == len(down):
            client.values[down] = np.nan


def _servegen_services(files: Sequence[Path]) -> dict[str, _Part]:
    frames = [pl.read_csv(file) for file in files]
    rows = [frame for frame in frames if {"model", "t_s", "rate_rps"} <= set(frame.columns)]
    return _parts(pl.concat(rows).with_columns(target_id=pl.col("model")), "service") if rows else {}


def _servegen_clients(files: Sequence[Path], services: Mapping[str, _Part]) -> dict[str, _Part]:
    wanted = ["model", "client", "t_s", "rate_rps"]
    frames = [pl.read_parquet(file, columns=wanted) for file in files]
    if not frames:
        return {}
    named = pl.concat(frames).with_columns(target_id=pl.concat_str("model", "client", separator="/"))
    parts = _parts(named, "client")
    if not services:
        for name in sorted({key.split("/")[0] for key in parts}):
            _mark_together([part for key, part in parts.items() if key.startswith(f"{name}/")])
    return parts


def _mark_together(clients: Sequence[_Part]) -> None:
    first, end = min(one.first for one in clients), max(one.end for one in clients)
    alike = [one for one in clients if (one.first, one.end) == (first, end)]
    if len(alike) < 2:
        return
    down = mark_outages(np.stack([one.values for one in alike]))
    for one in alike:
        one.values[down] = np.nan


def _parts(frame: pl.DataFrame, kind: Kind) -> dict[str, _Part]:
    found = {}
    for (target_id,), rows in frame.sort("t_s").group_by(["target_id"], maintain_order=True):
        windows = (rows["t_s"] // WINDOW_S).to_numpy()
        values = np.full(int(windows[-1] - windows[0]) + 1, np.nan)
        values[windows - windows[0]] = rows["rate_rps"].to_numpy()
        found[str(target_id)] = _Part(kind, int(windows[0]), values)
    return dict(sorted(found.items()))


def _burstgpt(files: Sequence[Path]) -> dict[str, _Part]:
    found: dict[str, _Part] = {}
    for file in files:
        rows = pl.read_csv(file).sort("minute")
        first, width = int(rows["minute"][0]), WINDOW_S // 60
        count = int(rows["minute"][-1]) - first + 1
        tps, seen = np.zeros(count), np.zeros(count, dtype=np.bool_)
        at = rows["minute"].to_numpy() - first
        tps[at], seen[at] = rows["tps"].to_numpy(), rows["observed"].to_numpy()
        found["burstgpt"] = _Part("burstgpt", first // width, window_means(tps, seen, width))
    return found
