"""Every kind over HTTP, many at once, how far they may act, and the ledger of conflicts."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest

from aurora.store.journal import StateReader
from contracts.messages.conflicts import Conflict
from contracts.messages.decisions import Decision
from tests.assistants.small_assistant import SmallAssistant

TASK = {"kind": "route_task", "task_type": "property_matching"}
CONFLICT: dict[str, Any] = {
    "subject_id": "task-77",
    "topic": "kyc_check",
    "recommendations": [
        {"assistant_id": "laila", "action": "kyc_hold", "confidence": 0.7},
        {"assistant_id": "amira", "action": "kyc_pass", "confidence": 0.9},
    ],
}
KINDS: dict[str, dict[str, Any]] = {
    "resolve_conflict": {"kind": "resolve_conflict", **CONFLICT},
    "scale": {
        "kind": "scale",
        "target_id": "clara",
        "history": {"window_s": 600, "ends_at": "2026-11-21T12:00:00Z", "demand": [12, None, 31], "replicas": 3},
        "limits": {"replica_rate": 8, "max_replicas": 12},
    },
    "rebalance": {"kind": "rebalance", "tasks": [{"task_id": "t", "task_type": "lead_follow_up"}]},
    "tune": {"kind": "tune", "assistant_id": "clara", "parameter": "temperature"},
}


@pytest.fixture(scope="module")
def person(service):
    with service.client(service.key(actor="person:amal")) as found:
        yield found


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_decided_and_read_back(client, service, kind):
    reply = client.post("/api/v1/decisions", json=KINDS[kind])
    assert reply.status_code == 201, reply.text
    made = reply.json()
    assert (made["kind"], made["mode"]) == (kind, "advise")
    assert made["details"]["of"] == kind
    read = client.get(f"/api/v1/decisions/{made['decision_id']}").json()
    assert read["decision"] == made
    with StateReader(service.tenants["demo"]) as state:
        entry = state.get(made["decision_id"])
        assert entry is not None
        assert msgspec.json.decode(entry.body, type=Decision).kind == kind
    listed = client.get("/api/v1/decisions", params={"kind": kind}).json()["decisions"]
    assert made["decision_id"] in {one["decision_id"] for one in listed}


def test_a_batch_answers_each_request_by_itself(client):
    broken = [{"kind": "poem"}, {**TASK, "policy": "dice"}, {**TASK, "max_cost_usd": "-1"}, 5]
    reply = client.post("/api/v1/decisions:batch", json={"requests": [TASK, *broken, KINDS["scale"]]})
    assert reply.status_code == 200
    answer = reply.json()
    assert [one["status"] for one in answer["results"]] == [201, 422, 400, 422, 422, 201]
    assert (answer["decided_count"], answer["refused_count"]) == (2, 4)
    assert "dice" in answer["results"][2]["problem"]["detail"]
    assert answer["results"][1]["problem"]["type"] == "/problems/invalid-data"
    for one in (answer["results"][0], answer["results"][-1]):
        kept = client.get(f"/api/v1/decisions/{one['decision']['decision_id']}").json()
        assert kept["decision"] == one["decision"]


def test_a_batch_happens_once_a_key(client):
    body = {"requests": [TASK] * 3}
    first = client.post("/api/v1/decisions:batch", json=body, headers={"idempotency-key": "batch-1"})
    again = client.post("/api/v1/decisions:batch", json=body, headers={"idempotency-key": "batch-1"})
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    other = client.post("/api/v1/decisions:batch", json={"requests": [TASK]}, headers={"idempotency-key": "batch-1"})
    assert other.status_code == 422
    assert len({one["decision"]["decision_id"] for one in first.json()["results"]}) == 3


@pytest.mark.parametrize("body", [{"requests": []}, {"requests": [TASK] * 501}, {"request": TASK}, []])
def test_a_batch_that_is_none_is_refused(client, body):
    assert client.post("/api/v1/decisions:batch", json=body).status_code == 422
    assert client.get("/api/v1/decisions:batch").status_code == 405


# conflicts ------------------------------------------------------------------------------------


def test_a_conflict_is_recorded_resolved_and_scored(client, service):
    conflict = client.post("/api/v1/conflicts", json=CONFLICT).json()
    path = f"/api/v1/conflicts/{conflict['conflict_id']}"
    assert client.get(path).json()["conflict_state"] == "open"
    asked = {**KINDS["resolve_conflict"], "conflict_id": conflict["conflict_id"], "min_confidence": 0.0}
    decision = client.post("/api/v1/decisions", json=asked).json()
    standing = client.get(path).json()
    assert (standing["conflict_state"], standing["decision_id"]) == ("resolved", decision["decision_id"])
    assert standing["action"] == decision["action"] is not None
    assert client.post(f"{path}:score", json={"right_action": "kyc_dance"}).status_code == 422
    scored = client.post(f"{path}:score", json={"right_action": "kyc_hold", "note": "The file was forged."}).json()
    assert (scored["conflict_state"], scored["is_resolution_right"]) == ("scored", decision["action"] == "kyc_hold")
    assert client.post(f"{path}:score", json={"right_action": "kyc_hold"}).status_code == 409
    listed = client.get("/api/v1/conflicts", params={"state": "scored"}).json()["conflicts"]
    assert conflict["conflict_id"] in {one["conflict_id"] for one in listed}
    with StateReader(service.tenants["demo"]) as state:
        states = [e.body for e in state.about(conflict["conflict_id"]) if e.kind == "conflict"]
    assert [msgspec.json.decode(one, type=Conflict).conflict_state for one in states] == ["open", "resolved", "scored"]


def test_a_resolution_without_a_conflict_opens_one(client):
    decision = client.post("/api/v1/decisions", json=KINDS["resolve_conflict"]).json()
    conflict = client.get(f"/api/v1/conflicts/{decision['request']['conflict_id']}").json()
    assert (conflict["conflict_state"], conflict["decision_id"]) == ("resolved", decision["decision_id"])
    unknown = {**KINDS["resolve_conflict"], "conflict_id": "con_none"}
    assert client.post("/api/v1/decisions", json=unknown).status_code == 404
    assert client.get("/api/v1/conflicts/con_none").status_code == 404


def test_words_that_agree_are_refused(client):
    same = {
        **CONFLICT,
        "recommendations": [{"assistant_id": name, "action": "kyc_hold"} for name in ("laila", "amira")],
    }
    assert client.post("/api/v1/conflicts", json=same).status_code == 422
    assert client.post("/api/v1/decisions", json={"kind": "resolve_conflict", **same}).status_code == 422


# modes ----------------------------------------------------------------------------------------


def test_only_people_change_how_far_decisions_may_act(client, person):
    change = {"kind": "route_task", "act_share": 0.5, "reason": "A trial"}
    assert client.post("/api/v1/decision-modes", json=change).status_code == 403
    assert person.post("/api/v1/decision-modes", json={**change, "assistant_id": "nobody"}).status_code == 400
    assert person.post("/api/v1/decision-modes", json={**change, "shadow_policy": "dice"}).status_code == 400
    assert person.post("/api/v1/decision-modes", json={"kind": "route_task", "reason": "None"}).status_code == 400


def test_shares_shadows_and_the_kill_switch_hold_at_once(client, person):
    def modes(count: int = 40) -> list[dict[str, Any]]:
        requests = [{**TASK, "mode": "act", "task_id": f"task-{number}"} for number in range(count)]
        results = client.post("/api/v1/decisions:batch", json={"requests": requests}).json()["results"]
        return [one["decision"] for one in results]

    assert {one["mode"] for one in modes()} == {"act"}
    half = {"kind": "route_task", "act_share": 0.5, "shadow_policy": "cheapest", "reason": "A trial"}
    shown = person.post("/api/v1/decision-modes", json=half).json()
    assert next(one for one in shown["kinds"] if one["kind"] == "route_task")["act_share"] == 0.5
    some = modes()
    acting = {one["request"]["task_id"] for one in some if one["mode"] == "act"}
    assert 8 < len(acting) < 32
    assert {one["shadows"][0]["policy_id"] for one in some} == {"cheapest"}
    assert {one["act_share"] for one in some} == {0.5}
    assert {one["request"]["task_id"] for one in modes() if one["mode"] == "act"} == acting
    assert person.post("/api/v1/decision-modes:stop", json={"reason": "A drill"}).json()["is_stopped"]
    assert person.post("/api/v1/decision-modes:stop", json={"reason": "A drill"}).status_code == 409
    assert {one["mode"] for one in modes()} == {"advise"}
    assert not person.post("/api/v1/decision-modes:resume", json={"reason": "It is over"}).json()["is_stopped"]
    assert {one["request"]["task_id"] for one in modes() if one["mode"] == "act"} == acting
    whole = {"kind": "route_task", "act_share": 1.0, "shadow_policy": "", "reason": "It went well"}
    assert person.post("/api/v1/decision-modes", json=whole).status_code == 200
    assert "shadows" not in client.post("/api/v1/decisions", json=TASK).json()


def test_a_tuning_that_acts_sends_the_command_and_can_be_rolled_back(serve_tenant):
    running = serve_tenant(assistants_allowed="127.0.0.0/8", status_poll_s=0.2)
    trials = [
        {"value": 0.4, "task_count": 400, "success_count": 240},
        {"value": 0.3, "task_count": 400, "success_count": 330},
    ]
    asked = {**KINDS["tune"], "mode": "act", "trials": trials}
    clara = SmallAssistant("clara")
    try:
        with running.client(running.key(actor="owner")) as owner:
            assert owner.put("/api/v1/assistants/clara/endpoint", json={"base_url": clara.url}).status_code == 200
            advice = owner.post("/api/v1/decisions", json=asked).json()
            assert (advice["mode"], advice["act_share"]) == ("advise", 0.0)
            assert owner.get("/api/v1/commands").json()["commands"] == []
            grant = {"kind": "tune", "assistant_id": "clara", "act_share": 1.0, "reason": "Clara is ready"}
            assert owner.post("/api/v1/decision-modes", json=grant).status_code == 200
            acted = owner.post("/api/v1/decisions", json=asked).json()
            assert (acted["mode"], acted["action"]) == ("act", "temperature=0.3")
            (command,) = owner.get("/api/v1/commands").json()["commands"]
            assert command["decision_id"] == acted["decision_id"]
            assert command["arguments"] == {"parameter": "temperature", "value": 0.3}
            closed = _closed(owner, command["command_id"])
            assert (closed["command_state"], closed["previous_value"]) == ("completed", 0.4)
            worse = [trials[1] | {"success_count": 100}, trials[0]]
            back = owner.post("/api/v1/decisions", json={**asked, "trials": worse}).json()
            assert (back["action"], back["details"]["value"]) == ("roll_back", 0.4)
            assert (back["request"]["value"], back["request"]["previous_value"]) == (0.3, 0.4)
    finally:
        clara.stop()


def _closed(owner: httpx.Client, command_id: str) -> dict[str, Any]:
    ping = owner.post("/api/v1/assistants/clara/commands", json={"command_kind": "ping"}, headers={"prefer": "wait=20"})
    assert ping.status_code == 200
    for _ in range(200):
        found: dict[str, Any] = owner.get(f"/api/v1/commands/{command_id}").json()
        if found["completed_at"] is not None:
            return found
    raise AssertionError(found)
