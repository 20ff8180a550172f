"""What mends findings, over HTTP: remedies, holds, judgements, rules tried on history, breaches."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
import yaml

from aurora.settings import Settings
from tests.compliance.conftest import fill

NOW = dt.datetime.now(dt.UTC)
BASE = "/api/v1/compliance"


@pytest.fixture(scope="module")
def deals(service) -> None:
    """A deal without the developer's word, and data that left the country."""
    stamp = {"updated_at": NOW - dt.timedelta(days=2), "source": "desk", "is_sample": False}
    deal = {"deal_id": "D-8", "deal_stage": "transfer", "noc_id": None, **stamp}
    transfer = {"transfer_id": "t-b", "occurred_at": NOW - dt.timedelta(hours=5), "data_label": "pii.id",
                "subject_region": "ae-dubai", "dest_region": "af-south", "dest_country": "ZW", "source": "desk"}  # fmt: skip
    fill(service.tenants["demo"], {"deal": pl.DataFrame([deal]), "transfer": pl.DataFrame([transfer])})


@pytest.mark.usefixtures("deals")
def test_a_remedy_is_carried_out_consulted_and_ended_by_a_person(client):
    done = client.post(f"{BASE}/rules/DLD-007:enforce", json={"dry_run": False}).json()
    assert done["remedies"] == {"done": 1}
    page = client.get(f"{BASE}/remedies", params={"rule_id": "dld-007", "state": "all"}).json()
    assert [(one["act"], one["remedy_state"], one["about_id"]) for one in page["remedies"]] == [("hold", "done", "D-8")]
    assert page["counts"]["done"] >= 1
    asked = {"record": "deal", "values": {"deal_id": "D-8", "deal_stage": "transfer", "noc_id": "N-1"}}
    answer = client.post(f"{BASE}/evaluate", json=asked).json()
    assert (answer["may_act"], [one["rule_id"] for one in answer["holds"] if one["rule_id"] != "RERA-005"]) == (
        False,
        ["DLD-007"],
    )
    (hold,) = [one for one in client.get(f"{BASE}/holds").json()["holds"] if one["rule_id"] == "DLD-007"]
    released = client.post(f"{BASE}/holds/{hold['hold_id']}:release", json={"note": "It came."})
    assert released.json()["release_note"] == "It came."
    assert client.post(f"{BASE}/holds/{hold['hold_id']}:release", json={"note": "again"}).status_code == 409
    assert "DLD-007" not in {one["rule_id"] for one in client.post(f"{BASE}/evaluate", json=asked).json()["holds"]}
    every = client.get(f"{BASE}/holds", params={"is_active": False}).json()["holds"]
    assert [one["released_by"] is not None for one in every if one["rule_id"] == "DLD-007"] == [True]
    missing = client.post(f"{BASE}/remedies/rem-none.task:complete", json={"note": "done so"})
    assert missing.status_code == 404


@pytest.mark.usefixtures("deals")
def test_a_person_judges_a_finding_and_the_rate_follows(client):
    client.post(f"{BASE}/rules/RERA-005:enforce", json={"dry_run": False})
    listed = client.get(f"{BASE}/findings", params={"rule_id": "RERA-005"}).json()["findings"]
    (found,) = [one for one in listed if one["about_id"] == "D-8"]
    assert found["remedies"][0]["act"] == "hold"
    path = f"{BASE}/findings/{found['finding_id']}:judge"
    assert client.post(path, json={"judged_as": "nonsense", "note": "what"}).status_code == 422
    said = client.post(path, json={"judged_as": "false_positive", "note": "paper file"}).json()
    assert (said["finding_state"], said["note"]) == ("false_positive", "paper file")
    rates = {one["rule_id"]: one for one in client.get(f"{BASE}/posture").json()["false_positives"]}
    assert (rates["RERA-005"]["false_positive_share"], rates["RERA-005"]["judged_count"]) == (1.0, 1)
    client.post(path, json={"judged_as": "open", "note": "it was not"})
    assert "RERA-005" not in {one["rule_id"] for one in client.get(f"{BASE}/findings").json()["false_positives"]}
    assert client.post(f"{BASE}/findings/fnd-none:judge", json={"judged_as": "open", "note": "what"}).status_code == 404


@pytest.mark.usefixtures("deals")
def test_a_rule_is_tried_on_history_without_being_in_force(client):
    file = Settings().packs_dir / "_rules" / "dld" / "dld_007.yaml"
    rule = yaml.safe_load(file.read_text(encoding="utf-8")) | {"version": 2, "violates_when": "deal_stage = 'closed'"}
    rule["effective_from"] = rule["effective_from"].isoformat()
    rule["examples"] = [{"expect": "fail", "given": {"deal_stage": "closed"}},
                        {"expect": "pass", "given": {"deal_stage": "transfer"}}]  # fmt: skip
    tried = client.post(f"{BASE}/rules:backtest", json={"rule": rule}).json()
    assert (tried["is_in_force"], tried["lost_count"], tried["rules"][0]["lost"]) == (False, 1, ["desk D-8"])
    assert client.get(f"{BASE}/rules").json()["rules_version"] == 0
    assert client.post(f"{BASE}/rules:backtest", json={}).status_code == 400
    assert client.post(f"{BASE}/rules:backtest", json={"rule": rule | {"version": 1}}).status_code == 422


@pytest.mark.usefixtures("deals")
def test_a_breach_is_taken_step_by_step(client, service):
    from aurora.compliance.breach_detection import detect_breaches
    from aurora.compliance.breach_rules import breach_rules
    from aurora.compliance.rulebook import load_rulebook, rules_folder
    from aurora.store.state import StateStore

    client.post(f"{BASE}/rules/RES-001:enforce", json={"dry_run": False})
    packs, paths = Settings().packs_dir, service.tenants["demo"]
    with StateStore.open(paths, clock=lambda: NOW) as store:
        detect_breaches(
            paths, store, breach_rules(rules_folder(packs), load_rulebook(packs)), now=dt.datetime.now(dt.UTC)
        )
    listed = client.get(f"{BASE}/breaches").json()["breaches"]
    (case,) = [one for one in listed if one["about_id"] == "t-b"]
    path = f"{BASE}/breaches/{case['breach_id']}"
    assert client.get(path).json()["duties"][0]["title"] == "UAE Data Office"
    early = client.post(f"{path}:step", json={"step": "closed", "note": "over"})
    assert early.status_code == 409
    assessed = {"step": "assessed", "is_personal_breach": True, "is_high_risk": False, "note": "one mailbox"}
    assert client.post(f"{path}:step", json=assessed).json()["breach_state"] == "assessed"
    told = {"step": "authority_notified", "authority": "ae_data_office", "note": "portal", "reference": "N-1"}
    assert client.post(f"{path}:step", json=told).json()["steps"][-1]["reference"] == "N-1"
    assert client.post(f"{path}:step", json={"step": "closed", "note": "over"}).json()["breach_state"] == "closed"
    assert case["breach_id"] not in {one["breach_id"] for one in client.get(f"{BASE}/breaches").json()["breaches"]}
    assert client.get(f"{BASE}/breaches/brc-none").status_code == 404
