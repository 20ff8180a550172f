"""The cheapest language model that was good enough on the most similar labelled questions, else the best one.

Expected quality is the mean of a large number of neighbours, shrunk to the mean of all questions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aurora.decisions import good_enough
from aurora.decisions.policy import Ask, Estimate
from contracts.messages.decisions import DecisionKind


@dataclass(frozen=True, slots=True)
class Nearest:
    """Scores by `good_enough`."""

    policy_id: str = "nearest"
    kinds: frozenset[DecisionKind] = frozenset({"route_llm"})
    needs_bundle: bool = True
    parameters: Mapping[str, float] = field(default_factory=lambda: good_enough.DEFAULTS)

    def scores(self, estimates: Sequence[Estimate], ask: Ask) -> list[float]:
        """Between 0 and 2; by worth, at most 1."""
        return [good_enough.score(estimate, estimate.quality, ask) for estimate in estimates]

    def explain(self, chosen: Estimate, ask: Ask) -> str:
        """Name the floor and whether it was reached."""
        return good_enough.explain(chosen, ask, source=" on the most similar questions")


policy = Nearest()
