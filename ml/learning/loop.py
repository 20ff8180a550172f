"""The learning loop of `route_llm`: outcomes to challenger, challenger to canary, canary to champion, and back.

One call of `run` takes at most one step, so that each step has its own evidence and its own record:

- no challenger stands and enough decisions matured since the champion was made: learn one and let it be tried;
- one stands: judge it by the decisions made since it stands; promote it, drop it, or go on. One that earns more and
  only expects wrongly learns from what the canary showed, and is then judged by what comes after;
- the champion was learned here and does not keep what it promised: the one before it comes back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from aurora.decisions.bundles import (
    CHALLENGER,
    Bundle,
    champion_folder,
    load_bundle,
    named_folder,
    promote_bundle,
    replace_file,
    write_bundle,
)
from aurora.decisions.policy import ConfiguredPolicy, configure
from aurora.errors import ConflictError, NotFoundError
from aurora.packs import Pack, load_pack
from aurora.settings import Settings
from aurora.store.lake import read_lake
from aurora.store.paths import TenantPaths
from contracts.messages.decisions import DecisionKind
from contracts.messages.learning import PolicyStepKind
from ml import tracking
from ml.learning.at_work import (
    calibration_beyond_chance,
    chances_of,
    columns_of,
    expected_of_actions,
    forbidden_count,
    log_of,
    p99_ms,
    prior_of,
)
from ml.learning.learn_llm import POLICY, Learned, learn
from ml.learning.training_set import Matured, TrainingSet, read_training_set
from ml.off_policy.estimators import ONE_SIDED_95
from ml.off_policy.gate import MAX_CALIBRATION_ERROR, MIN_EFFECTIVE_COUNT, Conduct, Judgement, judge
from ml.route_llm.publish import read_manifest

KIND: Final[DecisionKind] = "route_llm"
PREVIOUS: Final = "previous"
ROLES: Final = ("champion", CHALLENGER, PREVIOUS)
"""What a bundle can be; a file of the name beside the bundles says which is it."""
MIN_NEW: Final = 200
"""Matured decisions with an outcome since the champion, before a challenger is learned."""
MIN_PROMISED: Final = 100
"""Decisions of a champion before it is held to what it promised."""
WORTH_USD: Final = 0.05
"""What a right answer is worth beside a wrong one, in USD, unless the policy says otherwise (`worth_usd`)."""
_TRAIN: Final = "aurora build"
_DROP_SHARE: Final = 4.0
"""A challenger that is not shown to be better after so many times the decisions that are asked is dropped."""

Outcome = Literal["waiting", "learned", "held_back", "promoted", "dropped", "rolled_back"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopReport:
    """What one run did, and why. `step` is None where nothing changed."""

    outcome: Outcome
    reasons: tuple[str, ...]
    bundle_hash: str | None = None
    champion_hash: str | None = None
    evidence: Mapping[str, Any]
    step: PolicyStepKind | None = None


@dataclass(frozen=True, slots=True)
class _Standing:
    """The bundles of a tenant, and the policies of its pack."""

    champion: Path
    challenger: Path | None
    previous: Path | None
    policies: Mapping[str, ConfiguredPolicy]
    declared: str

    def configured(self, bundle: Bundle) -> ConfiguredPolicy:
        return self.policies.get(bundle.policy_id, self.policies[self.declared])


def run(paths: TenantPaths, settings: Settings, *, clock: Callable[[], dt.datetime]) -> LoopReport:
    """Take the next step, if there is one. Nothing is written when there is none."""
    now = clock()
    standing = _standing(paths, load_pack(settings.packs_dir, settings.pack))
    if standing is None:
        return LoopReport(outcome="waiting", reasons=("no router is trained yet",), evidence={})
    if not _can_learn(standing.champion):
        why = f"the champion was made by an older Aurora and cannot go on learning; train it anew with `{_TRAIN}`"
        return LoopReport(outcome="waiting", reasons=(why,), evidence={}, champion_hash=standing.champion.name)
    with read_lake(paths) as lake:
        matured = read_training_set(lake, KIND, now=now)
    broken = _broken_promise(standing, matured.logged)
    if broken is not None:
        return _roll_back(paths, standing, *broken)
    if standing.challenger is not None and read_manifest(standing.challenger).get("may_be_tried"):
        return _judged(paths, standing, standing.challenger, matured, now=now)
    return _challenged(paths, standing, matured, now=now)


def _can_learn(champion: Path) -> bool:
    """Whether the bundle holds the statistics that outcomes are added to."""
    bundle = load_bundle(champion)
    return bundle.space is not None and bundle.serves(POLICY)


def _standing(paths: TenantPaths, pack: Pack) -> _Standing | None:
    champion = champion_folder(paths.serving, KIND)
    choice = pack.policies.kinds.get(KIND)
    if champion is None or choice is None:
        return None
    return _Standing(
        champion,
        named_folder(paths.serving, KIND, CHALLENGER),
        named_folder(paths.serving, KIND, PREVIOUS),
        configure(pack.policies),
        choice.policy,
    )


# a challenger -------------------------------------------------------------------------------------


def _challenged(paths: TenantPaths, standing: _Standing, matured: TrainingSet, *, now: dt.datetime) -> LoopReport:
    since = _moment(read_manifest(standing.champion).get("learned_through"))
    fresh = [row for row in matured.rows if since is None or row.decided_at > since]
    usable = [row for row in fresh if row.reward is not None]
    if len(usable) < MIN_NEW:
        why = f"{len(usable)} decisions with an outcome matured since the champion; {MIN_NEW} are asked"
        return LoopReport(outcome="waiting", reasons=(why,), evidence={"counts": matured.counts})
    learned = learn(standing.champion, fresh, created_at=now, raw_snapshot_id=matured.raw_snapshot_id)
    reasons: tuple[str, ...] = ()
    if learned.calibration_error > MAX_CALIBRATION_ERROR:
        reasons = (f"calibration error {learned.calibration_error:.3f} is over {MAX_CALIBRATION_ERROR}",)
    evidence = _learned_evidence(learned, matured)
    manifest, registered = _registered(paths, learned, evidence, reasons)
    folder = write_bundle(paths.serving, manifest, learned.arrays)
    tracking.log_bundle(_store(paths), registered.run_id, folder, {})
    if not reasons:
        replace_file(folder.parent / CHALLENGER, (folder.name + "\n").encode())
        tracking.set_alias(_store(paths), KIND, "challenger", registered.version)
    return LoopReport(
        outcome="held_back" if reasons else "learned",
        step="held_back" if reasons else "challenged",
        reasons=reasons or (f"{learned.learned_count} decisions were learned; it is tried on a share of decisions",),
        bundle_hash=folder.name,
        champion_hash=standing.champion.name,
        evidence=evidence,
    )


def _learned_evidence(learned: Learned, matured: TrainingSet) -> dict[str, Any]:
    return {
        "learned_count": learned.learned_count,
        "calibration_error": learned.calibration_error,
        "max_calibration_error": MAX_CALIBRATION_ERROR,
        "raw_snapshot_id": matured.raw_snapshot_id,
        "matured_at": matured.matured_at.isoformat(),
        "counts": matured.counts,
        "overriders": {
            name: {"count": one.count, "gain": one.gain, "weight": one.weight} for name, one in learned.people.items()
        },
    }


def _registered(
    paths: TenantPaths, learned: Learned, evidence: Mapping[str, Any], reasons: Sequence[str]
) -> tuple[dict[str, Any], tracking.Registered]:
    registered = tracking.record_evidence(
        _store(paths),
        experiment=KIND,
        registered_name=KIND,
        params={"parent": str(learned.manifest["parent"]), "policy_id": str(learned.manifest["policy_id"])},
        metrics={
            "outcome_ece": learned.calibration_error,
            "learned_count": float(learned.learned_count),
        },
        tags={"tenant": paths.tenant, "gate": "; ".join(reasons) or "to be tried"},
        documents={"evidence.json": evidence},
    )
    alias = "none" if reasons else "challenger"
    mlflow = {"run_id": registered.run_id, "version": registered.version, "alias": alias}
    return {**learned.manifest, "mlflow": mlflow}, registered


# the judgement ------------------------------------------------------------------------------------


def _judged(
    paths: TenantPaths, standing: _Standing, folder: Path, matured: TrainingSet, *, now: dt.datetime
) -> LoopReport:
    since = _moment(read_manifest(folder).get("created_at"))
    rows = [row for row in matured.logged if since is None or row.decided_at >= since]
    found = judgement(standing, folder, rows)

    def report(outcome: Outcome, reasons: tuple[str, ...], step: PolicyStepKind | None = None) -> LoopReport:
        return LoopReport(
            outcome=outcome,
            step=step,
            reasons=reasons,
            bundle_hash=folder.name,
            champion_hash=standing.champion.name,
            evidence={} if found is None else found.evidence(),
        )

    if found is None:
        return report("waiting", ("no decision has matured since it stands",))
    if found.is_promoted:
        _promote(paths, folder, standing.champion)
        return report("promoted", ("it is shown to be better",), "promoted")
    if found.only_expects_wrongly:
        return _challenged(paths, standing, matured, now=now)
    low, high = found.gain.bounds(ONE_SIDED_95)
    is_long = found.gain.effective_count >= _DROP_SHARE * MIN_EFFECTIVE_COUNT
    if high < 0 or is_long:
        _drop(paths)
        why = f"it earns {found.gain.value:+.4f} a decision, between {low:+.4f} and {high:+.4f}"
        return report("dropped", (why,), "dropped")
    return report("waiting", found.reasons)


def judgement(standing: _Standing, folder: Path, rows: Sequence[Matured]) -> Judgement | None:
    """The gate's word on the bundle in `folder` against the champion; None without a decision to judge by."""
    if not rows:
        return None
    champion, challenger = load_bundle(standing.champion), load_bundle(folder)
    ours, theirs = standing.configured(champion), standing.configured(challenger)
    worth = float(ours.parameters.get("worth_usd") or 0.0) or WORTH_USD
    columns = columns_of(rows)
    tried = chances_of(challenger, theirs, rows, columns)
    return judge(
        log_of(rows, columns, worth_usd=worth),
        tried,
        chances_of(champion, ours, rows, columns),
        prior_of(rows, columns, worth_usd=worth),
        Conduct(
            calibration_error=_calibration_error(challenger, theirs.policy.policy_id, rows),
            violation_count=forbidden_count(tried, rows, columns),
            p99_ms=p99_ms(challenger, theirs.policy.policy_id, rows),
        ),
    )


def standing_judgement(paths: TenantPaths, settings: Settings, *, now: dt.datetime) -> Judgement | None:
    """The gate's word so far on the challenger that stands; None without one, or without a decision. Changes nothing."""
    standing = _standing(paths, load_pack(settings.packs_dir, settings.pack))
    if standing is None or standing.challenger is None:
        return None
    since = _moment(read_manifest(standing.challenger).get("created_at"))
    with read_lake(paths) as lake:
        logged = read_training_set(lake, KIND, now=now).logged
    return judgement(standing, standing.challenger, [row for row in logged if since is None or row.decided_at >= since])


def _calibration_error(bundle: Bundle, policy_id: str, rows: Sequence[Matured]) -> float | None:
    expected = expected_of_actions(bundle, policy_id, rows)
    known = ~np.isnan(expected)
    if not known.any():
        return None
    rewards = np.array([float(row.reward or 0.0) for row in rows])
    return calibration_beyond_chance(expected[known], rewards[known])


# back ---------------------------------------------------------------------------------------------


def _broken_promise(standing: _Standing, logged: Sequence[Matured]) -> tuple[float, float, int] | None:
    """How far the champion's outcomes stay below what it expected, the bound, and of how many; None while it keeps it."""
    if standing.previous is None:
        return None
    own = [row for row in logged if row.bundle_hash == standing.champion.name and row.action in row.quality]
    if len(own) < MIN_PROMISED:
        return None
    beyond = np.array([float(row.reward or 0.0) - row.quality[str(row.action)] for row in own])
    error = float(beyond.std(ddof=1)) / len(own) ** 0.5
    high = float(beyond.mean()) + ONE_SIDED_95 * error
    return (float(beyond.mean()), high, len(own)) if high < -MAX_CALIBRATION_ERROR else None


def _roll_back(paths: TenantPaths, standing: _Standing, mean: float, high: float, count: int) -> LoopReport:
    before = standing.previous
    if before is None:
        raise NotFoundError("There is no bundle to go back to.", field=PREVIOUS, next_step="Train one.")
    _restore(paths, before)
    return LoopReport(
        outcome="rolled_back",
        step="rolled_back",
        reasons=(
            f"its {count} outcomes are {mean:+.3f} from what it expected, at most {high:+.3f} with 95 % certainty",
        ),
        bundle_hash=before.name,
        champion_hash=standing.champion.name,
        evidence={"shortfall": mean, "shortfall_high": high, "decision_count": count},
    )


# people -------------------------------------------------------------------------------------------


def promote(paths: TenantPaths) -> tuple[str, str]:
    """Let the challenger be champion by a person's word; its hash and the one before. `NotFoundError` without one."""
    challenger, champion = named_folder(paths.serving, KIND, CHALLENGER), champion_folder(paths.serving, KIND)
    if challenger is None or champion is None:
        raise NotFoundError(
            "There is no challenger to promote.",
            field="kind",
            next_step="`aurora policy learn` makes one once enough decisions have an outcome.",
        )
    _promote(paths, challenger, champion)
    return challenger.name, champion.name


def roll_back(paths: TenantPaths) -> tuple[str, str]:
    """Go back to the champion before; its hash and the one that goes. `ConflictError` where there is none."""
    previous, champion = named_folder(paths.serving, KIND, PREVIOUS), champion_folder(paths.serving, KIND)
    if previous is None or champion is None:
        raise ConflictError(
            "There is no champion before this one.",
            field="kind",
            rule="previous",
            next_step="A champion can be taken back once it has taken another's place.",
        )
    _restore(paths, previous)
    return previous.name, champion.name


def _promote(paths: TenantPaths, folder: Path, champion: Path) -> None:
    replace_file(folder.parent / PREVIOUS, (champion.name + "\n").encode())
    promote_bundle(folder)
    (folder.parent / CHALLENGER).unlink(missing_ok=True)
    _alias(paths, folder)
    tracking.drop_alias(_store(paths), KIND, "challenger")


def _restore(paths: TenantPaths, previous: Path) -> None:
    promote_bundle(previous)
    for role in (PREVIOUS, CHALLENGER):
        (previous.parent / role).unlink(missing_ok=True)
    _alias(paths, previous)


def _drop(paths: TenantPaths) -> None:
    (paths.serving / "bundles" / KIND / CHALLENGER).unlink(missing_ok=True)
    tracking.drop_alias(_store(paths), KIND, "challenger")


def _alias(paths: TenantPaths, folder: Path) -> None:
    version = read_manifest(folder).get("mlflow", {}).get("version")
    if version is not None:
        tracking.set_alias(_store(paths), KIND, "champion", str(version))


def _store(paths: TenantPaths) -> tracking.Tracking:
    return tracking.Tracking.below(paths.data_dir / "mlflow" / paths.tenant)


def _moment(text: object) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if isinstance(text, str) else None
