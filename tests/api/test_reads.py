"""The fleet, the tenant's state, and the audit log's proofs over HTTP."""

from __future__ import annotations

from base64 import b64decode

from aurora.audit.proofs import verify_inclusion
from aurora.settings import PROJECT_DIR
from aurora.store.sealing import leaf_hash, load_verifier_key, open_note

TASK = {"kind": "route_task", "task_type": "property_matching"}


def test_the_fleet_is_the_packs(client):
    fleet = client.get("/api/v1/assistants").json()
    files = sorted(file.stem for file in (PROJECT_DIR / "packs" / "real_estate" / "assistants").glob("*.yaml"))
    assert [one["assistant_id"] for one in fleet["assistants"]] == files
    assert "property_matching" in {skill for one in fleet["assistants"] for skill in one["skills"]}


def test_a_known_fleet_is_not_sent_again(client):
    first = client.get("/api/v1/assistants")
    etag = first.headers["etag"]
    for known in (etag, f'W/{etag}, "other"', "*"):
        again = client.get("/api/v1/assistants", headers={"if-none-match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag
    assert client.get("/api/v1/assistants", headers={"if-none-match": '"other"'}).content == first.content


def test_the_status_names_engine_journal_and_snapshots(client):
    before = client.get("/api/v1/status").json()
    client.post("/api/v1/decisions", json=TASK)
    after = client.get("/api/v1/status").json()
    assert after["tenant_id"] == "demo"
    assert after["engine"] == before["engine"]
    assert after["engine"]["is_ready"]
    assert after["journal"]["record_count"] > before["journal"]["record_count"]
    assert after["lake"]["raw_snapshot_id"] >= 1


def test_a_decisions_proof_verifies_with_the_tenants_key_alone(service, client):
    reply = client.post("/api/v1/decisions", json=TASK)
    client.post("/api/v1/decisions", json=TASK)
    proof = client.get(f"/api/v1/audit/proof/{reply.json()['decision_id']}").json()
    checkpoint = open_note(proof["checkpoint"].encode(), load_verifier_key(service.tenants["demo"]))
    entry = b64decode(proof["entry"])
    assert checkpoint.size == proof["tree_size"]
    assert entry.endswith(reply.content)
    assert verify_inclusion(
        leaf_hash(entry),
        leaf_index=proof["leaf_index"],
        tree_size=checkpoint.size,
        path=[b64decode(one) for one in proof["path"]],
        root=checkpoint.root,
    )


def test_the_checkpoint_grows_with_the_log(service, client):
    client.post("/api/v1/decisions", json=TASK)
    reply = client.get("/api/v1/audit/checkpoint").json()
    checkpoint = open_note(reply["note"].encode(), load_verifier_key(service.tenants["demo"]))
    assert checkpoint.size == reply["tree_size"]
    client.post("/api/v1/decisions", json=TASK)
    assert client.get("/api/v1/audit/checkpoint").json()["tree_size"] > checkpoint.size
