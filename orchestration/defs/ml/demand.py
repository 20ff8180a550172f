"""Demand: an asset that forecasts every target's next hour, and trains first once a day of new data."""

from __future__ import annotations

import dagster as dg

from aurora.errors import AuroraError
from orchestration.resources import Workspace
from orchestration.stage_assets import metadata

DEMAND_KEY = dg.AssetKey(["serving", "demand"])
DEMAND_CRON = "27 * * * *"


def demand_asset() -> dg.AssetsDefinition:
    """Forecasts, capacity plans and their evidence in the tenant's serving folder."""

    @dg.asset(
        key=DEMAND_KEY,
        group_name="capacity",
        kinds={"mlflow", "scikitlearn"},
        deps=[dg.AssetKey(["raw", "usage"]), dg.AssetKey(["mart", "assistant_states"])],
        description="Demand of the next hour by assistant and language model, and how many replicas it takes.",
    )
    def _demand(workspace: Workspace) -> dg.MaterializeResult[None]:
        from ml.demand.train import train_and_publish

        work = workspace.work()
        try:
            done = train_and_publish(work.paths, work.settings, clock=work.clock)
        except AuroraError as error:
            raise dg.Failure(description=error.message, metadata={"next_step": error.next_step}) from error
        return dg.MaterializeResult(metadata=metadata(done.figures()))

    return _demand


def demand_schedule(job: dg.UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    """Forecasts each hour; it trains only when a day of data has come."""
    return dg.ScheduleDefinition(
        name="capacity",
        job=job,
        cron_schedule=DEMAND_CRON,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
