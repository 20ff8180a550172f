"""One real start of everything, as `make run` does it, on samples that Aurora generates itself."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
READY = "Running. Ctrl-C ends everything."
GIVE_UP_S = 200.0


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(slots=True)
class Started:
    """`aurora up` at work: its process, where it answers, what it said."""

    process: subprocess.Popen[str]
    data_dir: Path
    port: int
    dagster_port: int
    out: list[str] = field(default_factory=list)
    err: list[str] = field(default_factory=list)
    is_ready: threading.Event = field(default_factory=threading.Event)

    @property
    def home(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, *, port: int | None = None) -> tuple[int, str]:
        """Status and body of a GET, errors included."""
        return self._send(urllib.request.Request(f"http://127.0.0.1:{port or self.port}{path}"))

    def call(self, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        """A call with the owner's key: GET without a body, POST with one. Status and JSON."""
        key = (self.data_dir / "tenants" / "demo" / "owner.key").read_text(encoding="utf-8").strip()
        data = None if body is None else json.dumps(body).encode()
        status, text = self._send(
            urllib.request.Request(
                self.home + path,
                data=data,
                headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
            )
        )
        return status, json.loads(text)

    def _send(self, request: urllib.request.Request) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(request, timeout=20) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


def environment(data_dir: Path, port: int, dagster_port: int) -> dict[str, str]:
    """Settings of one start."""
    return {
        **os.environ,
        "AURORA_DATA_DIR": str(data_dir),
        "AURORA_SHARED_DATA_DIR": str(data_dir / "no-real-data"),
        "AURORA_PORT": str(port),
        "AURORA_DAGSTER_PORT": str(dagster_port),
    }


@contextmanager
def start(data_dir: Path, *options: str) -> Iterator[Started]:
    """Start `aurora up`, wait until all is built and served, and stop it with Ctrl-C at the end."""
    port, dagster_port = free_port(), free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "apps.cli", "up", *options],
        cwd=ROOT,
        env=environment(data_dir, port, dagster_port),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    started = Started(process, data_dir, port, dagster_port)
    readers = [
        threading.Thread(target=_read, args=(process.stdout, started.out, started.is_ready), daemon=True),
        threading.Thread(target=_read, args=(process.stderr, started.err, started.is_ready), daemon=True),
    ]
    for reader in readers:
        reader.start()
    try:
        ready = started.is_ready.wait(GIVE_UP_S)
        if not ready or process.poll() is not None:
            pytest.fail("aurora up did not get ready:\n" + "".join(started.out + started.err))
        yield started
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(60)
        for reader in readers:
            reader.join(10)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def _read(stream: Any, lines: list[str], is_ready: threading.Event) -> None:
    for line in stream:
        lines.append(line)
        if READY in line:
            is_ready.set()
    is_ready.set()


def processes_with(setting: str) -> list[int]:
    """Process ids whose environment holds `setting`, such as AURORA_PORT=8000."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if setting.encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found
