"""The command line: answers on standard output, errors with the next step, exit codes that mean something."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest

KYC = '{"kind": "route_task", "task_type": "kyc_check", "privacy_class": "sensitive", "compliance_levels": ["uae_aml"]}'
HEAVY = {"mlflow", "sklearn", "dbt", "dagster", "lancedb", "pandera", "streamlit", "fastapi", "polars", "duckdb"}


def test_help_lists_every_command_with_a_line(aurora):
    ran = aurora("--help")
    assert ran.code == 0
    for command in (
        "up",
        "demo",
        "ingest",
        "build",
        "decide",
        "decision",
        "audit",
        "contract",
        "doctor",
        "status",
        "bench",
    ):
        assert f"\n  {command} " in ran.out


def test_help_imports_nothing_heavy():
    code = "import sys; from apps import cli; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not HEAVY & {name.partition(".")[0] for name in loaded.split()}


def test_an_unknown_command_is_a_usage_error(aurora):
    assert aurora("decode").code == 2


# decisions ------------------------------------------------------------------------------------


def test_a_decision_is_made_shown_changed_and_verified(aurora):
    decided = aurora("decide", KYC, "--json")
    assert decided.code == 0
    decision = decided.json()
    assert decision["status"] == "chosen"
    assert decision["action"] in {"theodora", "laila", "amira"}
    assert len(decision["candidates"]) == 16

    changed = aurora(
        "decision", "override", decision["decision_id"], "human", "--reason", "The client asked.", "--json"
    )
    assert changed.code == 0
    shown = aurora("decision", "show", decision["decision_id"], "--json").json()
    assert [event["action"] for event in shown["followed_by"]] == ["human"]
    assert "human, because The client asked." in aurora("decision", "show", decision["decision_id"]).out

    verified = aurora("audit", "verify", "--json")
    assert verified.code == 0
    assert verified.json()["is_valid"] is True


def test_a_decision_is_read_from_standard_input(aurora, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(KYC))
    assert aurora("decide", "-", "--json").json()["kind"] == "route_task"


def test_ids_are_not_cut_off_in_a_pipe(aurora):
    decision_id = aurora("decide", KYC, "--json").json()["decision_id"]
    assert decision_id in aurora("decision", "list").out


def test_what_a_rule_forbids_cannot_be_chosen_by_a_person_either(aurora):
    request = '{"kind": "route_llm", "prompt": "Is this passport real?", "privacy_class": "sensitive"}'
    decision = aurora("decide", request, "--json").json()
    forbidden = next(
        c["candidate_id"]
        for c in decision["candidates"]
        if any(veto["source"] == "rule" for veto in c.get("vetoes", []))
    )
    ran = aurora("decision", "override", decision["decision_id"], forbidden, "--reason", "I like it.")
    assert ran.code == 4
    assert "forbids" in ran.err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("decide", '{"kind": "guess"}'), 3, "$.kind"),
        (("decide", "{"), 3, "request"),
        (("decide", '{"kind": "route_task", "task_type": "kyc_check", "policy": "coin"}'), 2, "policy"),
        (("decide", KYC, "--tenant", "nobody"), 5, "There is no tenant named 'nobody'"),
        (("decide", KYC, "--tenant", "../demo"), 2, "plain name"),
        (("decision", "show", "dec_0"), 5, "decision_id"),
        (("decision", "override", "dec_0", "human", "--reason", "no"), 3, "reason"),
        (("decision", "list", "--limit", "0"), 2, "limit"),
        (("contract", "show", "usages"), 5, "aurora contract list"),
        (("bench", "speed"), 5, "There are:"),
        (("key", "create", "clara", "--scope", "rule"), 2, "scope"),
        (("key", "revoke", "demo.000000000000"), 5, "aurora key list"),
    ],
)
def test_errors_have_a_code_a_name_and_a_next_step(aurora, arguments, code, says):
    ran = aurora(*arguments)
    assert (ran.code, ran.out) == (code, "")
    assert says in ran.err


def test_an_error_is_json_where_json_was_asked_for(aurora):
    ran = aurora("decision", "show", "dec_0", "--json")
    problem = json.loads(ran.err)
    assert (ran.code, problem["error"], problem["field"]) == (5, "not-found", "decision_id")
    assert problem["next_step"]


# contracts, keys, machine ---------------------------------------------------------------------


def test_contracts_are_listed_and_shown(aurora):
    names = [row["contract"] for row in aurora("contract", "list", "--json").json()]
    assert {"usage", "conversation", "price", "assistant", "task", "decision", "outcome"} <= set(names)
    assert "input_tokens" in aurora("contract", "show", "usage").out
    assert aurora("contract", "show", "usage", "--json").json()["properties"]["input_tokens"]["minimum"] == 0


def test_a_key_is_shown_once_and_can_be_ended(aurora):
    made = aurora("key", "create", "clara", "--label", "for tests", "--json").json()
    assert made["scopes"] == ["decide", "outcome", "read"]
    listed = aurora("key", "list")
    assert made["prefix"] in listed.out
    assert made["key"] not in listed.out
    granted = aurora("key", "grant", made["prefix"], "--scope", "finance:read", "--json").json()
    assert granted["scopes"] == ["decide", "finance:read", "outcome", "read"]
    assert len(aurora("key", "grant", made["prefix"], "--all", "--json").json()["scopes"]) > 10
    assert aurora("key", "grant", made["prefix"]).code == 2
    assert aurora("key", "revoke", made["prefix"]).code == 0
    row = next(row for row in aurora("key", "list", "--json").json() if row["prefix"] == made["prefix"])
    assert row["revoked_at"]


def test_status_counts_what_the_lake_holds(aurora):
    (row,) = aurora("status", "--json").json()
    assert row["tenant"] == "demo"
    assert row["rows_in"] == row["landed"] + row["quarantined"] + row["duplicates"]
    assert "raw snapshot" in aurora("status").out


def test_status_without_a_tenant_says_how_to_make_one(aurora, monkeypatch, tmp_path):
    monkeypatch.setenv("AURORA_DATA_DIR", str(tmp_path))
    assert "make run" in aurora("status").out


def test_doctor_finds_nothing_and_then_a_key_file_that_others_can_read(aurora, made):
    findings = {row["check"]: row for row in aurora("doctor", "--json").json()}
    assert findings["duckdb extensions"]["ok"]
    assert findings["tenant demo"]["ok"]
    key = made / "tenants" / "demo" / "owner.key"
    key.chmod(0o644)
    try:
        ran = aurora("doctor")
    finally:
        key.chmod(0o600)
    assert ran.code == 6
    assert "chmod 600 owner.key" in ran.out


@pytest.mark.parametrize(
    ("name", "value", "says"), [("AURORA_PORT", "many", "port"), ("AURORA_PORTS", "1", "AURORA_PORTS")]
)
def test_a_setting_that_does_not_fit_is_named(aurora, monkeypatch, name, value, says):
    monkeypatch.setenv(name, value)
    ran = aurora("status")
    assert ran.code == 2
    assert says in ran.err


def test_maintenance_reports_what_it_did(aurora):
    counts = aurora("maintain", "--json").json()
    assert counts["raw_snapshots_expired"] == 0
    assert {"mart_files_merged", "spills_deleted"} <= set(counts)


def test_benches_are_listed(aurora):
    assert {"ingest", "incremental", "decide", "api", "cold"} <= set(aurora("bench", "list", "--json").json())
