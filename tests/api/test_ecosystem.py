"""The whole state in the plan's shape, from memory, with its formulas."""

from __future__ import annotations

import datetime as dt
import json

from aurora.assistants.ecosystem_facts import read_facts
from aurora.compliance.findings import record_sweep
from aurora.compliance.rulebook import load_rulebook
from aurora.compliance.sweep import sweep
from aurora.ingest.push import recover_spool
from aurora.ingest.spool import About, SpooledBody, new_spool_id
from aurora.settings import Settings
from aurora.store.connection import latest_snapshot
from aurora.store.lake import create_lake, read_lake
from aurora.store.paths import create_tenant

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
AT = "2026-11-21T10:00:00Z"
PLAN = {
    "assistants": {"byId", "dependencies", "communicationMatrix"},
    "ecosystemMetrics": {"overallHealth", "crossAssistantSuccessRate", "costEfficiency"},
}


def land(paths, contract: str, *rows: dict) -> None:
    body = SpooledBody(paths, About(spool_id=new_spool_id("t"), suffix=".ndjson", source="theodora", contract=contract))
    body.write(b"".join(json.dumps(row).encode() + b"\n" for row in rows))
    body.finish()
    body.let_go()
    (report,) = recover_spool(paths, clock=lambda: NOW)
    assert report.quarantined == 0, report


def posture(number: int, regime: str, said: str, at: str = AT) -> dict:
    return {
        "compliance_status_id": f"{number}-{regime}",
        "assistant_id": "theodora",
        "regime": regime,
        "posture": said,
        "updated_at": at,
    }


def task(number: int, *, cost: str, is_success: bool) -> dict:
    return {
        "task_id": f"t-{number}",
        "assistant_id": "clara",
        "task_type": "kyc_check",
        "task_state": "completed",
        "submitted_at": AT,
        "completed_at": AT,
        "updated_at": AT,
        "cost_usd": cost,
        "is_success": is_success,
    }


def test_it_has_the_plans_keys_and_its_formulas(client) -> None:
    found = client.get("/api/aurora/ecosystem-health").json()
    plan = {"activeWorkflows", "workflowHistory", "complianceStatus", "securityAlerts"}
    assert plan | set(PLAN) <= set(found)
    for name, keys in PLAN.items():
        assert set(found[name]) == keys
    assert {"status", "performance", "lastPing"} <= set(found["assistants"]["byId"]["clara"])
    assert len(found["assistants"]["byId"]) == 16
    assert "mary" in found["assistants"]["communicationMatrix"]["clara"]
    assert found["complianceStatus"].keys() >= {"dld", "rera", "aml"}
    assert set(found["formulas"]) >= {"overallHealth", "crossAssistantSuccessRate", "costEfficiency", "performance"}
    assert found["ecosystemMetrics"]["overallHealth"] is None
    other = client.get("/api/v1/ecosystem").json()
    assert other["assistants"] == found["assistants"]


def test_facts_come_from_the_newest_states(tmp_path) -> None:
    own = create_tenant(tmp_path, "demo", "ae-dubai")
    create_lake(own)
    book = load_rulebook(Settings().packs_dir).for_industry("real_estate")
    land(own, "compliance_status", posture(1, "rera", "compliant"), posture(2, "uae_aml", "pending_review"))
    land(own, "compliance_status", posture(3, "rera", "non_compliant", "2026-11-21T11:00:00Z"))
    land(
        own,
        "task",
        task(1, cost="3.00", is_success=True),
        task(2, cost="1.00", is_success=False),
    )
    case = {"case_id": "c-1", "workflow_id": "offer_to_contract", "started_at": AT, "is_error": False}
    land(own, "workflow_case", {**case, "case_state": "open", "updated_at": AT})
    assert [one.case_id for one in read_facts(own, rulebook=book, now=NOW).active_workflows] == ["c-1"]
    ended = {"case_state": "completed", "ended_at": "2026-11-21T11:00:00Z", "updated_at": "2026-11-21T11:00:00Z"}
    land(own, "workflow_case", {**case, **ended})
    alert = {"alert_id": "a-1", "severity": "high", "summary": "A key was used from two places.", "raised_at": AT}
    land(own, "alert", {**alert, "alert_kind": "security_access", "updated_at": AT})
    facts = read_facts(own, rulebook=book, now=NOW)
    assert facts.active_workflows == []
    assert [one.case_id for one in facts.workflow_history] == ["c-1"]
    said = {regime: status.posture for regime, status in facts.compliance.items()}
    assert said == {"dld": "unknown", "rera": "non_compliant", "aml": "pending_review"}
    assert facts.compliance["rera"].source == "theodora"
    assert facts.good_cost_share == 0.75
    assert facts.success_share is None
    assert [one.alert_id for one in facts.alerts] == ["a-1"]
    assert facts.snapshot_id == latest_snapshot(own, "raw")


def test_what_aurora_derives_counts_beside_what_assistants_say(tmp_path) -> None:
    own = create_tenant(tmp_path, "demo", "ae-dubai")
    create_lake(own)
    book = load_rulebook(Settings().packs_dir).for_industry("real_estate")
    land(own, "compliance_status", posture(1, "aml", "compliant"), posture(2, "rera", "compliant"))
    suspicion = {"suspicion_id": "s-1", "suspicion_status": "confirmed", "party_id": "p-1", "found_at": AT}
    land(own, "suspicion", {**suspicion, "updated_at": AT})
    with read_lake(own) as lake:
        swept = sweep(book, lake, now=NOW)
    record_sweep(own, swept)
    found = read_facts(own, rulebook=book, now=NOW).compliance
    assert (found["aml"].posture, found["aml"].source, found["aml"].assistant_id) == ("non_compliant", "aurora", None)
    assert (found["rera"].posture, found["rera"].source) == ("compliant", "theodora")


def test_it_is_answered_from_memory(client) -> None:
    first = client.get("/api/v1/ecosystem").json()["source"]
    again = client.get("/api/v1/ecosystem").json()["source"]
    assert again["readAt"] == first["readAt"]
