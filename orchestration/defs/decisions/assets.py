"""What decisions are made with: the features that serving maps read-only, and that training sees the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import dagster as dg

from aurora.decisions.features import MART
from orchestration.defs.transform.assets import mart_key
from orchestration.resources import Workspace
from orchestration.stage_assets import metadata, order, run
from orchestration.stages import FEATURES

FEATURES_KEY = dg.AssetKey(["serving", "features"])
NO_SKEW: Final = "serving_and_training_see_the_same"
_MEANING: Final = "Published rows and past decisions' candidates say the same to serving and to training."


def decision_assets() -> list[dg.AssetsDefinition]:
    """The published features, with their skew check in the same step."""
    spec = dg.AssetSpec(
        FEATURES_KEY,
        deps=[mart_key(MART)],
        group_name="serving",
        description="Features of assistants as the decision engine reads them: one snapshot with its hash.",
    )
    check = dg.AssetCheckSpec(NO_SKEW, asset=FEATURES_KEY, description=_MEANING)

    @dg.multi_asset(
        name=FEATURES.name, specs=[spec], check_specs=[check], description=FEATURES.meaning, op_tags=order(FEATURES)
    )
    def _features(workspace: Workspace) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        from aurora.decisions.skew import check_skew

        yield dg.MaterializeResult(asset_key=FEATURES_KEY, metadata=metadata(run(FEATURES, workspace)))
        report = check_skew(workspace.work().paths)
        yield dg.AssetCheckResult(
            check_name=NO_SKEW,
            asset_key=FEATURES_KEY,
            passed=report.differing_count == 0,
            severity=dg.AssetCheckSeverity.ERROR,
            description=report.examples[0] if report.examples else _MEANING,
            metadata={
                "checked_count": report.published_count + report.decided_count,
                "differing_count": report.differing_count,
            },
        )

    return [_features]
