"""Trouble that is made on purpose is real: a closed socket, a late answer, a body no contract allows."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from typer.testing import CliRunner

from apps.cli import app
from aurora.errors import ConflictError, NotFoundError, NotReadyError
from aurora.store.paths import TenantPaths, create_tenant
from tests.twin.live import ADMIN_TOKEN, live_fleet
from twin.servers.chaos import ChaosRequest, Trouble
from twin.servers.fleet_servers import FleetServers
from twin.servers.ports import ADMIN
from twin.servers.running import (
    ChaosRefusedError,
    RunningTwin,
    announce,
    make_trouble,
    new_token,
    refuse_second,
    running_twin,
    servers_file,
    token_file,
    withdraw,
)


@pytest.fixture(scope="module")
def fleet() -> Iterator[FleetServers]:
    with live_fleet() as running:
        yield running


@pytest.fixture
def paths(tmp_path, fleet) -> TenantPaths:
    """A tenant whose twin runs: as `aurora twin up` announces it."""
    made = create_tenant(tmp_path, "demo", "ae-dubai")
    announce(made, twin_of(fleet, os.getpid()))
    new_token(token_file(made))
    token_file(made).write_text(ADMIN_TOKEN + "\n")
    return made


def twin_of(fleet: FleetServers, pid: int) -> RunningTwin:
    assistants = {name: fleet.url(name) for name in fleet.apps}
    return RunningTwin(pid=pid, seed=7, speed=60.0, admin_port=fleet.ports[ADMIN], assistants=assistants)


def status(fleet: FleetServers, name: str) -> httpx.Response:
    return httpx.get(f"{fleet.url(name)}/api/{name}/status", timeout=30)


def until(is_so: Callable[[], bool]) -> None:
    """Wait for what must come; the test's own time limit ends it otherwise."""
    while not is_so():
        time.sleep(0.02)


def is_reachable(fleet: FleetServers, name: str) -> bool:
    try:
        return status(fleet, name).status_code == 200
    except httpx.TransportError:
        return False


def test_a_stopped_assistant_refuses_connections_until_it_is_restored(fleet, paths):
    with httpx.Client(base_url=fleet.url("mary")) as kept_open:
        assert kept_open.get("/api/mary/status").status_code == 200
        assert make_trouble(paths, ChaosRequest(assistant_id="mary", kind="stop")) == "stopped"
        with pytest.raises(httpx.TransportError):
            kept_open.get("/api/mary/status")
    with pytest.raises(httpx.ConnectError):
        status(fleet, "mary")
    assert status(fleet, "clara").status_code == 200
    assert make_trouble(paths, ChaosRequest(assistant_id="mary", kind="restore")) == "none"
    assert status(fleet, "mary").json()["uptime_share"] < 1


def test_a_port_that_somebody_took_meanwhile_is_named(fleet, paths):
    make_trouble(paths, ChaosRequest(assistant_id="priya", kind="stop"))
    with (
        socket.create_server(("127.0.0.1", fleet.ports["priya"])),
        pytest.raises(ChaosRefusedError, match="was taken meanwhile"),
    ):
        make_trouble(paths, ChaosRequest(assistant_id="priya", kind="restore"))
    assert fleet.apps["priya"].trouble.words == "stopped"
    make_trouble(paths, ChaosRequest(assistant_id="priya", kind="restore"))
    assert is_reachable(fleet, "priya")


def test_trouble_ends_by_itself_when_it_was_made_for_some_time(fleet, paths):
    make_trouble(paths, ChaosRequest(assistant_id="omar", kind="stop", for_s=0.2))
    until(lambda: is_reachable(fleet, "omar"))
    assert fleet.apps["omar"].trouble.words == "none"


def test_a_slow_assistant_answers_later(fleet, paths):
    make_trouble(paths, ChaosRequest(assistant_id="laila", kind="slow", by_ms=300))
    begun = time.monotonic()
    assert status(fleet, "laila").status_code == 200
    assert time.monotonic() - begun >= 0.3
    make_trouble(paths, ChaosRequest(assistant_id="laila", kind="restore"))


def test_a_corrupt_assistant_sends_broken_json_and_values_that_no_contract_allows(fleet, paths):
    make_trouble(paths, ChaosRequest(assistant_id="nina", kind="corrupt"))
    first, second = status(fleet, "nina"), status(fleet, "nina")
    with pytest.raises(ValueError, match="line 1"):
        first.json()
    assert (second.json()["assistant_state"], second.json()["uptime_share"]) == ("splendid", 1.7)
    make_trouble(paths, ChaosRequest(assistant_id="nina", kind="restore"))


def test_a_flapping_assistant_comes_and_goes(fleet, paths):
    make_trouble(paths, ChaosRequest(assistant_id="sofia", kind="flap"))
    until(lambda: not is_reachable(fleet, "sofia"))
    until(lambda: is_reachable(fleet, "sofia"))
    until(lambda: not is_reachable(fleet, "sofia"))
    make_trouble(paths, ChaosRequest(assistant_id="sofia", kind="restore"))
    assert is_reachable(fleet, "sofia")


def test_exports_are_spoilt_too():
    trouble = Trouble(is_corrupt=True)
    body = b'{"aurora_export": {"version": 1}}\n{"task_id": 1}\n'
    assert trouble.spoil(body) != body
    assert trouble.spoil(body) != body


def test_the_control_channel_wants_its_token(fleet, paths):
    url = fleet.url(ADMIN)
    assert httpx.get(url + "/assistants").status_code == 401
    headers = {"authorization": f"Bearer {ADMIN_TOKEN}"}
    shown = httpx.get(url + "/assistants", headers=headers).json()
    assert len(shown["assistants"]) == 16
    assert shown["is_simulated"]
    wrong = httpx.post(url + "/chaos", headers=headers, json={"assistant_id": "clara", "kind": "burn"})
    assert (wrong.status_code, wrong.headers["content-type"]) == (422, "application/problem+json")
    assert httpx.get(url + "/chaos", headers=headers).status_code == 405
    assert httpx.get(url + "/else", headers=headers).status_code == 404
    with pytest.raises(NotFoundError, match="nobody"):
        make_trouble(paths, ChaosRequest(assistant_id="nobody", kind="stop"))
    assert token_file(paths).stat().st_mode & 0o077 == 0


def test_a_twin_that_is_not_there_is_not_ready(fleet, tmp_path):
    made = create_tenant(tmp_path, "demo", "ae-dubai")
    with pytest.raises(NotReadyError, match="No twin runs"):
        running_twin(made)
    nobody = 2**22 + 1
    announce(made, twin_of(fleet, nobody))
    with pytest.raises(NotReadyError):
        running_twin(made)
    refuse_second(made)
    announce(made, twin_of(fleet, os.getppid()))
    with pytest.raises(ConflictError, match="already"):
        refuse_second(made)
    withdraw(made)
    assert servers_file(made).exists()
    announce(made, twin_of(fleet, os.getpid()))
    withdraw(made)
    assert not servers_file(made).exists()


def test_the_command_line_makes_trouble_and_says_that_it_is_simulated(fleet, paths, monkeypatch):
    monkeypatch.setenv("AURORA_DATA_DIR", str(paths.data_dir))
    run = CliRunner()
    slow = run.invoke(app, ["chaos", "slow", "hassan", "--by", "200", "--for", "600"])
    assert (slow.exit_code, slow.stdout) == (0, "hassan (simulated): trouble slow by 200 ms for 600 s.\n")
    assert fleet.apps["hassan"].trouble.delay_s == 0.2
    restored = run.invoke(app, ["chaos", "restore", "hassan", "--json"])
    assert '"label": "simulated"' in restored.stdout
    assert fleet.apps["hassan"].trouble.delay_s == 0
