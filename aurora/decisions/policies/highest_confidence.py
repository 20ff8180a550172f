"""Follow whoever is surest: a baseline for conflicts, deceived by assistants that overrate themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aurora.decisions.policy import Ask, Estimate
from contracts.messages.decisions import DecisionKind


@dataclass(frozen=True, slots=True)
class HighestConfidence:
    """Scores by the highest confidence that a recommender states."""

    policy_id: str = "highest_confidence"
    kinds: frozenset[DecisionKind] = frozenset({"resolve_conflict"})
    needs_bundle: bool = False
    parameters: Mapping[str, float] = field(default_factory=dict)

    def scores(self, estimates: Sequence[Estimate], ask: Ask) -> list[float]:  # noqa: ARG002 - the Protocol's
        """Stated confidence, 0 to 1."""
        return [one.prior_quality for one in estimates]

    def explain(self, chosen: Estimate, ask: Ask) -> str:  # noqa: ARG002 - the Protocol's
        """Name the confidence."""
        return f"{chosen.candidate_id} is recommended with the highest confidence, {chosen.prior_quality:.2f}."


policy = HighestConfidence()
