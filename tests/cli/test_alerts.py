"""`aurora alert`: run, list, label, ack, mute, rules, digest, test."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from aurora.store.lake import create_lake
from aurora.store.paths import TenantPaths, create_tenant
from tests.alerts.conftest import put

OWN = """
parameters: {budget_month: {budget_usd: 100}}
channels:
  - {name: drop, kind: file, tiers: [page, digest]}
  - {name: hook, kind: webhook, url: "http://127.0.0.1:9/", secret: env:ALERT_NONE}
"""


@pytest.fixture
def tenant(aurora, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TenantPaths:
    """A company that has spent 120 USD this month, of a budget of 100."""
    assert aurora
    monkeypatch.setenv("AURORA_DATA_DIR", str(tmp_path / "data"))
    paths = create_tenant(tmp_path / "data", "demo", "ae-dubai")
    create_lake(paths)
    day = dt.datetime.now(dt.UTC).date().replace(day=1)
    put(
        paths,
        "cost_daily",
        f"SELECT DATE '{day}' AS period_date, 'clara' AS assistant_id, 'a' AS model_name, 120 AS cost_usd",
    )
    (paths.directory / "alerts.yaml").write_text(OWN, encoding="utf-8")
    return paths


def test_rules_are_judged_and_alerts_go_out_once(aurora, tenant: TenantPaths):
    ran = aurora("alert", "run", "--no-deliver", "--json").json()
    assert (ran["raised"], ran["deliveries"]) == (4, [])
    assert aurora("alert", "run", "--json").json()["deliveries"][0]["is_delivered"]
    assert "0 raised" in aurora("alert", "run").out
    assert "drop took 3 alerts" in aurora("alert", "digest").out
    assert "Nothing to send." in aurora("alert", "digest").out
    assert len(list((tenant.directory / "outbox" / "drop").glob("*.json"))) == 2
    (page,) = aurora("alert", "list", "--tier", "page", "--json").json()["alerts"]
    assert page["summary"].startswith("120% of the month's budget is spent: 120.00 of 100.00 USD since")
    assert page["cause"] == "assistant clara (100%)"


@pytest.mark.usefixtures("tenant")
def test_a_person_labels_acknowledges_and_mutes(aurora):
    aurora("alert", "run", "--no-deliver")
    (page,) = aurora("alert", "list", "--tier", "page", "--json").json()["alerts"]
    assert (
        aurora("alert", "label", page["alert_id"], "relevant", "--actor", "amal", "--json").json()["actor_id"] == "amal"
    )
    assert aurora("alert", "ack", page["alert_id"]).code == 0
    (known,) = aurora("alert", "list", "--state", "acknowledged", "--json").json()["alerts"]
    assert (known["alert_label"], known["actor_id"]) == ("relevant", "cli")
    assert aurora("alert", "mute", "budget_month", "--because", "Agreed with finance", "--hours", "2").code == 0
    rules = {one["rule_id"]: one for one in aurora("alert", "rules", "--json").json()["rules"]}
    assert (rules["budget_month"]["relevant_count"], rules["budget_month"]["muted_because"]) == (
        1,
        "Agreed with finance",
    )
    assert aurora("alert", "mute", "nothing", "--because", "No such thing").code == 5
    assert aurora("alert", "label", "alr_none", "noise").code == 5


@pytest.mark.usefixtures("tenant")
def test_a_channel_is_tried(aurora):
    assert "took the test message" in aurora("alert", "test", "drop").out
    assert "ALERT_NONE holds nothing" in aurora("alert", "test", "hook").err
    assert "drop, hook" in aurora("alert", "test", "none").err
