"""A published bundle at work: what serving would answer, with numpy alone. Used to judge a champion."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from aurora.decisions.bundles import Bundle, champion_folder, load_bundle
from ml.route_llm.features import Floats

KIND = "route_llm"


def load_champion(serving: Path) -> Bundle | None:
    """The champion bundle, verified; None where there is none yet."""
    folder = champion_folder(serving, KIND)
    return None if folder is None else load_bundle(folder)


def predict(bundle: Bundle, prompts: Sequence[str], llms: Sequence[str]) -> Floats:
    """Calibrated quality by the code that serves decisions, (prompts, llms). `KeyError` for an unknown llm."""
    scored = [bundle.quality(prompt) for prompt in prompts]
    return np.array([[quality[llm] for llm in llms] for quality in scored], dtype=np.float64)


def predict_tokens(bundle: Bundle, prompts: Sequence[str], llms: Sequence[str]) -> Floats:
    """Expected answer lengths, likewise."""
    found = [bundle.expect(prompt).output_tokens for prompt in prompts]
    return np.array([[tokens[llm] for llm in llms] for tokens in found], dtype=np.float64)
