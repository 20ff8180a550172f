"""The fleet on the command line: connect, look, switch, command; refusals have their exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from apps.cli import app
from aurora.assistants.endpoints import connected
from aurora.errors import AuroraError
from aurora.store.lake import create_lake
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.state import StateStore
from tests.assistants.conftest import now

URL = "http://127.0.0.1:9"


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TenantPaths:
    monkeypatch.setenv("AURORA_DATA_DIR", str(tmp_path))
    paths = create_tenant(tmp_path, "demo", "ae-dubai")
    create_lake(paths)
    with StateStore.open(paths, clock=now):
        return paths


@pytest.fixture
def aurora(company: TenantPaths) -> Callable[..., Any]:  # noqa: ARG001 - the tenant that commands work in
    def run(*words: str) -> Any:
        result = CliRunner().invoke(app, [*words, "--json"])
        if isinstance(result.exception, AuroraError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return run


def test_a_dry_run_changes_nothing(aurora, company) -> None:
    assert aurora("assistant", "connect", "clara", URL, "--dry-run")["dry_run"] is True
    with StateStore.open(company, clock=now) as store:
        assert connected(store) == {}
        assert store.last_seq() == 0


def test_an_assistant_is_connected_shown_and_disconnected(aurora) -> None:
    assert aurora("assistant", "connect", "clara", URL)["is_local"] is True
    shown = aurora("assistant", "show", "clara")
    assert shown["endpoint"]["base_url"] == URL
    assert shown["declared"]["control_level"] == "full_orchestration"
    listed = {one["assistant"]: one for one in aurora("assistant", "list")}
    assert len(listed) == 16
    assert listed["clara"]["is_connected"] is True
    assert listed["mary"]["is_connected"] is False
    aurora("assistant", "disconnect", "clara")
    with pytest.raises(AuroraError) as missing:
        aurora("assistant", "disconnect", "clara")
    assert missing.value.exit_code == 5


def test_the_kill_switch_is_seen_without_a_server(aurora) -> None:
    aurora("assistant", "connect", "clara", URL)
    waiting = aurora("command", "send", "clara", "ping", "--wait", "0")
    assert waiting["command_state"] == "issued"
    assert aurora("assistant", "disable", "clara", "--reason", "It lies.", "--dry-run")["refused_count"] == 1
    assert aurora("assistant", "disable", "clara", "--reason", "It lies.")["refused_count"] == 1
    assert aurora("command", "show", waiting["command_id"])["error_type"] == "kill_switch"
    states = {one["assistant"]: one["state"] for one in aurora("assistant", "list")}
    assert states["clara"] == "disabled"
    request = json.dumps({"kind": "route_task", "task_type": "lead_qualification"})
    assert aurora("decide", request)["assistant_states"] == {"clara": "disabled"}
    aurora("assistant", "enable", "clara", "--reason", "It was corrected.")
    assert aurora("decide", request)["assistant_states"] == {}


def test_a_refusal_has_its_exit_code_and_is_listed(aurora) -> None:
    aurora("assistant", "connect", "linda", URL)
    for words, code in (
        (("linda", "tune", '{"parameter": "x", "value": 1}'), 4),
        (("linda", "fly"), 3),
        (("linda", "ping", "[1]"), 3),
        (("mary", "ping"), 6),
        (("nobody", "ping"), 5),
    ):
        with pytest.raises(AuroraError) as refused:
            aurora("command", "send", *words)
        assert refused.value.exit_code == code, words
    listed = aurora("command", "list", "--state", "refused")
    assert [one["error_type"] for one in listed] == ["connected", "control_level"]


def test_a_dry_run_of_a_command_leaves_no_trace(aurora) -> None:
    aurora("assistant", "connect", "clara", URL)
    assert aurora("command", "send", "clara", "ping", "--dry-run")["dry_run"] is True
    assert aurora("command", "list") == []


def test_status_says_whether_assistants_are_polled(aurora) -> None:
    (row,) = aurora("status")
    assert row["assistants"] == "not polled now"
