"""Golden records: which records are one, and what systems that disagree are told."""

from __future__ import annotations

import dagster as dg

from contracts import registry
from orchestration.defs.ingest.assets import ENTITY_TABLES, GROUP, raw_key
from orchestration.defs.transform.assets import mart_key
from orchestration.stage_assets import stage_assets
from orchestration.stages import CONFLICTS, ENTITIES

CONFLICTS_KEY = dg.AssetKey(["state", "golden_commands"])


def entity_assets() -> list[dg.AssetsDefinition]:
    """The links between records, and the commands that come of what disagrees.

    The links name no upstream: the checks of raw look at them too, so an edge from the parties (whose checks
    block what is behind them) would be a circle. Stages run in their order all the same.
    """
    links = [
        dg.AssetSpec(
            raw_key(name),
            description=f"{registry.table(name).meaning} Grain: {registry.table(name).grain}.",
            group_name=GROUP,
            kinds={"ducklake"},
        )
        for name in ENTITY_TABLES
    ]
    told = dg.AssetSpec(
        CONFLICTS_KEY,
        deps=[mart_key("golden_conflicts")],
        group_name="serving",
        description="Sync commands and alerts in the journal: one for each record and column that disagrees.",
    )
    return [stage_assets(ENTITIES, links), stage_assets(CONFLICTS, [told])]
