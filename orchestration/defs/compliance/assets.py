"""Findings: every rule over every record, each time something came in and each hour, since clocks run out."""

from __future__ import annotations

import dagster as dg

from contracts import registry
from orchestration.defs.ingest.assets import GROUP, RULE_TABLES, raw_key
from orchestration.stage_assets import stage_assets
from orchestration.stages import RULES


def compliance_assets() -> list[dg.AssetsDefinition]:
    """The findings and what each rule was asked about.

    They name no upstream, as the links between records do not: the checks of raw look at them too. Stages run in
    their order all the same.
    """
    specs = [
        dg.AssetSpec(
            raw_key(name),
            description=f"{registry.table(name).meaning} Grain: {registry.table(name).grain}.",
            group_name=GROUP,
            kinds={"ducklake"},
        )
        for name in RULE_TABLES
    ]
    return [stage_assets(RULES, specs)]
