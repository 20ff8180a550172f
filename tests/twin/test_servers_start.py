"""`aurora twin up` runs the fleet until it is told to stop, and makes the tenant know it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from apps.bootstrap import utc_now
from aurora.assistants.endpoints import bearer, connect, connected
from aurora.ingest.pull_sources import load_sources
from aurora.settings import PROJECT_DIR, Settings
from aurora.store.journal import StateReader
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.state import StateStore
from contracts.messages.commands import EndpointRequest
from twin.servers.running import servers_file


@contextmanager
def started(data_dir: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """`aurora twin up` as a process of its own, and what it says once it is up."""
    command = [sys.executable, "-m", "apps.cli", "twin", "up", "--base-port", "0", "--json", *arguments]
    child = subprocess.Popen(
        command,
        cwd=PROJECT_DIR,
        env={**os.environ, "AURORA_DATA_DIR": str(data_dir)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        lines = []
        for line in child.stdout:
            lines.append(line)
            if line.rstrip() == "}":
                break
        yield child, json.loads("".join(lines))
    finally:
        child.kill()
        child.communicate(timeout=30)


def test_a_connected_twin_is_known_to_the_tenant_and_ends_in_order(tmp_path):
    paths = TenantPaths(tmp_path, "demo", "ae-dubai")
    with started(tmp_path, "--connect", "--pull", "--token") as (child, told):
        assert (told["label"], len(told["assistants"]), told["has_sources"]) == ("simulated", 16, True)
        with StateReader(paths) as state:
            endpoints = connected(state)
        assert {name: one.base_url for name, one in endpoints.items()} == told["assistants"]
        token = bearer(endpoints["clara"], paths)
        url = told["assistants"]["clara"] + "/api/clara/status"
        assert httpx.get(url).status_code == 401
        assert httpx.get(url, headers={"authorization": f"Bearer {token}"}).json()["is_simulated"]
        assert len(load_sources(paths)) == 16 * 4
        assert (paths.directory / "secrets" / "twin").stat().st_mode & 0o077 == 0
        assert json.loads(servers_file(paths).read_bytes())["pid"] == child.pid
        second = subprocess.run(
            [sys.executable, "-m", "apps.cli", "twin", "up", "--base-port", "0"],
            cwd=PROJECT_DIR,
            env={**os.environ, "AURORA_DATA_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode == 3
        assert "already" in second.stderr
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == 0
    assert not servers_file(paths).exists()
    with StateReader(paths) as state:
        assert len(connected(state)) == 16


def test_a_real_assistant_stays_connected(tmp_path):
    paths = create_tenant(tmp_path, "demo", "ae-dubai")
    real = EndpointRequest(base_url="http://127.0.0.1:9")
    with StateStore.open(paths, clock=utc_now) as store:
        _, (record, statements) = connect(
            real, Settings(), assistant_id="clara", actor_id="person:amal", is_local=True, now=utc_now()
        )
        store.append([record], statements=statements).result()
    with started(tmp_path, "--connect", "--pull") as (_, told), StateReader(paths) as state:
        found = {name: one.base_url for name, one in connected(state).items()}
    assert found == {**told["assistants"], "clara": real.base_url}
    assert "twin_clara" not in {one.source for one in load_sources(paths)}


def test_ctrl_c_ends_it(tmp_path):
    with started(tmp_path, "--speed", "60") as (child, told):
        assert told["has_sources"] is None
        child.send_signal(signal.SIGINT)
        assert child.wait(30) == 130


def test_a_port_that_is_taken_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = subprocess.run(
            [sys.executable, "-m", "apps.cli", "twin", "up", "--base-port", str(port)],
            cwd=PROJECT_DIR,
            env={**os.environ, "AURORA_DATA_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert found.returncode == 6
    assert f"Port {port} is taken" in found.stderr


def test_a_speed_that_is_not_possible_is_refused(tmp_path):
    found = subprocess.run(
        [sys.executable, "-m", "apps.cli", "twin", "up", "--speed", "0.5"],
        cwd=PROJECT_DIR,
        env={**os.environ, "AURORA_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 2
    assert "field: speed" in found.stderr
