"""Conflicts on the twin: who is followed where two assistants contradict each other, held against who was right.

The twin's contradictions come in the order of time. Each is resolved by the real engine with what was scored a day
before; the truth, which Aurora does not see until then, says who was right. Beside it the same engine follows the
newest word (`latest_wins`) and the surest (`highest_confidence`). Differences are paired, with 95 % intervals.
"""

from __future__ import annotations

import datetime as dt
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import polars as pl

from aurora.compliance.rules import compile_rules
from aurora.decisions.conflicts import question_of
from aurora.decisions.engine import Engine
from aurora.decisions.ledger_round import priors
from aurora.decisions.reliability import measure
from aurora.packs import Pack, PolicySettings, load_pack
from aurora.settings import Settings
from aurora.store.paths import TenantPaths, create_tenant
from benchmarks.harness import Result
from contracts.messages.conflicts import Conflict
from contracts.messages.decisions import Recommendation

SEEDS: Final = (7, 11, 13)
_FIRST_DAY: Final = dt.date(2026, 6, 1)
_LEARN_EVERY: Final = dt.timedelta(days=3)
_SCORED_AFTER: Final = dt.timedelta(days=1)
_BASELINES: Final = ("latest_wins", "highest_confidence")
_BINS: Final = 10


@dataclass(slots=True)
class Judged:
    """One conflict: which strategies were right, how sure the pool was, and what could be known at best."""

    is_right: dict[str, bool]
    confidence: float
    is_resolved: bool
    best: bool


def run(*, data: Path | None, scale: float) -> list[Result]:
    """Shares of conflicts in which the right one was followed; `scale` 1 is three brokerages of 90 days."""
    settings = Settings()
    pack = load_pack(settings.packs_dir, settings.pack)
    judged: list[Judged] = []
    with tempfile.TemporaryDirectory(dir=data) as folder:
        paths = create_tenant(Path(folder), "bench", "ae-dubai")
        for seed in SEEDS if scale >= 1 else SEEDS[:1]:
            judged += _judge(paths, pack, _planted(pack, seed, min(scale, 1.0)))
    return _results(judged)


def _judge(paths: TenantPaths, pack: Pack, planted: Sequence[tuple[Conflict, str, str]]) -> Iterator[Judged]:
    bold = _without_floor(pack)
    rules = compile_rules(bold.rules)
    known = priors(bold, None, {one.topic for one, _, _ in planted})
    engine = Engine(paths, bold, rules)
    learned_at = dt.datetime.min.replace(tzinfo=dt.UTC)
    for number, (conflict, right, best) in enumerate(planted):
        now = conflict.detected_at
        if now - learned_at >= _LEARN_EVERY:
            scored = [
                msgspec.structs.replace(one, right_action=truth)
                for one, truth, _ in planted[:number]
                if one.detected_at <= now - _SCORED_AFTER
            ]
            engine = Engine(
                paths, bold, rules, reliability=measure(scored, known, published_at=now) if scored else None
            )
            learned_at = now
        yield _judged(engine, pack, conflict, right, best)


def _judged(engine: Engine, pack: Pack, conflict: Conflict, right: str, best: str) -> Judged:
    chosen: dict[str, Any] = {}
    for policy in (None, *_BASELINES):
        request = msgspec.structs.replace(question_of(conflict), policy=policy)
        chosen[policy or "pool"] = engine.decide(
            request, actor_id="bench", decision_id=conflict.conflict_id, decided_at=conflict.detected_at, seed=1
        )
    floor = pack.policies.policies["reliability_pool"].min_confidence
    return Judged(
        is_right={name: decision.action == right for name, decision in chosen.items()},
        confidence=chosen["pool"].confidence,
        is_resolved=chosen["pool"].confidence >= floor,
        best=best == right,
    )


def _without_floor(pack: Pack) -> Pack:
    """Every conflict is resolved, so that all strategies are judged on the same ones."""
    names = ("reliability_pool", *_BASELINES)
    policies = {**pack.policies.policies, **{name: PolicySettings() for name in names}}
    return msgspec.structs.replace(pack, policies=msgspec.structs.replace(pack.policies, policies=policies))


def _planted(pack: Pack, seed: int, scale: float) -> list[tuple[Conflict, str, str]]:
    """Each conflict with the right action and the one that the better of the two says, in the order of time."""
    rows, truth, chance = _twin(pack, seed, scale)
    words = rows.partition_by("about_id", as_dict=True, maintain_order=True)
    found = []
    for right in truth.iter_rows(named=True):
        said = [
            Recommendation(
                assistant_id=row["assistant_id"],
                action=row["ai_decision_kind"],
                confidence=row["confidence"],
                recommended_at=row["decided_at"],
                recommendation_id=row["ai_decision_id"],
            )
            for row in words[right["task_id"],].iter_rows(named=True)
        ]
        noticed = max(word.recommended_at for word in said if word.recommended_at is not None)
        conflict = Conflict(
            conflict_id=right["contradiction_id"],
            conflict_state="open",
            subject_id=right["task_id"],
            topic=right["task_type"],
            recommendations=tuple(said),
            detected_by="recommendations",
            detected_at=noticed,
            updated_at=noticed,
            actor_id="bench",
            region="ae-dubai",
        )
        better = max(said, key=lambda word: chance.get((word.assistant_id, right["task_type"]), 0.0))
        found.append((conflict, right["right_ai_decision_kind"], better.action))
    return sorted(found, key=lambda one: (one[0].detected_at, one[0].conflict_id))


def _twin(pack: Pack, seed: int, scale: float) -> tuple[pl.DataFrame, pl.DataFrame, Mapping[tuple[str, str], float]]:
    """What assistants said, who was right, and how often each is, which only the twin knows."""
    from twin.fleet.demand import demand
    from twin.fleet.llms import draw_roster
    from twin.fleet.opinions import contradictions
    from twin.fleet.outages import outages
    from twin.fleet.skill import draw_skills, expit
    from twin.fleet.tasks import known_logit, work_off
    from twin.frame import WORK_SCHEMA, Frame

    frame = Frame(pack=pack, seed=seed, first_day=_FIRST_DAY, scale=scale)
    skills = draw_skills(frame)
    roster = draw_roster(frame, skills)
    asked = demand(frame, pl.DataFrame(schema=WORK_SCHEMA))
    done = work_off(frame, skills, roster, asked, outages(frame, skills))
    rows, truth = contradictions(frame, skills, done)
    chance = expit(known_logit(skills))
    known = {
        (one.assistant_id, kind): float(chance[a, t])
        for a, one in enumerate(skills.assistants)
        for t, kind in enumerate(skills.task_types)
    }
    return rows, truth, known


def _results(judged: Sequence[Judged]) -> list[Result]:
    right = {name: np.array([one.is_right[name] for one in judged], dtype=float) for name in judged[0].is_right}
    resolved = np.array([one.is_resolved for one in judged])
    found = [Result(metric="conflicts", value=len(judged), unit="count")]
    found += [
        Result(metric=f"{name}_right", value=float(values.mean()), unit="share") for name, values in right.items()
    ]
    found.append(Result(metric="best_possible_right", value=float(np.mean([one.best for one in judged])), unit="share"))
    for name in _BASELINES:
        low, high = _interval(right["pool"] - right[name])
        found += [
            Result(metric=f"gain_over_{name}_low", value=low, unit="share", bar=0.0, op=">="),
            Result(metric=f"gain_over_{name}_high", value=high, unit="share"),
        ]
    confidence = np.array([one.confidence for one in judged])
    return [
        *found,
        Result(metric="resolved", value=float(resolved.mean()), unit="share"),
        Result(metric="resolved_right", value=float(right["pool"][resolved].mean()), unit="share"),
        Result(metric="calibration_error", value=_ece(confidence, right["pool"]), unit="share", bar=0.05, op="<="),
    ]


def _interval(gain: Any) -> tuple[float, float]:
    """95 % of the mean of paired differences."""
    spread = 1.96 * float(gain.std(ddof=1)) / math.sqrt(len(gain))
    return float(gain.mean()) - spread, float(gain.mean()) + spread


def _ece(confidence: Any, is_right: Any) -> float:
    """Expected calibration error over bins of equal count."""
    order = np.argsort(confidence, kind="stable")
    gaps = [(abs(confidence[part].mean() - is_right[part].mean()), len(part)) for part in np.array_split(order, _BINS)]
    return float(sum(gap * count for gap, count in gaps) / len(order))
