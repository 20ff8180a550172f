"""A raw asyncio load generator: keep-alive connections, one request in flight on each, in its own process.

Each connection goes through all the requests from a place of its own, so that no two replies in a row are
to the same request.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import cycle
from typing import cast


@dataclass(frozen=True, slots=True)
class Load:
    """What a run of the generator saw: replies and their latencies in milliseconds, sorted."""

    replies: int
    failures: int
    seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the reply is there; measures each."""

    def __init__(self, requests: Sequence[bytes], deadline: float, done: asyncio.Future[None]) -> None:
        self._requests = cycle(requests)
        self._deadline = deadline
        self._done = done
        self._pending = b""
        self._sent = 0.0
        self.latencies: list[float] = []
        self.failures = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one, and no subclass
        self._send()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._pending += data
        head_end = self._pending.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = self._pending[:head_end].lower()
        at = head.index(b"content-length:") + 15
        length = int(head[at : head.find(b"\r\n", at) if b"\r\n" in head[at:] else None])
        if len(self._pending) < head_end + 4 + length:
            return
        if not head.startswith(b"http/1.1 20"):
            self.failures += 1
        self._pending = self._pending[head_end + 4 + length :]
        now = time.perf_counter()
        self.latencies.append((now - self._sent) * 1000)
        if now < self._deadline:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self.failures += 1
        if not self._done.done():
            self._done.set_result(None)


async def generate(*, port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Load:
    """Load `127.0.0.1:port` for some seconds."""
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    waits: list[asyncio.Future[None]] = []
    protocols: list[_Connection] = []
    for number in range(connections):
        start = number * len(requests) // connections
        order = [*requests[start:], *requests[:start]]
        done: asyncio.Future[None] = loop.create_future()
        waits.append(done)
        _, protocol = await loop.create_connection(
            partial(_Connection, order, started + seconds, done), "127.0.0.1", port
        )
        protocols.append(protocol)
    await asyncio.gather(*waits)
    took = time.perf_counter() - started
    latencies = sorted(latency for protocol in protocols for latency in protocol.latencies)
    return Load(
        replies=len(latencies),
        failures=sum(protocol.failures for protocol in protocols),
        seconds=took,
        p50_ms=latencies[len(latencies) // 2],
        p95_ms=latencies[int(len(latencies) * 0.95)],
        p99_ms=latencies[int(len(latencies) * 0.99)],
    )


def written(token: str, body: bytes, path: str = "/api/v1/decisions") -> bytes:
    """A request as it goes over the wire, for a decision where no other path is named."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def main() -> None:
    """Arguments: port, connections, seconds, path; on stdin the key, then a body a line; the result as JSON."""
    import uvloop

    port, connections, seconds, path = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
    token, *bodies = sys.stdin.buffer.read().splitlines()
    requests = [written(token.decode(), body, path) for body in bodies]
    load = uvloop.run(generate(port=port, requests=requests, connections=connections, seconds=seconds))
    print(json.dumps(asdict(load)))


if __name__ == "__main__":
    main()
