"""What decisions are made with: the features that serving maps read-only."""

from __future__ import annotations

import dagster as dg

from aurora.decisions.features import MART
from orchestration.defs.transform.assets import mart_key
from orchestration.stage_assets import stage_assets
from orchestration.stages import FEATURES

FEATURES_KEY = dg.AssetKey(["serving", "features"])


def decision_assets() -> list[dg.AssetsDefinition]:
    """The published features."""
    spec = dg.AssetSpec(
        FEATURES_KEY,
        deps=[mart_key(MART)],
        group_name="serving",
        description="Features of assistants as the decision engine reads them: one snapshot with its hash.",
    )
    return [stage_assets(FEATURES, [spec])]
