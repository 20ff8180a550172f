"""The decision API over HTTP: authenticated, durable, audited; beside other servers making the same decision.

Servers and the clients that load them share this machine: on two cores a server has about one to itself, and
its requests a second are what is left beside the clients' own work. CPU a request is the server's alone, read
from its process times, and is the figure to compare between machines and days. Whatever else runs meanwhile
takes from the rest and lengthens latencies, and through cold caches CPU a little: `others_busy` says how many
cores that was.
"""

from __future__ import annotations

import dataclasses
import json
import random
import statistics
import sys
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path

from apps.api.app import utc_now
from aurora.identity.keys import create_key
from aurora.packs import load_pack
from aurora.settings import Settings
from aurora.store.paths import create_tenant
from aurora.store.state import StateStore
from benchmarks.api_peers import peers
from benchmarks.api_runs import Measured, Running, serving
from benchmarks.harness import Result

BODIES = 512
CONNECTIONS = 64
ROUNDS = 3
OPEN_RATE, OPEN_CONNECTIONS = 2_000.0, 256
KEPT_ALIVE, KEPT_RATE = 10_000, 1_100.0


@dataclasses.dataclass(frozen=True, slots=True)
class _Sent:
    """What the clients send to Aurora and to the ordinary route: the key, then a body a line."""

    load: bytes
    bodies: list[str]


def run(*, data: Path | None, scale: float) -> list[Result]:
    """All servers in turn; medians of rounds. `scale` 1 is four seconds a round, twelve with 10,000 connections."""
    seconds = max(0.2, 4.0 * scale)
    with tempfile.TemporaryDirectory(dir=data) as name:
        folder, bodies = Path(name), _bodies()
        sent = _Sent("\n".join([_tenant(folder), *bodies]).encode(), bodies)
        ours, theirs = _closed(folder, sent, seconds=seconds)
        steady, kept = _open(folder, sent, seconds=seconds)
        slow = _kept_alive_on_a_slow_disk(folder, sent, seconds=seconds)
        others = peers(folder, bodies, connections=CONNECTIONS, seconds=seconds)
    failures = sum(one.load.failures for one in (*ours, *steady, kept, slow))
    return [
        Result(metric="cpu_per_request", value=_median(ours, "cpu_us"), unit="us", bar=100, op="<="),
        Result(metric="aurora_requests", value=_median(ours, "per_second"), unit="requests/s", bar=8_000, op=">="),
        Result(metric="open_loop_p99", value=_latency(steady, "p99"), unit="ms", bar=15, op="<="),
        Result(metric="kept_alive_requests", value=kept.per_second, unit="requests/s", bar=1_000, op=">="),
        Result(metric="kept_alive_p95", value=kept.load.p95_ms, unit="ms", bar=50, op="<="),
        Result(metric="kept_alive_slow_disk_requests", value=slow.per_second, unit="requests/s", bar=1_000, op=">="),
        Result(metric="kept_alive_slow_disk_p95", value=slow.load.p95_ms, unit="ms", bar=100, op="<="),
        Result(metric="failures", value=failures, unit="replies", bar=0, op="<="),
        Result(metric="ratio_to_fastapi", value=_ratio(ours, theirs), unit="x", bar=2.5, op=">="),
        Result(metric="others_busy", value=_median([*ours, *steady, kept, slow], "others_cores"), unit="cores"),
        Result(metric="open_loop_p50", value=_latency(steady, "p50"), unit="ms"),
        Result(metric="open_loop_cpu_per_request", value=_median(steady, "cpu_us"), unit="us"),
        Result(metric="kept_alive_p50", value=kept.load.p50_ms, unit="ms"),
        Result(metric="kept_alive_slow_disk_p50", value=slow.load.p50_ms, unit="ms"),
        *_latencies("aurora", ours),
        *_described("fastapi", theirs),
        *(result for peer, one in others.items() for result in _described(peer, [one])),
    ]


def _closed(folder: Path, sent: _Sent, *, seconds: float) -> tuple[list[Measured], list[Measured]]:
    """Aurora and the ordinary route in turn: as many requests as 64 connections can have answered."""
    ours: list[Measured] = []
    theirs: list[Measured] = []
    with _server("aurora", folder) as aurora, _server("ordinary", folder) as ordinary:
        for server in (aurora, ordinary):
            server.closed(sent.load, connections=CONNECTIONS, seconds=min(0.5, seconds))
        for _ in range(ROUNDS):
            ours.append(aurora.closed(sent.load, connections=CONNECTIONS, seconds=seconds))
            theirs.append(ordinary.closed(sent.load, connections=CONNECTIONS, seconds=seconds))
    return ours, theirs


def _open(folder: Path, sent: _Sent, *, seconds: float) -> tuple[list[Measured], Measured]:
    """Requests that come whether or not the last are answered; then over 10,000 connections."""
    with _server("aurora", folder) as server:
        server.closed(sent.load, connections=CONNECTIONS, seconds=min(0.5, seconds))
        steady = [
            server.open(sent.load, connections=OPEN_CONNECTIONS, rate=OPEN_RATE, seconds=seconds) for _ in range(ROUNDS)
        ]
        return steady, server.open(sent.load, connections=KEPT_ALIVE, rate=KEPT_RATE, seconds=3 * seconds)


def _kept_alive_on_a_slow_disk(folder: Path, sent: _Sent, *, seconds: float) -> Measured:
    """The 10,000 connections again, with ten milliseconds more before each commit is on the disk."""
    with _server("slow_disk", folder) as server:
        server.closed(sent.load, connections=CONNECTIONS, seconds=min(0.5, seconds))
        return server.open(sent.load, connections=KEPT_ALIVE, rate=KEPT_RATE, seconds=3 * seconds)


def _server(kind: str, folder: Path) -> AbstractContextManager[Running]:
    return serving([sys.executable, "-m", "benchmarks.api_servers", kind], folder)


def _ratio(ours: list[Measured], theirs: list[Measured]) -> float:
    """Requests a second of ours for one of theirs, pair by pair."""
    return statistics.median(a.per_second / b.per_second for a, b in zip(ours, theirs, strict=True))


def _described(name: str, runs: list[Measured]) -> list[Result]:
    return [
        Result(metric=f"{name}_requests", value=_median(runs, "per_second"), unit="requests/s"),
        Result(metric=f"{name}_cpu_per_request", value=_median(runs, "cpu_us"), unit="us"),
        Result(metric=f"{name}_failures", value=sum(one.load.failures for one in runs), unit="replies"),
        *_latencies(name, runs),
    ]


def _latencies(name: str, runs: list[Measured]) -> list[Result]:
    return [Result(metric=f"{name}_{at}", value=_latency(runs, at), unit="ms") for at in ("p50", "p95", "p99")]


def _latency(runs: list[Measured], at: str) -> float:
    return float(statistics.median(getattr(one.load, f"{at}_ms") for one in runs))


def _median(runs: list[Measured], name: str) -> float:
    return float(statistics.median(getattr(one, name) for one in runs))


def _bodies() -> list[str]:
    """Different questions to the shipped pack: task types, priorities, classes of data, deadlines."""
    settings = Settings()
    task_types = sorted(load_pack(settings.packs_dir, settings.pack).task_types)
    draw = random.Random(7)
    return [
        json.dumps(
            {
                "kind": "route_task",
                "task_type": draw.choice(task_types),
                "task_id": f"task-{number}",
                "priority": draw.choice(("critical", "high", "medium", "low")),
                "privacy_class": draw.choice(("public", "internal", "personal", "sensitive")),
                "deadline_ms": draw.choice((1_000, 5_000, 60_000, 600_000)),
            }
        )
        for number in range(BODIES)
    ]


def _tenant(data_dir: Path) -> str:
    paths = create_tenant(data_dir, "bench", "ae-dubai")
    with StateStore.open(paths, clock=utc_now) as store:
        new = create_key(
            store, actor_id="bench", label="bench", scopes=["decide"], created_by="bench", now=utc_now(),
            rate_per_s=10_000_000,
        )  # fmt: skip
    return new.token
