"""The landing sensor: a run when something was dropped, once for what was dropped."""

from __future__ import annotations

import dagster as dg

from orchestration.freshness import fingerprint_files
from orchestration.resources import Workspace
from orchestration.stages import LANDING, is_fresh, landing_inputs

SETTLE_S = 5
"""A file that changed within these seconds may still be being written: it does not ask for a run, and holds up none."""


def landing_sensor(job: dg.UnresolvedAssetJobDefinition) -> dg.SensorDefinition:
    """Watches the tenant's landing folder and runs `job`."""

    @dg.sensor(
        name="landing",
        job=job,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Runs a build when a file was dropped or changed.",
    )
    def _sensor(context: dg.SensorEvaluationContext, workspace: Workspace) -> dg.SensorResult | dg.SkipReason:
        from aurora.ingest.landing import landed_files

        work = workspace.work()
        files = [file for _, file in landed_files(work.paths)]
        now = work.clock().timestamp()
        settled = [file for file in files if now - file.stat().st_mtime >= SETTLE_S]
        seen = fingerprint_files(settled)
        if seen == context.cursor:
            growing = len(files) > len(settled)
            return dg.SkipReason("A file is still being written." if growing else "Nothing new was dropped.")
        if is_fresh(LANDING, work):
            context.update_cursor(seen)
            return dg.SkipReason("What was dropped is in the lake already.")
        if not settled:
            return dg.SkipReason("A file is still being written.")
        return dg.SensorResult(run_requests=[dg.RunRequest(run_key=landing_inputs(work.paths))], cursor=seen)

    return _sensor
