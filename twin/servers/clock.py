"""Two times of the live twin: the wall's, which Aurora lives by, and the life's, which may run faster.

Commands, deadlines and the state of an assistant are the wall's. What the brokerage asks of its assistants by
itself is the life's: it begins in the past and catches up, so that no export speaks of a time that is to come.
Moments are seconds since 1970 in UTC.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Final

from aurora.errors import UsageError

DAY_S: Final = 86_400.0
MAX_SPEED: Final = 100_000.0


class TwinClock:
    """A life that began at `life_start` when the wall said `started`, and runs `speed` times as fast until now.

    `tell` is the wall's clock, in seconds.
    """

    def __init__(self, tell: Callable[[], float], *, started: float, life_start: float, speed: float = 1.0) -> None:
        if not 1.0 <= speed <= MAX_SPEED:
            raise UsageError(
                f"A speed of {speed:g} is not possible.",
                field="speed",
                rule="between",
                next_step=f"Choose one from 1 to {MAX_SPEED:g}.",
            )
        self._tell = tell
        self.started = started
        self.life_start = min(life_start, started)
        self.speed = speed
        behind = started - self.life_start
        self._caught_up = started + behind / (speed - 1.0) if speed > 1.0 else started
        if speed == 1.0:
            self.life_start = started

    def wall(self) -> float:
        """Now, as everybody else has it."""
        return self._tell()

    def life(self) -> float:
        """Now in the life."""
        return self.life_of(self._tell())

    def life_of(self, wall: float) -> float:
        """The life's moment at a moment of the wall."""
        if wall >= self._caught_up:
            return wall
        return self.life_start + (wall - self.started) * self.speed

    def wall_of(self, life: float) -> float:
        """The wall's moment at a moment of the life."""
        if life >= self._caught_up:
            return life
        return self.started + (life - self.life_start) / self.speed


def live_clock(tell: Callable[[], float], *, speed: float, days_back: float) -> TwinClock:
    """A life that begins now; at a speed above 1, `days_back` days ago."""
    now = tell()
    return TwinClock(tell, started=now, life_start=now - days_back * DAY_S, speed=speed)


def moment(at: float) -> dt.datetime:
    """Seconds as a moment in UTC, to the millisecond: exports are written so."""
    return dt.datetime.fromtimestamp(round(at, 3), dt.UTC)
