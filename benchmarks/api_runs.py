"""Servers under load for the API bench: started, loaded from a process of its own, their CPU read from /proc."""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.load_generator import Load

ROOT = Path(__file__).resolve().parent.parent
_START_SECONDS = 90


@dataclasses.dataclass(frozen=True, slots=True)
class Measured:
    """One run: what the clients saw and what the server burnt."""

    load: Load
    cpu_us: float
    others_cores: float
    """Cores that were busy meanwhile with neither the server nor its clients: what the figures were taken beside."""

    @property
    def per_second(self) -> float:
        """Replies a second."""
        return self.load.replies / self.load.seconds


@dataclasses.dataclass(frozen=True, slots=True)
class Running:
    """A server under test: a process and its descendants."""

    port: int
    pid: int

    def cpu_seconds(self) -> float:
        """CPU of the server's processes with all their threads."""
        ticks: dict[int, int] = {}
        children: dict[int, list[int]] = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # a process that has ended meanwhile
                fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(") ")[2].split()
                pid = int(stat.parent.name)
                ticks[pid] = int(fields[11]) + int(fields[12])
                children.setdefault(int(fields[1]), []).append(pid)
        family = [self.pid]
        for pid in family:
            family += children.get(pid, [])
        return sum(ticks.get(pid, 0) for pid in family) / os.sysconf("SC_CLK_TCK")

    def closed(self, load: bytes, *, connections: int, seconds: float, path: str = "/api/v1/decisions") -> Measured:
        """Each connection sends its next request when it has the answer to the last."""
        arguments = [str(connections), str(seconds), path]
        return self._loaded("benchmarks.load_generator", load, arguments, seconds=seconds)

    def open(self, load: bytes, *, connections: int, rate: float, seconds: float) -> Measured:
        """Requests come at a constant rate, over the connections in turn; latency from when each was meant to go."""
        arguments = [str(connections), str(rate), str(seconds)]
        return self._loaded("benchmarks.open_load", load, arguments, seconds=seconds)

    def _loaded(self, generator: str, load: bytes, arguments: Sequence[str], *, seconds: float) -> Measured:
        before, busy, ours = self.cpu_seconds(), _busy_seconds(), _clients_seconds()
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", generator, str(self.port), *arguments],
            input=load, stdout=subprocess.PIPE, check=True, cwd=ROOT, timeout=seconds + 90,
        )  # fmt: skip
        took = time.perf_counter() - started
        served = self.cpu_seconds() - before
        others = _busy_seconds() - busy - served - (_clients_seconds() - ours)
        seen = Load(**json.loads(done.stdout))
        return Measured(seen, served / seen.replies * 1e6, max(0.0, others / took))


def _busy_seconds() -> float:
    """CPU that all processes of the machine have used, and the system for them."""
    fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()
    return sum(int(fields[at]) for at in (1, 2, 3, 6, 7)) / os.sysconf("SC_CLK_TCK")


def _clients_seconds() -> float:
    """CPU of the load generators that have ended, and of this process."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF))
    return sum(one.ru_utime + one.ru_stime for one in used)


@contextmanager
def serving(command: Sequence[str], data_dir: Path, *, more: Mapping[str, str] | None = None) -> Iterator[Running]:
    """A server that runs `command`, in which `{port}` stands for its port, until it is left."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "AURORA_DATA_DIR": str(data_dir),
        "AURORA_PORT": str(port),
        "AURORA_TENANT": "bench",
        **(more or {}),
    }
    child = subprocess.Popen(
        [part.replace("{port}", str(port)) for part in command],
        cwd=data_dir,
        env={**environment, "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_until_open(port, child)
        yield Running(port, child.pid)
    finally:
        _end(child)


def _wait_until_open(port: int, child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and child.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("The server under test did not start; its output is above.")


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)  # the session is its own
        child.wait(20)
