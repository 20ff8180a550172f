"""Waiting: one queue an assistant, as many servers as it has capacity, the most urgent first, nobody interrupted.

The only loop of the twin that runs in Python: who waits depends on who came before.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from typing import Final

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
GAVE_UP: Final = -1


def starts(
    requested: Ints, service: Ints, urgency: Ints, *, servers: int, closed: list[tuple[int, int]], patience: int
) -> Ints:
    """When each request is begun, in microseconds; `GAVE_UP` for one that would have to wait over `patience`.

    `requested` ascends. A lower `urgency` goes first, then who came first. In a `closed` interval (they ascend)
    nothing is begun: what waits begins when it ends.
    """
    begun = np.empty(len(requested), dtype=np.int64)
    busy: list[int] = []
    waiting: list[tuple[int, int]] = []
    shuts, opens = [begin for begin, _ in closed], [end for _, end in closed]
    asked, takes, rank = requested.tolist(), service.tolist(), urgency.tolist()
    clock = 0

    def opened(at: int) -> int:
        place = bisect_right(shuts, at) - 1
        return opens[place] if place >= 0 and at < opens[place] else at

    def serve(until: int | None) -> None:
        """Begin what waits, as servers become free, up to a moment."""
        nonlocal clock
        while waiting:
            at = opened(max(clock, busy[0]) if len(busy) == servers else clock)
            if until is not None and at > until:
                return
            clock = at
            while busy and busy[0] <= at:
                heapq.heappop(busy)
            place = heapq.heappop(waiting)[1]
            if at - asked[place] > patience:
                begun[place] = GAVE_UP
            else:
                begun[place] = at
                heapq.heappush(busy, at + takes[place])

    for place, at in enumerate(asked):
        serve(at)
        clock = at
        while busy and busy[0] <= at:
            heapq.heappop(busy)
        if not waiting and len(busy) < servers and opened(at) == at:
            begun[place] = at
            heapq.heappush(busy, at + takes[place])
        else:
            heapq.heappush(waiting, (rank[place], place))
    serve(None)
    return begun
