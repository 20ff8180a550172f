"""Pulls from export endpoints: an asset that brings pages in, and a sensor that knows when each source is due.

Without postponed annotations: Dagster wants the type itself on an asset's `context`.
"""

import dagster as dg
import msgspec

from aurora.errors import AuroraError
from orchestration.resources import Workspace
from orchestration.stage_assets import metadata

PULLED_KEY = dg.AssetKey(["pulled", "pages"])
SOURCES_TAG = "aurora/sources"
"""Which sources a run pulls, parted by commas; all without it."""


def pulled_asset() -> dg.AssetsDefinition:
    """Pages of the sources in the tenant's `pulls.yaml`; their rows land in the raw tables."""

    @dg.asset(key=PULLED_KEY, group_name="pulled", description="Pages from the assistants' export endpoints.")
    def _pulled(context: dg.AssetExecutionContext, workspace: Workspace) -> dg.MaterializeResult[None]:
        from aurora.ingest.pull import Puller
        from aurora.ingest.pull_sources import load_sources

        work = workspace.work()
        wanted = context.run.tags.get(SOURCES_TAG, "")
        puller = Puller(paths=work.paths, settings=work.settings, clock=work.clock)
        found = [one for one in load_sources(work.paths) if not wanted or one.name in wanted.split(",")]
        reports = [puller.pull(one) for one in found]
        for report in reports:
            if report.trouble is not None:
                context.log.error("%s: %s", report.name, report.trouble)
        troubles = [report for report in reports if report.trouble is not None]
        if troubles:
            raise dg.Failure(
                description=f"{len(troubles)} of {len(reports)} sources are in trouble.",
                metadata={report.name: str(report.trouble) for report in troubles},
                allow_retries=False,
            )
        counts = {
            "source_count": len(reports),
            "page_count": sum(report.pages for report in reports),
            "good_count": sum(report.good for report in reports),
            "quarantined_count": sum(report.quarantined for report in reports),
        }
        return dg.MaterializeResult(metadata=metadata(counts))

    return _pulled


def pull_sensor(job: "dg.UnresolvedAssetJobDefinition") -> dg.SensorDefinition:
    """Runs `job` for the sources whose interval is over. Its cursor holds when each was last asked for."""

    @dg.sensor(
        name="pull",
        job=job,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Pulls each source of pulls.yaml when its interval is over.",
    )
    def _sensor(context: dg.SensorEvaluationContext, workspace: Workspace) -> dg.SensorResult | dg.SkipReason:
        from aurora.ingest.pull_sources import load_sources

        work = workspace.work()
        try:
            sources = load_sources(work.paths)
        except AuroraError as error:
            return dg.SkipReason(str(error))
        now = work.clock().timestamp()
        asked: dict[str, float] = msgspec.json.decode(context.cursor or "{}", type=dict[str, float])
        due = [one.name for one in sources if now - asked.get(one.name, 0.0) >= one.interval_s]
        if not due:
            return dg.SkipReason("No source is due." if sources else "There is no source to pull from.")
        asked = {one.name: now if one.name in due else asked[one.name] for one in sources}
        run = dg.RunRequest(run_key=f"{','.join(due)}@{now:.0f}", tags={SOURCES_TAG: ",".join(due)})
        return dg.SensorResult(run_requests=[run], cursor=msgspec.json.encode(asked).decode())

    return _sensor
