"""Predictions: trained, judged by the gate, published as bundles."""

from __future__ import annotations

import dagster as dg

from orchestration.stage_assets import stage_assets
from orchestration.stages import ROUTE_LLM

GROUP = "ml"


def ml_assets() -> list[dg.AssetsDefinition]:
    """The LLM router's bundle. It learns from labelled prompts, not from the lake."""
    spec = dg.AssetSpec(
        dg.AssetKey(["serving", "route_llm"]),
        group_name=GROUP,
        kinds={"mlflow", "scikitlearn"},
        description="Which language model answers well enough at the lowest cost: champion and challenger bundles.",
    )
    return [stage_assets(ROUTE_LLM, [spec])]
