"""Plans: what would be decided, before the seed is drawn: vetoes, estimates, choice, spelled out once.

A plan is a pure function of the engine's snapshot and of the fields a request asks with; the engine keeps
the plans of recurring questions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from msgspec import UNSET

from aurora.decisions.choice import Choice, StandIn, choose, mixed
from aurora.decisions.policy import ConfiguredPolicy, Estimate
from aurora.decisions.slates import NOT_KNOWN, Slate, bits
from contracts.messages.decision_details import DecisionDetails, ShadowChoice
from contracts.messages.decisions import Candidate, Veto


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything about a decision but who asked, when, and the draw. `actions` are the admissible estimates."""

    candidates: tuple[Candidate, ...]
    actions: tuple[Estimate, ...]
    choice: Choice | None
    """None when nobody is admissible."""
    reason: str
    policy_id: str
    rules_checked: tuple[str, ...]
    baseline_cost_usd: Decimal | None
    shadow: Shadow | None = None
    details: Callable[[str | None], DecisionDetails | None] | None = None
    """What a kind's action rests on; of nothing chosen, too."""


@dataclass(frozen=True, slots=True)
class Shadow:
    """What a policy that only watches makes of the same admissible candidates."""

    policy_id: str
    choice: Choice
    actions: Sequence[Estimate]
    canary_share: float = 0.0
    bundle_hash: str | None = None

    def told(self, seed: int, taken: int | None) -> ShadowChoice:
        """Its choice under the same draw. `taken` is the position of the action that was taken."""
        choice, actions = self.choice, self.actions
        own = choice.draw(seed)
        return ShadowChoice(
            policy_id=self.policy_id,
            action=None if choice.is_abstained else actions[own].candidate_id,
            propensity=choice.propensities[own],
            taken_propensity=0.0 if taken is None else choice.propensities[taken],
            confidence=actions[choice.greedy].quality,
            canary_share=self.canary_share or UNSET,
            bundle_hash=self.bundle_hash or UNSET,
        )


@dataclass(frozen=True, slots=True)
class Watch:
    """The policy that is run beside the one that decides, and how much of it counts."""

    configured: ConfiguredPolicy
    policy_id: str
    canary_share: float = 0.0
    bundle_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """Which candidates of a slate a request names: a mask of positions, and ids that are not known."""

    mask: int
    strangers: tuple[str, ...]


def asked(slate: Slate, candidates: Sequence[str] | None) -> Asked:
    """The candidates asked for; all of the slate when the request names none. Order and repeats do not matter."""
    if candidates is None:
        return Asked((1 << len(slate.ids)) - 1, ())
    known = bits(slate.positions[name] for name in set(candidates) if name in slate.positions)
    return Asked(known, tuple(sorted({name for name in candidates if name not in slate.positions})))


def make_plan(
    slate: Slate,
    wanted: Asked,
    rule_vetoes: Sequence[tuple[Veto, ...]],
    estimates: Sequence[Estimate],
    configured: ConfiguredPolicy,
    *,
    min_quality: float | None,
    note: str,
    rules_checked: tuple[str, ...],
    shadow: Watch | None = None,
    shadow_estimates: Sequence[Estimate] | None = None,
    details: Callable[[str | None], DecisionDetails | None] | None = None,
) -> Plan:
    """Put the parts together. `note` is said before the policy's reason, such as why a fallback decides.

    `shadow_estimates` are what the shadow expects, where it looks at the question with other eyes.
    """
    vetoes = {
        position: _vetoes(slate, position, rule_vetoes[position])
        for position in range(len(slate.ids))
        if wanted.mask >> position & 1
    }
    admissible = tuple(estimates[position] for position, found in vetoes.items() if not found)
    watched = admissible
    if shadow_estimates is not None:
        watched = tuple(shadow_estimates[position] for position, found in vetoes.items() if not found)
    absent = [position for position, found in vetoes.items() if found == (slate.live_vetoes[position],)]
    stand_in = _stand_in(slate, absent, admissible, estimates, configured, min_quality=min_quality) if absent else None
    choice = choose(admissible, configured, min_quality=min_quality, stand_in=stand_in) if admissible else None
    beside = _shadow(watched, shadow, choice, min_quality=min_quality, stand_in=stand_in)
    if choice is not None and beside is not None and beside.canary_share:
        choice = mixed(choice, beside.choice, beside.canary_share)
    scored = _scored(admissible, choice)
    candidates = [
        scored[slate.ids[position]]
        if not found
        else Candidate(candidate_id=slate.ids[position], is_eligible=False, vetoes=found)
        for position, found in vetoes.items()
    ]
    candidates += [Candidate(candidate_id=name, is_eligible=False, vetoes=(NOT_KNOWN,)) for name in wanted.strangers]
    if wanted.strangers:
        candidates.sort(key=lambda candidate: candidate.candidate_id)
    reason = choice.reason if choice is not None else _nobody(candidates)
    return Plan(
        candidates=tuple(candidates),
        actions=admissible,
        choice=choice,
        reason=f"{note} {reason}" if note else reason,
        policy_id=configured.policy.policy_id,
        rules_checked=rules_checked,
        baseline_cost_usd=_baseline(admissible),
        shadow=beside,
        details=details,
    )


def _shadow(
    admissible: Sequence[Estimate],
    watch: Watch | None,
    ours: Choice | None,
    *,
    min_quality: float | None,
    stand_in: StandIn | None,
) -> Shadow | None:
    if watch is None or ours is None:
        return None
    choice = choose(admissible, watch.configured, min_quality=min_quality, stand_in=stand_in)
    share = 0.0 if choice.is_abstained or ours.is_abstained else watch.canary_share
    return Shadow(watch.policy_id, choice, admissible, share, watch.bundle_hash)


def _vetoes(slate: Slate, position: int, by_rules: tuple[Veto, ...]) -> tuple[Veto, ...]:
    scope, live = slate.scope_vetoes[position], slate.live_vetoes[position]
    if scope is not None:
        return (scope,)
    return by_rules if live is None else (live, *by_rules)


def _stand_in(
    slate: Slate,
    absent: Sequence[int],
    admissible: Sequence[Estimate],
    estimates: Sequence[Estimate],
    configured: ConfiguredPolicy,
    *,
    min_quality: float | None,
) -> StandIn | None:
    """The backup of the one that would be preferred if all were there; None when it is there, or has none."""
    everyone = sorted([*admissible, *(estimates[position] for position in absent)], key=lambda one: one.candidate_id)
    best = everyone[choose(everyone, configured, min_quality=min_quality).greedy].candidate_id
    backup = slate.backups.get(best)
    if best in {one.candidate_id for one in admissible}:
        return None
    place = next((at for at, one in enumerate(admissible) if one.candidate_id == backup), None)
    return None if place is None else StandIn(place, best)


def _scored(admissible: Sequence[Estimate], choice: Choice | None) -> dict[str, Candidate]:
    if choice is None:
        return {}
    return {
        estimate.candidate_id: Candidate(
            candidate_id=estimate.candidate_id,
            is_eligible=True,
            score=score,
            quality=estimate.quality,
            cost_usd=estimate.cost_usd,
            latency_ms=estimate.latency_ms,
            propensity=propensity,
            utility_usd=None if estimate.utility is None else Decimal(repr(round(estimate.utility, 9))),
        )
        for estimate, score, propensity in zip(admissible, choice.scores, choice.propensities, strict=True)
    }


def _baseline(admissible: Sequence[Estimate]) -> Decimal | None:
    """Expected cost of the candidate that is best on average: what would be spent without routing."""
    if not admissible:
        return None
    return min(admissible, key=lambda e: (-e.prior_quality, e.cost_usd, e.candidate_id)).cost_usd


def _nobody(candidates: Sequence[Candidate]) -> str:
    counts = Counter(veto.reason for candidate in candidates for veto in candidate.vetoes)
    why = " ".join(
        f"{count} x {reason}" for reason, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )
    return f"A person decides: none of {len(candidates)} candidates is admissible. {why}"


def told_reason(plan: Plan, seed: int, chosen: Estimate | None, preferred: Estimate | None) -> str:
    """Why this action was taken under this seed: preferred, drawn to learn, or another policy's turn."""
    choice = plan.choice
    if chosen is None or choice is None:
        return plan.reason
    if plan.shadow is not None and choice.is_canary(seed):
        return (
            f"Tried: {plan.shadow.policy_id} takes {choice.canary_share:.0%} of decisions to show what it is worth, and "
            f"chose {chosen.candidate_id}."
        )
    return plan.reason if chosen is preferred else _explored(plan, chosen, preferred)


def _explored(plan: Plan, chosen: Estimate, preferred: Estimate | None) -> str:
    epsilon = plan.choice.epsilon if plan.choice is not None else 0.0
    usual = preferred.candidate_id if preferred is not None else "nobody"
    return (
        f"Explored: {chosen.candidate_id} was drawn among {len(plan.actions)} admissible candidates, as {epsilon:.1%} "
        f"of decisions are, to learn; {usual} is preferred."
    )
