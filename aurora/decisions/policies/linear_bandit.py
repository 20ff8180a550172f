"""LinUCB: the cheapest language model that may well be good enough, so that what is little known gets tried.

A linear contextual bandit over the prompt's latent topics. Its sufficient statistics come from labels first
and from outcomes later, and persist in the bundle. Confidence is the expectation without the bonus.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from aurora.decisions import good_enough
from aurora.decisions.policy import Ask, Estimate
from contracts.messages.decisions import DecisionKind

_DEFAULTS = MappingProxyType({**good_enough.DEFAULTS, "optimism": 1.0})


@dataclass(frozen=True, slots=True)
class LinearBandit:
    """Scores by expected quality plus `optimism` standard errors of it."""

    policy_id: str = "linear_bandit"
    kinds: frozenset[DecisionKind] = frozenset({"route_llm"})
    needs_bundle: bool = True
    parameters: Mapping[str, float] = field(default_factory=lambda: _DEFAULTS)

    def scores(self, estimates: Sequence[Estimate], ask: Ask) -> list[float]:
        """By `good_enough`, with the upper bound of the quality."""
        optimism = ask.parameters["optimism"]
        return [good_enough.score(e, e.quality + optimism * e.spread, ask) for e in estimates]

    def explain(self, chosen: Estimate, ask: Ask) -> str:
        """Name the floor, the expectation and what is added for being little known."""
        return good_enough.explain(chosen, ask, bonus=ask.parameters["optimism"] * chosen.spread)


policy = LinearBandit()
