"""The fleet over HTTP: endpoints, live states, the kill switch, agent cards, the protocol's own paths."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.assistants.small_assistant import SmallAssistant

LOCAL = {"assistants_allowed": "127.0.0.0/8", "status_poll_s": 0.2}


@pytest.fixture
def small() -> Iterator[Callable[..., SmallAssistant]]:
    running: list[SmallAssistant] = []

    def start(assistant_id: str, **changed: object) -> SmallAssistant:
        running.append(SmallAssistant(assistant_id, **changed))
        return running[-1]

    yield start
    for one in running:
        one.stop()


@pytest.fixture
def owner(serve_tenant) -> Iterator[httpx.Client]:
    """The owner's client of a server that may reach this machine."""
    service = serve_tenant(**LOCAL)
    with service.client(service.key(actor="owner")) as client:
        client.headers["x-port"] = str(service.port)
        yield client


def connect(client: httpx.Client, one: SmallAssistant) -> None:
    reply = client.put(f"/api/v1/assistants/{one.assistant_id}/endpoint", json={"base_url": one.url})
    assert reply.status_code == 200, reply.text


def wait_for(client: httpx.Client, assistant_id: str, state: str) -> dict:
    """The live view once it says so; each look is a request, so this does not spin."""
    for _ in range(3000):
        live = client.get(f"/api/{assistant_id}/status").json()["live"]
        if live["is_connected"] and live["assistant_state"] == state and (state == "disabled" or live["since"]):
            return live
    raise AssertionError(f"{assistant_id} never was {state}: {live}")


def test_an_endpoint_is_put_shown_and_deleted(owner, small) -> None:
    clara = small("clara")
    assert owner.get("/api/v1/assistants/clara/endpoint").status_code == 404
    connect(owner, clara)
    shown = owner.get("/api/v1/assistants/clara/endpoint").json()
    assert (shown["base_url"], shown["is_local"], shown["actor_id"]) == (clara.url, False, "owner")
    wait_for(owner, "clara", "active")
    assert owner.delete("/api/v1/assistants/clara/endpoint").status_code == 204
    assert owner.delete("/api/v1/assistants/clara/endpoint").status_code == 404
    assert not owner.get("/api/clara/status").json()["live"]["is_connected"]


def test_private_addresses_are_refused_by_default(client) -> None:
    for url in ("http://127.0.0.1:9001", "http://169.254.169.254", "http://localhost:1"):
        reply = client.put("/api/v1/assistants/clara/endpoint", json={"base_url": url})
        assert reply.status_code == 400, reply.text
        assert "AURORA_ASSISTANTS_ALLOWED" in reply.json()["next_step"]


def test_endpoints_need_admin_and_a_known_assistant(service) -> None:
    with service.client(service.key("read", "command:write")) as reader:
        assert reader.put("/api/v1/assistants/clara/endpoint", json={}).status_code == 403
        assert reader.get("/api/v1/assistants/clara/endpoint").status_code == 403
    with service.client(service.key("admin")) as admin:
        body = {"base_url": "https://example.com"}
        assert admin.put("/api/v1/assistants/nobody/endpoint", json=body).status_code == 404


def test_decisions_pass_by_who_is_down_and_come_back(owner, small) -> None:
    clara = small("clara")
    connect(owner, clara)
    wait_for(owner, "clara", "active")
    ask = {"kind": "route_task", "task_type": "lead_qualification", "candidates": ["clara", "omar"]}
    assert owner.post("/api/v1/decisions", json=ask).json()["assistant_states"] == {}
    clara.status["assistant_state"] = "down"
    wait_for(owner, "clara", "down")
    decision = owner.post("/api/v1/decisions", json=ask).json()
    assert decision["assistant_states"] == {"clara": "down"}
    assert decision["action"] == "omar"
    fleet = owner.get("/api/v1/assistants").json()["assistants"]
    assert next(one for one in fleet if one["assistant_id"] == "clara")["assistant_state"] == "down"


def test_the_kill_switch_holds_at_once(owner, small) -> None:
    connect(owner, small("clara"))
    wait_for(owner, "clara", "active")
    reason = {"reason": "It sent offers twice."}
    switched = owner.post("/api/v1/assistants/clara:disable", json=reason, headers={"idempotency-key": "off-1"})
    assert switched.json()["is_disabled"] is True
    again = owner.post("/api/v1/assistants/clara:disable", json=reason, headers={"idempotency-key": "off-1"})
    assert (again.status_code, again.content) == (200, switched.content)
    ask = {"kind": "route_task", "task_type": "lead_qualification", "candidates": ["clara"]}
    assert owner.post("/api/v1/decisions", json=ask).json()["status"] == "abstained"
    refused = owner.post("/api/v1/assistants/clara/commands", json={"command_kind": "ping"})
    assert (refused.status_code, refused.json()["errors"][0]["rule"]) == (409, "kill_switch")
    assert owner.get("/api/clara/status").json()["live"]["reason"] == "Switched off: It sent offers twice."
    assert owner.post("/api/v1/assistants/clara:enable", json=reason).json()["is_disabled"] is False
    assert owner.post("/api/v1/decisions", json=ask).json()["action"] == "clara"


def test_the_kill_switch_is_for_people(service) -> None:
    for actor in ("laila", "propertygpt"):
        with service.client(service.key("command:write", actor=actor)) as caller:
            reply = caller.post("/api/v1/assistants/clara:disable", json={"reason": "I may not."})
            assert (reply.status_code, reply.json()["errors"][0]["rule"]) == (403, "person")
    with service.client(service.key("read", actor="person:amal")) as reader:
        assert reader.post("/api/v1/assistants/clara:disable", json={"reason": "no scope"}).status_code == 403


def test_an_assistant_is_shown_whole(client) -> None:
    detail = client.get("/api/v1/assistants/clara").json()
    assert detail["assistant"]["control_level"] == "full_orchestration"
    assert detail["parameters"]["temperature"]["max_step"] == 0.1
    assert "error_share" in detail["performance_formula"]
    assert client.get("/api/v1/assistants/nobody").status_code == 404


def test_the_agent_card_is_a2a_and_has_an_etag(client) -> None:
    reply = client.get("/api/v1/assistants/clara/agent-card")
    card = reply.json()
    assert {skill["id"] for skill in card["skills"]} >= {"lead_qualification"}
    (interface,) = card["supportedInterfaces"]
    assert interface["url"].endswith("/api/clara")
    assert interface["protocolBinding"] == "HTTP+JSON"
    same = client.get("/api/v1/assistants/clara/agent-card", headers={"if-none-match": reply.headers["etag"]})
    assert same.status_code == 304


def test_the_plans_paths_shadow_no_own_route(client) -> None:
    assert "engine" in client.get("/api/v1/status").json()
    assert client.get("/api/clara/status").json()["assistant_id"] == "clara"
    assert client.get("/api/nobody/status").status_code == 404
    for path in ("/api/v2/status", "/api/aurora/status"):
        reply = client.get(path)
        assert reply.status_code == 404
        assert "There is no route" in json.dumps(reply.json())
