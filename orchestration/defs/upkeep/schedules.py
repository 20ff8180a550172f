"""When what runs: hourly what changed, nightly everything and the upkeep."""

from __future__ import annotations

import dagster as dg

HOURLY = "7 * * * *"
NIGHTLY = "40 22 * * *"
"""22:40 UTC is 02:40 in Dubai."""


def schedules(
    *, hourly: dg.UnresolvedAssetJobDefinition, nightly: dg.UnresolvedAssetJobDefinition
) -> list[dg.ScheduleDefinition]:
    """Both schedules, on from the start."""
    return [
        dg.ScheduleDefinition(
            name=name,
            job=job,
            cron_schedule=cron,
            execution_timezone="UTC",
            default_status=dg.DefaultScheduleStatus.RUNNING,
        )
        for name, job, cron in (("hourly", hourly, HOURLY), ("nightly", nightly, NIGHTLY))
    ]
