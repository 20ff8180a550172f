"""Alerts: an asset that runs a round, a sensor that asks for one when there is news; the digest and its schedule.

Without postponed annotations: Dagster wants the type itself on an asset's `context`.
"""

import time

import dagster as dg

from aurora.errors import AuroraError
from orchestration.resources import Workspace
from orchestration.stage_assets import metadata

ALERTS_KEY = dg.AssetKey(["alerts", "raised"])
DIGEST_KEY = dg.AssetKey(["alerts", "digest"])
DIGEST_CRON = "3 * * * *"


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


def digest_asset() -> dg.AssetsDefinition:
    """The digest, to every channel that has not had this period's."""

    @dg.asset(key=DIGEST_KEY, group_name="alerts", description="What may be worth a look, once a period.")
    def _digest(workspace: Workspace) -> dg.MaterializeResult[None]:
        from aurora.alerts.digest import send_due
        from aurora.store.state import StateStore

        work = workspace.work()
        try:
            with StateStore.open(work.paths, clock=work.clock) as store:
                sent = send_due(work.paths, work.settings, store, now=work.clock(), wait=time.sleep)
        except AuroraError as error:
            raise dg.Failure(description=error.message, metadata={"next_step": error.next_step}) from error
        refused = sum(not one.is_delivered for one in sent)
        return dg.MaterializeResult(metadata=metadata({"delivered": len(sent) - refused, "undelivered": refused}))

    return _digest


def digest_schedule(job: "dg.UnresolvedAssetJobDefinition") -> dg.ScheduleDefinition:
    """Looks each hour whether a digest is due, by the plan in the tenant's alerts.yaml."""

    @dg.schedule(
        name="digest",
        job=job,
        cron_schedule=DIGEST_CRON,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="The digest of alerts, when its hour has come.",
    )
    def _schedule(workspace: Workspace) -> dg.RunRequest | dg.SkipReason:
        from aurora.alerts.book import open_book
        from aurora.alerts.digest import is_due

        work = workspace.work()
        try:
            is_wanted = is_due(work.paths, work.settings, open_book(work.paths), now=work.clock())
        except AuroraError as error:
            return dg.SkipReason(str(error))
        return dg.RunRequest() if is_wanted else dg.SkipReason("No digest is due, or there is nothing in it.")

    return _schedule
