"""A challenger for `route_llm`: the champion's bandit with the outcomes and overrides that came since.

The bandit's statistics add up, so the challenger is the champion's plus the new rows; nothing is learned again. Each
few rows are predicted before they are learned: those predictions, which have not seen their rows, calibrate it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from aurora.decisions.bandit import RIDGE, LinearBandit
from aurora.decisions.bundles import Bundle, load_bundle
from aurora.decisions.views import Bandit, with_one
from ml.learning.at_work import calibration_beyond_chance
from ml.learning.overriders import Change, Overrider, overriders
from ml.learning.training_set import Matured
from ml.off_policy.estimators import Floats
from ml.route_llm.calibrate import calibrate, knots_of
from ml.route_llm.publish import read_manifest

POLICY: Final = "linear_bandit"
STEP: Final = 20
"""Decisions that are predicted before they are learned."""
LABEL_WEIGHT: Final = 0.1
"""What a label of the public data counts beside an outcome of the company's own questions."""
MIN_CALIBRATION_ROWS: Final = 60
"""Outcomes of one language model below which its calibration stays as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """A challenger's manifest and arrays, not written yet, and how it did on rows before it learned them."""

    manifest: Mapping[str, Any]
    arrays: Mapping[str, npt.NDArray[Any]]
    calibration_error: float
    learned_count: int
    people: Mapping[str, Overrider]


def learn(champion: Path, rows: Sequence[Matured], *, created_at: dt.datetime, raw_snapshot_id: int) -> Learned:
    """Learn matured `rows`, oldest first, on top of the bundle in the folder `champion`."""
    bundle, manifest = load_bundle(champion), read_manifest(champion)
    arrays = _arrays(champion)
    people = overriders(_changes(rows))
    known = [row for row in rows if row.acted in bundle.manifest.llms]
    told = _Told.of(bundle, known, people)
    before = _known_before(arrays, is_from_labels="learned_count" not in manifest)
    raw, after = _step_by_step(before, told)
    x, y = _curves(arrays, raw, told)
    error = calibration_beyond_chance(*_judged(raw, x, y, told)) if told.is_outcome.any() else 0.0
    fresh = {
        **arrays,
        f"{POLICY}.precision": after.precision,
        f"{POLICY}.moment": after.moment,
        f"{POLICY}.calib_x": x,
        f"{POLICY}.calib_y": y,
    }
    return Learned(
        manifest={
            **{key: value for key, value in manifest.items() if key not in ("bundle_hash", "mlflow")},
            "policy_id": POLICY,
            "may_be_tried": True,
            "parent": champion.name,
            "created_at": created_at.astimezone(dt.UTC).isoformat(),
            "training_data_hash": _hash(champion.name, known),
            "learned_through": known[-1].decided_at.isoformat() if known else manifest.get("learned_through"),
            "learned_count": int(manifest.get("learned_count", 0)) + len(known),
            "raw_snapshot_id": raw_snapshot_id,
            "metrics": {**manifest["metrics"], "outcome_ece": error},
            "is_sample": False,
        },
        arrays=fresh,
        calibration_error=error,
        learned_count=len(known),
        people=people,
    )


@dataclass(frozen=True, slots=True)
class _Told:
    """What rows say: contexts (n, D + 1), the arm, the reward, its weight; `is_outcome` where it was seen."""

    contexts: Floats
    arms: npt.NDArray[np.intp]
    rewards: Floats
    weights: Floats
    is_outcome: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, bundle: Bundle, rows: Sequence[Matured], people: Mapping[str, Overrider]) -> _Told:
        place = {name: number for number, name in enumerate(bundle.manifest.llms)}
        seen = np.array([row.reward is not None for row in rows], dtype=bool)
        return cls(
            contexts=_contexts(bundle, rows),
            arms=np.array([place[str(row.acted)] for row in rows], dtype=np.intp),
            rewards=np.array([1.0 if row.reward is None else row.reward for row in rows]),
            weights=np.array([_weight(row, people) for row in rows]),
            is_outcome=seen,
        )


def _contexts(bundle: Bundle, rows: Sequence[Matured]) -> Floats:
    if not rows:
        return np.zeros((0, 1))
    return np.asarray(with_one(np.stack([_point(bundle, row) for row in rows])), dtype=np.float64)


def _point(bundle: Bundle, row: Matured) -> Floats:
    if bundle.space is None:
        raise ValueError("the champion bundle has no space of topics")
    return np.asarray(bundle.space.point(*bundle.scorer.terms(str(row.request["prompt"]))), dtype=np.float64)


def _weight(row: Matured, people: Mapping[str, Overrider]) -> float:
    """An outcome weighs one. A change without an outcome says what its author believes, and weighs what that is worth."""
    if row.reward is not None:
        return 1.0
    if row.overrider_id is None:
        return 0.0
    person = people.get(row.overrider_id)
    return 0.0 if person is None else person.weight


def _changes(rows: Sequence[Matured]) -> list[Change]:
    return [
        Change(overrider_id=row.overrider_id, expected=row.quality[row.action], reward=row.reward)
        for row in rows
        if row.overrider_id is not None
        and row.reward is not None
        and row.action is not None
        and row.action in row.quality
    ]


def _known_before(arrays: Mapping[str, npt.NDArray[Any]], *, is_from_labels: bool) -> LinearBandit:
    """The champion's statistics; those of labels alone are weakened, or a thousand labels would outweigh a month."""
    precision, moment = (arrays[f"{POLICY}.{name}"].astype(np.float64) for name in ("precision", "moment"))
    if not is_from_labels:
        return LinearBandit(precision=precision, moment=moment)
    ridge = RIDGE * np.eye(precision.shape[-1])[None]
    return LinearBandit(precision=ridge + LABEL_WEIGHT * (precision - ridge), moment=LABEL_WEIGHT * moment)


def _step_by_step(before: LinearBandit, told: _Told) -> tuple[Floats, LinearBandit]:
    """Raw predictions of each row's own arm by what was learned before it, and the bandit after all rows."""
    raw, learnt = np.zeros(len(told.arms)), before
    for start in range(0, len(told.arms), STEP):
        rows = np.arange(start, min(start + STEP, len(told.arms)))
        view = Bandit(inverse=learnt.inverse(), weights=learnt.weights())
        raw[rows] = [view.raw(told.contexts[row, :-1])[told.arms[row]] for row in rows]
        root = np.sqrt(told.weights[rows])
        learnt = learnt.learn(told.contexts[rows] * root[:, None], told.arms[rows], told.rewards[rows] * root)
    return raw, learnt


def _curves(arrays: Mapping[str, Any], raw: Floats, told: _Told) -> tuple[Floats, Floats]:
    """The champion's curves, anew for each language model with outcomes enough."""
    x, y = arrays[f"{POLICY}.calib_x"].copy(), arrays[f"{POLICY}.calib_y"].copy()
    for arm in range(len(x)):
        mine = np.flatnonzero((told.arms == arm) & told.is_outcome)
        if len(mine) >= MIN_CALIBRATION_ROWS:
            fresh_x, fresh_y = knots_of(raw[mine, None], told.rewards[mine, None])
            x[arm], y[arm] = fresh_x[0], fresh_y[0]
    return x, y


def _judged(raw: Floats, x: Floats, y: Floats, told: _Told) -> tuple[Floats, Floats]:
    """Predictions and rewards of the second half of the outcomes, with curves of the first: a curve must hold later."""
    seen = np.flatnonzero(told.is_outcome)
    late = seen[len(seen) // 2 :]
    early = np.zeros_like(told.is_outcome)
    early[seen[: len(seen) // 2]] = True
    first = _Told(told.contexts, told.arms, told.rewards, told.weights, early)
    then_x, then_y = _curves({f"{POLICY}.calib_x": x, f"{POLICY}.calib_y": y}, raw, first)
    predicted = [
        calibrate(raw[row : row + 1, None], then_x[arm : arm + 1], then_y[arm : arm + 1])[0, 0]
        for row, arm in zip(late, told.arms[late], strict=True)
    ]
    return np.array(predicted), told.rewards[late]


def _arrays(folder: Path) -> dict[str, npt.NDArray[Any]]:
    with np.load(io.BytesIO((folder / "arrays.npz").read_bytes()), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _hash(parent: str, rows: Sequence[Matured]) -> str:
    digest = hashlib.sha256(parent.encode())
    for row in rows:
        digest.update(f"{row.decision_id}|{row.acted}|{row.reward}".encode())
    return digest.hexdigest()
