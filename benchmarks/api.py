"""The decision API over HTTP: authenticated, durable, audited; beside the same decision as an ordinary route."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from apps.api.app import utc_now
from aurora.identity.keys import create_key
from aurora.packs import load_pack
from aurora.settings import Settings
from aurora.store.paths import create_tenant
from aurora.store.state import StateStore
from benchmarks.harness import Result
from benchmarks.load_generator import Load

_ROOT = Path(__file__).resolve().parent.parent
BODIES = 512
CONNECTIONS = 64
ROUNDS = 3


@dataclasses.dataclass(frozen=True, slots=True)
class Measured:
    """One run: what the clients saw and what the server burnt."""

    load: Load
    cpu_us: float

    @property
    def per_second(self) -> float:
        return self.load.replies / self.load.seconds


def run(*, data: Path | None, scale: float) -> list[Result]:
    """Both servers in turn, several rounds; medians. `scale` 1 is four seconds a round."""
    seconds = max(0.2, 4.0 * scale)
    ours: list[Measured] = []
    theirs: list[Measured] = []
    with tempfile.TemporaryDirectory(dir=data) as folder:
        load = "\n".join([_tenant(Path(folder)), *_bodies()]).encode()
        with _server("aurora", Path(folder)) as aurora, _server("ordinary", Path(folder)) as ordinary:
            for server in (aurora, ordinary):
                _measure(server, load, seconds=min(0.5, seconds))
            for _ in range(ROUNDS):
                ours.append(_measure(aurora, load, seconds=seconds))
                theirs.append(_measure(ordinary, load, seconds=seconds))
    failures = sum(one.load.failures for one in ours + theirs)
    ratio = statistics.median(a.per_second / b.per_second for a, b in zip(ours, theirs, strict=True))
    return [
        Result(metric="cpu_per_request", value=_median(ours, "cpu_us"), unit="us", bar=120, op="<="),
        Result(metric="ratio_to_fastapi", value=ratio, unit="x", bar=2.5, op=">="),
        Result(metric="failures", value=failures, unit="replies", bar=0, op="<="),
        *_described("aurora", ours),
        *_described("fastapi", theirs),
        Result(metric="fastapi_cpu_per_request", value=_median(theirs, "cpu_us"), unit="us"),
    ]


def _described(name: str, runs: list[Measured]) -> list[Result]:
    return [
        Result(metric=f"{name}_requests", value=_median(runs, "per_second"), unit="requests/s"),
        *(
            Result(
                metric=f"{name}_{at}", value=statistics.median(getattr(one.load, f"{at}_ms") for one in runs), unit="ms"
            )
            for at in ("p50", "p95", "p99")
        ),
    ]


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


@dataclasses.dataclass(frozen=True, slots=True)
class _Running:
    port: int
    pid: int

    def cpu_seconds(self) -> float:
        """CPU of the process with all its threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _server(kind: str, data_dir: Path) -> Iterator[_Running]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "AURORA_DATA_DIR": str(data_dir), "AURORA_PORT": str(port), "AURORA_TENANT": "bench"}
    child = subprocess.Popen([sys.executable, "-m", "benchmarks.api_servers", kind], cwd=_ROOT, env=environment)
    try:
        _wait_until_open(port, child)
        yield _Running(port, child.pid)
    finally:
        child.terminate()
        child.wait(20)


def _wait_until_open(port: int, child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and child.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("The server under test did not start; its output is above.")


def _measure(server: _Running, load: bytes, *, seconds: float) -> Measured:
    before = server.cpu_seconds()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load_generator", str(server.port), str(CONNECTIONS), str(seconds)],
        input=load, stdout=subprocess.PIPE, check=True, cwd=_ROOT, timeout=seconds + 30,
    )  # fmt: skip
    seen = Load(**json.loads(done.stdout))
    return Measured(seen, (server.cpu_seconds() - before) / seen.replies * 1e6)
