"""From a fitted estimator to a bundle of arrays under one hash, and back: numpy alone reads it."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from aurora.decisions.bundles import bundle_hash, champion_folder, replace_file
from aurora.errors import DataError, NotFoundError
from ml.demand.estimator import Estimator, Trees
from ml.demand.predict import KIND

ESTIMATOR = "boosted_median_v1"
CHALLENGER = "challenger"
_PARTS = ("feature", "threshold", "is_missing_left", "left", "right", "value")


def publish_bundle(serving: Path, estimator: Estimator, manifest: Mapping[str, Any], *, is_champion: bool) -> Path:
    """Write the bundle and point champion or challenger at it. The same content twice is the same folder."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays_of(estimator))
    content = buffer.getvalue()
    whole = {"kind": KIND, "estimator": ESTIMATOR, **manifest}
    identity = bundle_hash(whole, content)
    folder = serving / "bundles" / KIND / identity
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / "arrays.npz", content)
    replace_file(folder / "manifest.json", msgspec.json.encode({**whole, "bundle_hash": identity}, order="sorted"))
    replace_file(folder.parent / ("champion" if is_champion else CHALLENGER), (identity + "\n").encode())
    return folder


def arrays_of(estimator: Estimator) -> dict[str, Any]:
    """The arrays of both forests, by name."""
    arrays: dict[str, Any] = {"start_scores": estimator.start_scores}
    for name, trees in (("median", estimator.median), ("spread", estimator.spread)):
        arrays |= {f"{name}_{part}": getattr(trees, part) for part in _PARTS}
        arrays[f"{name}_shape"] = np.array([trees.start, float(trees.depth)])
    return arrays


def newest_bundle(serving: Path) -> tuple[Estimator, dict[str, Any]] | None:
    """The bundle in use: champion, else challenger; None while there is none."""
    folder = champion_folder(serving, KIND)
    pointer = serving / "bundles" / KIND / CHALLENGER
    if folder is None and pointer.is_file():
        folder = pointer.parent / pointer.read_text(encoding="utf-8").strip()
    return None if folder is None else load_bundle(folder)


def load_bundle(folder: Path) -> tuple[Estimator, dict[str, Any]]:
    """Estimator and manifest, verified. `NotFoundError` when absent, `DataError` when not what its hash says."""
    try:
        content = (folder / "arrays.npz").read_bytes()
        manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=dict[str, Any])
    except FileNotFoundError:
        raise NotFoundError(
            f"Demand bundle {folder.name[:12]} is not there.", field="bundle", next_step="Run `aurora capacity train`."
        ) from None
    except msgspec.MsgspecError as error:
        raise _damaged(folder, str(error)) from error
    if bundle_hash(manifest, content) != folder.name:
        raise _damaged(folder, "its content does not give its hash")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return _estimator({name: arrays[name] for name in arrays.files}), manifest
    except (KeyError, ValueError, zipfile.BadZipFile) as error:
        raise _damaged(folder, str(error)) from error


def _estimator(arrays: Mapping[str, Any]) -> Estimator:
    def trees(name: str) -> Trees:
        start, depth = arrays[f"{name}_shape"].tolist()
        parts: dict[str, Any] = {part: arrays[f"{name}_{part}"] for part in _PARTS}
        return Trees(**parts, start=start, depth=int(depth))

    return Estimator(median=trees("median"), spread=trees("spread"), start_scores=arrays["start_scores"])


def data_hash(parts: Mapping[str, Any]) -> str:
    """SHA-256 (hex) over series by name: what an estimator was trained on."""
    digest = hashlib.sha256()
    for name in sorted(parts):
        digest.update(name.encode() + b"\0" + np.ascontiguousarray(parts[name]).tobytes())
    return digest.hexdigest()


def _damaged(folder: Path, why: str) -> DataError:
    return DataError(
        f"Demand bundle {folder.name[:12]} is damaged: {why}.",
        field="bundle",
        rule="bundle",
        next_step="Run `aurora capacity train` to publish a new one.",
    )
