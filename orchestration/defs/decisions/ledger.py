"""The conflict ledger on a clock: contradictions found, resolved, scored by outcomes, learnt from."""

from __future__ import annotations

import dagster as dg

from aurora.errors import AuroraError
from orchestration.resources import Workspace
from orchestration.stage_assets import metadata

LEDGER_KEY = dg.AssetKey(["state", "conflict_ledger"])
LEDGER_CRON = "*/15 * * * *"


def ledger_asset() -> dg.AssetsDefinition:
    """A round of the ledger. The same round again does nothing new."""

    @dg.asset(
        key=LEDGER_KEY,
        group_name="serving",
        deps=[dg.AssetKey(["raw", "ai_decision"]), dg.AssetKey(["raw", "handoff"])],
        description="Contradictory recommendations of assistants: recorded, resolved, scored, learnt from.",
    )
    def _ledger(workspace: Workspace) -> dg.MaterializeResult[None]:
        from aurora.decisions.ledger_round import run_round
        from aurora.decisions.loading import load_engine

        work = workspace.work()
        try:
            done = run_round(work.paths, load_engine(work.paths, work.settings), clock=work.clock)
        except AuroraError as error:
            raise dg.Failure(description=error.message, metadata={"next_step": error.next_step}) from error
        return dg.MaterializeResult(metadata=metadata(done.as_details()))

    return _ledger


def ledger_schedule(job: dg.UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    """Every quarter of an hour: a conflict waits no longer than that."""
    return dg.ScheduleDefinition(
        name="ledger",
        job=job,
        cron_schedule=LEDGER_CRON,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
