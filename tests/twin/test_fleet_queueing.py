"""Who waits, and ids that are one to one."""

from __future__ import annotations

import numpy as np

from twin.fleet.queueing import GAVE_UP, starts
from twin.ids import hex_texts, mixed

_S = 1_000_000


def begun(asked: list[float], takes: float, urgency: list[int] | None = None, **given: object) -> list[float]:
    us = np.array([round(one * _S) for one in asked])
    rank = np.array(urgency or [1] * len(asked))
    service = np.full(len(asked), round(takes * _S))
    options: dict[str, object] = {"servers": 1, "closed": [], "patience": 1000 * _S, **given}
    found = starts(us, service, rank, **options)  # type: ignore[arg-type]
    return [one / _S if one != GAVE_UP else -1 for one in found.tolist()]


def test_one_server_takes_requests_one_after_another_and_the_urgent_first():
    assert begun([0, 1, 2], 10) == [0, 10, 20]
    assert begun([0, 1, 2], 10, [1, 3, 0]) == [0, 20, 10]


def test_as_many_are_served_at_once_as_there_are_servers():
    assert begun([0, 0, 0, 0], 10, servers=3) == [0, 0, 0, 10]


def test_nothing_begins_while_closed_and_the_impatient_leave():
    closed = [(5 * _S, 60 * _S)]
    assert begun([1, 6, 7], 2, closed=closed, servers=2) == [1, 60, 60]
    assert begun([1, 6, 30], 2, closed=closed, servers=2, patience=40 * _S) == [1, -1, 60]


def test_no_more_are_served_at_once_than_there_are_servers_whatever_comes():
    draw = np.random.default_rng(3)
    asked = np.sort(draw.integers(0, 3600 * _S, 3000))
    service = draw.integers(_S, 20 * _S, 3000)
    at = starts(asked, service, draw.integers(0, 4, 3000), servers=5, closed=[], patience=10**12)
    assert (at >= asked).all()
    steps = sorted([(one, 1) for one in at.tolist()] + [(one, -1) for one in (at + service).tolist()])
    assert max(np.cumsum([step for _, step in steps])) == 5


def test_ids_are_one_to_one_and_hexadecimal():
    ids = hex_texts(mixed(np.arange(5000), salt="a"), mixed(np.arange(5000), salt="b"))
    assert ids.n_unique() == 5000
    assert ids.str.contains(r"^[0-9a-f]{32}$").all()
