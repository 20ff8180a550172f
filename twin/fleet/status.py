"""How each assistant was, every quarter of an hour, as its own status endpoint would have said."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from twin.fleet.calendar import DAY_US, start_us
from twin.fleet.outages import Spells
from twin.fleet.skill import Skills
from twin.fleet.tasks import COMPLETED, Done
from twin.frame import Frame
from twin.ids import times

Ints = npt.NDArray[np.int64]

SLOT_US: Final = 15 * 60 * 1_000_000


def status_rows(frame: Frame, skills: Skills, done: Done, spells: pl.DataFrame) -> pl.DataFrame:
    """Rows of the contract `assistant_status`: one an assistant and quarter of an hour, at its end."""
    slots = frame.days * DAY_US // SLOT_US
    ends = start_us(frame) + (np.arange(slots) + 1) * SLOT_US
    figures = _figures(frame, done)
    parts = []
    for place, assistant in enumerate(skills.assistants):
        mine = done.assistant == place
        down = Spells(spells, assistant.assistant_id, "down")
        slow = Spells(spells, assistant.assistant_id, "degraded").place(ends - 1) >= 0
        state = np.where(down.place(ends - 1) >= 0, "down", np.where(slow, "degraded", "active"))
        open_count = _up_to(done.requested_us[mine], ends) - _up_to(done.ended_us[mine], ends)
        parts.append(
            pl.DataFrame(
                {
                    "assistant_id": pl.Series([assistant.assistant_id]).new_from_index(0, slots),
                    "assistant_state": state.tolist(),
                    "uptime_share": (1 - _covered(down, ends) / SLOT_US).round(6),
                    "open_task_count": np.maximum(open_count, 0),
                    "slot": np.arange(slots),
                    "updated_at": times(ends),
                    "usual_ms": np.full(slots, assistant.prior.duration_ms),
                }
            ).join(figures.filter(pl.col("who") == place).drop("who"), on="slot", how="left", maintain_order="left")
        )
    speed = (pl.col("usual_ms") * 2 / pl.col("latency_p95_ms")).clip(0, 1).fill_null(1.0)
    score = 100 * (0.5 * (1 - pl.col("error_share").fill_null(0.0)) + 0.3 * pl.col("uptime_share") + 0.2 * speed)
    return (
        pl.concat(parts)
        .with_columns(score.round(1).alias("performance_score"), pl.lit(value=True).alias("is_sample"))
        .drop("slot", "usual_ms")
    )


def _figures(frame: Frame, done: Done) -> pl.DataFrame:
    """Errors and latency by assistant (`who`) and slot, of tasks that ended in it."""
    ended = done.is_settled
    return (
        pl.DataFrame(
            {
                "who": done.assistant[ended],
                "slot": (done.ended_us[ended] - start_us(frame)) // SLOT_US,
                "ms": (done.ended_us - done.requested_us)[ended] // 1000,
                "is_error": done.state[ended] != COMPLETED,
            }
        )
        .group_by("who", "slot")
        .agg(
            pl.col("is_error").mean().round(4).alias("error_share"),
            pl.col("ms").quantile(0.95, "nearest").cast(pl.Int64).alias("latency_p95_ms"),
        )
    )


def _up_to(moments: Ints, ends: Ints) -> Ints:
    return np.searchsorted(np.sort(moments), ends, side="right")


def _covered(down: Spells, ends: Ints) -> npt.NDArray[np.float64]:
    """Microseconds of each slot in which it was down."""
    found = np.zeros(len(ends))
    for begins, until in zip(down.begins.tolist(), down.ends.tolist(), strict=True):
        found += np.maximum(np.minimum(ends, until) - np.maximum(ends - SLOT_US, begins), 0)
    return found
