"""What a bundle's held-out outcomes let a policy promise, as the tenant configured it.

`max_wrong_share` of a policy in policies.yaml is such a promise. Its threshold is found when an engine is made: the
policy decides every held-out question with its own parameters, and `aurora.decisions.risk` says from which confidence
on the limit holds. Where it never does, every decision goes to a person, and says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from aurora.decisions.policy import Ask, ConfiguredPolicy, Estimate
from aurora.decisions.risk import Certificate, Limit, certify, thresholds_for

Floats = npt.NDArray[np.floating[Any]]
WRONG_BELOW = 0.5
"""An answer of less quality counts as wrong."""
NEVER = 1.000001
"""A confidence that nothing reaches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """N questions that training has not seen. NaN in `outcome` (N, L): that llm was not asked.

    `quality` holds the calibrated expectations by policy (N, L); `cost_usd` the expected costs (N, L); rows where
    `is_for_thresholds` (N,) choose the thresholds, the others test them.
    """

    llms: tuple[str, ...]
    quality: Mapping[str, Floats]
    outcome: Floats
    cost_usd: Floats
    is_for_thresholds: npt.NDArray[np.bool_]


def read_held_out(llms: tuple[str, ...], arrays: Mapping[str, npt.NDArray[Any]]) -> HeldOut | None:
    """The held-out questions of a bundle's arrays; None where it carries none."""
    if "held_out.outcome" not in arrays:
        return None
    prefix = "held_out.quality."
    return HeldOut(
        llms=llms,
        quality={name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)},
        outcome=arrays["held_out.outcome"],
        cost_usd=arrays["held_out.cost_usd"],
        is_for_thresholds=arrays["held_out.is_for_thresholds"].astype(bool),
    )


def promise(held_out: HeldOut, configured: ConfiguredPolicy, limit: Limit) -> Certificate:
    """What the policy can promise; `threshold` is None where the limit is unattainable."""
    confidence, loss = decided(held_out, configured)
    tests = ~held_out.is_for_thresholds
    thresholds = thresholds_for(confidence[~tests], int(tests.sum()), limit) if (~tests).any() else ()
    return certify(confidence[tests], loss[tests], thresholds, limit)


def decided(held_out: HeldOut, configured: ConfiguredPolicy) -> tuple[Floats, Floats]:
    """The policy's confidence in its choice on every held-out question, and 1 where that was wrong."""
    ask, policy = Ask(configured.parameters), configured.policy
    quality = held_out.quality.get(policy.policy_id)
    prior = np.nanmean(held_out.outcome, axis=0)
    confidence, loss = np.zeros(len(held_out.outcome)), np.zeros(len(held_out.outcome))
    for row, outcome in enumerate(held_out.outcome):
        known = np.flatnonzero(~np.isnan(outcome))
        estimates = [
            Estimate(
                held_out.llms[i],
                float(prior[i] if quality is None else quality[row, i]),
                float(prior[i]),
                Decimal(repr(float(held_out.cost_usd[row, i]))),
                0.0,
                0.0,
            )
            for i in known
        ]
        scores = policy.scores(estimates, ask)
        best = max(range(len(known)), key=lambda i: (scores[i], -estimates[i].cost_usd))
        confidence[row] = estimates[best].quality
        loss[row] = float(outcome[known[best]] < WRONG_BELOW)
    return confidence, loss


def keep_promises(policies: Mapping[str, ConfiguredPolicy], held_out: HeldOut | None) -> dict[str, ConfiguredPolicy]:
    """The policies, each with the confidence that its promise takes. Without held-out outcomes none can be kept."""
    return {policy_id: _kept(configured, held_out) for policy_id, configured in policies.items()}


def _kept(configured: ConfiguredPolicy, held_out: HeldOut | None) -> ConfiguredPolicy:
    share = configured.settings.max_wrong_share
    if share is None or "route_llm" not in configured.policy.kinds:
        return configured
    if held_out is None:
        return _at(
            configured, NEVER, f"At most {share:.1%} wrong cannot be promised: no held-out outcome is published."
        )
    found = promise(held_out, configured, Limit(share))
    threshold = NEVER if found.threshold is None else max(found.threshold, configured.settings.min_confidence)
    return _at(configured, threshold, found.reason)


def _at(configured: ConfiguredPolicy, threshold: float, reason: str) -> ConfiguredPolicy:
    settings = msgspec.structs.replace(configured.settings, min_confidence=threshold)
    return replace(configured, settings=settings, promise=reason)
