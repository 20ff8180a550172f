"""Rows by push: bodies of 1, 100 and 10,000 rows over 16 connections, and what decisions feel of it.

Rates count what was answered, after the commit. The probe asks for a decision every ten milliseconds over a
connection of its own, first alone and then beside the pushes.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from apps.api.app import utc_now
from aurora.identity.keys import create_key
from aurora.store.lake import create_lake, read_lake
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.state import StateStore
from benchmarks.harness import Result

CONNECTIONS: Final = 16
SIZES: Final = (1, 100, 10_000)
_ROOT: Final = Path(__file__).resolve().parent.parent
_MAX_ADDED_MS: Final = 10.0


@dataclass
class _Counts:
    """What the senders of one size were answered."""

    bodies: int = 0
    busy: int = 0
    latencies: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, status: int, seconds: float) -> None:
        with self.lock:
            self.busy += status == 429
            if status == 200:
                self.bodies += 1
                self.latencies.append(seconds * 1000)


def run(*, data: Path | None, scale: float) -> list[Result]:
    """Every size for ten seconds at `scale` 1; the decisions' p99 alone and beside each."""
    seconds = max(1.0, 10.0 * scale)
    results: list[Result] = []
    with tempfile.TemporaryDirectory(dir=data) as folder:
        paths = create_tenant(Path(folder), "demo", "ae-dubai")
        create_lake(paths)
        token = _key(paths)
        with _server(Path(folder)) as port:
            _send(port, token, _body("warm", 0, 1))
            alone = _p99(_probed(port, token, seconds))
            results.append(Result(metric="decide_p99_alone", value=alone, unit="ms"))
            for size in SIZES:
                results += _measured(port, token, size, seconds, alone)
        expected = sum(int(one.value) for one in results if one.metric.endswith("_rows_answered"))
        with read_lake(paths) as lake:
            landed = int(lake.query("SELECT count(*) FROM raw.usage").item()) - 1
    results.append(
        Result(metric="rows_answered_and_not_in_the_lake", value=expected - landed, unit="rows", bar=0, op="<=")
    )
    return results


def _measured(port: int, token: str, size: int, seconds: float, alone: float) -> list[Result]:
    counts = _Counts()
    ends_at = time.monotonic() + seconds
    senders = [
        threading.Thread(target=_sender, args=(port, token, size, number, ends_at, counts))
        for number in range(CONNECTIONS)
    ]
    began = time.monotonic()
    for sender in senders:
        sender.start()
    beside = _p99(_probed(port, token, seconds))
    for sender in senders:
        sender.join()
    took = time.monotonic() - began
    rows = counts.bodies * size
    name = f"push_{size}"
    latencies = sorted(counts.latencies)
    return [
        Result(metric=f"{name}_requests", value=counts.bodies / took, unit="requests/s"),
        Result(metric=f"{name}_rows", value=rows / took, unit="rows/s"),
        Result(metric=f"{name}_p50", value=latencies[len(latencies) // 2], unit="ms"),
        Result(metric=f"{name}_rows_answered", value=rows, unit="rows"),
        Result(metric=f"{name}_told_to_come_again", value=counts.busy, unit="requests"),
        Result(metric=f"{name}_decide_p99", value=beside, unit="ms"),
        Result(metric=f"{name}_decide_p99_added", value=beside - alone, unit="ms", bar=_MAX_ADDED_MS, op="<="),
    ]


def _sender(port: int, token: str, size: int, number: int, ends_at: float, counts: _Counts) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
    template = _body("WHO", 0, size).replace(b"WHO-0", b"%b")
    turn = 0
    while time.monotonic() < ends_at:
        body = template.replace(b"%b", b"%d-%d-%d" % (size, number, turn))
        turn += 1
        began = time.perf_counter()
        connection.request("POST", "/api/v1/ingest/usage?verdicts=errors", body, headers)
        reply = connection.getresponse()
        reply.read()
        counts.add(reply.status, time.perf_counter() - began)
    connection.close()


def _body(who: str, turn: int, size: int) -> bytes:
    row = {
        "occurred_at": "2026-09-01T10:00:00Z",
        "operation_name": "chat",
        "provider_name": "openai",
        "request_model": "gpt-4o-mini",
        "input_tokens": 1200,
        "output_tokens": 85,
        "duration_ms": 900,
        "assistant_id": "clara",
    }
    tail = json.dumps(row)[1:]
    return "".join(f'{{"usage_id": "{who}-{turn}-{place}", {tail}\n' for place in range(size)).encode()


def _send(port: int, token: str, body: bytes) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
    connection.request("POST", "/api/v1/ingest/usage", body, headers)
    assert connection.getresponse().status == 200
    connection.close()


def _probed(port: int, token: str, seconds: float) -> list[float]:
    """Milliseconds of decisions asked for one by one, by a process of its own: senders share no lock with it."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.decide_probe", str(port), str(seconds)],
        input=token.encode(),
        stdout=subprocess.PIPE,
        check=True,
        cwd=_ROOT,
    )
    return [float(one) for one in json.loads(done.stdout)]


def _p99(found: list[float]) -> float:
    return sorted(found)[int(len(found) * 0.99)]


def _key(paths: TenantPaths) -> str:
    with StateStore.open(paths, clock=utc_now) as store:
        scopes = ["decide", "ingest:write"]
        return create_key(
            store, actor_id="bench", label="", scopes=scopes, created_by="bench", now=utc_now(), rate_per_s=1_000_000
        ).token


@contextmanager
def _server(data_dir: Path) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    environment = {**os.environ, "AURORA_DATA_DIR": str(data_dir), "AURORA_PORT": str(port)}
    child = subprocess.Popen([sys.executable, "-m", "apps.api"], cwd=_ROOT, env=environment)
    try:
        while child.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        child.terminate()
        child.wait(60)
