"""From data to a champion that the API can load: real training, real MLflow, real files."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aurora.decisions.bundles import champion_folder, load_bundle
from aurora.errors import DataError
from aurora.settings import Settings
from aurora.store.paths import TenantPaths, create_tenant
from ml import tracking
from ml.route_llm import publish, samples, sources
from ml.route_llm.card import render_card
from ml.route_llm.evaluate import Evaluation
from ml.route_llm.pipeline import as_pipeline
from ml.route_llm.predict import KIND, load_champion, predict
from ml.route_llm.train import RECIPE, TrainReport, gate, tracking_of, train, train_and_publish


def clock() -> dt.datetime:
    return dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    folder = tmp_path_factory.mktemp("data")
    return Settings(data_dir=folder, shared_data_dir=folder / "absent", seed=7)


@pytest.fixture(scope="module")
def paths(settings) -> TenantPaths:
    return create_tenant(settings.data_dir, "demo", "ae-dubai")


@pytest.fixture(scope="module")
def first(paths, settings) -> TrainReport:
    tracking.prepare_tracking(tracking_of(paths))
    return train_and_publish(paths, settings, clock=clock)


def test_samples_make_a_champion_that_says_it_is_a_sample(first, paths):
    manifest = publish.standing(paths.serving)["champion"]

    assert first.outcome == "promoted"
    assert first.reasons == ()
    assert first.is_sample
    assert manifest["bundle_hash"] == first.bundle_hash
    assert manifest["is_sample"]
    assert manifest["created_at"] == "2026-03-01T09:30:00+00:00"
    assert manifest["metrics"]["gain_equal_cost"] > 0
    assert manifest["metrics"]["ece"] <= 0.05
    assert "**Sample.**" in render_card(manifest)


def test_the_same_data_is_not_trained_on_twice(first, paths, settings):
    again = train_and_publish(paths, settings, clock=clock)

    assert again.outcome == "fresh"
    assert again.bundle_hash == first.bundle_hash


@pytest.mark.usefixtures("first")
def test_serving_gives_the_numbers_of_the_registered_estimator(paths, settings):
    block = samples.make_samples(seed=99, count=60)
    trained = train([samples.make_samples(seed=settings.seed)])
    bundle = load_champion(paths.serving)
    assert bundle is not None

    raw = np.stack([bundle.scorer.raw(prompt) for prompt in block.prompts])

    expected = as_pipeline(trained.fit.estimator).predict(block.prompts)
    assert np.abs(raw - expected).max() <= 1e-6
    served = predict(bundle, block.prompts, trained.fit.estimator.llms)
    assert np.abs(served - trained.fit.estimator.predict(block.prompts)).max() <= 1e-6


def test_mlflow_names_the_champion_and_keeps_the_evidence(first, paths):
    store = tracking_of(paths)
    found = tracking.version_of(store, KIND, "champion")

    assert found == tracking.Registered(run_id=first.run_id or "", version=first.version or "")
    assert tracking.version_of(store, KIND, "challenger") is None
    kept = {file.name for file in store.artifacts.rglob("*") if file.is_file()}
    assert {"card.md", "calibration.json", "cost_curve.json", "manifest.json", "arrays.npz", "MLmodel"} <= kept


@pytest.mark.usefixtures("first")
def test_a_bundle_with_one_changed_byte_is_refused(paths, tmp_path):
    folder = champion_folder(paths.serving, KIND)
    assert folder is not None
    copy = tmp_path / folder.name
    copy.mkdir()
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    load_bundle(copy)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["metrics"]["ece"] = 0.0
    (copy / "manifest.json").write_text(json.dumps(manifest))

    with pytest.raises(DataError, match="bundle_hash"):
        load_bundle(copy)


@pytest.mark.usefixtures("first")
def test_a_worse_challenger_is_published_but_not_promoted(paths, settings):
    other = Settings(data_dir=settings.data_dir, shared_data_dir=settings.shared_data_dir, seed=8)
    champion = champion_folder(paths.serving, KIND)
    trained = train([samples.make_samples(seed=8)])
    reasons = gate(trained.evaluation, {"quality_equal_cost": 1.0})
    assert reasons[0].startswith("quality ")
    manifest = publish.manifest_of(
        trained.fit.estimator,
        trained.evaluation,
        created_at=clock(),
        training_data_hash=sources.hash_sources([], recipe=f"{RECIPE}/sample/{other.seed}"),
        is_sample=True,
        mlflow={"run_id": "r", "version": "9", "alias": "challenger"},
    )

    folder = publish.publish(paths.serving, manifest, trained.fit.estimator, is_champion=False)

    assert champion_folder(paths.serving, KIND) == champion
    assert folder != champion
    assert publish.standing(paths.serving)["challenger"]["bundle_hash"] == folder.name
    assert train_and_publish(paths, other, clock=clock).outcome == "fresh"


def test_samples_never_replace_a_champion_of_real_data(tmp_path):
    settings = Settings(data_dir=tmp_path, shared_data_dir=tmp_path / "absent")
    paths = create_tenant(tmp_path, "demo", "ae-dubai")
    trained = train([samples.make_samples(seed=7)])
    manifest = publish.manifest_of(
        trained.fit.estimator,
        trained.evaluation,
        created_at=clock(),
        training_data_hash="real",
        is_sample=False,
        mlflow={"run_id": "r", "version": "1", "alias": "champion"},
    )
    publish.publish(paths.serving, manifest, trained.fit.estimator, is_champion=True)

    report = train_and_publish(paths, settings, clock=clock)

    assert report.outcome == "kept"
    assert not report.is_sample


def evaluation(**metrics: float) -> Evaluation:
    figures = {"ece": 0.02, "gain_equal_cost": 0.01, "quality_equal_cost": 0.7} | metrics
    return Evaluation(metrics=figures, calibration_curve=(), cost_curve={}, per_group={})


@pytest.mark.parametrize(
    ("metrics", "champion", "reason"),
    [
        ({"ece": 0.051}, None, "calibration error"),
        ({"gain_equal_cost": 0.0}, None, "best single llm"),
        ({}, {"quality_equal_cost": 0.71}, "below the champion's"),
    ],
)
def test_the_gate_names_why_it_refuses(metrics, champion, reason):
    reasons = gate(evaluation(**metrics), champion)

    assert len(reasons) == 1
    assert reason in reasons[0]


def test_the_gate_lets_an_equal_through():
    assert gate(evaluation(), {"quality_equal_cost": 0.7}) == ()


def test_too_few_prompts_are_refused_by_name():
    with pytest.raises(DataError, match="too few prompts") as caught:
        train([replace(samples.make_samples(seed=1, count=40), source="tiny")])

    assert caught.value.field == "tiny"


def test_the_real_data_trains_a_calibrated_router():
    data = Settings().shared_data_dir
    if not sources.find_sources(data):
        pytest.skip("the public data sets are not on this machine")

    trained = train([block.take(range(0, len(block.prompts), 5)) for block in sources.load_real(data)])

    assert trained.evaluation.metrics["ece"] <= 0.08
    assert trained.evaluation.metrics["quality_max"] > 0.5
    assert len(trained.fit.estimator.llms) == len(set(trained.fit.estimator.llms))


def test_a_broken_data_file_is_named(tmp_path: Path):
    (tmp_path / "llmrouter").mkdir()
    (tmp_path / sources.LLMROUTER).write_text('[{"question": "x"}]')
    (tmp_path / sources.LLMROUTER_PRICES).write_text("{}")

    with pytest.raises(DataError, match=r"dc_train\.json"):
        sources.load_real(tmp_path)
