"""Running the graph in this process over a tenant, for tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from aurora.store.paths import TenantPaths
from orchestration.definitions import build_definitions
from orchestration.resources import Workspace
from tests.dbt import company

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True, slots=True)
class Ran:
    """A tenant and what a run over it gave."""

    paths: TenantPaths
    result: dg.ExecuteInProcessResult


def environment(data_dir: Path) -> dict[str, str]:
    """Settings of a tenant below `data_dir`, without the machine's real data."""
    return {
        "AURORA_DATA_DIR": str(data_dir),
        "AURORA_SHARED_DATA_DIR": str(data_dir / "no-real-data"),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        "DO_NOT_TRACK": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def execute(paths: TenantPaths, job: str = "everything") -> dg.ExecuteInProcessResult:
    """Run a job of the graph in this process; the caller has set the environment."""
    return (
        build_definitions()
        .resolve_job_def(job)
        .execute_in_process(
            resources={"workspace": Workspace(tenant=paths.tenant)},
            run_config=QUIET,
            raise_on_error=False,
            instance=dg.DagsterInstance.ephemeral(tempdir=str(paths.data_dir)),
        )
    )


def fill(paths: TenantPaths) -> None:
    """Exports of the small company in the landing folder."""
    company.drop(paths, "usage", company.usage_rows(count=120, seed=1) + company.wrong_rows(count=3, seed=2))
    company.drop(paths, "tasks", company.task_rows(count=40, seed=3))


def steps(result: dg.ExecuteInProcessResult) -> Mapping[str, set[str]]:
    """Names of the steps that succeeded and that failed."""
    return {
        "succeeded": {str(event.step_key) for event in result.get_step_success_events()},
        "failed": {str(event.step_key) for event in result.get_step_failure_events()},
    }
