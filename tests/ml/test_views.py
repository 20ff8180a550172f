"""Every policy of route_llm runs from one bundle that training made, and serving gives training's numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aurora.decisions.bandit import LinearBandit
from aurora.decisions.bundles import Bundle, load_bundle, write_bundle
from aurora.decisions.policy import ConfiguredPolicy, policies
from aurora.decisions.promises import NEVER, keep_promises
from aurora.decisions.views import with_one
from aurora.errors import DataError
from aurora.packs import PolicySettings
from ml.route_llm import estimator as estimators
from ml.route_llm import publish, samples
from ml.route_llm.calibrate import bent, fit_bend, level_of
from ml.route_llm.evaluate import calibration
from ml.route_llm.features import split
from ml.route_llm.held_out import held_out_arrays
from ml.route_llm.teacher import Teacher
from ml.route_llm.views import POLICIES

MANIFEST = {"kind": "route_llm", "estimator": publish.ESTIMATOR, "token_pattern": r"(?u)\w+|[^\w\s]"}


@pytest.fixture(scope="module")
def parts():
    return split(samples.make_samples(seed=11, count=1200))


@pytest.fixture(scope="module")
def fitted(parts):
    return estimators.fit([replace(parts[0], task_types=parts[0].groups)])


@pytest.fixture(scope="module")
def bundle(parts, fitted, tmp_path_factory) -> Bundle:
    arrays = publish.arrays_of(fitted.estimator, fitted.views, held_out_arrays(fitted, [parts[1]]))
    manifest = {**MANIFEST, "llms": list(fitted.estimator.llms)}
    return load_bundle(write_bundle(tmp_path_factory.mktemp("serving"), manifest, arrays))


def test_serving_gives_the_numbers_of_training(parts, fitted, bundle):
    held = parts[1].take(range(60))
    own = fitted.estimator.predict(held.prompts, held.groups)
    tokens = fitted.output_tokens(held.prompts, fitted.estimator.llms)
    for row, prompt in enumerate(held.prompts):
        expected = bundle.expect(prompt, task_type=held.groups[row])
        np.testing.assert_allclose(list(expected.quality.values()), own[row], atol=1e-6)
        np.testing.assert_allclose(list(expected.output_tokens.values()), tokens[row], rtol=1e-5)


@pytest.mark.parametrize("policy_id", POLICIES)
def test_a_view_serves_what_it_learned(policy_id: str, parts, fitted, bundle):
    held = parts[1].take(range(60))
    seen = fitted.quality_by_policy(held.prompts, fitted.estimator.llms)[policy_id]
    served = [list(bundle.expect(prompt, policy_id=policy_id).quality.values()) for prompt in held.prompts]
    np.testing.assert_allclose(served, seen, atol=2e-3 if policy_id == "nearest" else 1e-5)


@pytest.mark.parametrize("policy_id", [*POLICIES, "learned_llm"])
def test_a_view_is_better_than_the_average_and_calibrated(policy_id: str, parts, fitted):
    held, own = parts[1], fitted.estimator.predict(parts[1].prompts, parts[1].groups)
    seen = own if policy_id == "learned_llm" else fitted.quality_by_policy(held.prompts, held.llms)[policy_id]
    average = np.tile(parts[0].quality.mean(axis=0), (len(held.prompts), 1))
    assert ((seen - held.quality) ** 2).mean() < ((average - held.quality) ** 2).mean() - 0.005
    assert calibration(seen, held.quality)[0] <= 0.05


def test_only_the_bandit_knows_how_little_it_knows(parts, bundle):
    usual, strange = parts[0].prompts[0], "zyx wvu"
    assert bundle.expect(usual, policy_id="nearest").spread == {}
    spread = bundle.expect(usual, policy_id="linear_bandit").spread
    assert all(0 < value < 0.5 for value in spread.values())
    assert set(bundle.expect(strange, policy_id="linear_bandit").quality) == set(bundle.manifest.llms)


def test_what_a_bandit_learned_adds_up_and_makes_it_surer():
    draw = np.random.default_rng(2)
    contexts, arms = with_one(draw.normal(size=(300, 4))), draw.integers(0, 3, 300)
    rewards = (contexts @ np.array([0.3, -0.2, 0.0, 0.1, 0.5])) * (arms + 1)
    whole = LinearBandit.blank(3, 5).learn(contexts, arms, rewards)
    halves = LinearBandit.blank(3, 5).learn(contexts[150:], arms[150:], rewards[150:])
    halves = halves.learn(contexts[:150], arms[:150], rewards[:150])
    np.testing.assert_allclose(whole.precision, halves.precision)
    np.testing.assert_allclose(whole.weights(), halves.weights())
    np.testing.assert_allclose(whole.weights()[2][:4], [0.9, -0.6, 0.0, 0.3], atol=0.15)
    assert np.trace(whole.inverse()[0]) < np.trace(LinearBandit.blank(3, 5).inverse()[0])


def test_a_promise_sets_the_confidence_or_says_that_it_cannot_be_kept(bundle):
    policy = policies()["learned_llm"]

    def kept(share: float) -> ConfiguredPolicy:
        settings = PolicySettings(min_confidence=0.15, max_wrong_share=share)
        configured = {"learned_llm": ConfiguredPolicy(policy, settings, dict(policy.parameters))}
        return keep_promises(configured, bundle.held_out)["learned_llm"]

    loose, strict = kept(0.6), kept(0.001)
    assert 0.15 <= loose.settings.min_confidence < 1
    assert "held-out questions are answered" in loose.promise
    assert strict.settings.min_confidence == NEVER
    assert "cannot be promised" in strict.promise


def test_without_held_out_outcomes_nothing_is_promised():
    policy = policies()["nearest"]
    settings = PolicySettings(max_wrong_share=0.1)
    kept = keep_promises({"nearest": ConfiguredPolicy(policy, settings, dict(policy.parameters))}, None)["nearest"]
    assert kept.settings.min_confidence == NEVER
    assert "no held-out outcome is published" in kept.promise


def test_a_teacher_takes_the_noise_out_of_labels():
    import scipy.sparse as sp

    draw = np.random.default_rng(3)
    centres = np.eye(8, dtype=np.float32)[draw.integers(0, 4, 400)]
    meanings = centres + draw.normal(scale=0.05, size=(400, 8)).astype(np.float32)
    meanings /= np.linalg.norm(meanings, axis=1, keepdims=True)
    truth = centres[:, :1] * 0.6 + 0.2
    labels = (draw.random((400, 1)) < truth).astype(float)

    smoothed = Teacher.of(sp.identity(400, format="csr"), meanings, (None,) * 400).smooth(np.arange(400), labels, 5.0)

    assert np.abs(smoothed - truth).mean() < 0.3 * np.abs(labels - truth).mean()


def test_topics_count_within_the_task_types_that_training_knew(parts, bundle):
    prompt, known = parts[1].prompts[0], parts[1].groups[0]
    without = replace(bundle.scorer, task_places={})
    assert np.abs(bundle.scorer.raw(prompt, known) - without.raw(prompt, known)).max() > 1e-4
    assert bundle.scorer.raw(prompt, "unheard of").tolist() == without.raw(prompt, None).tolist()


def test_places_of_another_shape_are_refused(fitted, tmp_path: Path):
    arrays = publish.arrays_of(fitted.estimator, fitted.views)
    manifest = {**MANIFEST, "llms": list(fitted.estimator.llms)}
    with pytest.raises(DataError, match="task_places"):
        write_bundle(tmp_path, manifest, {**arrays, "task_places": arrays["task_places"][:, 1:]})


def test_scores_are_bent_only_where_difficulty_tells():
    draw = np.random.default_rng(5)
    level, folds = level_of([2]), np.arange(600) % 5
    raw = draw.random((600, 1)) + np.array([[0.0, 0.1]])
    plain = raw + draw.normal(scale=0.3, size=raw.shape)
    mean = raw @ level
    hump = raw + np.array([[-1.0, 1.0]]) * mean * (1.1 - mean) + draw.normal(scale=0.1, size=raw.shape)

    kept = bent(raw, level, fit_bend(raw, plain, level, folds))
    assert np.abs(kept - raw).max() < 0.1
    assert np.abs(bent(raw, level, fit_bend(raw, hump, level, folds)) - hump).mean() < 0.1


def test_bundles_without_views_serve_the_linear_map_alone(fitted, tmp_path: Path):
    manifest = {**MANIFEST, "llms": list(fitted.estimator.llms)}
    plain = load_bundle(write_bundle(tmp_path, manifest, publish.arrays_of(fitted.estimator)))
    assert plain.serves("learned_llm")
    assert not plain.serves("nearest")
    assert plain.expect("Hello", policy_id="learned_llm").output_tokens == plain.mean_output_tokens
