"""Learning: an asset that takes the next step of the learning loop, once a night."""

from __future__ import annotations

import dagster as dg

from aurora.errors import AuroraError
from orchestration.resources import Workspace
from orchestration.stage_assets import metadata

LEARNING_KEY = dg.AssetKey(["serving", "learning"])
LEARNING_CRON = "40 1 * * *"


def learning_asset() -> dg.AssetsDefinition:
    """Matured outcomes and overrides to a challenger, a challenger to champion, or back: one step a run."""

    @dg.asset(
        key=LEARNING_KEY,
        group_name="ml",
        kinds={"mlflow", "numpy"},
        deps=[dg.AssetKey(["raw", name]) for name in ("decision", "outcome", "override")]
        + [dg.AssetKey(["serving", "route_llm"])],
        description="What the router of language models learns from its own decisions, with the evidence of each step.",
    )
    def _learning(workspace: Workspace) -> dg.MaterializeResult[None]:
        from aurora.store.state import StateStore
        from ml.learning.loop import KIND, run
        from ml.learning.steps import step_of

        work = workspace.work()
        try:
            report = run(work.paths, work.settings, clock=work.clock)
            record = step_of(report, kind=KIND, now=work.clock())
            if record is not None:
                with StateStore.open(work.paths, clock=work.clock) as store:
                    store.append([record]).result()
        except AuroraError as error:
            raise dg.Failure(description=error.message, metadata={"next_step": error.next_step}) from error
        figures = {name: value for name, value in report.evidence.items() if isinstance(value, int | float)}
        told = {"outcome": report.outcome, "reasons": "; ".join(report.reasons), "bundle_hash": report.bundle_hash}
        return dg.MaterializeResult(metadata=metadata({**told, **figures}))

    return _learning


def learning_schedule(job: dg.UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    """A step a night, after the day's outcomes came in."""
    return dg.ScheduleDefinition(
        name="learning",
        job=job,
        cron_schedule=LEARNING_CRON,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
