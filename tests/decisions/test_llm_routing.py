"""Routing between language models with a trained bundle, and without one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from aurora.decisions.bundles import promote_bundle, write_bundle
from aurora.decisions.engine import Engine, engine_version, load_engine
from aurora.errors import DataError
from aurora.settings import Settings
from aurora.store.paths import TenantPaths
from contracts.messages.decisions import Decision, RouteLlmRequest

Decide = Callable[..., Decision]
LLMS = ["gemma-2-9b-it", "llama-3.1-8b-instruct", "llama-3.1-nemotron-51b-instruct"]


def _publish(paths: TenantPaths) -> Path:
    """A router that finds `hard` words hard for the small ones; quality is the raw score."""
    coef = np.array([[0.2, 0.2, 0.2], [-0.4, -0.2, 0.3]], dtype=np.float32)
    line = np.tile(np.array([0.0, 1.0]), (3, 1))
    arrays = {
        "vocabulary": np.array(["easy", "hard"]),
        "idf": np.ones(2),
        "coef": coef,
        "intercept": np.array([0.5, 0.5, 0.6]),
        "calib_x": line,
        "calib_y": line,
        "mean_output_tokens": np.array([100.0, 100.0, 200.0]),
    }
    folder = write_bundle(paths.serving, {"kind": "route_llm", "estimator": "tfidf_ridge_v1", "llms": LLMS}, arrays)
    promote_bundle(folder)
    return folder


def _ask(
    prompt: str, *, min_quality: float | None = None, candidates: tuple[str, ...] = tuple(LLMS)
) -> RouteLlmRequest:
    return RouteLlmRequest(prompt=prompt, min_quality=min_quality, candidates=candidates)


def test_without_a_bundle_the_fallback_decides_and_says_so(engine: Engine, decide: Decide):
    decision = decide(engine, _ask("easy"))
    assert (decision.policy_id, decision.bundle_hash) == ("best_single", None)
    assert decision.action == "llama-3.1-nemotron-51b-instruct"
    assert decision.reason.startswith("No trained router is published")


def test_the_cheapest_that_is_good_enough_answers(paths: TenantPaths, decide: Decide):
    folder = _publish(paths)
    engine = load_engine(paths, Settings())
    easy, hard = decide(engine, _ask("easy")), decide(engine, _ask("hard"))
    assert (easy.action, hard.action) == ("gemma-2-9b-it", "llama-3.1-nemotron-51b-instruct")
    assert easy.bundle_hash == folder.name
    assert easy.confidence == pytest.approx(0.7)
    assert easy.baseline_cost_usd is not None
    assert easy.expected_cost_usd is not None
    assert easy.expected_cost_usd < easy.baseline_cost_usd
    assert hard.expected_cost_usd == hard.baseline_cost_usd == Decimal("0.000180900")


def test_when_none_is_good_enough_the_best_answers_and_says_so(paths: TenantPaths, decide: Decide):
    _publish(paths)
    decision = decide(load_engine(paths, Settings()), _ask("easy", min_quality=0.95))
    assert decision.action == "llama-3.1-nemotron-51b-instruct"
    assert "None is expected to reach 0.95" in decision.reason


def test_a_language_model_that_the_bundle_does_not_know_goes_by_its_prior(paths: TenantPaths, decide: Decide):
    _publish(paths)
    decision = decide(load_engine(paths, Settings()), _ask("easy", candidates=("qwen2.5-7b-instruct",)))
    assert decision.candidates[0].quality == pytest.approx(0.52)


def test_expected_output_tokens_are_what_is_paid_for(paths: TenantPaths, decide: Decide):
    engine = load_engine(paths, Settings())
    request = RouteLlmRequest(prompt="x" * 4000, expected_output_tokens=2000, candidates=("gemma-2-9b-it",))
    assert decide(engine, request).expected_cost_usd == Decimal("0.000300000")


def test_promotion_and_pack_edits_change_the_version(paths: TenantPaths, tmp_path: Path):
    shutil.copytree(Settings().packs_dir, tmp_path / "packs")
    settings = Settings(packs_dir=tmp_path / "packs")
    seen = [engine_version(paths, settings)]
    assert load_engine(paths, settings).version == seen[0] == engine_version(paths, settings)
    _publish(paths)
    seen.append(engine_version(paths, settings))
    os.utime(tmp_path / "packs" / "real_estate" / "llms.yaml", ns=(1, 1))
    seen.append(engine_version(paths, settings))
    assert len(set(seen)) == 3


def test_a_damaged_champion_keeps_the_engine_from_loading(paths: TenantPaths):
    folder = _publish(paths)
    (folder / "arrays.npz").write_bytes(b"PK")
    with pytest.raises(DataError, match="SHA-256"):
        load_engine(paths, Settings())
