"""A load generator in its own process that sends at a constant rate, whatever the server does.

Each request has a moment at which it is meant to be sent; its latency counts from there, so that a server that
stands still is charged for every request that would have come meanwhile. Connections are kept alive and take
their turns; when all of them wait for an answer, the next request waits too, and its clock runs.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from itertools import cycle
from typing import cast

from benchmarks.load_generator import Load, written

_TICK_SECONDS = 0.001
_OPENED_AT_ONCE = 256
_SOURCES = 8
"""Loopback addresses to connect from: one has about 28,000 ports, and closed ones rest for a minute."""
_PATIENCE_SECONDS = 20.0
"""How long answers are waited for after the last request; what is missing then has failed."""


class _Connection(asyncio.Protocol):
    """One request in flight at a time; says when it is free again."""

    def __init__(self, freed: Callable[[_Connection], None]) -> None:
        self._freed = freed
        self._pending = b""
        self.meant_at = 0.0
        self.is_waiting = False
        self.latencies: list[float] = []
        self.failures = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one, and no subclass

    def send(self, request: bytes, meant_at: float) -> None:
        """Send a request that was meant to go at `meant_at` (`perf_counter` seconds)."""
        self.meant_at = meant_at
        self.is_waiting = True
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._pending += data
        head_end = self._pending.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = self._pending[:head_end].lower() + b"\r\n"
        at = head.index(b"content-length:") + 15
        if len(self._pending) < head_end + 4 + int(head[at : head.index(b"\r\n", at)]):
            return
        self._pending = b""
        self.failures += not head.startswith(b"http/1.1 20")
        self.latencies.append((time.perf_counter() - self.meant_at) * 1000)
        self.is_waiting = False
        self._freed(self)

    def connection_lost(self, _: Exception | None) -> None:
        self.failures += self.is_waiting
        self.is_waiting = False


class _Schedule:
    """Which request goes when, over which connection."""

    def __init__(self, requests: Sequence[bytes], *, rate: float, seconds: float) -> None:
        self._requests = cycle(requests)
        self._rate = rate
        self.count = max(1, int(rate * seconds))
        self.sent = 0
        self._free: deque[_Connection] = deque()
        self._started = 0.0
        self._in_flight = 0
        self.answered = asyncio.Event()

    def freed(self, connection: _Connection) -> None:
        """A connection can take the next request."""
        self._free.append(connection)
        if self._started:
            self._send_due()
            self._in_flight -= 1
            if self._in_flight == 0 and self.sent == self.count:
                self.answered.set()

    async def run(self) -> None:
        """Send every request at its moment, or as soon after it as a connection is free."""
        self._started = time.perf_counter()
        while self.sent < self.count:
            self._send_due()
            await asyncio.sleep(_TICK_SECONDS)

    def _send_due(self) -> None:
        due = min(self.count, int((time.perf_counter() - self._started) * self._rate) + 1)
        while self.sent < due and self._free:
            connection = self._free.popleft()
            if not connection.transport.is_closing():
                connection.send(next(self._requests), self._started + self.sent / self._rate)
                self.sent += 1
                self._in_flight += 1


async def generate(*, port: int, requests: Sequence[bytes], connections: int, rate: float, seconds: float) -> Load:
    """Load `127.0.0.1:port` at `rate` requests a second. What is never answered is a failure."""
    schedule = _Schedule(requests, rate=rate, seconds=seconds)
    opened = await _open(port, connections, schedule.freed)
    for connection in opened:
        schedule.freed(connection)
    started = time.perf_counter()
    await asyncio.wait_for(schedule.run(), seconds + _PATIENCE_SECONDS)
    with suppress(TimeoutError):
        await asyncio.wait_for(schedule.answered.wait(), _PATIENCE_SECONDS)
    took = time.perf_counter() - started
    latencies = sorted(latency for connection in opened for latency in connection.latencies)
    for connection in opened:
        connection.failures += connection.is_waiting
        connection.is_waiting = False
        connection.transport.close()
    return Load(
        replies=len(latencies),
        failures=sum(connection.failures for connection in opened),
        seconds=took,
        p50_ms=latencies[len(latencies) // 2],
        p95_ms=latencies[int(len(latencies) * 0.95)],
        p99_ms=latencies[int(len(latencies) * 0.99)],
    )


async def _open(port: int, count: int, freed: Callable[[_Connection], None]) -> list[_Connection]:
    loop = asyncio.get_running_loop()
    opened: list[_Connection] = []
    for first in range(0, count, _OPENED_AT_ONCE):
        several = [
            loop.create_connection(partial(_Connection, freed), "127.0.0.1", port, local_addr=(_source(number), 0))
            for number in range(first, min(count, first + _OPENED_AT_ONCE))
        ]
        opened += [protocol for _, protocol in await asyncio.gather(*several)]
    return opened


def _source(number: int) -> str:
    """Linux answers for all of 127.0.0.0/8; elsewhere there is one address."""
    return f"127.0.0.{2 + number % _SOURCES}" if sys.platform == "linux" else "127.0.0.1"


def main() -> None:
    """Arguments: port, connections, rate, seconds; on stdin the key, then a body a line; the result as JSON."""
    import uvloop

    port, connections, rate, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    token, *bodies = sys.stdin.buffer.read().splitlines()
    requests = [written(token.decode(), body) for body in bodies]
    load = uvloop.run(generate(port=port, requests=requests, connections=connections, rate=rate, seconds=seconds))
    print(json.dumps(asdict(load)))


if __name__ == "__main__":
    main()
