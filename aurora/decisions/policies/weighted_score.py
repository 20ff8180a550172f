"""A weighted sum of success, speed, cost and free capacity, each between 0 and 1.

Speed and cost fall off exponentially on fixed scales, so that a candidate's score does not depend on who
else is admissible.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from aurora.decisions.policy import Ask, Estimate
from contracts.messages.decisions import DecisionKind

_DEFAULTS = MappingProxyType(
    {
        "success_weight": 0.60,
        "latency_weight": 0.15,
        "cost_weight": 0.15,
        "load_weight": 0.10,
        "latency_scale_ms": 3000.0,
        "cost_scale_usd": 0.05,
    }
)


@dataclass(frozen=True, slots=True)
class WeightedScore:
    """Scores by what the owner weighs."""

    policy_id: str = "weighted_score"
    kinds: frozenset[DecisionKind] = frozenset({"route_task"})
    needs_bundle: bool = False
    parameters: Mapping[str, float] = field(default_factory=lambda: _DEFAULTS)

    def scores(self, estimates: Sequence[Estimate], ask: Ask) -> list[float]:
        """The weighted sum, 0 to 1."""
        return [self._score(estimate, ask.parameters) for estimate in estimates]

    def explain(self, chosen: Estimate, ask: Ask) -> str:
        """Name the parts."""
        return (
            f"{chosen.candidate_id} has the best weighted score, {self._score(chosen, ask.parameters):.3f}: "
            f"success {chosen.quality:.2f}, {chosen.latency_ms:.0f} ms, {chosen.cost_usd.normalize():f} USD, "
            f"{chosen.load_share:.0%} of its capacity in use."
        )

    @staticmethod
    def _score(estimate: Estimate, weights: Mapping[str, float]) -> float:
        success, latency = weights["success_weight"], weights["latency_weight"]
        cost, load = weights["cost_weight"], weights["load_weight"]
        total = (
            success * estimate.quality
            + latency * math.exp(-estimate.latency_ms / weights["latency_scale_ms"])
            + cost * math.exp(-float(estimate.cost_usd) / weights["cost_scale_usd"])
            + load * (1.0 - estimate.load_share)
        )
        return total / (success + latency + cost + load)


policy = WeightedScore()
