"""What comes in: the fleet, dropped files, the journal. The raw lake's tables, by their contracts."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from contracts import registry
from orchestration.stage_assets import stage_assets
from orchestration.stages import FLEET, JOURNAL, LANDING

GROUP = "raw"
FLEET_TABLES = ("assistant", "source_expectation")
JOURNAL_TABLES = ("decision", "journal_offset", "outcome", "override")
ENTITY_TABLES = ("entity_link", "entity_match", "survivor_rule")
RULE_TABLES = ("breach_case", "finding", "rule_sweep")
_OTHERS = (*FLEET_TABLES, *JOURNAL_TABLES, *ENTITY_TABLES, *RULE_TABLES)


def raw_key(table: str) -> dg.AssetKey:
    """The asset of one raw table."""
    return dg.AssetKey(["raw", table])


def landing_tables() -> tuple[str, ...]:
    """Tables that dropped files fill: all that nothing else fills, so that a new contract is among them."""
    return tuple(name for name in registry.tables() if name not in _OTHERS)


def ingest_assets() -> list[dg.AssetsDefinition]:
    """The assets of the raw lake."""
    return [
        stage_assets(FLEET, _specs(FLEET_TABLES)),
        stage_assets(LANDING, _specs(landing_tables())),
        stage_assets(JOURNAL, _specs(JOURNAL_TABLES)),
    ]


def _specs(names: Sequence[str]) -> list[dg.AssetSpec]:
    return [
        dg.AssetSpec(
            raw_key(name),
            description=f"{declared.meaning} Grain: {declared.grain}.",
            group_name=GROUP,
            kinds={"ducklake"},
            metadata={"version": declared.version, "owner": declared.owner, "retention_days": declared.retention_days},
        )
        for name in names
        for declared in [registry.table(name)]
    ]
