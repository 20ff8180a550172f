"""The same request sent again gets the same answer, and nothing happens twice."""

from __future__ import annotations

import datetime as dt
import sqlite3
from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest

TASK = {"kind": "route_task", "task_type": "property_matching"}


def test_a_repeated_decision_is_the_first_one(client):
    first, second = (client.post("/api/v1/decisions", json=TASK, headers={"idempotency-key": "one"}) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.content == first.content
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"


def test_a_repeated_outcome_is_recorded_once(client):
    where = f"/api/v1/decisions/{client.post('/api/v1/decisions', json=TASK).json()['decision_id']}"
    for _ in range(3):
        client.post(f"{where}/outcomes", json={"is_success": True}, headers={"idempotency-key": "outcome"})
    assert len(client.get(where).json()["outcomes"]) == 1


def test_another_request_with_the_same_key_is_refused(client):
    client.post("/api/v1/decisions", json=TASK, headers={"idempotency-key": "two"})
    reply = client.post("/api/v1/decisions", json=TASK | {"priority": "high"}, headers={"idempotency-key": "two"})
    assert reply.status_code == 422
    assert reply.json()["errors"][0] | {"detail": ""} == {
        "header": "Idempotency-Key",
        "detail": "",
        "rule": "same_request",
    }


def test_a_refused_request_does_not_use_its_key_up(client):
    headers = {"idempotency-key": "three"}
    assert client.post("/api/v1/decisions", json=TASK | {"priority": "x"}, headers=headers).status_code == 422
    assert client.post("/api/v1/decisions", json=TASK, headers=headers).status_code == 201


def test_keys_of_different_actors_do_not_meet(service, client):
    mine = client.post("/api/v1/decisions", json=TASK, headers={"idempotency-key": "four"})
    with service.client(service.key(actor="somebody-else")) as other:
        theirs = other.post("/api/v1/decisions", json=TASK, headers={"idempotency-key": "four"})
    assert theirs.json()["decision_id"] != mine.json()["decision_id"]


@pytest.mark.parametrize("key", ["", "k" * 256, "k\tk", "kéy"])
def test_what_is_no_key_is_a_bad_request(client, key):
    reply = client.post("/api/v1/decisions", json=TASK, headers={"idempotency-key": key.encode()})
    assert reply.status_code == 400
    assert reply.json()["errors"][0]["header"] == "Idempotency-Key"


def test_an_answer_is_forgotten_after_a_day(serve_tenant):
    time = [dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)]
    service = serve_tenant(with_lake=False, clock=lambda: time[0])
    with service.client(service.key()) as client:
        first = client.post("/api/v1/decisions", json=TASK, headers={"idempotency-key": "old"})
        time[0] += dt.timedelta(hours=25)
        repeats = (
            client.post("/api/v1/decisions", json=TASK, headers={"idempotency-key": "old"}) for _ in range(20_000)
        )
        later = next(reply for reply in repeats if "idempotency-replayed" not in reply.headers)
        assert later.json()["decision_id"] != first.json()["decision_id"]
        assert client.get(f"/api/v1/decisions/{first.json()['decision_id']}").status_code == 200


def test_a_repeat_while_the_first_is_being_answered_conflicts(service, client):
    """Another process holds the write lock, so that the first request is in flight for as long as we like."""
    headers = {"idempotency-key": "slow"}

    def post():
        with service.client(client.headers["authorization"].removeprefix("Bearer ")) as caller:
            return caller.post("/api/v1/decisions", json=TASK, headers=headers)

    lock = sqlite3.connect(service.tenants["demo"].state, isolation_level=None)
    with ThreadPoolExecutor(2) as pool:
        lock.execute("BEGIN IMMEDIATE")
        first, second = pool.submit(post), pool.submit(post)
        conflict = next(as_completed([first, second], timeout=20))
        lock.execute("ROLLBACK")
        answered = first if conflict is second else second
        assert conflict.result().status_code == 409
        assert conflict.result().json()["errors"][0]["rule"] == "in_flight"
        assert answered.result().status_code == 201
    lock.close()
