"""The marts: right on a small company, the same however its rows came in."""

import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from aurora.catalogue.kpi_files import FOLDER, read_kpis
from aurora.errors import DataError
from aurora.store.connection import latest_snapshot
from aurora.store.lake import read_lake
from aurora.store.paths import TenantPaths
from orchestration.dbt_runner import DBT_PROJECT_DIR, DbtReport, run_dbt
from tests.dbt import company

ROOT = Path(__file__).resolve().parents[2]
KPIS = {
    "kpi_agent_success_rate": (0.5, 1),
    "kpi_ai_operation_error_rate": (0, 0.3),
    "kpi_ai_operation_response_p95": (4_000, 6_000),
    "kpi_compliance_validation_rate": (0.4, 1),
    "kpi_confidence_calibration_error": (0, 0.7),
    "kpi_cost_efficiency": (0.3, 1),
    "kpi_counterfactual_saving": (0.49, 0.51),
    "kpi_decision_latency_p95": (0.5, 0.9),
    "kpi_manual_intervention_rate": (0.05, 0.8),
    "kpi_prediction_accuracy": (0.4, 1),
}
"""What each KPI may say about this company: e.g. every decision costs half of its baseline.

It has no value for the others: no provider gave this company an account, nobody watched its assistants, they
handed nothing over, no rule was swept, and no outcome says what it cost.
"""
ALL_KPIS = read_kpis(DBT_PROJECT_DIR)


# what they say --------------------------------------------------------------------------------


def test_every_unit_test_and_data_test_of_the_project_passes(full_build: tuple[TenantPaths, DbtReport]):
    report = full_build[1]
    kinds = [node.kind for node in report.nodes]
    assert kinds.count("unit_test") == _declared("unit_tests")  # those of views too
    assert kinds.count("test") >= 39
    assert report.failures == ()
    assert {node.status for node in report.nodes if node.kind in {"test", "unit_test"}} == {"pass"}


def _declared(what: str) -> int:
    texts = [file.read_text(encoding="utf-8") for file in (DBT_PROJECT_DIR / "models").rglob("*.yml")]
    return sum(len(yaml.safe_load(text).get(what) or ()) for text in texts if f"{what}:" in text)


def test_the_kpis_say_what_the_company_did(built: TenantPaths):
    with read_lake(built) as lake:
        rows = lake.query("SELECT * FROM mart.kpi_values ORDER BY kpi_id, period_date").rows(named=True)
    assert {row["kpi_id"] for row in rows} == {kpi.kpi_id for kpi in ALL_KPIS if kpi.is_measured}
    known = [row for row in rows if row["kpi_value"] is not None]
    assert {row["kpi_id"] for row in known} == set(KPIS)
    for row in known:
        low, high = KPIS[row["kpi_id"]]
        assert low <= row["kpi_value"] <= high, row
        assert row["value_low"] is None or row["value_low"] <= row["kpi_value"] <= row["value_high"]
        reaches = row["kpi_value"] >= row["target"] if row["direction"] == "up" else row["kpi_value"] <= row["target"]
        assert row["is_met"] == reaches
        assert row["sample_count"] > 0
        assert not row["is_own_target"]


def test_marts_count_every_row_once_and_never_price_the_unknown(built: TenantPaths):
    rows = company.usage_rows(count=400, seed=1)
    with read_lake(built) as lake:
        counted = lake.query(
            "SELECT sum(operation_count), sum(unpriced_count), sum(error_count) FROM mart.usage_daily"
        ).row(0)
        free = lake.query("SELECT count(*) FROM mart.usage_daily WHERE model_name = 'house-model' AND cost_usd = 0")
        cost = lake.query("SELECT (SELECT sum(cost_usd) FROM mart.cost_daily) - sum(cost_usd) FROM raw.usage").item()
        refused = lake.query("SELECT sum(row_count) FROM mart.quarantine_reasons WHERE rule = 'at_least'").item()
    unknown = sum(row["request_count"] for row in rows if row["reported_cost_usd"] is None)
    failed = sum(row["request_count"] for row in rows if row["is_error"])
    assert tuple(map(int, counted)) == (sum(row["request_count"] for row in rows), unknown, failed)
    assert free.item() == 0
    assert cost == 0
    assert refused == 7


def test_a_decision_shows_its_newest_outcome_and_override(built: TenantPaths):
    records = company.journal_rows(count=60, seed=4)
    newest = {row["decision_id"]: row["is_success"] for table, row in records if table == "outcome"}
    changed = {row["decision_id"] for table, row in records if table == "override"}
    with read_lake(built) as lake:
        held = lake.query(
            "SELECT decision_id, is_success, is_overridden, needs_human, decision_status FROM mart.decisions"
        )
    assert held.height == 60
    for decision_id, is_success, is_overridden, needs_human, status in held.rows():
        assert is_success == newest.get(decision_id)
        assert is_overridden == (decision_id in changed)
        assert needs_human == (status == "abstained" and decision_id not in changed)


# however rows came in --------------------------------------------------------------------------


def test_portions_with_late_rows_give_what_one_full_build_gives(tmp_path: Path):
    draw = random.Random(11)
    paths = company.make_tenant(tmp_path)
    usage, tasks = company.usage_rows(count=300, seed=1), company.task_rows(count=90, seed=3)
    draw.shuffle(usage)  # so that each portion has rows of every day: all but the first bring late ones
    records = company.journal_rows(count=60, seed=4)
    for portion in range(3):
        company.drop(paths, f"usage-{portion}", usage[portion * 100 : portion * 100 + 100])
        company.drop(paths, f"tasks-{portion}", tasks[portion * 30 : portion * 30 + 30])
        company.drop(paths, f"moved-{portion}", company.moved_on(tasks[portion * 25 : portion * 25 + 10], seed=portion))
        company.drop(paths, f"platform-{portion}", company.platform_rows(count=12, seed=portion), source="auterity")
        company.ingest(paths)
        company.journal(paths, records[len(records) * portion // 3 : len(records) * (portion + 1) // 3])
        run_dbt(paths, ("run",))
    step_by_step = company.marts(paths)
    run_dbt(paths, full_refresh=True)
    at_once = company.marts(paths)
    assert step_by_step.keys() == at_once.keys()
    with read_lake(paths) as lake:
        counted = lake.query("SELECT sum(operation_count) AS n FROM mart.usage_daily WHERE source = 'auterity'").item()
    assert counted == 36
    for name, rows in at_once.items():
        assert step_by_step[name] == rows, name


def test_order_and_repetition_of_rows_change_no_mart(built: TenantPaths, tmp_path: Path):
    draw = random.Random(12)
    paths = company.make_tenant(tmp_path)
    usage, tasks = company.usage_rows(count=400, seed=1), company.task_rows(count=160, seed=3)
    draw.shuffle(usage)
    draw.shuffle(tasks)
    company.drop(paths, "a-usage", [*usage[:250], *usage[:40], *company.wrong_rows(count=7, seed=2)])
    company.drop(paths, "b-usage", [*usage[200:], usage[3]])
    company.drop(paths, "c-tasks", [*tasks, *tasks[:20]])
    company.ingest(paths)
    company.journal(paths, company.journal_rows(count=60, seed=4))
    run_dbt(paths, ("run",))
    mixed, plain = company.marts(paths), company.marts(built)
    assert mixed.keys() == plain.keys()
    for name in plain.keys() - {
        "ingest_batches",
        "source_quality_daily",
    }:  # the ledger tells of the files, which differ
        assert mixed[name] == plain[name], name


def test_a_run_with_nothing_new_writes_nothing(copied: Callable[[], TenantPaths]):
    paths = copied()
    before = latest_snapshot(paths, "mart")
    run_dbt(paths, ("run",))
    assert latest_snapshot(paths, "mart") == before


def test_killed_at_any_moment_and_run_again_the_marts_are_as_after_one_clean_run(
    built: TenantPaths, copied: Callable[[], TenantPaths]
):
    draw = random.Random(13)
    paths = copied()
    for file in paths.directory.glob("mart.catalog.sqlite*"):
        file.unlink()
    shutil.rmtree(paths.files("mart"))
    company.make_tenant(paths.data_dir)  # an empty mart again
    for _ in range(3):
        until = latest_snapshot(paths, "mart") + draw.randrange(2, 16)
        _run_and_kill(paths, until=until, more_s=draw.random() * 0.1)
    run_dbt(paths, ("run",))
    assert company.marts(paths) == company.marts(built)


def _run_and_kill(paths: TenantPaths, *, until: int, more_s: float) -> None:
    """A dbt run in a process of its own, killed a little after the mart's snapshot `until`."""
    script = (
        "import sys, pathlib; from aurora.store.paths import tenant_paths; from orchestration.dbt_runner import run_dbt;"
        "run_dbt(tenant_paths(pathlib.Path(sys.argv[1]), 'demo'), ('run',))"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(paths.data_dir)], cwd=ROOT) as process:
        while process.poll() is None and latest_snapshot(paths, "mart") < until:
            _wait(process, 0.01)
        _wait(process, more_s)
        process.kill()
    assert process.returncode in {0, -signal.SIGKILL}


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return


# adding things --------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the dbt project, to add to."""
    folder = tmp_path / "project" / "dbt_project"
    shutil.copytree(DBT_PROJECT_DIR, folder)
    return folder


def test_a_kpi_is_one_file(copied: Callable[[], TenantPaths], project: Path):
    paths = copied()
    held = latest_snapshot(paths, "mart")
    _add_kpi(project)
    run_dbt(paths, ("run",), select=["kpi_values"], project_dir=project)
    with read_lake(paths) as lake:
        rows = lake.query("SELECT * FROM mart.kpi_values WHERE kpi_id = 'kpi_unpriced_share'").rows(named=True)
    with read_lake(paths) as lake:
        others = lake.query("SELECT * FROM mart.kpi_values WHERE kpi_id <> 'kpi_unpriced_share'")
    with read_lake(paths, mart_at=held) as lake:
        before = lake.query("SELECT * FROM mart.kpi_values")
    assert len(rows) == company.DAYS
    assert all(0 < row["value_low"] < row["kpi_value"] < row["value_high"] < 0.9 for row in rows)
    assert {(row["kpi_name"], row["unit"], row["is_met"]) for row in rows} == {("Unpriced use", "share", True)}
    assert sorted(others.rows(), key=repr) == sorted(before.rows(), key=repr)  # snapshot of each included


def test_another_target_changes_no_value(copied: Callable[[], TenantPaths], project: Path):
    paths = copied()
    file = project / FOLDER / "kpi_agent_success_rate.yml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("target: 0.98", "target: 0.6").replace("alert_at: 0.9", "alert_at: 0.5"), "utf-8")
    columns = "kpi_value, value_low, value_high, sample_count"
    of = f"SELECT period_date, {columns} FROM mart.kpi_values WHERE kpi_id = 'kpi_agent_success_rate' ORDER BY 1"
    with read_lake(paths) as lake:
        before = lake.query(of).rows()
    run_dbt(paths, ("run",), select=["kpi_values"], project_dir=project)
    with read_lake(paths) as lake:
        after, targets = lake.query(of).rows(), lake.query("SELECT DISTINCT target, is_met FROM mart.kpi_values "
                                                          "WHERE kpi_id = 'kpi_agent_success_rate'").rows()  # fmt: skip
    assert after == before
    assert targets == [(0.6, True)]


def test_a_kpi_that_is_taken_away_takes_its_rows_along(copied: Callable[[], TenantPaths], project: Path):
    paths = copied()
    (project / FOLDER / "kpi_agent_success_rate.yml").unlink()
    run_dbt(paths, ("run",), select=["kpi_values"], project_dir=project)
    with read_lake(paths) as lake:
        kept = set(lake.query("SELECT DISTINCT kpi_id FROM mart.kpi_values")["kpi_id"])
    assert kept == {kpi.kpi_id for kpi in ALL_KPIS if kpi.is_measured} - {"kpi_agent_success_rate"}


def test_a_kpi_file_that_lacks_something_is_refused_by_name(copied: Callable[[], TenantPaths], project: Path):
    _add_kpi(project, without="target")
    with pytest.raises(DataError, match=r"kpi_unpriced_share\.yml does not declare its KPI.*target"):
        run_dbt(copied(), select=["kpi_values"], project_dir=project)


def _add_kpi(project: Path, *, without: str = "") -> None:
    page = (ROOT / "docs" / "how-to" / "add-a-kpi.md").read_text(encoding="utf-8")
    text = re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)[0]  # what the page tells people to write
    declared = yaml.safe_load(text)
    declared.pop(without, None)
    (project / FOLDER / "kpi_unpriced_share.yml").write_text(yaml.safe_dump(declared), encoding="utf-8")
