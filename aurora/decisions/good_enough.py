"""How the language-model policies prefer: by a floor of quality, or by what quality is worth.

Without `worth_usd` the cheapest that is expected to reach the floor is preferred, else the best. With it, whoever
gives the most for its cost: one whole point of quality, a right answer for a wrong one, is worth that many USD.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from aurora.decisions.policy import Ask, Estimate

DEFAULTS: Mapping[str, float] = MappingProxyType({"min_quality": 0.60, "worth_usd": 0.0})


def floor_of(ask: Ask) -> float:
    """The quality that is good enough: the request's own, else the policy's."""
    return ask.parameters["min_quality"] if ask.min_quality is None else ask.min_quality


def score(estimate: Estimate, quality: float, ask: Ask) -> float:
    """By the floor: above 1, higher the cheaper, for whoever reaches it, else the quality. By worth: quality net of cost."""
    worth = ask.parameters["worth_usd"]
    if worth > 0 and ask.min_quality is None:
        return quality - float(estimate.cost_usd) / worth
    return 1.0 + 1.0 / (1.0 + 1000.0 * float(estimate.cost_usd)) if quality >= floor_of(ask) else min(quality, 1.0)


def explain(chosen: Estimate, ask: Ask, *, source: str = "", bonus: float = 0.0) -> str:
    """Name the floor or the worth, whether it was reached, and by whose estimate."""
    floor, worth, cost = floor_of(ask), ask.parameters["worth_usd"], f"{chosen.cost_usd.normalize():f} USD"
    expected = f"{chosen.quality:.2f}" if bonus == 0.0 else f"{chosen.quality:.2f}, and {bonus:.2f} more is possible,"
    if worth > 0 and ask.min_quality is None:
        return (
            f"{chosen.candidate_id} gives the most for its cost{source}: {expected} at {cost}, "
            f"a right answer being worth {worth:g} USD."
        )
    if chosen.quality + bonus >= floor:
        return f"{chosen.candidate_id} is the cheapest that is expected to reach {floor:.2f}{source}: {expected} at {cost}."
    return f"None is expected to reach {floor:.2f}{source}; {chosen.candidate_id} comes closest with {expected.rstrip(',')}."
