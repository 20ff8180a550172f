"""What an action is worth less what it costs, in USD.

A kind that works out the whole worth itself (rebalance) gives it as the estimate's utility; otherwise it is the
probability of success times the worth of one. The other parameters price the moves of a rebalancing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from aurora.decisions.policy import Ask, Estimate
from contracts.messages.decisions import DecisionKind

_DEFAULTS = MappingProxyType(
    {
        "success_usd": 1.00,
        "failure_usd": 2.00,
        "move_usd": 0.02,
        "started_move_usd": 0.20,
        "load_usd": 0.05,
        "backup_usd": 1.00,
        "person_usd": 8.00,
    }
)


@dataclass(frozen=True, slots=True)
class ExpectedUtility:
    """Scores in USD."""

    policy_id: str = "expected_utility"
    kinds: frozenset[DecisionKind] = frozenset({"scale", "rebalance", "tune"})
    needs_bundle: bool = False
    parameters: Mapping[str, float] = field(default_factory=lambda: _DEFAULTS)

    def scores(self, estimates: Sequence[Estimate], ask: Ask) -> list[float]:
        """Expected gain less cost."""
        return [_worth(one, ask) for one in estimates]

    def explain(self, chosen: Estimate, ask: Ask) -> str:
        """Name the parts."""
        return (
            f"{chosen.candidate_id} has the highest expected worth, {_worth(chosen, ask):.4f} USD: "
            f"success {chosen.quality:.2f}, cost {chosen.cost_usd.normalize():f} USD."
        )


def _worth(estimate: Estimate, ask: Ask) -> float:
    if estimate.utility is not None:
        return estimate.utility
    return estimate.quality * ask.parameters["success_usd"] - float(estimate.cost_usd)


policy = ExpectedUtility()
