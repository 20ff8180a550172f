"""Questions kept from training, as a bundle carries them: what promises of policies are certified on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.route_llm.estimator import Fit
from ml.route_llm.features import Floats, LabelledPrompts, expected_cost_usd, fold_of


def held_out_arrays(fitted: Fit, blocks: Sequence[LabelledPrompts]) -> dict[str, NDArray[Any]]:
    """The `held_out.*` arrays of a bundle. One fold in five chooses thresholds, the others test them."""
    llms = fitted.estimator.llms
    found: dict[str, NDArray[Any]] = {
        "held_out.outcome": _wide(llms, blocks, [block.quality for block in blocks]),
        "held_out.cost_usd": _wide(llms, blocks, [_cost(fitted, block) for block in blocks]),
        "held_out.is_for_thresholds": np.array([fold_of(p) == 0 for block in blocks for p in block.prompts]),
    }
    seen = [fitted.quality_by_policy(block.prompts, block.llms) for block in blocks]
    for policy_id in seen[0]:
        found[f"held_out.quality.{policy_id}"] = _wide(llms, blocks, [one[policy_id] for one in seen])
    return found


def _cost(fitted: Fit, block: LabelledPrompts) -> Floats:
    return expected_cost_usd(block.prompts, block.llms, block.prices, fitted.output_tokens(block.prompts, block.llms))


def _wide(llms: Sequence[str], blocks: Sequence[LabelledPrompts], values: Sequence[Floats]) -> NDArray[np.float32]:
    """Blocks below each other in the columns of their own llms; NaN elsewhere."""
    position = {llm: i for i, llm in enumerate(llms)}
    whole = np.full((sum(len(block.prompts) for block in blocks), len(llms)), np.nan, dtype=np.float32)
    row = 0
    for block, part in zip(blocks, values, strict=True):
        whole[row : row + len(part), [position[llm] for llm in block.llms]] = part
        row += len(part)
    return whole
