"""How a stage becomes Dagster assets: one step for all tables it fills, its record as their metadata.

One step a stage and not one an asset: a step costs Dagster 50-250 ms of events, a stage fills up to 23
tables in one transaction or one dbt run, and half of a transaction cannot be materialised.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import dagster as dg

from aurora.errors import AuroraError
from orchestration.freshness import Detail
from orchestration.resources import Workspace
from orchestration.stages import STAGES, Stage, run_stage


def stage_assets(stage: Stage, specs: Sequence[dg.AssetSpec]) -> dg.AssetsDefinition:
    """The assets that `stage` fills."""

    @dg.multi_asset(name=stage.name, specs=list(specs), description=stage.meaning, op_tags=order(stage))
    def _assets(workspace: Workspace) -> Iterator[dg.MaterializeResult[None]]:
        details = run(stage, workspace)
        for spec in specs:
            yield dg.MaterializeResult(asset_key=spec.key, metadata=metadata(details))

    return _assets


def order(stage: Stage) -> dict[str, str]:
    """The tag by which Dagster runs stages in their order where the graph leaves it open: figures before training."""
    return {"dagster/priority": str(len(STAGES) - STAGES.index(stage))}


def run(stage: Stage, workspace: Workspace) -> dict[str, Detail]:
    """Run the stage; its errors become Dagster failures that say what to do next."""
    try:
        outcome, record = run_stage(stage, workspace.work())
    except AuroraError as error:
        raise dg.Failure(
            description=error.message,
            metadata={"next_step": error.next_step, "code": error.code, "exit_code": error.exit_code},
            allow_retries=False,
        ) from error
    return {"outcome": outcome, "stage_seconds": record.seconds, **record.details}


def metadata(details: Mapping[str, Detail]) -> dict[str, dg.MetadataValue]:
    """A record's figures as Dagster shows them."""
    return {name: _value(value) for name, value in details.items()}


def _value(value: Detail) -> dg.MetadataValue:
    match value:
        case None:
            return dg.MetadataValue.null()
        case bool():
            return dg.MetadataValue.bool(value)
        case int():
            return dg.MetadataValue.int(value)
        case float():
            return dg.MetadataValue.float(value)
        case str():
            return dg.MetadataValue.text(value)
