"""Killed between the spool and the commit: what was whole lands exactly once, what was torn not at all."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from aurora.identity.keys import create_key
from aurora.ingest.spool import spool_folder
from aurora.store.connection import hold_write_lock
from aurora.store.lake import create_lake, read_lake
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.state import StateStore

ROWS = b"".join(
    json.dumps(
        {"usage_id": f"killed-{number}", "occurred_at": "2026-09-01T10:00:00Z", "operation_name": "chat"}
    ).encode()
    + b"\n"
    for number in range(50)
)


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@pytest.fixture
def paths(tmp_path: Path) -> TenantPaths:
    made = create_tenant(tmp_path, "demo", "ae-dubai")
    create_lake(made)
    return made


@pytest.fixture
def token(paths: TenantPaths) -> str:
    with StateStore.open(paths, clock=now) as store:
        scopes = ["ingest:write"]
        return create_key(store, actor_id="t", label="", scopes=scopes, created_by="t", now=now()).token


def push(port: int, token: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}", "content-type": "application/x-ndjson"}
    return httpx.post(f"http://127.0.0.1:{port}/api/v1/ingest/usage", content=ROWS, headers=headers, timeout=60)


def pushed_in_vain(port: int, token: str) -> None:
    with pytest.raises(httpx.TransportError):
        push(port, token)


def until(child: subprocess.Popen[bytes], is_so: Callable[[], object]) -> None:
    """Wait for it while the child lives, twenty seconds at most."""
    for _ in range(2000):
        if is_so():
            return
        try:
            child.wait(0.01)
        except subprocess.TimeoutExpired:
            continue
    raise AssertionError("It did not come to pass.")


def children(pid: int) -> list[int]:
    threads = Path(f"/proc/{pid}/task").iterdir()
    return [int(one) for thread in threads for one in (thread / "children").read_text().split()]


def waiting(paths: TenantPaths, pattern: str = "*.ndjson") -> list[Path]:
    return [file for file in spool_folder(paths).glob(pattern) if file.name != ".door"]


def ids(paths: TenantPaths) -> Iterator[str]:
    with read_lake(paths) as lake:
        yield from lake.query("SELECT usage_id FROM raw.usage ORDER BY row_number")["usage_id"]


@pytest.mark.slow
@pytest.mark.parametrize("is_worker_killed", [True, False], ids=["both killed", "the worker goes on"])
def test_a_whole_body_lands_exactly_once(paths, token, start_child, is_worker_killed):
    with hold_write_lock(paths, "raw"), start_child(paths.data_dir) as (child, port):
        sender = threading.Thread(target=pushed_in_vain, args=(port, token))
        sender.start()
        until(child, lambda: waiting(paths) and children(child.pid))
        assert list(ids(paths)) == []
        workers = children(child.pid)
        child.kill()
        for worker in workers if is_worker_killed else ():
            os.kill(worker, signal.SIGKILL)
        sender.join(30)
    assert len(waiting(paths)) == 1
    with start_child(paths.data_dir) as (child, port):
        reply = push(port, token)
    *verdicts, last = [json.loads(line) for line in reply.text.splitlines()]
    assert [one["verdict"] for one in verdicts] == ["landed"] * 50
    assert last["summary"]["is_known"]
    assert list(ids(paths)) == [f"killed-{number}" for number in range(50)]
    assert waiting(paths, "*") == []


@pytest.mark.slow
def test_a_torn_body_is_removed_at_the_next_start(paths, token, start_child):
    head = (
        f"POST /api/v1/ingest/usage HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Length: 900000\r\n"
    )
    with start_child(paths.data_dir) as (child, port), socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(f"{head}\r\n".encode() + ROWS * 100)
        until(child, lambda: waiting(paths, "*.part"))
        child.kill()
    assert len(waiting(paths, "*.part")) == 1
    with start_child(paths.data_dir) as (child, _):
        until(child, lambda: not waiting(paths, "*"))
    assert list(ids(paths)) == []
