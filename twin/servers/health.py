"""Health of an assistant over a sliding window, from what really happened to it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from contracts.messages.assistants import Latency

WINDOW_S: Final = 3_600
_SHARES: Final = (0.50, 0.95, 0.99)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Figures of the window that ends now."""

    uptime_share: float
    error_share: float
    request_count: int
    latency: Latency


@dataclass(slots=True)
class HealthWindow:
    """Requests and times without service of the last `WINDOW_S` seconds. Moments never go back."""

    _requests: deque[tuple[float, float | None, bool]] = field(default_factory=deque)
    """Moment, milliseconds (None: nothing was waited for), whether it failed."""
    _outages: deque[tuple[float, float]] = field(default_factory=deque)
    _down_since: float | None = None
    _latency: Latency | None = None

    def add(self, at: float, *, latency_ms: float | None, is_error: bool) -> None:
        """A request ended at `at`."""
        self._requests.append((at, latency_ms, is_error))
        self._latency = None

    def go_down(self, at: float) -> None:
        """From now on it does not answer."""
        if self._down_since is None:
            self._down_since = at

    def come_up(self, at: float) -> None:
        """It answers again."""
        if self._down_since is not None:
            self._outages.append((self._down_since, at))
            self._down_since = None

    def at(self, now: float) -> Health:
        """The figures at `now`."""
        oldest = now - WINDOW_S
        while self._requests and self._requests[0][0] < oldest:
            self._requests.popleft()
            self._latency = None
        while self._outages and self._outages[0][1] < oldest:
            self._outages.popleft()
        count = len(self._requests)
        errors = sum(is_error for _, _, is_error in self._requests)
        if self._latency is None:
            self._latency = percentiles([ms for _, ms, _ in self._requests if ms is not None])
        return Health(
            uptime_share=self._uptime(now, oldest),
            error_share=errors / count if count else 0.0,
            request_count=count,
            latency=self._latency,
        )

    def _uptime(self, now: float, oldest: float) -> float:
        spans = [*self._outages, *([(self._down_since, now)] if self._down_since is not None else [])]
        down = sum(min(end, now) - max(start, oldest) for start, end in spans if end > oldest)
        return min(1.0, max(0.0, 1.0 - down / WINDOW_S))


def percentiles(latencies_ms: Sequence[float]) -> Latency:
    """Nearest-rank percentiles of milliseconds; zeros of none."""
    if not latencies_ms:
        return Latency(p50_ms=0.0, p95_ms=0.0, p99_ms=0.0)
    ordered = sorted(latencies_ms)
    p50, p95, p99 = (round(ordered[max(0, math.ceil(share * len(ordered)) - 1)], 3) for share in _SHARES)
    return Latency(p50_ms=p50, p95_ms=p95, p99_ms=p99)
