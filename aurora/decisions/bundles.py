"""Policy bundles: what a trained policy needs to serve, as arrays and a manifest under one hash.

A bundle is a folder `serving/bundles/<kind>/<bundle_hash>/` with `manifest.json` and `arrays.npz`; the
file `champion` beside it names the one in use, and replacing that file is the promotion. `ml/` writes
bundles with `write_bundle`; serving reads them with numpy alone. A bundle whose bytes do not give the
hash it is named by is refused.

Arrays of `tfidf_ridge_v1`, for V n-grams, L language models and K calibration points: `vocabulary` (V,)
text, `idf` (V,), `coef` (V, L), `intercept` (L,), `calib_x` and `calib_y` (L, K), `mean_output_tokens` (L,).
`tfidf_ridge_v2` adds `task_types` (T,) text, `task_coef` (T, L), `level` (L, L) and `bend` (L, 4), and with a `space` of D topics
may add `task_places` (T, D, L): what topics add within a task type. Either may carry `space`
(V, D), by which answers' lengths are expected (`token_coef`, `token_intercept`) and other policies see the prompt:
their arrays are named `<policy_id>.<array>` and described in `aurora.decisions.views`. Arrays named `held_out.<array>` are
questions kept from training, on which promises rest (`aurora.decisions.promises`).
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta, Struct

from aurora.decisions.promises import HeldOut, read_held_out
from aurora.decisions.scoring import Curve, Floats, TfidfScorer, calibrated, curves_of, place_of
from aurora.decisions.views import View, read_views, view_shapes
from aurora.errors import DataError, NotFoundError

ARRAYS = ("vocabulary", "idf", "coef", "intercept", "calib_x", "calib_y", "mean_output_tokens")
CHALLENGER = "challenger"
OWN_VIEW = "learned_llm"
"""The policy that goes by the bundle's own linear map."""
_HASH = re.compile(r"[0-9a-f]{64}")


class Manifest(Struct, frozen=True, kw_only=True):
    """What serving reads of manifest.json; keys beyond these (metrics, mlflow, prices ...) are kept but not used."""

    kind: Literal["route_llm"]
    estimator: Literal["tfidf_ridge_v1", "tfidf_ridge_v2"]
    llms: Annotated[tuple[str, ...], Meta(min_length=1)]
    """Candidate ids in the order of the arrays' L axis."""
    ngram_range: tuple[int, int] = (1, 2)
    sublinear_tf: bool = True
    lowercase: bool = True
    token_pattern: str = r"(?u)\b\w\w+\b"  # noqa: S105 - a pattern of words
    norm: Literal["l2"] | None = "l2"
    policy_id: str | None = None
    """The policy that it was judged with; the one of its own linear map when absent."""
    may_be_tried: bool = False
    """Whether it may answer a share of decisions as a canary: only what passed the checks without evidence may."""
    max_chars: int | None = None
    """Characters of the prompt that are read; all when absent. Training must cut likewise."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of each language model on one prompt, by candidate id."""

    quality: Mapping[str, float]
    """Calibrated probability, 0 to 1, that its answer is good enough."""
    spread: Mapping[str, float]
    """Standard error of the quality, where the policy's view knows it; else empty."""
    output_tokens: Mapping[str, float]
    """Length of its answer."""


NOTHING_EXPECTED = Expected(MappingProxyType({}), MappingProxyType({}), MappingProxyType({}))
"""Without a bundle."""


@dataclass(frozen=True, slots=True)
class Space:
    """Latent topics of a prompt, and how long answers are there."""

    projection: Floats
    token_coef: Floats
    token_intercept: Floats

    def point(self, rows: npt.NDArray[np.intp], weights: Floats) -> Floats:
        """The prompt's place (D,), of length one unless no term is known."""
        return place_of(self.projection, rows, weights)

    def output_tokens(self, point: Floats) -> list[float]:
        """Expected answer length of each language model, at least one token."""
        found: list[float] = np.maximum(point @ self.token_coef + self.token_intercept, 1.0).tolist()
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A verified bundle, ready to score. `mean_output_tokens` is one value a language model."""

    bundle_hash: str
    manifest: Manifest
    scorer: TfidfScorer
    mean_output_tokens: dict[str, float]
    space: Space | None = None
    views: Mapping[str, View] = field(default_factory=dict)
    view_curves: Mapping[str, tuple[Curve, ...]] = field(default_factory=dict)
    held_out: HeldOut | None = None

    @property
    def policy_id(self) -> str:
        """The policy that it was judged with."""
        return self.manifest.policy_id or OWN_VIEW

    def serves(self, policy_id: str) -> bool:
        """Whether the bundle holds what this policy looks through."""
        return policy_id == OWN_VIEW or policy_id in self.views

    def quality(self, prompt: str, task_type: str | None = None) -> dict[str, float]:
        """Calibrated P(good enough) of each language model by candidate id."""
        return dict(zip(self.manifest.llms, self.scorer.quality(prompt, task_type), strict=True))

    def expect(self, prompt: str, *, task_type: str | None = None, policy_id: str = OWN_VIEW) -> Expected:
        """What to expect on this prompt, as the policy sees it; a policy without a view sees the linear map's."""
        rows, weights = self.scorer.terms(prompt)
        llms, view, tokens, spread = self.manifest.llms, self.views.get(policy_id), self.mean_output_tokens, None
        point = None if self.space is None else self.space.point(rows, weights)
        if view is None or point is None:
            raw = self.scorer.raw_of(rows, weights, task_type, point)
            quality = self.scorer.quality_of(raw)
        else:
            quality = calibrated(self.view_curves[policy_id], view.raw(point))
            spread = view.spread(point)
        if self.space is not None and point is not None:
            tokens = dict(zip(llms, self.space.output_tokens(point), strict=True))
        spreads = {} if spread is None else dict(zip(llms, spread.tolist(), strict=True))
        return Expected(dict(zip(llms, quality, strict=True)), spreads, tokens)


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
    return named_folder(serving, kind, "champion")


def named_folder(serving: Path, kind: str, role: str) -> Path | None:
    """Folder of the bundle in a role, champion or challenger; None while nobody has it."""
    pointer = serving / "bundles" / kind / role
    try:
        name = pointer.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    if not _HASH.fullmatch(name):
        raise _refused(pointer, role, "does not name a bundle by its SHA-256")
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
    _check_views(folder, arrays, len(manifest.llms))
    views = read_views(arrays)
    tokens = dict(zip(manifest.llms, map(float, arrays["mean_output_tokens"].tolist()), strict=True))
    return Bundle(
        bundle_hash=expected,
        manifest=manifest,
        scorer=_scorer(manifest, arrays, pattern),
        mean_output_tokens=tokens,
        space=_space(arrays),
        views=views,
        view_curves={name: curves_of(arrays[f"{name}.calib_x"], arrays[f"{name}.calib_y"]) for name in views},
        held_out=read_held_out(manifest.llms, arrays),
    )


def _scorer(manifest: Manifest, arrays: Mapping[str, npt.NDArray[Any]], pattern: re.Pattern[str]) -> TfidfScorer:
    effects, places = {}, {}
    if "task_types" in arrays:
        names = arrays["task_types"].tolist()
        effects = dict(zip(names, arrays["task_coef"].astype(np.float64), strict=True))
        if "task_places" in arrays:
            places = dict(zip(names, arrays["task_places"], strict=True))
    return TfidfScorer(
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
        task_effects=effects,
        projection=np.ascontiguousarray(arrays["space"]) if places else None,
        task_places=places,
        level=arrays.get("level"),
        bend=arrays.get("bend"),
    )


def _space(arrays: Mapping[str, npt.NDArray[Any]]) -> Space | None:
    if "space" not in arrays:
        return None
    return Space(
        np.ascontiguousarray(arrays["space"]),
        arrays["token_coef"].astype(np.float64),
        arrays["token_intercept"].astype(np.float64),
    )


def _arrays(folder: Path, content: bytes) -> dict[str, npt.NDArray[Any]]:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            missing = [name for name in ARRAYS if name not in archive.files]
            if missing:
                raise _refused(folder, missing[0], "is missing from arrays.npz")
            return {name: archive[name] for name in archive.files}
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise _refused(folder, "arrays.npz", f"is not readable: {error}") from error


def _check_views(folder: Path, arrays: Mapping[str, npt.NDArray[Any]], llm_count: int) -> None:
    wanted = view_shapes(arrays, llm_count)
    if "task_types" in arrays:
        wanted |= {"task_coef": (len(arrays["task_types"]), llm_count)}
    if "task_places" in arrays:
        topics = arrays["space"].shape[-1] if "space" in arrays else 0
        wanted |= {"task_places": (len(arrays.get("task_types", ())), topics, llm_count)}
    if "bend" in arrays or "level" in arrays:
        wanted |= {"level": (llm_count, llm_count), "bend": (llm_count, 4)}
    for name, shape in wanted.items():
        if name not in arrays:
            raise _refused(folder, name, "is missing from arrays.npz")
        if arrays[name].shape != shape:
            raise _refused(folder, name, f"has shape {arrays[name].shape}, not {shape}")
        if name != "nearest.outcomes" and not np.isfinite(arrays[name]).all():
            raise _refused(folder, name, "holds a value that is not finite")
    _check_held_out(folder, arrays, llm_count)
    for policy_id in {name.partition(".")[0] for name in wanted if "." in name}:
        _check_curves(folder, arrays, f"{policy_id}.", llm_count)


def _check_held_out(folder: Path, arrays: Mapping[str, npt.NDArray[Any]], llm_count: int) -> None:
    found = {name: array for name, array in arrays.items() if name.startswith("held_out.")}
    if not found:
        return
    rows = len(found.get("held_out.is_for_thresholds", ()))
    for name in ("held_out.outcome", "held_out.cost_usd", f"held_out.quality.{OWN_VIEW}"):
        if name not in found or found[name].shape != (rows, llm_count):
            raise _refused(folder, name, f"does not hold {rows} questions of {llm_count} language models")


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
    if (arrays["mean_output_tokens"] < 0).any():
        raise _refused(folder, "mean_output_tokens", "must not be negative")
    _check_curves(folder, arrays, "", llm_count)


def _check_curves(folder: Path, arrays: Mapping[str, npt.NDArray[Any]], prefix: str, llm_count: int) -> None:
    x, y = arrays.get(f"{prefix}calib_x"), arrays.get(f"{prefix}calib_y")
    if x is None or y is None or x.shape != y.shape or x.ndim != 2 or len(x) != llm_count:
        raise _refused(folder, f"{prefix}calib_x", "and calib_y must hold a curve of each llm")
    if x.shape[1] < 1 or (np.diff(x, axis=1) < 0).any() or (np.diff(y, axis=1) < 0).any():
        raise _refused(folder, f"{prefix}calib_x", "and calib_y must not fall along a curve")
    if (y < 0).any() or (y > 1).any():
        raise _refused(folder, f"{prefix}calib_y", "must lie between 0 and 1")


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
