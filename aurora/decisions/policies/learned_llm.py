"""The cheapest language model whose answer is expected to be good enough, else the best one.

Expected quality comes from the trained router's bundle: a calibrated probability for this very prompt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from aurora.decisions.policy import Ask, Estimate
from contracts.messages.decisions import DecisionKind

_DEFAULTS = MappingProxyType({"min_quality": 0.60})


@dataclass(frozen=True, slots=True)
class LearnedLlm:
    """Scores those that reach the floor above 1, cheaper ones higher; the others by quality, at most 1."""

    policy_id: str = "learned_llm"
    kinds: frozenset[DecisionKind] = frozenset({"route_llm"})
    needs_bundle: bool = True
    parameters: Mapping[str, float] = field(default_factory=lambda: _DEFAULTS)

    def scores(self, estimates: Sequence[Estimate], ask: Ask) -> list[float]:
        """Between 0 and 2."""
        floor = _floor(ask)
        return [
            1.0 + 1.0 / (1.0 + 1000.0 * float(estimate.cost_usd)) if estimate.quality >= floor else estimate.quality
            for estimate in estimates
        ]

    def explain(self, chosen: Estimate, ask: Ask) -> str:
        """Name the floor and whether it was reached."""
        floor = _floor(ask)
        if chosen.quality >= floor:
            return (
                f"{chosen.candidate_id} is the cheapest that is expected to reach {floor:.2f}: "
                f"{chosen.quality:.2f} at {chosen.cost_usd.normalize():f} USD."
            )
        return f"None is expected to reach {floor:.2f}; {chosen.candidate_id} comes closest with {chosen.quality:.2f}."


def _floor(ask: Ask) -> float:
    return ask.parameters["min_quality"] if ask.min_quality is None else ask.min_quality


policy = LearnedLlm()
