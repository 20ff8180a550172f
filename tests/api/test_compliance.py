"""Rules over HTTP: what binds the tenant, verdicts before an act, findings, posture, enforcement."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from aurora.store.journal import StateReader
from tests.compliance.conftest import fill

NOW = dt.datetime.now(dt.UTC)
RULE = "/api/v1/compliance/rules/SOC2-006"
ROUTES = [
    ("GET", "/api/v1/compliance/rules", "read"),
    ("GET", RULE, "read"),
    ("GET", "/api/v1/compliance/findings", "read"),
    ("GET", "/api/v1/compliance/posture", "read"),
    ("POST", "/api/v1/compliance/evaluate", "read"),
    ("POST", f"{RULE}:enforce", "command:write"),
]


@pytest.fixture(scope="module")
def incidents(service) -> None:
    """Two closed incidents, one without a post-mortem."""
    rows = [
        {
            "incident_id": f"in-{number}",
            "incident_kind": "outage",
            "severity": "high",
            "is_personal_breach": False,
            "detected_at": NOW - dt.timedelta(days=3),
            "closed_at": NOW - dt.timedelta(days=2),
            "postmortem_id": None if number else "pm-1",
            "updated_at": NOW - dt.timedelta(days=2),
            "source": "pager",
        }
        for number in range(2)
    ]
    fill(service.tenants["demo"], {"incident": pl.DataFrame(rows)})


def test_rules_are_listed_with_source_clock_and_what_is_to_be_verified(client):
    rules = {one["rule_id"]: one for one in client.get("/api/v1/compliance/rules").json()["rules"]}
    assert len(rules) == 144
    assert rules["AML-002"]["clock_kind"] == "calendar_days"
    assert rules["AML-013"]["must_be_verified"]
    assert client.get("/api/v1/compliance/rules", params={"pack": "dld"}).json()["rules"][0]["rule_id"] == "DLD-001"
    assert client.get("/api/v1/compliance/rules/aml-002").json()["acts"] == ["report_draft", "task"]
    assert client.get("/api/v1/compliance/rules/AML-999").status_code == 404


def test_a_record_is_judged_before_an_act(client):
    values = {
        "message_kind": "marketing",
        "has_opted_out": True,
        "has_objected_to_processing": False,
        "has_str_mention": False,
    }
    asked = {"record": "message", "values": values}
    answer = client.post("/api/v1/compliance/evaluate", json=asked).json()
    verdicts = {one["rule_id"]: one["verdict"] for one in answer["verdicts"]}
    assert verdicts == {"AML-008": "pass", "GDPR-009": "pass", "PDPL-010": "fail"}
    assert not answer["may_act"]
    del values["has_opted_out"]
    unsure = client.post("/api/v1/compliance/evaluate", json=asked).json()
    assert not unsure["may_act"]
    assert [one["unknown_fields"] for one in unsure["verdicts"] if one["verdict"] == "unknown"] == [["has_opted_out"]]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"record": "message", "values": {"message_knid": "x"}}, 422),
        ({"record": "message", "values": {"has_str_mention": "yes"}}, 422),
        ({"record": "spaceship", "values": {}}, 404),
        ({"record": "message"}, 422),
    ],
)
def test_a_record_that_does_not_fit_is_refused(client, body: dict, status: int):
    assert client.post("/api/v1/compliance/evaluate", json=body).status_code == status


@pytest.mark.usefixtures("incidents")
def test_enforcing_is_dry_unless_it_is_said_and_then_findings_and_posture_follow(client, service):
    dry = client.post(f"{RULE}:enforce", json={}).json()
    assert (dry["is_dry_run"], dry["judged_count"], dry["broken_count"], dry["opened_count"]) == (True, 2, 1, 1)
    assert client.get("/api/v1/compliance/findings", params={"rule_id": "SOC2-006"}).json()["findings"] == []
    done = client.post(f"{RULE}:enforce", json={"dry_run": False}).json()
    assert (done["requested_count"], done["findings"][0]["about_id"]) == (1, "in-1")
    (found,) = client.get("/api/v1/compliance/findings", params={"rule_id": "SOC2-006"}).json()["findings"]
    assert found["evidence"]["postmortem_id"] is None
    regimes = {one["regime"]: one for one in client.get("/api/v1/compliance/posture").json()["regimes"]}
    assert regimes["soc2"]["posture"] == "pending_review"
    assert regimes["soc2"]["open_count"] == 1
    with StateReader(service.tenants["demo"]) as state:
        asked = [entry.subject_id for entry in state.page("remediation", limit=1000)]
    assert asked.count(found["finding_id"]) == 1


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
def test_each_route_asks_for_its_scope(service, method: str, path: str, scope: str):
    others = "decide" if scope == "read" else "read"
    with service.client(service.key(others)) as caller:
        assert caller.request(method, path, json={}).status_code == 403
    with service.client(None) as stranger:
        assert stranger.request(method, path, json={}).status_code == 401
