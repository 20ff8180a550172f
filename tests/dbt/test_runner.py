"""Running dbt: what fails says what and where, what is late is stopped, and nothing is left behind."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from aurora.errors import DataError, NotReadyError
from aurora.store.connection import hold_write_lock
from aurora.store.paths import TenantPaths
from orchestration.dbt_runner import DBT_PROJECT_DIR, TransformError, run_dbt
from tests.dbt import company


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the dbt project, to break."""
    folder = tmp_path / "project" / "dbt_project"
    shutil.copytree(DBT_PROJECT_DIR, folder)
    return folder


def test_data_that_fails_a_test_is_told_by_the_tests_name_as_wrong_data(
    copied: Callable[[], TenantPaths], project: Path
):
    (project / "tests" / "nobody_is_expensive.sql").write_text("select 1 as found", encoding="utf-8")
    with pytest.raises(DataError, match="nobody_is_expensive") as failed:
        run_dbt(copied(), ("test",), select=["nobody_is_expensive"], project_dir=project)
    assert failed.value.exit_code == 3
    assert "dbt.log" in failed.value.next_step


def test_sql_that_does_not_run_is_told_by_the_models_name(copied: Callable[[], TenantPaths], project: Path):
    model = project / "models" / "marts" / "finance" / "cost_daily.sql"
    model.write_text(model.read_text(encoding="utf-8").replace("cost_source", "cost_sauce"), encoding="utf-8")
    paths = copied()
    before = company.marts(paths)
    with pytest.raises(TransformError, match="cost_daily") as failed:
        run_dbt(paths, select=["cost_daily"], project_dir=project)
    assert failed.value.exit_code == 1
    assert company.marts(paths) == before


def test_a_run_that_is_late_is_stopped_and_the_next_one_goes_on(copied: Callable[[], TenantPaths]):
    paths = copied()
    before = company.marts(paths)
    with pytest.raises(NotReadyError, match="did not end within"):
        run_dbt(paths, ("run",), select=["usage_daily"], full_refresh=True, timeout_s=0.0)
    with hold_write_lock(paths, "mart", timeout_s=0.0):
        assert not [name for name in os.environ if name.startswith("LAKEHOUSE_")]
    run_dbt(paths, ("run",), select=["usage_daily"])
    assert company.marts(paths) == before


def test_dbt_keeps_its_state_in_the_tenants_folder_and_sends_nothing(built: TenantPaths):
    assert (built.directory / "dbt" / "target" / "manifest.json").is_file()
    assert not (DBT_PROJECT_DIR / "target").exists()
    assert not (DBT_PROJECT_DIR / "logs").exists()
    assert "send_anonymous_usage_stats: false" in (DBT_PROJECT_DIR / "dbt_project.yml").read_text(encoding="utf-8")
