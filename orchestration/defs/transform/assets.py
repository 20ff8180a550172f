"""The marts: one dbt run in process, an asset a table."""

from __future__ import annotations

import dagster as dg

from aurora.settings import PROJECT_DIR
from orchestration.defs.ingest.assets import raw_key
from orchestration.defs.transform.lineage import read_lineage
from orchestration.stage_assets import stage_assets
from orchestration.stages import MARTS


def mart_key(table: str) -> dg.AssetKey:
    """The asset of one mart."""
    return dg.AssetKey(["mart", table])


def transform_assets() -> list[dg.AssetsDefinition]:
    """The marts."""
    specs = [
        dg.AssetSpec(
            mart_key(mart.name),
            deps=[*map(mart_key, sorted(mart.marts)), *map(raw_key, sorted(mart.raw_tables))],
            group_name=f"mart_{mart.area}",
            kinds={"dbt", "ducklake"},
        )
        for mart in read_lineage(PROJECT_DIR / "dbt_project")
    ]
    return [stage_assets(MARTS, specs)]
