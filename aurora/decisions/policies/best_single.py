"""The candidate that is best on average, whatever is asked: what one would use without routing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aurora.decisions.policy import Ask, Estimate
from contracts.messages.decisions import DecisionKind


@dataclass(frozen=True, slots=True)
class BestSingle:
    """Scores by average quality; the request is not looked at."""

    policy_id: str = "best_single"
    kinds: frozenset[DecisionKind] = frozenset({"route_task", "route_llm"})
    needs_bundle: bool = False
    parameters: Mapping[str, float] = field(default_factory=dict)

    def scores(self, estimates: Sequence[Estimate], ask: Ask) -> list[float]:  # noqa: ARG002 - the Protocol's
        """Average quality, 0 to 1."""
        return [estimate.prior_quality for estimate in estimates]

    def explain(self, chosen: Estimate, ask: Ask) -> str:  # noqa: ARG002 - the Protocol's
        """Name the average."""
        return f"{chosen.candidate_id} is the best admissible candidate on average, {chosen.prior_quality:.2f} of 1."


policy = BestSingle()
