"""Deciding, reporting outcomes, overriding and reading, over HTTP."""

from __future__ import annotations

import httpx
import pytest

TASK = {"kind": "route_task", "task_type": "property_matching"}
PROMPT = {"kind": "route_llm", "prompt": "What is the title deed fee in Dubai?"}


def decide(client: httpx.Client, **changed: object) -> dict:
    reply = client.post("/api/v1/decisions", json=TASK | changed)
    assert reply.status_code == 201, reply.text
    return reply.json()


def test_a_task_goes_to_an_assistant_that_may_take_it(client):
    reply = client.post("/api/v1/decisions", json=TASK)
    decision = reply.json()
    assert reply.status_code == 201
    assert decision["status"] == "chosen"
    chosen = next(one for one in decision["candidates"] if one["candidate_id"] == decision["action"])
    assert chosen["is_eligible"]
    assert len(decision["candidates"]) == 16
    assert reply.headers["location"] == f"/api/v1/decisions/{decision['decision_id']}"
    assert reply.headers["server-timing"].startswith("decide;dur=")
    assert reply.headers["ratelimit"].startswith('"key";r=')


def test_without_a_trained_router_the_packs_priors_choose_a_language_model(client):
    decision = client.post("/api/v1/decisions", json=PROMPT).json()
    assert decision["status"] == "chosen"
    assert decision["bundle_hash"] is None
    assert decision["reason"].startswith("No trained router is published")


def test_a_decision_is_read_with_what_followed_it(client):
    decision = decide(client)
    where = f"/api/v1/decisions/{decision['decision_id']}"
    outcome = client.post(f"{where}/outcomes", json={"is_success": True, "cost_usd": "0.012", "quality": 0.9})
    override = client.post(f"{where}/overrides", json={"action": "human", "reason": "The client asked for one."})
    assert (outcome.status_code, override.status_code) == (201, 201)
    history = client.get(where).json()
    assert history["decision"] == decision
    assert history["outcomes"] == [outcome.json()]
    assert history["overrides"] == [override.json()]
    assert history["journal_seq"] >= 1


def test_what_a_rule_forbids_cannot_be_overridden_into(client):
    decision = decide(client, privacy_class="sensitive")
    forbidden = next(
        one["candidate_id"]
        for one in decision["candidates"]
        if any(veto["source"] == "rule" for veto in one.get("vetoes", []))
    )
    reply = client.post(
        f"/api/v1/decisions/{decision['decision_id']}/overrides", json={"action": forbidden, "reason": "I want it."}
    )
    problem = reply.json()
    assert reply.status_code == 403
    assert problem["type"] == "/problems/compliance-violation"
    assert problem["errors"][0]["pointer"] == "/action"
    assert problem["errors"][0]["rule"] in decision["rules_checked"]


def test_an_override_to_somebody_who_was_no_candidate_is_refused(client):
    where = f"/api/v1/decisions/{decide(client)['decision_id']}/overrides"
    reply = client.post(where, json={"action": "nobody", "reason": "Because."})
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["pointer"] == "/action"


@pytest.mark.parametrize("path", ["", "/outcomes", "/overrides"])
def test_what_does_not_exist_is_not_found(client, path):
    bodies = {"/outcomes": {"is_success": True}, "/overrides": {"action": "human", "reason": "Because."}}
    method = "POST" if path else "GET"
    reply = client.request(method, f"/api/v1/decisions/dec_nothing{path}", json=bodies.get(path))
    assert reply.status_code == 404
    assert reply.json()["errors"][0]["parameter"] == "decision_id"


@pytest.mark.parametrize("path", ["", "/outcomes", "/overrides"])
def test_another_tenants_decision_does_not_exist(service, client, path):
    decision_id = decide(client)["decision_id"]
    bodies = {"/outcomes": {"is_success": True}, "/overrides": {"action": "human", "reason": "Because."}}
    with service.client(service.key(tenant="rival")) as rival:
        method = "POST" if path else "GET"
        reply = rival.request(method, f"/api/v1/decisions/{decision_id}{path}", json=bodies.get(path))
        assert reply.status_code == 404
        assert rival.get(f"/api/v1/audit/proof/{decision_id}").status_code == 404
        assert decision_id not in rival.get("/api/v1/decisions").text


def test_the_list_is_newest_first_and_a_page_is_not_shifted_by_new_decisions(service):
    with service.client(service.key(actor="lister")) as client:
        made = [decide(client)["decision_id"] for _ in range(5)]
        first = client.get("/api/v1/decisions", params={"limit": 2}).json()
        decide(client)
        second = client.get("/api/v1/decisions", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    listed = [one["decision_id"] for page in (first, second) for one in page["decisions"]]
    assert listed == made[:0:-1]


def test_the_list_is_filtered_by_kind_and_status(client):
    decide(client, candidates=["nobody"])
    client.post("/api/v1/decisions", json=PROMPT)
    for name, value in (("kind", "route_llm"), ("kind", "route_task"), ("status", "abstained"), ("status", "chosen")):
        found = client.get("/api/v1/decisions", params={name: value, "limit": 200}).json()["decisions"]
        assert {one[name] for one in found} == {value}


def test_the_last_page_has_no_cursor(service):
    with service.client(service.key(tenant="rival")) as rival:
        rival.post("/api/v1/decisions", json=TASK)
        pages, cursor = 0, None
        while pages == 0 or cursor is not None:
            page = rival.get("/api/v1/decisions", params={"limit": 1} | ({"cursor": cursor} if cursor else {})).json()
            cursor, pages = page["next_cursor"], pages + 1
            assert pages < 1000
    assert pages >= 2


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("cursor=bm8", "cursor"),
        ("kind=x", "kind"),
        ("surprise=1", "surprise"),
    ],
)
def test_a_query_that_does_not_fit_names_the_parameter(client, query, name):
    reply = client.get(f"/api/v1/decisions?{query}")
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["parameter"] == name
    assert reply.json()["next_step"]
