"""Choosing among admissible candidates: greedy, with a small share of exploration, or not at all.

Propensities are exact: the probability with which each admissible candidate is the action, given that one
is chosen. The draw follows from the seed alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from aurora.decisions.policy import Ask, ConfiguredPolicy, Estimate

_MASK = (1 << 64) - 1
_CANARY = 0x5DEECE66D
"""Makes another draw of the same seed: who answers must not follow from what is explored."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a policy makes of the admissible candidates, in the order they were given."""

    scores: tuple[float, ...]
    propensities: tuple[float, ...]
    """All 0 when the policy abstains."""
    greedy: int
    """Position of the preferred candidate."""
    epsilon: float
    reason: str
    is_abstained: bool
    canary: Choice | None = None
    """What another policy makes of the same candidates, which answers a share of the decisions."""
    canary_share: float = 0.0

    def is_canary(self, seed: int) -> bool:
        """Whether the other policy answers the decision of this seed."""
        return self.canary is not None and unit_draw(seed ^ _CANARY) < self.canary_share

    def draw(self, seed: int) -> int:
        """Position of the action for a seed."""
        if self.canary is not None and self.is_canary(seed):
            return self.canary.draw(seed)
        uniform = unit_draw(seed)
        if uniform >= self.epsilon:
            return self.greedy
        return min(int(uniform / self.epsilon * len(self.scores)), len(self.scores) - 1)


@dataclass(frozen=True, slots=True)
class StandIn:
    """The position of a backup, and who would be preferred and is not there."""

    position: int
    absent_id: str


def choose(
    estimates: Sequence[Estimate],
    configured: ConfiguredPolicy,
    *,
    min_quality: float | None,
    stand_in: StandIn | None = None,
) -> Choice:
    """Rank at least one admissible candidate, sorted by id; ties go to the cheaper, then to the first id.

    A stand-in is preferred to whoever scores highest.
    """
    ask = Ask(configured.parameters, min_quality)
    scores = configured.policy.scores(estimates, ask)
    greedy = min(range(len(scores)), key=lambda i: (-scores[i], estimates[i].cost_usd, estimates[i].candidate_id))
    if stand_in is not None:
        greedy = stand_in.position
    preferred = estimates[greedy]
    floor = configured.settings.min_confidence
    if preferred.quality < floor:
        reason = (
            f"A person decides: {preferred.candidate_id} is preferred, but its confidence {preferred.quality:.2f} "
            f"is below the {floor:.2f} that {configured.policy.policy_id} asks for."
            f"{' ' + configured.promise if configured.promise else ''}"
        )
        return Choice(tuple(scores), (0.0,) * len(scores), greedy, 0.0, reason, is_abstained=True)
    epsilon = configured.settings.epsilon if len(scores) > 1 else 0.0
    each = epsilon / len(scores)
    propensities = [each] * len(scores)
    propensities[greedy] = 1.0 - each * (len(scores) - 1)
    if stand_in is None:
        reason = configured.policy.explain(preferred, ask)
    else:
        reason = (
            f"{preferred.candidate_id} stands in as the backup of {stand_in.absent_id}, which is preferred and away."
        )
    return Choice(tuple(scores), tuple(propensities), greedy, epsilon, reason, is_abstained=False)


def mixed(choice: Choice, canary: Choice, share: float) -> Choice:
    """`canary` answers a share of what `choice` would; nothing changes where either leaves it to a person."""
    if choice.is_abstained or canary.is_abstained or share <= 0.0:
        return choice
    chances = tuple(
        (1.0 - share) * ours + share * theirs
        for ours, theirs in zip(choice.propensities, canary.propensities, strict=True)
    )
    return replace(choice, propensities=chances, canary=canary, canary_share=share)


def unit_draw(seed: int) -> float:
    """A uniform number in [0, 1) from a seed (splitmix64: one step, the same on every machine)."""
    state = (seed + 0x9E3779B97F4A7C15) & _MASK
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
    return float((state ^ (state >> 31)) >> 11) / (1 << 53)
