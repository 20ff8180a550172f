"""Alerts over HTTP: listed, labelled, acknowledged, muted, and rules by their labels."""

from __future__ import annotations

import datetime as dt

import pytest

from aurora.alerts.book import read_book
from aurora.alerts.raising import raise_alerts
from aurora.alerts.rules import load_alert_rules
from aurora.settings import Settings
from aurora.store.state import StateStore
from tests.alerts.conftest import found

NOW = dt.datetime.now(dt.UTC)
ROUTES = [
    ("GET", "/api/v1/alerts", "read"),
    ("GET", "/api/v1/alerts/rules", "read"),
    ("POST", "/api/v1/alerts/alr_1:label", "command:write"),
    ("POST", "/api/v1/alerts/alr_1:acknowledge", "command:write"),
    ("POST", "/api/v1/alerts:mute", "command:write"),
]


@pytest.fixture
def alert_id(service) -> str:
    """An open alert of demo, the same for every test."""
    (rule,) = [one for one in load_alert_rules(Settings().packs_dir, "real_estate") if one.rule_id == "uptime_slo"]
    with StateStore.open(service.tenants["demo"], clock=lambda: NOW) as store:
        raise_alerts(store, found(rule, "clara"), now=NOW)
        return read_book(store).open()[0].alert_id


def test_an_alert_is_listed_labelled_acknowledged_and_its_rule_muted(client, service, alert_id):
    listed = client.get("/api/v1/alerts", params={"rule_id": "uptime_slo"}).json()["alerts"]
    assert [(one["alert_id"], one["cause"]) for one in listed] == [(alert_id, "model a (80%)")]
    assert client.post(f"/api/v1/alerts/{alert_id}:label", json={"label": "noise"}).json()["alert_label"] == "noise"
    assert client.post(f"/api/v1/alerts/{alert_id}:label", json={"label": "maybe"}).status_code == 422
    assert client.post(f"/api/v1/alerts/{alert_id}:acknowledge").json()["acknowledged_at"] is not None
    assert client.get("/api/v1/alerts").json()["alerts"] == []
    assert client.post("/api/v1/alerts/alr_none:acknowledge").status_code == 404
    muted = client.post("/api/v1/alerts:mute", json={"target": "uptime_slo", "reason": "Maintenance"})
    assert muted.json()["is_lifted"] is False
    rules = {one["rule_id"]: one for one in client.get("/api/v1/alerts/rules").json()["rules"]}
    assert (rules["uptime_slo"]["labelled_count"], rules["uptime_slo"]["muted_because"]) == (1, "Maintenance")
    with service.client(service.key(tenant="rival")) as rival:
        assert rival.get("/api/v1/alerts", params={"state": "all"}).json()["alerts"] == []


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
def test_each_route_asks_for_its_scope(service, method: str, path: str, scope: str):
    with service.client(service.key("decide" if scope == "read" else "read")) as caller:
        assert caller.request(method, path, json={}).status_code == 403
    with service.client(None) as stranger:
        assert stranger.request(method, path, json={}).status_code == 401
