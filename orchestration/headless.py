"""A build through Dagster's graph without a server: the job `everything`, in this process.

With DAGSTER_HOME set the run is kept there, and the web UI shows it; without, nothing is kept. A step
that fails stops what depends on it and nothing else.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import dagster as dg

from aurora.errors import AuroraError, DataError
from aurora.settings import PROJECT_DIR
from orchestration.definitions import build_definitions
from orchestration.resources import Workspace
from orchestration.stages import STAGES
from orchestration.work import Work

JOB: Final = "everything"
_CHECK_FAILED: Final = "DagsterAssetCheckFailedError"
_QUIET: Final = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""Stages tell their progress themselves; Dagster would add a line an event."""


def materialize(work: Work, *, begun: Callable[[str], object]) -> int:
    """Run the graph; 0, or the exit code of the first step that failed. `begun` is told the run's id."""
    run_id = str(uuid.uuid4())
    with tempfile.TemporaryDirectory() as scratch, _instance(scratch) as instance:
        begun(run_id)
        result = (
            build_definitions()
            .resolve_job_def(JOB)
            .execute_in_process(
                run_id=run_id,
                instance=instance,
                run_config=_QUIET,
                resources={"workspace": Workspace(tenant=work.paths.tenant, is_told=True)},
                raise_on_error=False,
            )
        )
    codes = [_explain(event, work) for event in result.get_step_failure_events()]
    for evaluation in _blocking(result.get_asset_check_evaluations()):
        work.progress(f"{evaluation.asset_key.path[-1]}: {evaluation.description}")
    tried = {event.step_key for event in (*result.get_step_success_events(), *result.get_step_failure_events())}
    for stage in STAGES:
        if stage.name not in tried:
            work.progress(f"{stage.name}: not run, since it builds on what failed.")
    return codes[0] if codes else int(not result.success)


def cancel(run_id: str) -> None:
    """Note in DAGSTER_HOME that a run which was interrupted has ended."""
    if not os.environ.get("DAGSTER_HOME"):
        return
    with _instance() as instance:
        run = instance.get_run_by_id(run_id)
        if run is not None and not run.is_finished:
            instance.report_run_canceled(run, message="Interrupted.")


def _instance(scratch: str | None = None) -> dg.DagsterInstance:
    home = os.environ.get("DAGSTER_HOME")
    if not home:
        return dg.DagsterInstance.ephemeral(tempdir=scratch)
    Path(home).mkdir(parents=True, exist_ok=True)
    settings = Path(home) / "dagster.yaml"
    if not settings.exists():
        shutil.copyfile(PROJECT_DIR / "dagster.yaml", settings)
    return dg.DagsterInstance.get()


def _explain(event: dg.DagsterEvent, work: Work) -> int:
    """Tell why a step failed, and its exit code. An error that nobody foresaw is shown whole."""
    failure = event.step_failure_data
    told = failure.user_failure_data
    if told is not None and "exit_code" in told.metadata:
        work.progress(f"{event.step_key}: failed. {told.description}")
        work.progress(f"  next: {told.metadata['next_step'].value}")
        return int(str(told.metadata["exit_code"].value))
    error = failure.error
    if error is not None and error.cls_name == _CHECK_FAILED:
        work.progress(f"{event.step_key}: failed. The raw lake breaks its contracts; marts wait until it is mended.")
        return DataError.exit_code
    work.progress(f"{event.step_key}: failed unexpectedly.\n{error.to_string() if error else ''}")
    return AuroraError.exit_code


def _blocking(evaluations: Sequence[dg.AssetCheckEvaluation]) -> list[dg.AssetCheckEvaluation]:
    return [one for one in evaluations if not one.passed and one.blocking]
