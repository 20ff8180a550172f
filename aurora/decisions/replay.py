"""Replay: a decision made again from what was kept, byte for byte, or the name of what drifted.

The pack comes from the archive, features from `raw.feature_snapshot`, bundles from their folders, reliability from
the archive, each held against the hash on the receipt; live states, holds, modes and seed stand on the receipt itself.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final, Literal

import msgspec
from msgspec import UNSET

from aurora.compliance.rules import compile_rules, rule_pack_hash
from aurora.decisions.archive import archived_pack
from aurora.decisions.bundles import Bundle, load_bundle
from aurora.decisions.engine import Engine
from aurora.decisions.features import Features, kept_features, load_features
from aurora.decisions.holding import Holds
from aurora.decisions.modes import Switches
from aurora.decisions.reliability import Reliability, archived_reliability
from aurora.errors import AuroraError, DataError, NotFoundError
from aurora.packs import Pack, load_pack
from aurora.settings import Settings
from aurora.store.journal import JournalEntry, StateReader
from aurora.store.lake import LakeReader, read_lake
from aurora.store.paths import TenantPaths
from contracts.messages.decision_details import Pooled
from contracts.messages.decisions import Decision, DecisionKind, canonical

Verdict = Literal["equal", "input_drift", "input_missing", "rules_drift", "engine_drift"]
MEANINGS: Final[dict[Verdict, str]] = {
    "equal": "The same bytes.",
    "input_drift": "What it was made from was changed since: its content no longer gives its hash.",
    "input_missing": "What it was made from is not kept any more, or never was.",
    "rules_drift": "The rules are not those that it was made under.",
    "engine_drift": "The inputs are the same and the decision is not: the engine decides otherwise now.",
}
_DECISIONS: Final = msgspec.json.Decoder(Decision)
_LOOKED_AT: Final = 20
"""Places of the journal that are looked at for each decision wanted."""
_TOLD: Final = 20


@dataclass(frozen=True, slots=True)
class Replayed:
    """One decision, replayed."""

    decision_id: str
    kind: str
    verdict: Verdict
    reason: str
    again: Decision | None = None


@dataclass(slots=True)
class ReplayReport:
    """Many decisions, replayed."""

    counts: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    drifted: list[Replayed] = field(default_factory=list)

    def add(self, one: Replayed) -> None:
        """Count one; what is not equal is kept, the first few."""
        self.counts[one.verdict] += 1
        self.kinds[one.kind] += 1
        if one.verdict != "equal" and len(self.drifted) < _TOLD:
            self.drifted.append(one)

    @property
    def is_equal(self) -> bool:
        """Whether every one of them gave the same bytes."""
        return set(self.counts) <= {"equal"}

    def as_dict(self) -> dict[str, object]:
        """The report as JSON."""
        return {
            "replayed_count": self.counts.total(),
            "verdicts": dict(sorted(self.counts.items())),
            "kinds": dict(sorted(self.kinds.items())),
            "drifted": [
                {"decision_id": one.decision_id, "kind": one.kind, "verdict": one.verdict, "reason": one.reason}
                for one in self.drifted
            ],
        }


def replay_sample(paths: TenantPaths, settings: Settings, *, sample: int, seed: int) -> ReplayReport:
    """Replay that many random decisions of the journal; all of them when there are fewer."""
    report = ReplayReport()
    with StateReader(paths) as state, ExitStack() as stack:
        replayer = Replayer(paths, settings, stack.enter_context(read_lake(paths)))
        for entry in _drawn(state, sample=sample, seed=seed):
            report.add(replayer.replay(entry))
    return report


def replay_these(paths: TenantPaths, settings: Settings, decision_ids: Iterable[str]) -> list[Replayed]:
    """Replay decisions by id. `NotFoundError` for one that is none of this tenant's."""
    with StateReader(paths) as state, read_lake(paths) as lake:
        replayer = Replayer(paths, settings, lake)
        return [replayer.replay(_entry(state, decision_id)) for decision_id in decision_ids]


class Replayer:
    """Makes decisions again. Engines are kept by what they are made from."""

    engine_type: type[Engine] = Engine

    def __init__(self, paths: TenantPaths, settings: Settings, lake: LakeReader) -> None:
        self._paths = paths
        self._settings = settings
        self._lake = lake
        self._engines: dict[tuple[object, ...], Engine | AuroraError] = {}

    def replay(self, entry: JournalEntry) -> Replayed:
        """One decision made again."""
        made = _DECISIONS.decode(entry.body)
        engine = self._engine(made)
        if isinstance(engine, AuroraError):
            missing = isinstance(engine, NotFoundError)
            verdict: Verdict = "input_missing" if missing else "input_drift"
            return Replayed(made.decision_id, made.kind, verdict, str(engine))
        if engine.rules_hash != made.rule_pack_hash:
            reason = f"Made under rules {made.rule_pack_hash[:12]}, replayed under {engine.rules_hash[:12]}."
            return Replayed(made.decision_id, made.kind, "rules_drift", reason)
        try:
            again = _as_recorded(_decided(engine, made), made)
        except AuroraError as error:
            return Replayed(made.decision_id, made.kind, "engine_drift", f"It is refused now: {error}")
        if canonical(again) == entry.body:
            return Replayed(made.decision_id, made.kind, "equal", MEANINGS["equal"], again)
        differing = [name for name in made.__struct_fields__ if getattr(made, name) != getattr(again, name)]
        reason = f"Differs in {', '.join(differing) or 'how it is written'}."
        return Replayed(made.decision_id, made.kind, "engine_drift", reason, again)

    def _engine(self, made: Decision) -> Engine | AuroraError:
        reliability_hash = made.details.reliability_hash if isinstance(made.details, Pooled) else None
        key = (made.engine_hash, made.feature_hash, made.bundle_hash, _challenger_hash(made), reliability_hash)
        found = self._engines.get(key)
        if found is None:
            try:
                found = self._composed(made, reliability_hash)
            except AuroraError as error:
                found = error
            self._engines[key] = found
        return found

    def _composed(self, made: Decision, reliability_hash: str | None) -> Engine:
        pack = self._pack(made)
        reliability = None if reliability_hash is None else archived_reliability(self._paths, reliability_hash)
        return self.engine_type(
            self._paths,
            pack,
            compile_rules(pack.rules),
            bundle=self._bundle(made, made.bundle_hash),
            challenger=self._bundle(made, _challenger_hash(made)),
            features=self._features(made),
            reliability=_of_hash(reliability, reliability_hash),
        )

    def _pack(self, made: Decision) -> Pack:
        if made.engine_hash is not UNSET:
            return archived_pack(self._paths, str(made.engine_hash))
        pack = load_pack(self._settings.packs_dir, self._settings.pack)
        if rule_pack_hash(pack.rules) != made.rule_pack_hash:
            raise NotFoundError(
                "It was made before packs were kept, and the pack's rules have changed since.",
                field="engine_hash",
                next_step="Replay newer decisions.",
            )
        return pack

    def _features(self, made: Decision) -> Features | None:
        if made.feature_hash is None:
            return None
        try:
            return kept_features(self._lake, made.feature_hash)
        except NotFoundError:
            published = load_features(self._paths)
            if published is not None and published.feature_hash == made.feature_hash:
                return published
            raise

    def _bundle(self, made: Decision, wanted: str | None) -> Bundle | None:
        if wanted is None:
            return None
        return load_bundle(self._paths.serving / "bundles" / made.kind / wanted)


def _challenger_hash(made: Decision) -> str | None:
    found = UNSET if made.shadows is UNSET else made.shadows[0].bundle_hash
    return None if found is UNSET else str(found)


def _of_hash(reliability: Reliability | None, wanted: str | None) -> Reliability | None:
    if reliability is not None and reliability.reliability_hash != wanted:
        raise DataError(
            "The archived reliability has another hash than its name says.",
            field="reliability",
            rule="input_drift",
            next_step="Restore serving/archive from a backup.",
        )
    return reliability


def _decided(engine: Engine, made: Decision) -> Decision:
    shares: tuple[tuple[DecisionKind, str, float], ...] = ()
    if made.act_share is not UNSET:
        everyone = ("", *sorted(one.assistant_id for one in engine.pack.assistants))
        shares = tuple((made.kind, one, float(made.act_share)) for one in everyone)
    beside = None if made.shadows is UNSET else made.shadows[0]
    share = 0.0 if beside is None or beside.canary_share is UNSET else float(beside.canary_share)
    return engine.decide(
        made.request,
        actor_id=made.actor_id,
        decision_id=made.decision_id,
        decided_at=made.decided_at,
        seed=made.seed,
        live=tuple(sorted(made.assistant_states.items())),
        switches=Switches(
            act_shares=shares,
            shadow_policies=((made.kind, "" if beside is None else beside.policy_id),),
            canary_shares=((made.kind, share),),
        ),
        holds=holds_of(made),
    )


def holds_of(made: Decision) -> Holds:
    """The holds that counted when it was made."""
    return Holds(() if made.holds is UNSET else made.holds)


def _as_recorded(again: Decision, made: Decision) -> Decision:
    """Fields that the receipt's own time did not have yet are left out; its snapshot is what the features' was then."""
    changed: dict[str, object] = {}
    if made.engine_hash is UNSET:
        changed["engine_hash"] = UNSET
    if made.act_share is UNSET:
        changed |= {"act_share": UNSET, "mode": made.request.mode}
    if made.feature_hash is not None and again.feature_hash == made.feature_hash:
        changed["snapshot_id"] = made.snapshot_id
    return msgspec.structs.replace(again, **changed)


def _entry(state: StateReader, decision_id: str) -> JournalEntry:
    entry = state.get(decision_id)
    if entry is None or entry.kind != "decision":
        raise NotFoundError(
            f"There is no decision {decision_id[:64]!r}.",
            field="decision_id",
            next_step="`aurora decision list` names the newest.",
        )
    return entry


def _drawn(state: StateReader, *, sample: int, seed: int) -> Iterator[JournalEntry]:
    """Random decisions of the journal, each at most once: places are drawn until enough of them hold one."""
    last = state.last_seq()
    count = min(last, sample * _LOOKED_AT)
    found = 0
    for seq in random.Random(seed).sample(range(1, last + 1), count):
        entry = state.entry_at(seq)
        if entry is not None and entry.kind == "decision":
            yield entry
            found += 1
            if found == sample:
                return
