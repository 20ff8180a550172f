"""Follow the newest recommendation: what a system does that overwrites. A baseline for conflicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aurora.decisions.policy import Ask, Estimate
from contracts.messages.decisions import DecisionKind


@dataclass(frozen=True, slots=True)
class LatestWins:
    """Scores by age alone."""

    policy_id: str = "latest_wins"
    kinds: frozenset[DecisionKind] = frozenset({"resolve_conflict"})
    needs_bundle: bool = False
    parameters: Mapping[str, float] = field(default_factory=dict)

    def scores(self, estimates: Sequence[Estimate], ask: Ask) -> list[float]:  # noqa: ARG002 - the Protocol's
        """Minus the age of the newest recommendation in milliseconds."""
        return [-one.latency_ms for one in estimates]

    def explain(self, chosen: Estimate, ask: Ask) -> str:  # noqa: ARG002 - the Protocol's
        """Name the age."""
        return f"{chosen.candidate_id} is the newest recommendation, {chosen.latency_ms / 1000:.0f} s old."


policy = LatestWins()
