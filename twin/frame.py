"""What a stretch of the twin's life is made of: the time it spans, the fleet it has, and where its chance comes from.

Parts of the twin hand over tables as an assistant or a provider would export them, and beside them the truth
that Aurora must not see: it is written to another folder and judges what Aurora made of the exports.
"""

from __future__ import annotations

import datetime as dt
import zlib
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl

from aurora.packs import Pack

DAYS: Final = 90
TASKS: Final = 200_000
USAGE_ROWS: Final = 2_000_000
LEADS: Final = 20_000
"""Of 90 days at scale 1."""

WORK_SCHEMA: Final[dict[str, pl.DataType]] = {
    "case_id": pl.String(),
    "task_type": pl.String(),
    "requested_at": pl.Datetime("us", "UTC"),
    "priority": pl.String(),
    "privacy_class": pl.String(),
    "subject_id": pl.String(),
}
"""Work that the brokerage's own life asks of the fleet: one row a task to be done, in the order of time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A stretch of the twin's life: whole UTC days from `first_day`, for one pack, from one seed.

    `scale` 1 is a brokerage of 90 days with at least `TASKS`, `USAGE_ROWS` and `LEADS`; a tenth of it has a tenth.
    """

    pack: Pack
    seed: int
    first_day: dt.date
    days: int = DAYS
    scale: float = 1.0
    quiet_days: frozenset[dt.date] = frozenset()
    """Public holidays that are known by date: little is asked for on them."""
    edges: frozenset[tuple[str, str]] = frozenset()
    """Which assistant may hand work to which, as the pack's `sharing.yaml` says."""

    @property
    def start(self) -> dt.datetime:
        """The first moment."""
        return dt.datetime.combine(self.first_day, dt.time(), dt.UTC)

    @property
    def until(self) -> dt.datetime:
        """The first moment after it."""
        return self.start + dt.timedelta(days=self.days)

    def count(self, of_90_days: int) -> int:
        """How many of something there are here, when a brokerage of scale 1 has so many in 90 days; at least 1."""
        return max(1, round(of_90_days * self.scale * self.days / DAYS))

    def draws(self, name: str) -> np.random.Generator:
        """Chance for one purpose: what another purpose draws does not change it."""
        return np.random.Generator(np.random.PCG64([self.seed, zlib.crc32(name.encode())]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """Rows of one contract as one source hands them over."""

    source: str
    """Source of the landing folder: `twin_<assistant or system>`."""
    contract: str
    rows: pl.DataFrame
    """Columns of the contract; those that ingest fills by itself (source, region) may be absent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one part of the twin made."""

    exports: list[Export] = field(default_factory=list)
    truth: dict[str, pl.DataFrame] = field(default_factory=dict)
    """Tables that only the twin's judges read, by name."""
    work: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=WORK_SCHEMA))
