"""Follow whoever is most likely right: the pooled probability of each action, or what that is worth.

The pool (`aurora.decisions.kinds.conflict`) weighs recommenders by how often they were right on the topic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aurora.decisions.policy import Ask, Estimate
from contracts.messages.decisions import DecisionKind


@dataclass(frozen=True, slots=True)
class ReliabilityPool:
    """Scores by expected gain where the request says what right and wrong are worth, else by probability."""

    policy_id: str = "reliability_pool"
    kinds: frozenset[DecisionKind] = frozenset({"resolve_conflict"})
    needs_bundle: bool = False
    parameters: Mapping[str, float] = field(default_factory=dict)

    def scores(self, estimates: Sequence[Estimate], ask: Ask) -> list[float]:  # noqa: ARG002 - the Protocol's
        """USD, or a probability of 0 to 1."""
        return [one.quality if one.utility is None else one.utility for one in estimates]

    def explain(self, chosen: Estimate, ask: Ask) -> str:  # noqa: ARG002 - the Protocol's
        """Name the probability."""
        worth = "" if chosen.utility is None else f", worth {chosen.utility:.2f} USD"
        return f"{chosen.candidate_id} is most likely right by the record of its recommenders: {chosen.quality:.2f}{worth}."


policy = ReliabilityPool()
