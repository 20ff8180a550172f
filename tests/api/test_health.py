"""Alive is not ready: readiness reads the lake, commits to the journal and has an engine."""

from __future__ import annotations

from aurora.store.journal import StateReader

TASK = {"kind": "route_task", "task_type": "property_matching"}


def test_a_whole_tenant_is_ready(service):
    with service.client(None) as client:
        reply = client.get("/readyz")
    assert reply.status_code == 200
    assert {one["part"]: one["is_ready"] for one in reply.json()["parts"]} == {
        "lake": True,
        "journal": True,
        "engine": True,
    }


def test_readiness_leaves_no_record(service, client):
    with StateReader(service.tenants["demo"]) as state:
        before = state.last_seq()
        assert client.get("/readyz").status_code == 200
        assert state.last_seq() == before


def test_a_tenant_without_a_lake_is_alive_and_not_ready(serve_tenant):
    bare = serve_tenant(with_lake=False)
    with bare.client(bare.key()) as client:
        assert client.get("/livez").status_code == 200
        refused = client.get("/readyz")
        assert refused.status_code == 503
        assert refused.json()["type"] == "/problems/not-ready"
        assert refused.json()["errors"][0]["part"] == "lake"
        assert refused.headers["retry-after"] == "1"
        assert client.post("/api/v1/decisions", json=TASK).status_code == 201
        assert client.get("/healthz").json()["status"] == "not_ready"
        why = next(one for one in client.get("/healthz?verbose").json()["parts"] if one["part"] == "lake")
        assert "has not been made yet" in why["detail"]
        assert client.get("/api/v1/status").json()["lake"] == {"raw_snapshot_id": None, "mart_snapshot_id": None}


def test_reasons_are_for_those_who_hold_a_key(serve_tenant):
    bare = serve_tenant(with_lake=False)
    with bare.client(None) as stranger:
        assert "demo" not in stranger.get("/readyz").text
        assert {one["detail"] for one in stranger.get("/healthz").json()["parts"]} == {""}
        assert stranger.get("/healthz?verbose").status_code == 401


def test_without_a_pack_nothing_is_decided_and_everything_says_why(serve_tenant, tmp_path):
    service = serve_tenant(packs_dir=tmp_path)
    with service.client(service.key()) as client:
        assert client.get("/readyz").json()["errors"][0]["part"] == "engine"
        for reply in (client.post("/api/v1/decisions", json=TASK), client.get("/api/v1/assistants")):
            assert reply.status_code == 503
            assert "aurora build" in reply.json()["next_step"]
        status = client.get("/api/v1/status").json()["engine"]
        assert status["is_ready"] is False
        assert "real_estate" in status["error"]


def test_without_a_tenant_nothing_is_ready(serve_tenant):
    with serve_tenant(names=()).client(None) as client:
        assert client.get("/livez").status_code == 200
        assert client.get("/readyz").status_code == 503
