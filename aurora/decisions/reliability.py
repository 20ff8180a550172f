"""How far each assistant is right, by topic: counted from scored conflicts, published, used to weigh their words.

Right and wrong are counts of a Beta posterior. How much a stated confidence adds to them, and how sharp the
pooled probability may be, are fitted on the same history, each conflict judged by what was known before it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from aurora.decisions.archive import archive, archived
from aurora.decisions.bundles import replace_file
from aurora.errors import DataError
from aurora.store.paths import TenantPaths
from contracts.messages.conflicts import Conflict

FILE: Final = "reliability.json"
PRIOR_SCORES: Final = 6.0
"""How many scored conflicts the prior is worth."""
_UNFITTED_WEIGHT: Final = 0.5
_MIN_FITTED: Final = 50
"""Scored conflicts below which the weight of stated confidence is not fitted."""
_WEIGHTS: Final = (0.0, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5)
_TEMPERATURES: Final = (0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 3.0)


class ReliabilityRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One assistant on one topic."""

    assistant_id: str
    topic: str
    right_count: int
    wrong_count: int
    confidence_logit_mean: float | None = None
    """Mean log odds of the confidence that it states; None when it never states any."""


class Reliability(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A published snapshot. `reliability_hash` is SHA-256 over rows and fit."""

    reliability_hash: str
    published_at: dt.datetime
    scored_count: int
    confidence_weight: float
    temperature: float
    rows: tuple[ReliabilityRow, ...]

    def row(self, assistant_id: str, topic: str) -> ReliabilityRow | None:
        """What was counted of an assistant on a topic."""
        return next((one for one in self.rows if (one.assistant_id, one.topic) == (assistant_id, topic)), None)


@dataclass(frozen=True, slots=True)
class Voice:
    """One recommender's word: what it says, how sure, and what is known of it."""

    assistant_id: str
    action: str
    confidence: float | None
    prior: float
    """Probability that it is right, before anything was scored."""
    right_count: int = 0
    wrong_count: int = 0
    confidence_logit_mean: float | None = None

    def probability(self, confidence_weight: float) -> float:
        """That it is right: the Beta posterior's mean, moved by how its confidence differs from its usual one."""
        mean = (self.right_count + PRIOR_SCORES * self.prior) / (self.right_count + self.wrong_count + PRIOR_SCORES)
        if self.confidence is None or confidence_weight == 0.0:
            return mean
        usual = self.confidence_logit_mean if self.confidence_logit_mean is not None else logit(mean)
        return expit(logit(mean) + confidence_weight * (logit(self.confidence) - usual))


def pool(voices: Sequence[Voice], *, confidence_weight: float, temperature: float) -> dict[str, float]:
    """Probability of each action, given that exactly one is right and that recommenders err independently."""
    actions = sorted({voice.action for voice in voices})
    if len(actions) == 1:
        (only,) = actions
        return {only: max(voice.probability(confidence_weight) for voice in voices)}
    logs = dict.fromkeys(actions, 0.0)
    for voice in voices:
        right = min(max(voice.probability(confidence_weight), 1e-6), 1 - 1e-6)
        for action in actions:
            logs[action] += math.log(right if action == voice.action else (1 - right) / (len(actions) - 1))
    top = max(logs.values())
    weights = {action: math.exp((value - top) / temperature) for action, value in logs.items()}
    total = math.fsum(weights.values())
    return {action: weight / total for action, weight in weights.items()}


def measure(
    conflicts: Iterable[Conflict], priors: Mapping[tuple[str, str], float], *, published_at: dt.datetime
) -> Reliability:
    """What scored conflicts say, in the order of their detection; others are passed over.

    `priors` is what is expected of an assistant on a topic before that; a half where it says nothing.
    """
    scored = sorted(
        (one for one in conflicts if one.right_action is not None), key=lambda one: (one.detected_at, one.conflict_id)
    )
    tallies: dict[tuple[str, str], _Tally] = {}
    history: list[tuple[list[Voice], str]] = []
    for conflict in scored:
        voices = [
            _voice(conflict, one.assistant_id, one.action, one.confidence, tallies, priors)
            for one in conflict.recommendations
        ]
        history.append((voices, str(conflict.right_action)))
        for one in conflict.recommendations:
            tally = tallies.setdefault((one.assistant_id, conflict.topic), _Tally())
            tally.add(is_right=one.action == conflict.right_action, confidence=one.confidence)
    weight, temperature = _fit(history)
    rows = tuple(
        ReliabilityRow(
            assistant_id=assistant_id,
            topic=topic,
            right_count=tally.right,
            wrong_count=tally.wrong,
            confidence_logit_mean=tally.logit_mean,
        )
        for (assistant_id, topic), tally in sorted(tallies.items())
    )
    return Reliability(
        reliability_hash=_hash(rows, weight, temperature),
        published_at=published_at,
        scored_count=len(scored),
        confidence_weight=weight,
        temperature=temperature,
        rows=rows,
    )


@dataclass(slots=True)
class _Tally:
    right: int = 0
    wrong: int = 0
    logits: list[float] = field(default_factory=list)

    def add(self, *, is_right: bool, confidence: float | None) -> None:
        self.right += is_right
        self.wrong += not is_right
        if confidence is not None:
            self.logits.append(logit(confidence))

    @property
    def logit_mean(self) -> float | None:
        return round(math.fsum(self.logits) / len(self.logits), 9) if self.logits else None


def _voice(
    conflict: Conflict, assistant_id: str, action: str, confidence: float | None,
    tallies: Mapping[tuple[str, str], _Tally], priors: Mapping[tuple[str, str], float],
) -> Voice:  # fmt: skip
    prior = priors.get((assistant_id, conflict.topic), 0.5)
    tally = tallies.get((assistant_id, conflict.topic))
    if tally is None:
        return Voice(assistant_id, action, confidence, prior)
    return Voice(assistant_id, action, confidence, prior, tally.right, tally.wrong, tally.logit_mean)


def _fit(history: Sequence[tuple[Sequence[Voice], str]]) -> tuple[float, float]:
    """The pair of the grid under which what came was least surprising; a quarter of the history is only listened to."""
    judged = history[len(history) // 4 :]
    if len(judged) < _MIN_FITTED:
        return _UNFITTED_WEIGHT, 1.0
    surprise = {
        (weight, temperature): math.fsum(
            -math.log(max(pool(voices, confidence_weight=weight, temperature=temperature).get(right, 0.0), 1e-9))
            for voices, right in judged
        )
        for weight in _WEIGHTS
        for temperature in _TEMPERATURES
    }
    return min(surprise, key=lambda pair: (surprise[pair], pair))


def publish_reliability(paths: TenantPaths, reliability: Reliability) -> None:
    """Put it in place for serving, and keep it for replay."""
    content = msgspec.json.encode(reliability, order="sorted")
    archive(paths, "reliability", reliability.reliability_hash, content)
    replace_file(paths.serving / FILE, content)


def load_reliability(paths: TenantPaths) -> Reliability | None:
    """The published snapshot; None before the first. `DataError` when it is not what was published."""
    return _read(paths.serving / FILE)


def archived_reliability(paths: TenantPaths, reliability_hash: str) -> Reliability:
    """The snapshot of that hash. `NotFoundError` when it was not kept, `DataError` when it was changed."""
    return _verified(archived(paths, "reliability", reliability_hash))


def _read(file: Path) -> Reliability | None:
    try:
        return _verified(file.read_bytes())
    except FileNotFoundError:
        return None


def _verified(content: bytes) -> Reliability:
    try:
        found = msgspec.json.decode(content, type=Reliability)
    except msgspec.MsgspecError as error:
        raise _damaged(str(error)) from error
    if _hash(found.rows, found.confidence_weight, found.temperature) != found.reliability_hash:
        raise _damaged("its rows do not give its hash")
    return found


def _hash(rows: tuple[ReliabilityRow, ...], weight: float, temperature: float) -> str:
    return hashlib.sha256(msgspec.json.encode([rows, weight, temperature], order="sorted")).hexdigest()


def _damaged(why: str) -> DataError:
    return DataError(
        f"Published reliability is damaged: {why}.",
        field=FILE,
        rule="reliability",
        next_step="Publish it again: `aurora conflict learn`.",
    )


def logit(probability: float) -> float:
    """Log odds, of what is neither 0 nor 1."""
    inside = min(max(probability, 0.005), 0.995)
    return math.log(inside / (1 - inside))


def expit(value: float) -> float:
    """The probability of log odds."""
    return 1 / (1 + math.exp(-value))
