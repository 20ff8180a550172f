"""As many replicas as the capacity plan says: the larger of the forecast's quantile and the reactive figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aurora.decisions.policy import Ask, Estimate
from contracts.messages.decisions import DecisionKind


@dataclass(frozen=True, slots=True)
class AsPlanned:
    """Scores by nearness to the plan."""

    policy_id: str = "as_planned"
    kinds: frozenset[DecisionKind] = frozenset({"scale"})
    needs_bundle: bool = False
    parameters: Mapping[str, float] = field(default_factory=dict)

    def scores(self, estimates: Sequence[Estimate], ask: Ask) -> list[float]:  # noqa: ARG002 - the Protocol's
        """1 at the plan, falling with the distance from it."""
        return [one.prior_quality for one in estimates]

    def explain(self, chosen: Estimate, ask: Ask) -> str:  # noqa: ARG002 - the Protocol's
        """Name how sure it is that demand is served."""
        return f"{chosen.candidate_id} is what the plan asks for; it serves the demand with probability {chosen.quality:.2f}."


policy = AsPlanned()
