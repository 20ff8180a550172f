"""Commands over HTTP: durable before the answer, once a key, through the control level on every path."""

from __future__ import annotations

import datetime as dt
import os
import signal
from collections.abc import Iterator

import httpx
import pytest

from aurora.assistants.endpoints import connect as connected
from aurora.identity.keys import SCOPES, create_key
from aurora.settings import Settings
from aurora.store.lake import create_lake
from aurora.store.paths import create_tenant
from aurora.store.state import StateStore
from contracts.messages.commands import EndpointRequest
from tests.assistants.small_assistant import SmallAssistant

LOCAL = {"assistants_allowed": "127.0.0.0/8", "status_poll_s": 0.2}
PING = {"command_kind": "ping"}


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@pytest.fixture
def running(serve_tenant):
    return serve_tenant(**LOCAL)


@pytest.fixture
def owner(running) -> Iterator[httpx.Client]:
    with running.client(running.key(actor="owner")) as client:
        yield client


@pytest.fixture
def clara(owner) -> Iterator[SmallAssistant]:
    one = SmallAssistant("clara")
    assert owner.put("/api/v1/assistants/clara/endpoint", json={"base_url": one.url}).status_code == 200
    yield one
    one.stop()


@pytest.mark.usefixtures("clara")
@pytest.mark.parametrize("path", ["/api/v1/assistants/clara/commands", "/api/aurora/commands/clara"])
def test_a_command_is_issued_delivered_and_read(owner, path) -> None:
    issued = owner.post(path, json=PING)
    assert issued.status_code == 202
    assert issued.json()["command_state"] == "issued"
    closed = owner.post(path, json=PING, headers={"prefer": "wait=20"})
    assert (closed.status_code, closed.json()["command_state"]) == (200, "completed")
    shown = owner.get(closed.headers["location"]).json()
    assert shown == closed.json()
    assert owner.get("/api/v1/commands/cmd_none").status_code == 404


@pytest.mark.usefixtures("clara")
def test_the_same_key_is_the_same_command(owner) -> None:
    key = {"idempotency-key": "once"}
    first = owner.post("/api/v1/assistants/clara/commands", json=PING, headers=key)
    again = owner.post("/api/v1/assistants/clara/commands", json=PING, headers=key)
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    other = owner.post("/api/v1/assistants/clara/commands", json={"command_kind": "pause"}, headers=key)
    assert other.status_code == 422
    assert len(owner.get("/api/v1/commands").json()["commands"]) == 1


def test_a_refusal_is_a_problem_and_a_record(owner, running, clara) -> None:
    with running.client(running.key("command:write", "read", actor="elena")) as elena:
        refused = elena.post("/api/v1/assistants/clara/commands", json=PING)
        assert (refused.status_code, refused.json()["errors"][0]["rule"]) == (403, "allowed_edge")
        record = elena.get(refused.headers["location"]).json()
        assert (record["command_state"], record["actor_id"]) == ("refused", "elena")
    with running.client(running.key("read")) as reader:
        assert reader.post("/api/v1/assistants/clara/commands", json=PING).status_code == 403
    for body, status in (({"command_kind": "fly"}, 422), ({"command_kind": "ping", "x": 1}, 422), ({}, 422)):
        assert owner.post("/api/v1/assistants/clara/commands", json=body).status_code == status
    assert owner.post("/api/v1/assistants/nobody/commands", json=PING).status_code == 404
    assert not clara.deliveries


@pytest.mark.usefixtures("clara")
def test_lists_are_pages(owner) -> None:
    ids = [owner.post("/api/v1/assistants/clara/commands", json=PING).json()["command_id"] for _ in range(5)]
    owner.post("/api/v1/assistants/mary/commands", json={"command_kind": "tune"})
    found, cursor = [], None
    while True:
        params = {"limit": 2, "assistant_id": "clara"} | ({"cursor": cursor} if cursor else {})
        page = owner.get("/api/v1/commands", params=params).json()
        found += [one["command_id"] for one in page["commands"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == ids[::-1]
    refused = owner.get("/api/v1/commands", params={"state": "refused"}).json()["commands"]
    assert [one["assistant_id"] for one in refused] == ["mary"]


@pytest.mark.usefixtures("clara")
def test_tuning_is_rolled_back_over_http(owner) -> None:
    wait = {"prefer": "wait=20"}
    body = {"command_kind": "tune", "arguments": {"parameter": "temperature", "value": 0.5}}
    tuned = owner.post("/api/v1/assistants/clara/commands", json=body, headers=wait).json()
    assert (tuned["command_state"], tuned["previous_value"]) == ("completed", 0.4)
    reason = {"reason": "Too warm."}
    back = owner.post(f"/api/v1/commands/{tuned['command_id']}:rollback", json=reason, headers=wait).json()
    assert back["arguments"] == {"parameter": "temperature", "value": 0.4}
    assert back["rolls_back"] == tuned["command_id"]
    again = owner.post(f"/api/v1/commands/{tuned['command_id']}:rollback", json=reason)
    assert again.status_code == 409


def test_the_pass_through_goes_the_same_way(owner, running, clara) -> None:
    done = owner.post("/api/clara/execute", json={"command_id": "mine-1", "command_kind": "ping"})
    assert done.status_code == 200
    assert (done.json()["command_id"], done.json()["command_state"]) == ("mine-1", "completed")
    again = owner.post("/api/clara/execute", json={"command_id": "mine-1", "command_kind": "ping"})
    assert again.json() == done.json()
    assert sum(clara.effects.values()) == 1
    other = owner.post("/api/clara/execute", json={"command_id": "mine-1", "command_kind": "pause"})
    assert other.status_code == 422
    assert owner.get("/api/clara/commands/mine-1").json() == done.json()
    assert owner.get("/api/clara/commands/other").status_code == 404
    with running.client(running.key("command:write", actor="elena")) as elena:
        refused = elena.post("/api/clara/execute", json={"command_id": "e-1", "command_kind": "ping"})
        assert (refused.status_code, refused.json()["errors"][0]["rule"]) == (403, "allowed_edge")
    assert sum(clara.effects.values()) == 1


def test_a_callback_needs_its_token(owner, running, clara) -> None:
    clara.is_slow_worker = True
    body = {"command_kind": "run_task", "arguments": {"task_type": "property_matching"}}
    command_id = owner.post("/api/v1/assistants/clara/commands", json=body).json()["command_id"]
    assert clara.got_one.wait(20)
    path = clara.requests[command_id]["callback_url"].partition("/api/")[2]
    reply = {"command_id": command_id, "command_state": "completed", "updated_at": now().isoformat(), "result": {}}
    with running.client(None) as stranger:
        assert stranger.post(f"/api/{path[:-4]}0000", json=reply).status_code == 404
        assert stranger.post(f"/api/{path}", json={**reply, "command_id": "other"}).status_code == 422
        assert stranger.post(f"/api/{path}", json=reply).status_code == 204
        assert stranger.post(f"/api/{path}", json={**reply, "command_state": "failed"}).status_code == 204
    shown = owner.get(f"/api/v1/commands/{command_id}").json()
    assert shown["command_state"] == "completed"


def calling(port: int, key: str) -> httpx.Client:
    headers = {"authorization": f"Bearer {key}"}
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60)


def test_a_killed_server_loses_no_command_and_repeats_no_effect(tmp_path, start_child) -> None:
    paths = create_tenant(tmp_path, "demo", "ae-dubai")
    create_lake(paths)
    clara = SmallAssistant("clara", slow_s=0.3)
    with StateStore.open(paths, clock=now) as store:
        key = create_key(store, actor_id="owner", label="", scopes=SCOPES, created_by="t", now=now()).token
        _, (record, statements) = connected(
            EndpointRequest(base_url=clara.url),
            Settings(data_dir=tmp_path),
            assistant_id="clara",
            actor_id="owner",
            is_local=True,
            now=now(),
        )
        store.append([record], statements=statements).result()
    ids: list[str] = []
    try:
        for turn in range(3):
            with start_child(tmp_path) as (child, port):
                with calling(port, key) as client:
                    for number in range(6):
                        once = {"idempotency-key": f"{turn}-{number}"}
                        reply = client.post("/api/v1/assistants/clara/commands", json=PING, headers=once)
                        assert reply.status_code == 202, reply.text
                        ids.append(reply.json()["command_id"])
                    assert clara.got_one.wait(20)
                os.kill(child.pid, signal.SIGKILL)
                child.wait(30)
            clara.got_one.clear()
        clara.slow_s = 0.0
        with start_child(tmp_path) as (_, port), calling(port, key) as client:
            for one in ids:
                state = ""
                for _ in range(2000):
                    state = client.get(f"/api/v1/commands/{one}").json()["command_state"]
                    if state == "completed":
                        break
                assert state == "completed"
            repeat = client.post("/api/v1/assistants/clara/commands", json=PING, headers={"idempotency-key": "0-0"})
            assert repeat.json()["command_id"] == ids[0]
    finally:
        clara.stop()
    assert clara.effects == dict.fromkeys(ids, 1)
    with StateStore.open(paths, clock=now) as store:
        names = [entry.record_id for entry in store.after(0, limit=1000) if entry.kind == "command"]
    assert sorted(name for name in names if name.endswith(".closed")) == sorted(f"{one}.closed" for one in ids)
