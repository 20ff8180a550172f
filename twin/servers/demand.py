"""Work that arrives by itself: a Poisson process whose rate follows the hours and days that people work."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

from aurora.packs import Assistant, Pack
from twin.servers.clock import DAY_S, moment

TASKS_A_DAY: Final = 2_250
"""Of the whole fleet on an ordinary day: what the twin's history has in 90 days."""
_HOURS: Final = (1, 1, 1, 1, 3, 8, 14, 16, 15, 12, 13, 14, 13, 11, 9, 7, 5, 3, 2, 2, 2, 2, 2, 2)
"""Work by hour of the UTC day: Dubai is four hours ahead."""
_MEAN: Final = sum(_HOURS) / len(_HOURS)
_PEAK: Final = max(_HOURS) / _MEAN
_WEEKEND: Final = frozenset({5, 6})
_WEEKEND_SHARE: Final = 0.45


@dataclass(slots=True)
class Demand:
    """Moments at which tasks arrive at one assistant, in order. `a_day` is what an ordinary day brings."""

    a_day: float
    seed: str
    _draw: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._draw = random.Random(self.seed)

    def after(self, at: float) -> float:
        """The next arrival after `at`, in the life's seconds; infinity where nothing ever arrives."""
        if self.a_day <= 0:
            return float("inf")
        most = self.a_day / DAY_S * _PEAK
        while True:  # thinning: candidates at the highest rate, each kept by the rate of its own hour
            at += self._draw.expovariate(most)
            if self._draw.random() < rate_share(at) / _PEAK:
                return at


def rate_share(at: float) -> float:
    """The rate at a moment as a multiple of an ordinary day's mean."""
    when = moment(at)
    return _HOURS[when.hour] / _MEAN * (_WEEKEND_SHARE if when.weekday() in _WEEKEND else 1.0)


def fleet_demand(pack: Pack, *, seed: int, load: float) -> dict[str, Demand]:
    """Demand by assistant: shared by capacity, `load` times the ordinary."""
    total = sum(one.capacity_count for one in pack.assistants) or 1
    return {one.assistant_id: _demand(one, total, seed=seed, load=load) for one in pack.assistants}


def _demand(assistant: Assistant, total: int, *, seed: int, load: float) -> Demand:
    a_day = TASKS_A_DAY * load * assistant.capacity_count / total
    return Demand(a_day=a_day, seed=f"{seed}/demand/{assistant.assistant_id}")
