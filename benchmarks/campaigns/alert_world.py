"""The twin's fleet as Aurora would have polled it, minute by minute of a history: what each assistant answered, and when
it did not.

An assistant that is down does not answer; the others say what the hour before a poll was like, of tasks as the history
exports them. Now and then a poll is lost though nothing is wrong: that is no outage, and nobody should be woken.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from aurora.assistants.health import Ping, Watch
from aurora.packs.assistants import Assistant
from contracts.messages.assistants import AssistantState, Latency, StatusReply
from contracts.messages.commands import LiveFleet
from twin.fleet.outages import Spells

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

POLL_S: Final = 300
"""Between polls. Aurora polls each second; a coarser grid finds things later, never earlier."""
AGAIN_S: Final = (5, 10, 15)
"""After a lost poll it is polled again, so many seconds later."""
LOST_SHARE: Final = 2e-4
"""Of polls that got no answer though nothing was wrong."""
_WINDOW_US: Final = 3_600_000_000
_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Answers:
    """What one assistant answered at each poll."""

    assistant: Assistant
    state: list[AssistantState]
    is_lost: Bools
    request_count: Ints
    error_count: Ints
    open_count: Ints
    p95_ms: npt.NDArray[np.float64]

    def ping(self, place: int, at: dt.datetime) -> Ping:
        """The poll at a place."""
        if self.is_lost[place]:
            return Ping(at=at, error="It does not answer.")
        count, p95 = int(self.request_count[place]), float(self.p95_ms[place])
        reply = StatusReply(
            assistant_id=self.assistant.assistant_id,
            assistant_state=self.state[place],
            protocol_version="1",
            version="twin",
            updated_at=at,
            window_s=_WINDOW_US // _US,
            uptime_share=1.0,
            error_share=int(self.error_count[place]) / count if count else 0.0,
            request_count=count,
            latency=Latency(p50_ms=p95 / 3, p95_ms=p95, p99_ms=p95),
            open_task_count=int(self.open_count[place]),
            capacity_count=self.assistant.capacity_count or 0,
            is_simulated=True,
        )
        return Ping(at=at, ping_ms=20.0, reply=reply)


@dataclass(frozen=True, slots=True)
class World:
    """Moments of polls, microseconds since 1970, and each assistant's answers to them."""

    at_us: Ints
    fleet: tuple[Answers, ...]
    lost_count: int

    def polled(self, tenant: str) -> Iterator[tuple[dt.datetime, LiveFleet]]:
        """The fleet after each poll, as Aurora's own watches have it."""
        watches = [Watch(one.assistant) for one in self.fleet]
        for place, us in enumerate(self.at_us.tolist()):
            at = dt.datetime.fromtimestamp(us / _US, dt.UTC)
            for watch, one in zip(watches, self.fleet, strict=True):
                watch.observe(one.ping(place, at))
            assistants = tuple(watch.live(is_connected=True) for watch in watches)
            yield at, LiveFleet(tenant_id=tenant, updated_at=at, round_ms=None, assistants=assistants)


def world(
    assistants: tuple[Assistant, ...],
    tasks: pl.DataFrame,
    outages: pl.DataFrame,
    *,
    first: dt.date,
    days: int,
    seed: int,
) -> World:
    """The fleet of a history. `tasks` as exported; `outages` the truth of when nobody answers."""
    draw = np.random.default_rng([seed, 30])
    start = int(dt.datetime.combine(first, dt.time(), dt.UTC).timestamp()) * _US
    grid = start + np.arange(1, days * 86_400 // POLL_S) * POLL_S * _US
    lost = draw.random((len(assistants), len(grid))) < LOST_SHARE
    again = [grid[lost.any(axis=0)] + after * _US for after in AGAIN_S]
    at = np.unique(np.concatenate([grid, *again]))
    places = np.searchsorted(at, grid)
    fleet = []
    for who, assistant in enumerate(assistants):
        is_lost = np.zeros(len(at), dtype=bool)
        is_lost[places] = lost[who]
        mine = tasks.filter(pl.col("assistant_id") == assistant.assistant_id)
        fleet.append(_answers(assistant, mine, outages, at, is_lost))
    return World(at, tuple(fleet), int(lost.sum()))


def _answers(assistant: Assistant, tasks: pl.DataFrame, outages: pl.DataFrame, at: Ints, is_lost: Bools) -> Answers:
    down = Spells(outages, assistant.assistant_id, "down").place(at) >= 0
    slow = Spells(outages, assistant.assistant_id, "degraded").place(at) >= 0
    ended = tasks.filter(pl.col("is_success").is_not_null()).sort("completed_at")
    moments = _us(ended["completed_at"])
    first, last = np.searchsorted(moments, at - _WINDOW_US, side="right"), np.searchsorted(moments, at, side="right")
    failed = np.concatenate([[0], np.cumsum(~ended["is_success"].to_numpy())])
    asked = np.sort(_us(tasks["submitted_at"]))
    closed = np.sort(_us(tasks["completed_at"].drop_nulls()))
    return Answers(
        assistant=assistant,
        state=np.where(slow, "degraded", "active").tolist(),
        is_lost=down | is_lost,
        request_count=last - first,
        error_count=failed[last] - failed[first],
        open_count=np.searchsorted(asked, at, side="right") - np.searchsorted(closed, at, side="right"),
        p95_ms=_p95(ended, moments, last),
    )


def _p95(ended: pl.DataFrame, moments: Ints, last: Ints) -> npt.NDArray[np.float64]:
    """95 % of the tasks of the hour that the newest task ended in took at most so many milliseconds."""
    if ended.is_empty():
        return np.zeros(len(last))
    took = (moments - _us(ended["submitted_at"])) / 1000
    rolled = pl.DataFrame({"at": ended["completed_at"], "ms": took}).select(
        pl.col("ms").rolling_quantile_by("at", "1h", quantile=0.95)
    )["ms"].fill_null(0.0)  # fmt: skip
    return np.concatenate([[0.0], rolled.to_numpy()])[last]


def _us(times: pl.Series) -> Ints:
    return times.dt.timestamp("us").to_numpy()
