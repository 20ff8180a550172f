"""Alerts: an asset that runs a round, and a sensor that asks for one when there is news.

Without postponed annotations: Dagster wants the type itself on an asset's `context`.
"""

import time

import dagster as dg

from aurora.errors import AuroraError
from orchestration.resources import Workspace
from orchestration.stage_assets import metadata

ALERTS_KEY = dg.AssetKey(["alerts", "raised"])


def alerts_asset() -> dg.AssetsDefinition:
    """Alerts raised and resolved in the journal, pages delivered."""

    @dg.asset(key=ALERTS_KEY, group_name="alerts", description="Every alert rule over the marts and the live fleet.")
    def _raised(workspace: Workspace) -> dg.MaterializeResult[None]:
        from aurora.alerts.rounds import run_round
        from aurora.store.state import StateStore

        work = workspace.work()
        try:
            with StateStore.open(work.paths, clock=work.clock) as store:
                done = run_round(work.paths, work.settings, store, now=work.clock(), wait=time.sleep)
        except AuroraError as error:
            raise dg.Failure(description=error.message, metadata={"next_step": error.next_step}) from error
        return dg.MaterializeResult(metadata=metadata(done.figures()))

    return _raised


def alerts_sensor(job: "dg.UnresolvedAssetJobDefinition") -> dg.SensorDefinition:
    """Runs `job` when the marts or a state of the fleet changed, and each hour. Its cursor is what it saw last."""

    @dg.sensor(
        name="alerts",
        job=job,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="A round of alert rules when the marts or the fleet changed, and each hour.",
    )
    def _sensor(context: dg.SensorEvaluationContext, workspace: Workspace) -> dg.SensorResult | dg.SkipReason:
        from aurora.alerts.rounds import news

        work = workspace.work()
        try:
            now = work.clock()
            seen = news(work.paths, now=now)
        except AuroraError as error:
            return dg.SkipReason(str(error))
        if seen == context.cursor:
            return dg.SkipReason("Neither the marts nor the fleet changed.")
        return dg.SensorResult(run_requests=[dg.RunRequest(run_key=f"{seen}@{now.timestamp():.0f}")], cursor=seen)

    return _sensor
