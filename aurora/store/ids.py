"""Ids that sort by time: a UUIDv7 in hex behind a prefix that says what it names."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable

_COUNTER_BITS = 12


class IdMaker:
    """Makes ids such as `dec_0193...`: 48 bits of milliseconds, a counter, 62 random bits.

    Within one maker each id is greater than the one before, also when the clock stands or goes back.
    """

    def __init__(self, clock: Callable[[], dt.datetime], *, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._clock = clock
        self._random_bytes = random_bytes
        self._last = 0

    def new(self, prefix: str) -> str:
        """The next id."""
        stamp = int(self._clock().timestamp() * 1000) << _COUNTER_BITS
        if stamp <= self._last:
            stamp = self._last + 1
        self._last = stamp
        head = stamp >> _COUNTER_BITS << 16 | 0x7000 | stamp & 0xFFF
        tail = int.from_bytes(self._random_bytes(8), "big") & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        return f"{prefix}_{(head.to_bytes(8, 'big') + tail.to_bytes(8, 'big')).hex()}"
