"""Handoffs: what the policy and the contract allow is accepted, all else is refused with every reason."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Any

import httpx
import pytest

from aurora.audit.verify import verify
from aurora.handoffs.sharing import load_sharing
from aurora.ingest.journal import copy_journal
from aurora.packs import load_pack
from aurora.settings import Settings
from aurora.store.lake import read_lake

SHARING = load_sharing(Settings().packs_dir, load_pack(Settings().packs_dir, "real_estate"))
TASK = {
    "task_id": "task-1",
    "task_type": "listing_copy",
    "task_state": "submitted",
    "submitted_at": "2026-11-21T08:30:00Z",
    "updated_at": "2026-11-21T08:30:00Z",
}
PARTY = {
    "party_id": "party-1",
    "party_kind": "natural",
    "full_name": "Aisha Khan",
    "updated_at": "2026-11-21T08:30:00Z",
}


@pytest.fixture(scope="module")
def mary(service):
    with service.client(service.key("handoff:write", "read", actor="mary")) as calling:
        yield calling


@pytest.fixture(scope="module")
def clara(service):
    with service.client(service.key("handoff:write", "read", actor="clara")) as calling:
        yield calling


def hand_over(client: httpx.Client, *rows: dict[str, Any], headers: dict[str, str] | None = None, **changed: Any):
    wanted = {"to_assistant_id": "sofia", "purpose": "listing_care", "contract": "task", "rows": rows or [TASK]}
    return client.post("/api/v1/handoffs", json={**wanted, **changed}, headers=headers)


def faults(reply: httpx.Response, status: int) -> set[tuple[str, str]]:
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    return {(error["pointer"], error["rule"]) for error in reply.json()["errors"]}


@pytest.mark.parametrize("example", SHARING.policy.examples, ids=lambda one: f"{one.from_assistant_id}-{one.purpose}")
def test_the_policy_gives_its_examples_their_verdicts(example):
    found = SHARING.objections(
        from_id=example.from_assistant_id,
        to_id=example.to_assistant_id,
        purpose=example.purpose,
        contract=example.contract,
        columns=[(name, f"/rows/0/{name}") for name in example.columns],
    )
    assert ("refused" if found else "accepted") == example.expect


def test_an_accepted_handoff_is_a_receipt_that_the_receiver_can_check(mary):
    reply = hand_over(mary, case_id="case-9")
    assert reply.status_code == 201, reply.text
    receipt = reply.json()
    canonical = json.dumps([TASK], sort_keys=True, separators=(",", ":")).encode()
    assert receipt["payload_hash"] == hashlib.sha256(canonical).hexdigest()
    assert (receipt["from_assistant_id"], receipt["verdict"], receipt["case_id"]) == ("mary", "accepted", "case-9")
    assert mary.get(reply.headers["location"]).json() == receipt


def test_every_fault_is_named_with_its_place(mary):
    bad = {**TASK, "task_state": "resting", "quality": 7, "colour": "red", "submitted_at": None}
    found = faults(hand_over(mary, TASK, bad, to_assistant_id="theodora", purpose="curiosity"), 422)
    assert found == {
        ("/to_assistant_id", "allowed_edge"),
        ("/purpose", "one_of"),
        ("/rows/1/colour", "unknown_field"),
        ("/rows/1/quality", "at_most"),
        ("/rows/1/submitted_at", "not_null"),
        ("/rows/1/task_state", "one_of"),
    }


def test_sensitive_data_needs_a_grant_of_its_purpose(clara):
    id_card = {**PARTY, "emirates_id": "784-1990-1234567-1"}
    asked = {"contract": "party", "to_assistant_id": "laila"}
    assert hand_over(clara, id_card, purpose="due_diligence", **asked).status_code == 201
    refused = faults(hand_over(clara, PARTY, id_card, purpose="fleet_operations", **asked), 403)
    assert ("/rows/1/emirates_id", "purpose_allows") in refused
    assert ("/rows/0/full_name", "purpose_allows") in refused


def test_a_caller_hands_over_for_itself_unless_it_administers(mary, client):
    assert hand_over(mary, from_assistant_id="clara").status_code == 403
    reply = hand_over(client, from_assistant_id="mary")
    assert (reply.json()["from_assistant_id"], reply.json()["actor_id"]) == ("mary", "tester")
    assert ("/from_assistant_id", "known_assistant") in faults(hand_over(client), 403)


def test_a_repeated_handoff_is_the_first_one(mary):
    replies = [hand_over(mary, headers={"idempotency-key": "hand-1"}) for _ in range(2)]
    assert replies[1].content == replies[0].content
    assert replies[1].headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize(
    ("changed", "status", "pointer"),
    [
        ({"contract": "nothing"}, 404, "/contract"),
        ({"rows": []}, 422, "/rows"),
        ({"rows": [TASK] * 1001}, 422, "/rows"),
        ({"extra": 1}, 422, "/extra"),
    ],
)
def test_what_is_no_handoff_is_not_recorded(mary, changed, status, pointer):
    reply = hand_over(mary, **changed)
    assert (reply.status_code, reply.json()["errors"][0]["pointer"]) == (status, pointer)


def test_accepted_and_refused_are_in_the_audit_log_and_the_lake_without_a_value(service, mary):
    paths = service.tenants["demo"]
    accepted = hand_over(mary).json()["handoff_id"]
    refused = hand_over(mary, {**TASK, "task_type": "Secret Words"}).headers["location"].rpartition("/")[2]
    for _ in range(2):
        copy_journal(paths, clock=lambda: dt.datetime.now(dt.UTC))
    with read_lake(paths) as lake:
        found = lake.query(
            "SELECT h.handoff_state, h.is_contract_valid, h.error_type, b.source FROM raw.handoff AS h"
            " JOIN raw.ingest_batch AS b USING (batch_id) WHERE handoff_id IN (?, ?) ORDER BY 1",
            [accepted, refused],
        ).rows()
    assert found == [("accepted", True, None, "journal"), ("refused", False, "matches", "journal")]
    assert "Secret" not in mary.get(f"/api/v1/handoffs/{refused}").text
    assert verify(paths).is_valid
