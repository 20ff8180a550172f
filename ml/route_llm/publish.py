"""From a fitted estimator to a policy bundle: manifest and arrays as `aurora.decisions.bundles` reads them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from aurora.decisions.bundles import champion_folder, promote_bundle, replace_file, write_bundle
from ml.route_llm import features
from ml.route_llm.estimator import Estimator
from ml.route_llm.evaluate import Evaluation
from ml.route_llm.predict import KIND
from ml.route_llm.views import Views

ESTIMATOR = "tfidf_ridge_v2"
CHALLENGER = "challenger"


def manifest_of(
    estimator: Estimator,
    evaluation: Evaluation,
    *,
    created_at: dt.datetime,
    training_data_hash: str,
    is_sample: bool,
    mlflow: Mapping[str, str],
) -> dict[str, Any]:
    """What stands beside the arrays: how to read them, where they come from, how good they are."""
    return {
        "kind": KIND,
        "estimator": ESTIMATOR,
        "llms": list(estimator.llms),
        "prices": [msgspec.to_builtins(_price(price)) for price in estimator.prices],
        "ngram_range": list(features.NGRAM_RANGE),
        "sublinear_tf": True,
        "lowercase": True,
        "token_pattern": features.TOKEN_PATTERN,
        "norm": "l2",
        "created_at": created_at.astimezone(dt.UTC).isoformat(),
        "training_data_hash": training_data_hash,
        "is_sample": is_sample,
        "metrics": dict(evaluation.metrics),
        "calibration_curve": [dict(point) for point in evaluation.calibration_curve],
        "cost_curve": {source: [list(p) for p in points] for source, points in evaluation.cost_curve.items()},
        "per_group": {name: dict(figures) for name, figures in evaluation.per_group.items()},
        "mlflow": dict(mlflow),
    }


def _price(price: features.Price) -> dict[str, float]:
    return {"input_usd_per_mtok": price.input_usd_per_mtok, "output_usd_per_mtok": price.output_usd_per_mtok}


def arrays_of(
    estimator: Estimator, views: Views | None = None, held_out: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The arrays of `tfidf_ridge_v2`, with what other policies look through and held-out questions, where given."""
    return {
        "vocabulary": np.array(estimator.vocabulary, dtype=str),
        "idf": estimator.idf,
        "coef": estimator.coef.astype(np.float32),
        "intercept": estimator.intercept,
        "calib_x": estimator.calib_x,
        "calib_y": estimator.calib_y,
        "mean_output_tokens": estimator.mean_output_tokens,
        "task_types": np.array(estimator.task_types, dtype=str),
        "task_coef": estimator.task_coef,
        "level": estimator.level,
        "bend": estimator.bend,
        **({} if views is None else {**views.arrays, "task_places": estimator.task_places}),
        **(held_out or {}),
    }


def publish(
    serving: Path,
    manifest: Mapping[str, Any],
    estimator: Estimator,
    *,
    is_champion: bool,
    views: Views | None = None,
    held_out: Mapping[str, Any] | None = None,
) -> Path:
    """Write the bundle and let it be the champion, or only name it the challenger. Returns its folder."""
    folder = write_bundle(serving, manifest, arrays_of(estimator, views, held_out))
    if is_champion:
        promote_bundle(folder)
        (folder.parent / CHALLENGER).unlink(missing_ok=True)
    else:
        replace_file(folder.parent / CHALLENGER, (folder.name + "\n").encode())
    return folder


def read_manifest(folder: Path) -> dict[str, Any]:
    """The whole manifest of a bundle that stands; its bytes are verified by `load_bundle`, not here."""
    return msgspec.json.decode((folder / "manifest.json").read_bytes(), type=dict[str, Any])


def standing(serving: Path) -> dict[str, dict[str, Any]]:
    """Manifests of the bundles that are champion and challenger now, by role; a role nobody has is absent."""
    found = {}
    champion = champion_folder(serving, KIND)
    if champion is not None:
        found["champion"] = read_manifest(champion)
    pointer = serving / "bundles" / KIND / CHALLENGER
    if pointer.is_file():
        folder = pointer.parent / pointer.read_text(encoding="utf-8").strip()
        if (folder / "manifest.json").is_file():
            found[CHALLENGER] = read_manifest(folder)
    return found
