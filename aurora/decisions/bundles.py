"""Policy bundles: what a trained policy needs to serve, as arrays and a manifest under one hash.

A bundle is a folder `serving/bundles/<kind>/<bundle_hash>/` with `manifest.json` and `arrays.npz`; the
file `champion` beside it names the one in use, and replacing that file is the promotion. `ml/` writes
bundles with `write_bundle`; serving reads them with numpy alone. A bundle whose bytes do not give the
hash it is named by is refused.

Arrays of `tfidf_ridge_v1`, for V n-grams, L language models and K calibration points: `vocabulary` (V,)
text, `idf` (V,), `coef` (V, L), `intercept` (L,), `calib_x` and `calib_y` (L, K), `mean_output_tokens` (L,).
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta, Struct

from aurora.decisions.scoring import TfidfScorer, curves_of
from aurora.errors import DataError, NotFoundError

ARRAYS = ("vocabulary", "idf", "coef", "intercept", "calib_x", "calib_y", "mean_output_tokens")
_HASH = re.compile(r"[0-9a-f]{64}")


class Manifest(Struct, frozen=True, kw_only=True):
    """What serving reads of manifest.json; keys beyond these (metrics, mlflow, prices ...) are kept but not used."""

    kind: Literal["route_llm"]
    estimator: Literal["tfidf_ridge_v1"]
    llms: Annotated[tuple[str, ...], Meta(min_length=1)]
    """Candidate ids in the order of the arrays' L axis."""
    ngram_range: tuple[int, int] = (1, 2)
    sublinear_tf: bool = True
    lowercase: bool = True
    token_pattern: str = r"(?u)\b\w\w+\b"  # noqa: S105 - a pattern of words
    norm: Literal["l2"] | None = "l2"
    max_chars: int | None = None
    """Characters of the prompt that are read; all when absent. Training must cut likewise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A verified bundle, ready to score. `mean_output_tokens` is one value a language model."""

    bundle_hash: str
    manifest: Manifest
    scorer: TfidfScorer
    mean_output_tokens: dict[str, float]

    def quality(self, prompt: str) -> dict[str, float]:
        """Calibrated P(good enough) of each language model by candidate id."""
        return dict(zip(self.manifest.llms, self.scorer.quality(prompt), strict=True))


def bundle_hash(manifest: Mapping[str, Any], arrays: bytes) -> str:
    """SHA-256 (hex) over the manifest without its own `bundle_hash`, keys sorted, and the arrays' SHA-256."""
    content = {key: value for key, value in manifest.items() if key != "bundle_hash"}
    digest = hashlib.sha256(msgspec.json.encode(content, order="sorted"))
    digest.update(hashlib.sha256(arrays).digest())
    return digest.hexdigest()


def write_bundle(serving: Path, manifest: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Path:
    """Write a bundle of `manifest["kind"]` below `serving` and return its folder; not yet the champion.

    The same content twice is the same folder. Raises `DataError` when the arrays do not fit together.
    """
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    content = buffer.getvalue()
    identity = bundle_hash(manifest, content)
    folder = serving / "bundles" / str(manifest["kind"]) / identity
    document = msgspec.json.encode({**manifest, "bundle_hash": identity}, order="sorted")
    _assemble(folder, document, content, identity)
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / "arrays.npz", content)
    replace_file(folder / "manifest.json", document)
    return folder


def promote_bundle(folder: Path) -> None:
    """Make the bundle in `folder` its kind's champion, atomically. Rollback is promoting the one before."""
    load_bundle(folder)
    replace_file(folder.parent / "champion", (folder.name + "\n").encode())


def champion_folder(serving: Path, kind: str) -> Path | None:
    """Folder of the champion bundle of a kind; None while there is none."""
    pointer = serving / "bundles" / kind / "champion"
    try:
        name = pointer.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    if not _HASH.fullmatch(name):
        raise _refused(pointer, "champion", "does not name a bundle by its SHA-256")
    return pointer.parent / name


def load_bundle(folder: Path) -> Bundle:
    """The bundle in `folder`, verified. `NotFoundError` when it is absent, `DataError` when it is not what it says."""
    try:
        document = (folder / "manifest.json").read_bytes()
        content = (folder / "arrays.npz").read_bytes()
    except FileNotFoundError as error:
        raise NotFoundError(
            f"Bundle file {Path(str(error.filename)).name} is missing in {folder.name}.",
            field="bundle",
            next_step="Train again, or promote another bundle.",
        ) from error
    return _assemble(folder, document, content, folder.name)


def _assemble(folder: Path, document: bytes, content: bytes, expected: str) -> Bundle:
    try:
        raw = msgspec.json.decode(document, type=dict[str, Any])
        manifest = msgspec.convert(raw, Manifest)
        pattern = re.compile(manifest.token_pattern)
    except (msgspec.MsgspecError, re.error) as error:
        raise _refused(folder, "manifest.json", f"does not fit: {error}") from error
    found = bundle_hash(raw, content)
    if found != expected or raw.get("bundle_hash") != expected:
        raise _refused(folder, "bundle_hash", f"is not the SHA-256 of its content, which is {found}")
    arrays = _arrays(folder, content)
    _check_shapes(folder, arrays, len(manifest.llms))
    scorer = TfidfScorer(
        index={term: row for row, term in enumerate(arrays["vocabulary"].tolist())},
        idf=arrays["idf"].astype(np.float64),
        coef=np.ascontiguousarray(arrays["coef"]),
        intercept=arrays["intercept"].astype(np.float64),
        curves=curves_of(arrays["calib_x"], arrays["calib_y"]),
        token_pattern=pattern,
        ngram_range=manifest.ngram_range,
        is_sublinear=manifest.sublinear_tf,
        is_lowercase=manifest.lowercase,
        is_normalised=manifest.norm == "l2",
        max_chars=manifest.max_chars,
    )
    tokens = dict(zip(manifest.llms, map(float, arrays["mean_output_tokens"].tolist()), strict=True))
    return Bundle(bundle_hash=expected, manifest=manifest, scorer=scorer, mean_output_tokens=tokens)


def _arrays(folder: Path, content: bytes) -> dict[str, npt.NDArray[Any]]:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            missing = [name for name in ARRAYS if name not in archive.files]
            if missing:
                raise _refused(folder, missing[0], "is missing from arrays.npz")
            return {name: archive[name] for name in ARRAYS}
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise _refused(folder, "arrays.npz", f"is not readable: {error}") from error


def _check_shapes(folder: Path, arrays: Mapping[str, npt.NDArray[Any]], llm_count: int) -> None:
    terms = arrays["vocabulary"].shape[0]
    points = arrays["calib_x"].shape[-1]
    wanted = {
        "vocabulary": (terms,),
        "idf": (terms,),
        "coef": (terms, llm_count),
        "intercept": (llm_count,),
        "calib_x": (llm_count, points),
        "calib_y": (llm_count, points),
        "mean_output_tokens": (llm_count,),
    }
    for name, shape in wanted.items():
        if arrays[name].shape != shape:
            raise _refused(folder, name, f"has shape {arrays[name].shape}, not {shape}")
        if name != "vocabulary" and not np.isfinite(arrays[name]).all():
            raise _refused(folder, name, "holds a value that is not finite")
    y = arrays["calib_y"]
    if points < 1 or (np.diff(arrays["calib_x"], axis=1) < 0).any() or (np.diff(y, axis=1) < 0).any():
        raise _refused(folder, "calib_x", "and calib_y must not fall along a curve")
    if (y < 0).any() or (y > 1).any():
        raise _refused(folder, "calib_y", "must lie between 0 and 1")
    if (arrays["mean_output_tokens"] < 0).any():
        raise _refused(folder, "mean_output_tokens", "must not be negative")


def replace_file(file: Path, content: bytes) -> None:
    """Put `content` in place of `file` atomically and durably: a reader sees the old or the new, whole."""
    draft = file.with_name(f".{file.name}.{os.getpid()}.draft")
    with draft.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)


def _refused(folder: Path, field: str, problem: str) -> DataError:
    return DataError(
        f"Policy bundle {folder.name[:12]}: {field} {problem}.",
        field=field,
        rule="bundle",
        next_step="Train and publish the bundle again, or promote the one before.",
    )
