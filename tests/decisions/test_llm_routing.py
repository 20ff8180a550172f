"""Routing between language models with a trained bundle, and without one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np
import pytest

from aurora.decisions.bundles import promote_bundle, write_bundle
from aurora.decisions.engine import Engine
from aurora.decisions.loading import engine_version, load_engine
from aurora.errors import DataError
from aurora.settings import Settings
from aurora.store.paths import TenantPaths
from contracts.messages.decisions import Decision, RouteLlmRequest

Decide = Callable[..., Decision]
VIEWS = ("cluster_prior", "nearest", "linear_bandit")
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


def _publish_views(paths: TenantPaths) -> None:
    """The same router with a space of two topics, in which every policy sees `hard` as hard for the small ones."""
    folder = _publish(paths)
    with np.load(folder / "arrays.npz") as archive:
        arrays = {name: archive[name] for name in archive.files}
    quality = np.array([[0.9, 0.9, 0.9], [0.2, 0.3, 0.8]])
    curves = {"calib_x": arrays["calib_x"], "calib_y": arrays["calib_y"]}
    eye = np.tile(np.eye(3) * 40.0, (3, 1, 1))
    arrays |= {
        "task_types": np.array(["contract"]),
        "task_coef": np.array([[-0.4, -0.4, 0.1]], dtype=np.float32),
        "space": np.eye(2, dtype=np.float32),
        "token_coef": np.array([[0.0, 0.0, 0.0], [300.0, 300.0, 300.0]]),
        "token_intercept": np.array([100.0, 100.0, 100.0]),
        "cluster_prior.centres": np.eye(2),
        "cluster_prior.quality": quality,
        "cluster_prior.residual": np.zeros((2, 3)),
        "nearest.points": np.repeat(np.eye(2), 50, axis=0).astype(np.float16),
        "nearest.outcomes": np.repeat(quality, 50, axis=0).astype(np.float32),
        "nearest.prior": np.full(3, 0.6),
        "nearest.k": np.array(50),
        "linear_bandit.precision": eye,
        "linear_bandit.moment": 40.0 * np.hstack([quality.T, np.zeros((3, 1))]),
        **{f"{name}.{key}": value for name in VIEWS for key, value in curves.items()},
        "held_out.outcome": np.repeat(np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 1.0]]), 100, axis=0).astype(np.float32),
        "held_out.cost_usd": np.tile([0.0001, 0.0002, 0.0004], (200, 1)).astype(np.float32),
        "held_out.is_for_thresholds": np.arange(200) % 5 == 0,
        **{
            f"held_out.quality.{n}": np.repeat(quality, 100, axis=0).astype(np.float32) for n in ("learned_llm", *VIEWS)
        },
    }
    manifest = {"kind": "route_llm", "estimator": "tfidf_ridge_v2", "llms": LLMS}
    promote_bundle(write_bundle(paths.serving, manifest, arrays))


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
    easy, hard = decide(engine, _ask("easy", min_quality=0.6)), decide(engine, _ask("hard", min_quality=0.6))
    assert (easy.action, hard.action) == ("gemma-2-9b-it", "llama-3.1-nemotron-51b-instruct")
    assert easy.bundle_hash == folder.name
    assert easy.confidence == pytest.approx(0.7)
    assert easy.baseline_cost_usd is not None
    assert easy.expected_cost_usd is not None
    assert easy.expected_cost_usd < easy.baseline_cost_usd
    assert hard.expected_cost_usd == hard.baseline_cost_usd == Decimal("0.000180900")


def test_without_a_floor_of_its_own_a_request_goes_by_what_a_right_answer_is_worth(paths: TenantPaths, decide: Decide):
    _publish(paths)
    decision = decide(load_engine(paths, Settings()), _ask("easy"))
    assert "gives the most for its cost" in decision.reason
    assert "worth 0.05 USD" in decision.reason


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


@pytest.mark.parametrize("policy_id", VIEWS)
def test_each_policy_looks_at_the_prompt_in_its_own_way(policy_id: str, paths: TenantPaths, decide: Decide):
    _publish_views(paths)
    engine = load_engine(paths, Settings())
    asked = [msgspec.structs.replace(_ask(prompt, min_quality=0.6), policy=policy_id) for prompt in ("easy", "hard")]
    easy, hard = (decide(engine, request) for request in asked)
    assert (easy.policy_id, hard.policy_id) == (policy_id, policy_id)
    assert (easy.action, hard.action) == ("gemma-2-9b-it", "llama-3.1-nemotron-51b-instruct")
    assert hard.confidence == pytest.approx(0.8, abs=0.03)


def test_a_policy_that_the_bundle_cannot_serve_leaves_it_to_the_fallback(paths: TenantPaths, decide: Decide):
    _publish(paths)
    decision = decide(load_engine(paths, Settings()), msgspec.structs.replace(_ask("easy"), policy="nearest"))
    assert decision.policy_id == "best_single"
    assert "No trained router is published for nearest" in decision.reason


def test_the_task_type_and_the_expected_length_of_the_answer_count(paths: TenantPaths, decide: Decide):
    _publish_views(paths)
    engine = load_engine(paths, Settings())
    plain, contract = (
        decide(engine, msgspec.structs.replace(_ask("easy", min_quality=0.6), task_type=task_type))
        for task_type in (None, "contract")
    )
    assert plain.action == "gemma-2-9b-it"
    assert contract.action == "llama-3.1-nemotron-51b-instruct"
    one = ("llama-3.1-nemotron-51b-instruct",)
    easy, hard = (decide(engine, _ask(prompt, candidates=one)) for prompt in ("easy", "hard"))
    assert easy.expected_cost_usd is not None
    assert hard.expected_cost_usd is not None
    assert hard.expected_cost_usd > 2 * easy.expected_cost_usd


@pytest.mark.parametrize(("share", "status"), [(0.3, "chosen"), (0.02, "abstained")])
def test_a_promise_decides_who_answers(share: float, status: str, paths: TenantPaths, decide: Decide, tmp_path: Path):
    shutil.copytree(Settings().packs_dir, tmp_path / "packs")
    file = tmp_path / "packs" / "_shared" / "policies.yaml"
    text = file.read_text(encoding="utf-8")
    promised = "cluster_prior: {epsilon: 0.0, max_wrong_share: " + str(share) + "}"
    shipped = "cluster_prior: {epsilon: 0.02, min_confidence: 0.15, parameters: {worth_usd: 0.05}}"
    assert shipped in text
    file.write_text(text.replace(shipped, promised), encoding="utf-8")
    _publish_views(paths)
    engine = load_engine(paths, Settings(packs_dir=tmp_path / "packs"))
    asked = _ask("hard", candidates=("gemma-2-9b-it", "llama-3.1-8b-instruct"))
    decision = decide(engine, msgspec.structs.replace(asked, policy="cluster_prior"))
    easy = decide(engine, msgspec.structs.replace(_ask("easy"), policy="cluster_prior"))
    assert easy.status == status
    assert decision.status == "abstained"
    assert "% wrong" in decision.reason
