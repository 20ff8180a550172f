"""The cheapest admissible candidate, however good it is: the lower baseline of cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aurora.decisions.policy import Ask, Estimate
from contracts.messages.decisions import DecisionKind


@dataclass(frozen=True, slots=True)
class Cheapest:
    """Scores by cost alone."""

    policy_id: str = "cheapest"
    kinds: frozenset[DecisionKind] = frozenset({"route_task", "route_llm"})
    needs_bundle: bool = False
    parameters: Mapping[str, float] = field(default_factory=dict)

    def scores(self, estimates: Sequence[Estimate], ask: Ask) -> list[float]:  # noqa: ARG002 - the Protocol's
        """Minus the expected cost in USD."""
        return [-float(estimate.cost_usd) for estimate in estimates]

    def explain(self, chosen: Estimate, ask: Ask) -> str:  # noqa: ARG002 - the Protocol's
        """Name the cost."""
        return (
            f"{chosen.candidate_id} is the cheapest admissible candidate, {chosen.cost_usd.normalize():f} USD expected."
        )


policy = Cheapest()
