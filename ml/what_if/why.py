"""What would have changed one decision, worked out by the engine on what the decision was made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from aurora.decisions.plans import Plan
from aurora.decisions.policy import ConfiguredPolicy, configure
from aurora.decisions.promises import keep_promises
from aurora.decisions.replay import holds_of
from aurora.errors import AuroraError
from aurora.packs import Pack, Rule
from aurora.settings import Settings
from aurora.store.lake import LakeReader, read_lake
from aurora.store.paths import TenantPaths
from contracts.messages.decisions import Candidate, Decision, Veto
from ml.what_if.flips import Contest, Flip, flips
from ml.what_if.imagined import Imagined, alone, live_of

_MOST_BARRIERS: Final = 8
_LIFTABLE: Final = frozenset({"rule", "live_state"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Barrier:
    """What kept a candidate out. `would_be_preferred` says whether it would be chosen without that; None: not known."""

    candidate_id: str
    vetoes: tuple[Veto, ...]
    would_be_preferred: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """Why a person decides though somebody is admissible: the preferred is not sure enough."""

    candidate_id: str
    confidence: float
    asked: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """What would have changed a decision. `is_exact` is false where the engine does not come to the same scores."""

    preferred: str | None
    alternative: str | None
    stands_in: bool
    floor: Floor | None
    flips: tuple[Flip, ...]
    barriers: tuple[Barrier, ...]
    rules: tuple[Rule, ...]
    """The rules that forbade somebody, as they stood then."""
    is_exact: bool


def explain(made: Decision, paths: TenantPaths, settings: Settings) -> Why:
    """Why not otherwise. `NotFoundError` or `DataError` when what it was made from is gone or was changed."""
    with read_lake(paths) as lake:
        imagined = Imagined(paths, settings, lake)
        engine = imagined.opened(made)
        plan = _plan(imagined, made)
        contest = _contest(plan, engine.pack, made, engine.bundle)
        named = {veto.rule_id for one in made.candidates for veto in one.vetoes if veto.source == "rule"}
        lift = _Lift(made, paths, settings, lake)
        barriers = [lift.barrier(one) for one in made.candidates if one.vetoes]
    stands_in = plan.choice is not None and contest is not None and contest.choice().greedy != plan.choice.greedy
    return Why(
        preferred=None if plan.choice is None else plan.actions[plan.choice.greedy].candidate_id,
        alternative=None if contest is None else contest.alternative,
        stands_in=stands_in,
        floor=_floor(plan, contest),
        flips=() if contest is None or stands_in else flips(contest),
        barriers=tuple(barriers),
        rules=tuple(rule for rule in engine.pack.rules if rule.rule_id in named),
        is_exact=_scores(plan.candidates) == _scores(made.candidates),
    )


def _plan(imagined: Imagined, made: Decision) -> Plan:
    return imagined.opened(made).plan(
        made.request, decided_at=made.decided_at, live=live_of(made), switches=alone(made), holds=holds_of(made)
    )


def _contest(plan: Plan, pack: Pack, made: Decision, bundle: Any) -> Contest | None:
    if plan.choice is None:
        return None
    policies = keep_promises(configure(pack.policies), None if bundle is None else bundle.held_out)
    configured = _as_asked(policies[plan.policy_id], made)
    return Contest(
        estimates=plan.actions, configured=configured, min_quality=getattr(made.request, "min_quality", None)
    )


def _as_asked(configured: ConfiguredPolicy, made: Decision) -> ConfiguredPolicy:
    """With the confidence that the request itself insists on."""
    asked = getattr(made.request, "min_confidence", None)
    if asked is None:
        return configured
    return replace(configured, settings=msgspec.structs.replace(configured.settings, min_confidence=asked))


def _floor(plan: Plan, contest: Contest | None) -> Floor | None:
    if plan.choice is None or contest is None or not plan.choice.is_abstained:
        return None
    preferred = plan.actions[plan.choice.greedy]
    return Floor(
        candidate_id=preferred.candidate_id,
        confidence=preferred.quality,
        asked=contest.configured.settings.min_confidence,
    )


def _scores(candidates: tuple[Candidate, ...]) -> list[tuple[str, bool, float | None]]:
    return [(one.candidate_id, one.is_eligible, one.score) for one in candidates]


class _Lift:
    """Tries a candidate without what kept it out. An explanation: nothing is ever admitted by it."""

    def __init__(self, made: Decision, paths: TenantPaths, settings: Settings, lake: LakeReader) -> None:
        self._made = made
        self._tried: dict[frozenset[str], Imagined] = {}
        self._new: Callable[[Callable[[Pack], Pack]], Imagined] = lambda change: Imagined(
            paths, settings, lake, change=change
        )

    def barrier(self, candidate: Candidate) -> Barrier:
        """What kept it out, and whether it would be preferred otherwise."""
        can_lift = all(veto.source == "rule" or veto.rule_id in _LIFTABLE for veto in candidate.vetoes)
        preferred = self._preferred(candidate) if can_lift and self._made.kind.startswith("route_") else None
        return Barrier(
            candidate_id=candidate.candidate_id,
            vetoes=candidate.vetoes,
            would_be_preferred=None if preferred is None else preferred == candidate.candidate_id,
        )

    def _preferred(self, candidate: Candidate) -> str | None:
        rules = frozenset(veto.rule_id for veto in candidate.vetoes if veto.source == "rule")
        if rules not in self._tried and len(self._tried) >= _MOST_BARRIERS:
            return None
        imagined = self._tried.setdefault(rules, self._new(lambda pack: _without(pack, rules)))
        try:
            plan = _plan(imagined, self._let_in(candidate.candidate_id))
        except AuroraError:
            return None
        return None if plan.choice is None else plan.actions[plan.choice.greedy].candidate_id

    def _let_in(self, name: str) -> Decision:
        """The question put to those who were admissible and this one, which is there."""
        able = [one.candidate_id for one in self._made.candidates if one.is_eligible]
        return msgspec.structs.replace(
            self._made,
            request=msgspec.structs.replace(self._made.request, candidates=(*able, name)),
            assistant_states={who: state for who, state in self._made.assistant_states.items() if who != name},
        )


def _without(pack: Pack, rules: frozenset[str]) -> Pack:
    """The pack as if these rules did not exist."""
    return msgspec.structs.replace(pack, rules=tuple(one for one in pack.rules if one.rule_id not in rules))
