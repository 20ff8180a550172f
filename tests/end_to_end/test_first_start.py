"""From samples to a decision on the owner's screen: the README's story, with the real parts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from aurora.catalogue.kpi_files import read_kpis
from aurora.store.lake import read_lake
from aurora.store.paths import tenant_paths
from tests.end_to_end.started import ROOT, environment, processes_with, start

KYC = {"kind": "route_task", "task_type": "kyc_check", "privacy_class": "sensitive", "compliance_levels": ["uae_aml"]}


def _aurora(started, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "apps.cli", *arguments],
        cwd=ROOT,
        env=environment(started.data_dir, started.port, started.dagster_port),
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_says_where_everything_is(first_start):
    said = "".join(first_start.out)
    assert first_start.home in said
    assert f"{first_start.home}/docs" in said
    assert "owner.key" in said


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/livez", "/readyz"])
def test_every_address_answers(first_start, path):
    status, body = first_start.get(path)
    assert status == 200
    assert body


def test_what_the_first_start_built_adds_up(first_start):
    (row,) = json.loads(_aurora(first_start, "status", "--json").stdout)
    assert row["rows_in"] == row["landed"] + row["quarantined"] + row["duplicates"]
    assert row["landed"] > 1000
    assert row["quarantined"] > 0
    assert 0 < row["unpriced"] < row["landed"]
    assert row["mart_snapshot"] > 0


def test_every_kpi_of_the_catalogue_has_days(first_start):
    with read_lake(tenant_paths(first_start.data_dir, "demo")) as lake:
        found = lake.query("SELECT kpi_id, count(kpi_value) AS n FROM mart.kpi_values GROUP BY 1 ORDER BY 1")
    assert found["kpi_id"].to_list() == [kpi.kpi_id for kpi in read_kpis(ROOT / "dbt_project") if kpi.is_measured]
    of = dict(found.rows())
    assert of["kpi_spend_trust"] > 0  # the samples bring two providers' bills


def test_a_decision_is_made_overridden_audited_and_reaches_the_lake_once(first_start):
    status, decision = first_start.call("/api/v1/decisions", KYC)
    assert (status, decision["status"]) == (201, "chosen")
    decision_id = decision["decision_id"]
    override = {"action": "human", "reason": "The client asked for a person."}
    assert first_start.call(f"/api/v1/decisions/{decision_id}/overrides", override)[0] == 201
    outcome = {"is_success": True, "quality": 0.9, "duration_ms": 1200}
    assert first_start.call(f"/api/v1/decisions/{decision_id}/outcomes", outcome)[0] == 201
    status, read = first_start.call(f"/api/v1/decisions/{decision_id}")
    assert (status, read["overrides"][0]["action"]) == (200, "human")

    for _ in range(2):  # the second build finds nothing new
        built = _aurora(first_start, "build")
        assert built.returncode == 0, built.stderr
    assert "Everything is fresh" in built.stderr
    with read_lake(tenant_paths(first_start.data_dir, "demo")) as lake:
        for table in ("decision", "override", "outcome"):
            rows = lake.query(f"SELECT count(*) AS n FROM raw.{table} WHERE decision_id = ?", [decision_id])
            assert rows.item() == 1, table
        mart = lake.query("SELECT * FROM mart.decisions WHERE decision_id = ?", [decision_id])
    assert mart.height == 1
    verified = _aurora(first_start, "audit", "verify", "--json")
    assert (verified.returncode, json.loads(verified.stdout)["is_valid"]) == (0, True)


def test_a_prompt_is_routed_by_the_trained_bundle(first_start):
    status, decision = first_start.call(
        "/api/v1/decisions", {"kind": "route_llm", "prompt": "What is the transfer fee of a flat for 1.2 m AED?"}
    )
    assert (status, decision["policy_id"]) == (201, "learned_llm")
    assert len(decision["bundle_hash"]) == 64


def test_a_taken_port_is_named_with_the_next_step(first_start):
    ran = subprocess.run(
        [sys.executable, "-m", "apps.cli", "up"],
        cwd=ROOT,
        env=environment(first_start.data_dir, first_start.port, first_start.dagster_port),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 6
    assert f"Port {first_start.port}" in ran.stderr
    assert "AURORA_PORT=" in ran.stderr


def test_a_second_start_builds_nothing_and_ctrl_c_ends_everything(first_start):
    assert _aurora(first_start, "build").returncode == 0  # other tests have decided since the last build
    with start(first_start.data_dir) as again:
        said = "".join(again.err)
        assert "Everything is fresh" in said
        assert again.get("/server_info", port=again.dagster_port)[0] == 200
        assert again.get("/livez")[0] == 200
        mine = f"AURORA_PORT={again.port}"
        assert len(processes_with(mine)) >= 3
        os.kill(again.process.pid, signal.SIGINT)
        assert again.process.wait(60) == 130
    assert processes_with(mine) == []


@pytest.mark.usefixtures("first_start")
def test_nothing_is_written_outside_the_data_folder():
    """dbt, Dagster, MLflow and Streamlit all like to write beside the code."""
    changed = subprocess.run(
        ["git", "-C", str(ROOT), "status", "--porcelain", "--ignored"], capture_output=True, text=True, check=False
    ).stdout
    ours = ("dbt_project/target", "dbt_project/logs", "mlruns", "mlartifacts", "logs/", ".dagster", "tmp")
    assert [line for line in changed.splitlines() if line[3:].startswith(ours)] == []
