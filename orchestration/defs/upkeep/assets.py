"""Upkeep: the lakes kept small, old runs forgotten. Nightly; no part of a build.

Without postponed annotations: Dagster wants the type itself on an asset's `context`.
"""

import datetime as dt

import dagster as dg

from aurora.errors import AuroraError
from orchestration.resources import Workspace
from orchestration.stage_assets import metadata

UPKEEP_KEY = dg.AssetKey(["upkeep", "lake"])
KEEP_RUNS = dt.timedelta(days=30)


def upkeep_asset() -> dg.AssetsDefinition:
    """Maintenance of both lakes and of Dagster's own run history."""

    @dg.asset(key=UPKEEP_KEY, group_name="upkeep", description="Expires, merges, cleans, vacuums both lakes.")
    def _upkeep(context: dg.AssetExecutionContext, workspace: Workspace) -> dg.MaterializeResult[None]:
        from aurora.store.maintenance import maintain

        work = workspace.work()
        try:
            report = maintain(work.paths, now=work.clock())
        except AuroraError as error:
            raise dg.Failure(description=error.message, metadata={"next_step": error.next_step}) from error
        forgotten = _forget_runs(context.instance, before=work.clock() - KEEP_RUNS)
        return dg.MaterializeResult(metadata=metadata({**report.as_dict(), "runs_deleted": forgotten}))

    return _upkeep


def _forget_runs(instance: dg.DagsterInstance, *, before: dt.datetime) -> int:
    ended = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    old = instance.get_run_records(dg.RunsFilter(statuses=ended, created_before=before))
    for record in old:
        instance.delete_run(record.dagster_run.run_id)
    return len(old)
