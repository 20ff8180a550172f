"""A KPI or a rule that is dropped as its one file into a copy of the project appears everywhere, nothing else edited.

The copy runs in a process of its own, as an installed Aurora would, over a small company of its own.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from aurora.settings import PROJECT_DIR

ROOMS = ("contracts", "aurora", "ml", "twin", "orchestration", "apps", "packs", "dbt_project", "benchmarks")
KPI, RULE_ID = "kpi_unpriced_share", "OWN-001"

REPORT = """
import json, os
from pathlib import Path
from aurora.catalogue.graph import contract_graph
from aurora.catalogue.radius import read_house
from aurora.insights.kpi_page import kpis_page
from aurora.insights.kpis import current_kpis, file_stamps
from aurora.settings import PROJECT_DIR, Settings
from aurora.store.lake import read_lake
from contracts import registry
from contracts.evolution import described
from orchestration.dbt_runner import run_dbt
from tests.api.conftest import serve
from tests.dbt import company

data = Path(os.environ["AURORA_DATA_DIR"])
paths = company.make_tenant(data)
company.drop(paths, "usage", company.usage_rows(count=60, seed=1))
deal = {"deal_id": "D-1", "deal_stage": "mou", "updated_at": "2026-09-01T00:00:00Z", "is_freehold": True,
        "cash_total_aed": "60000"}
company.drop(paths, "deal", [deal], source="crm")
company.ingest(paths)
run_dbt(paths, ("run",), select=["+kpi_values"])
with read_lake(paths) as lake:
    values = set(lake.query("SELECT kpi_id FROM mart.kpi_values WHERE kpi_value IS NOT NULL")["kpi_id"])
from apps.streamlit.reads.kpis import explanation, stands
from apps.streamlit.reads.compliance import rulebook_at
from apps.streamlit.reads.lake import current_pin
pin = current_pin()
told = explanation(pin, "kpi_unpriced_share", None, file_stamps())
with serve(Settings(data_dir=data), [paths]) as service, service.client(service.key()) as calling:
    kpi = calling.get("/api/v1/kpis/kpi_unpriced_share").json()["kpi"]
    rule = calling.get("/api/v1/compliance/rules/OWN-001").json()
print(json.dumps({
    "project": str(PROJECT_DIR),
    "values": sorted(values),
    "page": [stand.kpi.kpi_id for stand in stands(pin) if stand.value is not None],
    "lineage": [step["relation"] for step in told["lineage"]],
    "graph": contract_graph(read_house([], json.loads(json.dumps(described(registry.tables())))), "usage").names("kpi"),
    "docs": "kpi_unpriced_share" in kpis_page(current_kpis()),
    "api_value": kpi["kpi_value"],
    "api_rule": rule["rule_id"],
    "page_rule": "OWN-001" in {one.rule_id for one in rulebook_at(pin).rules},
}))
"""


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with one KPI file and one rule file more. The KPI is the one that the how-to shows."""
    project = tmp_path_factory.mktemp("copied") / "project"
    for room in ROOMS:
        shutil.copytree(PROJECT_DIR / room, project / room, ignore=shutil.ignore_patterns("__pycache__"))
    for room in ("dbt", "api"):
        shutil.copytree(PROJECT_DIR / "tests" / room, project / "tests" / room)
    page = (PROJECT_DIR / "docs" / "how-to" / "add-a-kpi.md").read_text(encoding="utf-8")
    file = project / "dbt_project" / "models" / "marts" / "kpis" / "kpi_unpriced_share.yml"
    file.write_text(re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)[0], encoding="utf-8")
    folder = project / "packs" / "_rules" / "uae_aml"
    rule = (folder / "aml_002.yaml").read_text(encoding="utf-8").replace("AML-002", RULE_ID)
    (folder / "own_001.yaml").write_text(rule, encoding="utf-8")
    return project


@pytest.fixture(scope="module")
def settings(copied: Path) -> dict[str, str]:
    """The environment in which the copy runs."""
    named = {"AURORA_DATA_DIR": str(copied.parent / "data"), "AURORA_TENANT": "demo", "PYTHONPATH": str(copied)}
    return {**os.environ, **named, "AURORA_SHARED_DATA_DIR": str(copied.parent / "none")}


def _run(project: Path, environment: Mapping[str, str], *arguments: str) -> str:
    ended = subprocess.run(
        [sys.executable, *arguments], cwd=project, env=dict(environment), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    return ended.stdout


@pytest.fixture(scope="module")
def report(copied: Path, settings: dict[str, str]) -> dict[str, Any]:
    """What the copy says of itself after one build."""
    said: dict[str, Any] = json.loads(_run(copied, settings, "-c", REPORT).splitlines()[-1])
    assert said["project"] == str(copied)
    return said


@pytest.mark.slow
def test_a_kpi_file_is_in_values_page_api_catalogue_and_docs(report: dict[str, Any]) -> None:
    assert KPI in report["values"]
    assert KPI in report["page"]
    assert {"usage", "usage_daily", KPI} <= set(report["lineage"])
    assert KPI in report["graph"]
    assert report["docs"]
    assert 0 < report["api_value"] < 1


@pytest.mark.slow
def test_a_kpi_file_is_on_the_command_line(report: dict[str, Any], copied: Path, settings: dict[str, str]) -> None:
    listed = json.loads(_run(copied, settings, "-m", "apps.cli", "kpi", "list", "--json"))["kpis"]
    (line,) = [kpi for kpi in listed if kpi["kpi_id"] == KPI]
    assert line["kpi_value"] == report["api_value"]


@pytest.mark.slow
def test_a_rule_file_is_listed_swept_on_the_page_and_in_the_api(
    report: dict[str, Any], copied: Path, settings: dict[str, str]
) -> None:
    assert report["api_rule"] == RULE_ID
    assert report["page_rule"]
    listed = json.loads(_run(copied, settings, "-m", "apps.cli", "rules", "list", "--json"))["rules"]
    assert [rule["pack"] for rule in listed if rule["rule_id"] == RULE_ID] == ["uae_aml"]
    swept = json.loads(_run(copied, settings, "-m", "apps.cli", "rules", "sweep", "--rule", RULE_ID, "--json"))
    assert [(row["rule_id"], row["broken_count"]) for row in swept["figures"]] == [(RULE_ID, 1)]
