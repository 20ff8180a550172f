"""When assistants are down or degraded, and why: known here, and to be found by whoever watches them."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from twin.fleet.calendar import DAY_US, start_us
from twin.fleet.skill import Skills
from twin.frame import DAYS, Frame
from twin.ids import times

_DOWN: Final = ("provider_outage", "bad_release", "network", "credential_expired")
_DEGRADED: Final = ("overloaded_provider", "slow_database", "bad_prompt_change", "rate_limited")
_MINUTE_US: Final = 60_000_000
_OUTAGES, _SPELLS = 3.0, 4.0
"""Of an assistant in 90 days, on average: being down, and being degraded."""


def outages(frame: Frame, skills: Skills) -> pl.DataFrame:
    """One row an outage or degradation, by assistant and time; of one assistant no two overlap.

    `slowdown` multiplies the time of work, `success_logit_shift` is added to the log-odds of success.
    """
    draw = frame.draws("outages")
    rows = []
    for who, assistant in enumerate(skills.assistants):
        for kind, rate, minutes in (("down", _OUTAGES, 22.0), ("degraded", _SPELLS, 95.0)):
            count = int(draw.poisson(rate * frame.days / DAYS))
            if frame.days >= DAYS // 3:
                count = max(count, 1)
            rows += [(who, assistant.assistant_id, kind, *_spell(frame, draw, minutes)) for _ in range(count)]
    rows.sort(key=lambda row: (row[0], row[3]))
    kept: list[dict[str, object]] = []
    last = (-1, 0)
    for who, assistant_id, kind, begins, ends in rows:
        if who == last[0] and begins <= last[1]:
            continue
        last = (who, ends)
        causes = _DOWN if kind == "down" else _DEGRADED
        cause = causes[int(draw.integers(len(causes)))]
        slow, shift = (1.0, 0.0) if kind == "down" else (float(draw.uniform(1.6, 5)), -float(draw.uniform(0.4, 1.6)))
        kept.append(
            {
                "assistant_id": assistant_id,
                "outage_kind": kind,
                "begins_us": begins,
                "ends_us": ends,
                "cause": cause,
                "slowdown": slow,
                "success_logit_shift": shift,
            }
        )
    schema = {
        "assistant_id": pl.String(),
        "outage_kind": pl.String(),
        "begins_us": pl.Int64(),
        "ends_us": pl.Int64(),
        "cause": pl.String(),
        "slowdown": pl.Float64(),
        "success_logit_shift": pl.Float64(),
    }
    found = pl.DataFrame(kept, schema=schema)
    return found.with_columns(times(found["begins_us"]).alias("begins_at"), times(found["ends_us"]).alias("ends_at"))


def _spell(frame: Frame, draw: np.random.Generator, minutes: float) -> tuple[int, int]:
    begins = start_us(frame) + int(draw.integers(0, frame.days * DAY_US - _MINUTE_US))
    length = int(draw.lognormal(np.log(minutes), 0.8) * _MINUTE_US)
    return begins, min(begins + max(length, 2 * _MINUTE_US), start_us(frame) + frame.days * DAY_US)


class Spells:
    """One kind of spell of one assistant, to ask moments about."""

    def __init__(self, table: pl.DataFrame, assistant_id: str, kind: str) -> None:
        mine = table.filter(pl.col("assistant_id") == assistant_id, pl.col("outage_kind") == kind).sort("begins_us")
        self.begins = mine["begins_us"].to_numpy()
        self.ends = mine["ends_us"].to_numpy()
        self.slowdown = mine["slowdown"].to_numpy()
        self.shift = mine["success_logit_shift"].to_numpy()

    def place(self, us: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Which spell each moment falls into; -1 for none."""
        if not len(self.begins):
            return np.full(len(us), -1, dtype=np.int64)
        at = np.searchsorted(self.begins, us, side="right") - 1
        return np.asarray(np.where((at >= 0) & (us < self.ends[np.maximum(at, 0)]), at, -1), dtype=np.int64)
