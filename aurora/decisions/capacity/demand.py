"""Demand as windows of ten minutes: what was asked of a target, with what was not observed kept apart from zero.

Everything about capacity speaks of these windows: a tenant's own usage, and the public traces of the benches.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aurora.errors import DataError

Floats = npt.NDArray[np.float64]

WINDOW_S = 600
WINDOWS_A_DAY = 86_400 // WINDOW_S
HORIZON = 6
"""Windows that are forecast: an hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandSeries:
    """Demand of one target. `values` are units a second, one a window, NaN where nothing was observed."""

    target_id: str
    starts_at: dt.datetime
    values: Floats

    def __post_init__(self) -> None:
        if np.nanmin(self.values, initial=0.0) < 0:
            raise DataError(
                f"Demand of {self.target_id} falls below zero.",
                field=self.target_id,
                rule="demand >= 0",
                next_step="Correct the source: a rate cannot be negative.",
            )

    @property
    def ends_at(self) -> dt.datetime:
        """End of the last window."""
        return self.starts_at + dt.timedelta(seconds=WINDOW_S * len(self.values))

    @property
    def phase(self) -> int:
        """Windows from midnight UTC to the first one."""
        return (self.starts_at.hour * 3600 + self.starts_at.minute * 60) // WINDOW_S

    def until(self, count: int) -> DemandSeries:
        """The first `count` windows."""
        return DemandSeries(target_id=self.target_id, starts_at=self.starts_at, values=self.values[:count])


def window_means(values: Floats, is_observed: npt.NDArray[np.bool_], width: int) -> Floats:
    """Means of `width` samples each over those that were observed; NaN where under half of them were."""
    count = len(values) // width
    seen = is_observed[: count * width].reshape(count, width)
    total = np.where(seen, values[: count * width].reshape(count, width), 0.0).sum(axis=1)
    observed = seen.sum(axis=1)
    return np.where(2 * observed >= width, total / np.maximum(observed, 1), np.nan)


def mark_outages(members: Floats) -> npt.NDArray[np.bool_]:
    """Windows in which a whole group fell silent that seldom does: (series, windows) in, (windows,) out.

    One client may have nothing to ask; all clients of a service at once, whose sum is zero in under a tenth of
    its windows, means that the service or its log was down.
    """
    silent = np.asarray(np.nansum(members, axis=0) <= 0, dtype=np.bool_)
    is_seldom = float(silent.mean()) < 0.1
    return silent if is_seldom else np.zeros_like(silent)
