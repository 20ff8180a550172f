"""How long a newcomer waits: the help text, the API process, and the first page of a first start."""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from apps.bootstrap import prepare_tenant
from apps.up import child_environment
from aurora.settings import PROJECT_DIR, Settings
from benchmarks.harness import Result, seconds

_ROUNDS = 5
_GIVE_UP_S = 300.0


def run(*, data: Path | None, scale: float) -> list[Result]:
    """`data` is the folder of real data for the first start (the settings' own when None)."""
    rounds = max(1, round(_ROUNDS * scale))
    helps = [seconds(_help) for _ in range(rounds)]
    with tempfile.TemporaryDirectory() as folder:
        served = _settings(Path(folder), data)
        prepare_tenant(served, progress=lambda _: None)
        servers = [_server_up(served) for _ in range(rounds)]
    with tempfile.TemporaryDirectory() as folder:
        page_s, built_s, again_s = _first_start(_settings(Path(folder), data))
    return [
        Result(metric="help", value=statistics.median(helps), unit="s", bar=0.4, op="<="),
        Result(metric="api_process_up", value=statistics.median(servers), unit="s", bar=3.0, op="<="),
        Result(metric="first_start_to_first_page", value=page_s, unit="s", bar=60.0, op="<="),
        Result(metric="first_start_to_built_lake", value=built_s, unit="s"),
        Result(metric="second_start_to_checked_lake", value=again_s, unit="s"),
    ]


def _settings(folder: Path, data: Path | None) -> Settings:
    shared = data if data is not None else Settings().shared_data_dir
    return Settings(data_dir=folder, shared_data_dir=shared, port=_free_port(), dagster_port=_free_port())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _help() -> None:
    subprocess.run([Path(sys.executable).with_name("aurora"), "--help"], check=True, stdout=subprocess.DEVNULL)


def _server_up(settings: Settings) -> float:
    """Seconds from the start of the process until `/livez` and then a page answer."""
    start = time.perf_counter()
    with _process(settings, "apps.server"):
        _wait(f"http://{settings.host}:{settings.port}/livez")
        return time.perf_counter() - start


def _first_start(settings: Settings) -> tuple[float, float, float]:
    start = time.perf_counter()
    with _process(settings, "apps.cli", "up", "--no-dagster") as up:
        _wait(f"http://{settings.host}:{settings.port}/")
        page_s = time.perf_counter() - start
        _wait_for_line(up, "Running.")
        built_s = time.perf_counter() - start
    start = time.perf_counter()
    with _process(settings, "apps.cli", "up", "--no-dagster") as up:
        _wait_for_line(up, "Running.")
        return page_s, built_s, time.perf_counter() - start


@contextmanager
def _process(settings: Settings, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=PROJECT_DIR,
        env=child_environment(settings),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield child
    finally:
        os.killpg(child.pid, signal.SIGINT)
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        if child.stderr is not None:
            child.stderr.close()


def _wait(url: str) -> None:
    deadline = time.perf_counter() + _GIVE_UP_S
    while time.perf_counter() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - our own loopback address
                if response.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.02)
    raise TimeoutError(f"{url} did not answer within {_GIVE_UP_S:.0f} s")


def _wait_for_line(child: subprocess.Popen[bytes], start: str) -> None:
    if child.stderr is None:
        raise ValueError("The child's standard error is not read.")
    for line in child.stderr:
        if line.startswith(start.encode()):
            return
    raise RuntimeError(f"The process ended before it said {start!r}.")
