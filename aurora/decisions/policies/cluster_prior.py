"""The cheapest language model that is good enough on questions of this group, else the best one.

Expected quality is the mean of the prompt's cluster, with a strongly shrunk residual for its place within it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aurora.decisions import good_enough
from aurora.decisions.policy import Ask, Estimate
from contracts.messages.decisions import DecisionKind


@dataclass(frozen=True, slots=True)
class ClusterPrior:
    """Scores by `good_enough`."""

    policy_id: str = "cluster_prior"
    kinds: frozenset[DecisionKind] = frozenset({"route_llm"})
    needs_bundle: bool = True
    parameters: Mapping[str, float] = field(default_factory=lambda: good_enough.DEFAULTS)

    def scores(self, estimates: Sequence[Estimate], ask: Ask) -> list[float]:
        """Between 0 and 2; by worth, at most 1."""
        return [good_enough.score(estimate, estimate.quality, ask) for estimate in estimates]

    def explain(self, chosen: Estimate, ask: Ask) -> str:
        """Name the floor and whether it was reached."""
        return good_enough.explain(chosen, ask, source=" on questions of this group")


policy = ClusterPrior()
