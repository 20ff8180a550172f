"""The transportation problem, exactly: groups of like tasks to places with capacity, at the least whole cost.

Successive shortest paths over the places: a task enters where the whole becomes dearer by the least, pushing others
on from place to place where that is cheaper. Costs are whole numbers, so that the least is the least. A place's cost
may rise with what it holds (`loads`), as long as it rises ever faster.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
NEVER = 10**12
"""A cost that says that a group may not go to a place."""


@dataclass(frozen=True, slots=True)
class Placement:
    """How many of each group go to each place, (G, P), how many of each have no place, (G,), and the whole cost."""

    flows: Ints
    unplaced: Ints
    cost: int


def place(costs: Ints, supply: Ints, capacity: Ints, loads: Ints, *, unplaced_cost: int) -> Placement:
    """`costs` (G, P) of one task, `supply` (G,), `capacity` (P,), `loads` (P, K): cost of the 1st, 2nd ... task of a place.

    Leaving a task unplaced costs `unplaced_cost`, and has room for all.
    """
    groups, places = costs.shape
    wide = np.full((groups, places + 1), unplaced_cost, dtype=np.int64)
    wide[:, :places] = costs
    flows = np.zeros((groups, places + 1), dtype=np.int64)
    held = np.zeros(places + 1, dtype=np.int64)
    shift = np.full((places + 1, places + 1), NEVER, dtype=np.int64)
    via = np.zeros((places + 1, places + 1), dtype=np.int64)
    ends = np.array([_next_load(place, held, capacity, loads) for place in range(places + 1)], dtype=np.int64)
    for group in range(groups):
        for _ in range(int(supply[group])):
            path = _path(wide[group], shift, ends)
            flows[group, path[0]] += 1
            for here, there in pairwise(path):
                moved = via[here, there]
                flows[moved, here] -= 1
                flows[moved, there] += 1
            held[path[-1]] += 1
            ends[path[-1]] = _next_load(path[-1], held, capacity, loads)
            for here in path:
                _renew(here, flows, wide, shift, via)
    return Placement(flows[:, :places], flows[:, places], _whole(flows, wide, held, loads))


def _next_load(place: int, held: Ints, capacity: Ints, loads: Ints) -> int:
    if place == len(capacity):
        return 0
    if held[place] >= capacity[place]:
        return NEVER
    return int(loads[place, min(int(held[place]), loads.shape[1] - 1)])


def _path(entry: Ints, shift: Ints, ends: Ints) -> list[int]:
    """Places from where a task enters to where one more is held in the end, by Bellman and Ford."""
    reach = entry.copy()
    came = np.full(len(reach), -1, dtype=np.int64)
    while True:
        through = reach[:, None] + shift
        best = through.argmin(axis=0)
        value = through[best, np.arange(len(reach))]
        is_better = value < reach
        if not is_better.any():
            break
        reach = np.where(is_better, value, reach)
        came = np.where(is_better, best, came)
    path = [int((reach + ends).argmin())]
    while came[path[0]] >= 0:
        path.insert(0, int(came[path[0]]))
    return path


def _renew(here: int, flows: Ints, wide: Ints, shift: Ints, via: Ints) -> None:
    """What it costs to push one task on from a place: the cheapest of the groups that it holds."""
    present = np.flatnonzero(flows[:, here])
    if not len(present):
        shift[here] = NEVER
        return
    change = wide[present] - wide[present, here][:, None]
    best = change.argmin(axis=0)
    shift[here] = change[best, np.arange(shift.shape[1])]
    via[here] = present[best]
    shift[here, here] = NEVER


def _whole(flows: Ints, wide: Ints, held: Ints, loads: Ints) -> int:
    carried = 0
    for place in range(loads.shape[0]):
        count = int(held[place])
        within = min(count, loads.shape[1])
        carried += int(loads[place, :within].sum()) + max(0, count - within) * int(loads[place, -1])
    return int((flows * wide).sum()) + carried
