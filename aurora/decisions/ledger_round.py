"""A round of the conflict ledger: find what contradicts, resolve what is open, score by outcomes, learn who is right."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from aurora.audit.records import decision_record, decision_seed
from aurora.decisions.conflicts import every_conflict, question_of, resolved, scored_by_outcomes
from aurora.decisions.contradictions import ACTOR, LOOK_BACK, find_conflicts, new_ones
from aurora.decisions.engine import Engine
from aurora.decisions.features import Features
from aurora.decisions.holding import HoldsNow
from aurora.decisions.modes import read_switches
from aurora.decisions.reliability import Reliability, load_reliability, measure, publish_reliability
from aurora.decisions.slates import task_slate
from aurora.packs import Pack
from aurora.store.ids import IdMaker
from aurora.store.lake import read_lake
from aurora.store.paths import TenantPaths
from aurora.store.state import Clock, StateStore
from contracts.messages.conflicts import Conflict
from contracts.messages.decisions import Decision

_BATCH = 200


@dataclass(slots=True)
class Round:
    """What a round did."""

    found_count: int = 0
    resolved_count: int = 0
    escalated_count: int = 0
    scored_count: int = 0
    reliability_hash: str | None = None
    decisions: list[Decision] = field(default_factory=list)

    def as_details(self) -> dict[str, str | int | float | bool | None]:
        """Figures to show."""
        return {
            "found_count": self.found_count,
            "resolved_count": self.resolved_count,
            "escalated_count": self.escalated_count,
            "scored_count": self.scored_count,
            "reliability_hash": self.reliability_hash or "",
        }


def run_round(
    paths: TenantPaths, engine: Engine, *, clock: Clock, look_back: dt.timedelta = LOOK_BACK, is_resolving: bool = True
) -> Round:
    """Find, resolve, score, learn. The same round again does nothing new."""
    with read_lake(paths) as lake:
        found = find_conflicts(lake, engine.pack.policies, now=clock(), region=paths.region, look_back=look_back)
    done = Round()
    with StateStore.open(paths, clock=clock) as store:
        fresh = new_ones(store, found)
        for at in range(0, len(fresh), _BATCH):
            store.append(fresh[at : at + _BATCH]).result()
        done.found_count = len(fresh)
        if is_resolving:
            resolve_open(store, engine, done, clock=clock, look_back=look_back)
        scores = list(scored_by_outcomes(store, actor_id=ACTOR, now=clock()))
        if scores:
            store.append(scores).result()
        done.scored_count = len(scores)
        reliability = learn(paths, every_conflict(store), engine, now=clock())
        done.reliability_hash = None if reliability is None else reliability.reliability_hash
    return done


def resolve_open(
    store: StateStore, engine: Engine, done: Round, *, clock: Clock, look_back: dt.timedelta = LOOK_BACK
) -> None:
    """A decision for each open conflict that is not older than `look_back`."""
    ids, switches, holds = IdMaker(clock), read_switches(store), HoldsNow(store)
    for conflict in every_conflict(store):
        if conflict.conflict_state != "open" or clock() - conflict.detected_at > look_back:
            continue
        decision_id = ids.new("dec")
        decision = engine.decide(
            question_of(conflict),
            actor_id=ACTOR,
            decision_id=decision_id,
            decided_at=clock(),
            seed=decision_seed(decision_id),
            switches=switches,
            holds=holds.read(),
        )
        store.append([decision_record(decision), resolved(conflict, decision)]).result()
        done.resolved_count += decision.action is not None
        done.escalated_count += decision.action is None
        done.decisions.append(decision)


def learn(paths: TenantPaths, conflicts: Iterable[Conflict], engine: Engine, *, now: dt.datetime) -> Reliability | None:
    """Publish what scored conflicts say of recommenders; None while nothing new is scored."""
    every = [one for one in conflicts if one.right_action is not None]
    if not every:
        return None
    known = load_reliability(paths)
    if known is not None and known.scored_count == len(every):
        return None
    found = measure(every, priors(engine.pack, engine.features, {one.topic for one in every}), published_at=now)
    publish_reliability(paths, found)
    return found


def priors(pack: Pack, features: Features | None, topics: Iterable[str]) -> Mapping[tuple[str, str], float]:
    """What is expected of each assistant on a topic before a conflict was scored: its success at such work."""
    found: dict[tuple[str, str], float] = {}
    for topic in topics:
        slate = task_slate(pack, topic if topic in pack.task_types else "", features, {})
        found |= {(one.candidate_id, topic): one.prior_quality for one in slate.estimates}
    return found
