"""What a proposal changes, from decisions as they were made and as it would have made them. Pure: no clock, no disk.

Costs, durations and confidence are those that the receipts expected: their change is exact on the history, and the
interval says what it is for decisions like these. Success was only seen of what was done: its change is estimated by
paired doubly robust contributions, and is not told where the log does not speak of what the proposal would do.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from contracts.messages.decisions import Candidate, Decision
from ml.off_policy.estimators import TWO_SIDED_95, Estimate, Floats, Logged, effective_count, paired, weights
from ml.off_policy.rewards import expected_rewards

MIN_EFFECTIVE_COUNT: Final = 100.0
"""Decisions that the outcomes must be worth for the proposal before its success is told."""
MIN_OTHERWISE_COUNT: Final = 30.0
"""The same, of the decisions that it would make otherwise: the others say nothing of the difference."""
MAX_UNSUPPORTED_SHARE: Final = 0.05
"""Share of its choices that the log could never have shown."""
_SAME: Final = 0.25
"""Two choices that differ with a probability below this count as the same."""
_TOLD: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One decision as it was made and as the proposal would have made it; `reward` where an outcome is its own."""

    made: Decision
    again: Decision
    reward: float | None = None

    @property
    def is_comparable(self) -> bool:
        """Whether both choose: what a person would have done is not known."""
        return self.made.status == "chosen" and self.again.status == "chosen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A mean over decisions before and after, and the change with a 95 % interval."""

    before: float
    after: float
    change: float
    low: float
    high: float
    count: int

    def as_dict(self) -> dict[str, Any]:
        """The shift as JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What is not told, by the name of the bar that it does not reach."""

    of: str
    rule: str
    reason: str

    def as_dict(self) -> dict[str, Any]:
        """The refusal as JSON."""
        return {"of": self.of, "rule": self.rule, "reason": self.reason}


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What the proposal changes. Shifts are per decision; None where no decision speaks of them."""

    count: int
    comparable_count: int
    otherwise: Shift
    """Probability that it chooses otherwise."""
    left_to_person: Shift
    confidence: Shift | None
    cost_usd: Shift | None
    cost_change_usd: float
    """Sum over the history."""
    latency_ms: Shift | None
    expected_success: Shift | None
    """As the receipts expected it."""
    success: Shift | None
    """As outcomes show it, doubly robust."""
    outcome_count: int
    effective_count: float
    otherwise_effective_count: float
    unsupported_share: float
    violation_count: int
    """Decisions in which it would take what a rule forbade."""
    fallback_count: int
    """Decisions that the kind's fallback made in its place, for want of a bundle."""
    refusals: tuple[Refusal, ...]
    moves: tuple[tuple[str | None, str | None, int], ...]
    """From, to, how often: the changes that are most frequent. None is a person."""
    examples: tuple[str, ...]
    """Ids of decisions that it would make otherwise, newest first."""

    def as_dict(self) -> dict[str, Any]:
        """The effect as JSON."""
        found: dict[str, Any] = {}
        for name in self.__slots__:
            value = getattr(self, name)
            found[name] = value.as_dict() if isinstance(value, Shift) else value
        return found | {
            "refusals": [one.as_dict() for one in self.refusals],
            "moves": [{"from": before, "to": after, "count": count} for before, after, count in self.moves],
            "examples": list(self.examples),
        }


def effect(pairs: Sequence[Pair], *, policy_id: str) -> Effect:
    """The effect over `pairs`, oldest first; at least one."""
    comparable = [pair for pair in pairs if pair.is_comparable]
    before, after = [_chances(pair.made) for pair in pairs], [_chances(pair.again) for pair in pairs]
    otherwise = [_distance(one, other) for one, other in zip(before, after, strict=True)]
    success = _Success.of(comparable)
    apart = [pair for pair, distance in zip(pairs, otherwise, strict=True) if distance >= _SAME]
    differing = [pair for pair in apart if pair.made.action != _preferred(pair.again)]
    cost = _expected(comparable, _cost)
    return Effect(
        count=len(pairs),
        comparable_count=len(comparable),
        otherwise=_shift(np.zeros(len(pairs)), np.array(otherwise)),
        left_to_person=_shift(_left([pair.made for pair in pairs]), _left([pair.again for pair in pairs])),
        confidence=_confidence(comparable),
        cost_usd=cost,
        cost_change_usd=0.0 if cost is None else cost.change * cost.count,
        latency_ms=_expected(comparable, lambda one: one.latency_ms),
        expected_success=_expected(comparable, lambda one: one.quality),
        success=success.shift,
        outcome_count=success.count,
        effective_count=success.effective_count,
        otherwise_effective_count=success.otherwise_effective_count,
        unsupported_share=success.unsupported_share,
        violation_count=sum(map(_is_violation, pairs)),
        fallback_count=sum(pair.again.policy_id != policy_id for pair in pairs),
        refusals=success.refusals,
        moves=_moves(differing),
        examples=tuple(pair.made.decision_id for pair in differing[::-1][:_TOLD]),
    )


# choices ------------------------------------------------------------------------------------------


def _chances(decision: Decision) -> Mapping[str | None, float]:
    """Probability of each action; of a person, where it abstains."""
    if decision.status != "chosen":
        return {None: 1.0}
    return {one.candidate_id: one.propensity for one in decision.candidates if one.propensity > 0}


def _distance(one: Mapping[str | None, float], other: Mapping[str | None, float]) -> float:
    """Total variation: how often two policies choose otherwise when they agree as often as they can."""
    return 0.5 * sum(abs(one.get(name, 0.0) - other.get(name, 0.0)) for name in {*one, *other})


def _preferred(decision: Decision) -> str | None:
    chances = _chances(decision)
    return max(chances, key=lambda name: (chances[name], name or ""))


def _moves(pairs: Sequence[Pair]) -> tuple[tuple[str | None, str | None, int], ...]:
    counts = Counter((pair.made.action, _preferred(pair.again)) for pair in pairs)
    return tuple((before, after, count) for (before, after), count in counts.most_common(_TOLD))


def _is_violation(pair: Pair) -> bool:
    forbidden = {one.candidate_id for one in pair.made.candidates if any(veto.source == "rule" for veto in one.vetoes)}
    return any(chance > 0 and name in forbidden for name, chance in _chances(pair.again).items())


def _left(decisions: Sequence[Decision]) -> Floats:
    return np.array([float(one.status != "chosen") for one in decisions])


# what the receipts expected -----------------------------------------------------------------------


def _cost(candidate: Candidate) -> float | None:
    return None if candidate.cost_usd is None else float(candidate.cost_usd)


def _confidence(pairs: Sequence[Pair]) -> Shift | None:
    if not pairs:
        return None
    return _shift(np.array([one.made.confidence for one in pairs]), np.array([one.again.confidence for one in pairs]))


def _expected(pairs: Sequence[Pair], of: Any) -> Shift | None:
    """The receipts' expectation under both choices; rows whose receipt does not know it of a choice are left out."""
    rows = []
    for pair in pairs:
        known = {one.candidate_id: of(one) for one in pair.made.candidates if of(one) is not None}
        sums = [_mean(known, _chances(one)) for one in (pair.made, pair.again)]
        if None not in sums:
            rows.append(sums)
    if not rows:
        return None
    table: Floats = np.array(rows, dtype=np.float64)
    return _shift(table[:, 0], table[:, 1])


def _mean(known: Mapping[str, float], chances: Mapping[str | None, float]) -> float | None:
    if any(name not in known for name in chances):
        return None
    return sum(chance * known[str(name)] for name, chance in chances.items())


def _shift(before: Floats, after: Floats) -> Shift:
    change: Floats = after - before
    count = len(change)
    error = float(change.std(ddof=1)) / math.sqrt(count) if count > 1 else 0.0
    mean = float(change.mean())
    return Shift(
        before=float(before.mean()),
        after=float(after.mean()),
        change=mean,
        low=mean - TWO_SIDED_95 * error,
        high=mean + TWO_SIDED_95 * error,
        count=count,
    )


# what outcomes show -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Success:
    shift: Shift | None = None
    count: int = 0
    effective_count: float = 0.0
    otherwise_effective_count: float = 0.0
    unsupported_share: float = 0.0
    refusals: tuple[Refusal, ...]

    @classmethod
    def of(cls, pairs: Sequence[Pair]) -> _Success:
        rows = [pair for pair in pairs if pair.reward is not None and (pair.made.propensity or 0.0) > 0]
        if not rows:
            return cls(refusals=(_refused("outcomes", "No matured decision has an outcome of its own."),))
        return _judged(rows)


def _judged(rows: Sequence[Pair]) -> _Success:
    columns = sorted({one.candidate_id for row in rows for each in (row.made, row.again) for one in each.candidates})
    before = _matrix([row.made for row in rows], columns)
    after = _matrix([row.again for row in rows], columns)
    log = Logged(
        actions=np.array([columns.index(str(row.made.action)) for row in rows], dtype=np.intp),
        rewards=np.array([float(row.reward or 0.0) for row in rows]),
        propensities=np.array([float(row.made.propensity or 0.0) for row in rows]),
    )
    differs = 0.5 * np.abs(before - after).sum(axis=1) >= _SAME
    found = weights(log, after)
    unsupported = float((after * (before == 0)).sum() / len(rows))
    effective, otherwise = effective_count(found), effective_count(found[differs])
    refusals = tuple(_short_of(len(rows), effective, otherwise, unsupported, differing=int(differs.sum())))
    shift = None
    if not refusals:
        gain = paired(log, after, before, expected_rewards(log, _prior(rows, columns)))
        shift = _as_shift(gain, float(log.rewards.mean()))
    return _Success(
        shift=shift,
        count=len(rows),
        effective_count=effective,
        otherwise_effective_count=otherwise,
        unsupported_share=unsupported,
        refusals=refusals,
    )


def _as_shift(gain: Estimate, mean: float) -> Shift:
    low, high = gain.bounds()
    return Shift(before=mean, after=mean + gain.value, change=gain.value, low=low, high=high, count=gain.count)


def _short_of(count: int, effective: float, otherwise: float, unsupported: float, *, differing: int) -> list[Refusal]:
    found = []
    if unsupported > MAX_UNSUPPORTED_SHARE:
        found.append(
            _refused(
                "support",
                f"{unsupported:.0%} of what it would choose was never possible in the log. Let it answer a share as a "
                "canary, or explore more.",
            )
        )
    if effective < MIN_EFFECTIVE_COUNT:
        found.append(
            _refused(
                "effective_count",
                f"{count} outcomes are worth {effective:.0f} for it; {MIN_EFFECTIVE_COUNT:.0f} are asked. Begin where it was "
                "tried as a canary, or let it be tried.",
            )
        )
    if differing and otherwise < MIN_OTHERWISE_COUNT:
        found.append(
            _refused(
                "otherwise_count",
                f"Of the {differing} outcomes where it would choose otherwise, the log is worth {otherwise:.0f}; "
                f"{MIN_OTHERWISE_COUNT:.0f} are asked.",
            )
        )
    return found


def _refused(rule: str, reason: str) -> Refusal:
    return Refusal(of="success", rule=rule, reason=reason)


def _matrix(decisions: Sequence[Decision], columns: Sequence[str]) -> Floats:
    place = {name: number for number, name in enumerate(columns)}
    found = np.zeros((len(decisions), len(columns)))
    for number, decision in enumerate(decisions):
        for one in decision.candidates:
            found[number, place[one.candidate_id]] = one.propensity
    return found


def _prior(rows: Sequence[Pair], columns: Sequence[str]) -> Floats:
    """What the receipts expected of each candidate; the row's mean of those that have no expectation."""
    found = np.zeros((len(rows), len(columns)))
    for number, row in enumerate(rows):
        known = {one.candidate_id: one.quality for one in row.made.candidates if one.quality is not None}
        mean = sum(known.values()) / len(known) if known else 0.0
        found[number] = [known.get(name, mean) for name in columns]
    return found
