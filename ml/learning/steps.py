"""The steps of policy bundles in the journal: who or what changed the champion, when, and on what evidence."""

from __future__ import annotations

import datetime as dt
from typing import Final

import msgspec

from aurora.store.ids import IdMaker
from aurora.store.journal import JournalRecord, StateReader
from contracts.messages.decisions import DecisionKind, canonical
from contracts.messages.learning import PolicyStep, PolicyStepKind
from ml.learning.loop import LoopReport

STEP: Final = "policy_step"
ACTOR: Final = "aurora-learning"
"""Who takes a step by the gate's word."""
_STEPS: Final = msgspec.json.Decoder(PolicyStep)


def step_of(report: LoopReport, *, kind: DecisionKind, now: dt.datetime) -> JournalRecord | None:
    """The record of what a run of the loop did; None where it changed nothing."""
    if report.step is None or report.bundle_hash is None:
        return None
    return _record(
        PolicyStep(
            step_id=IdMaker(lambda: now).new("pol"),
            kind=kind,
            step=report.step,
            bundle_hash=report.bundle_hash,
            champion_hash=report.champion_hash,
            actor_id=ACTOR,
            happened_at=now,
            reasons=report.reasons,
            evidence=dict(report.evidence),
        )
    )


def step_by_person(
    step: PolicyStepKind,
    bundle_hash: str,
    champion_hash: str,
    *,
    kind: DecisionKind,
    actor_id: str,
    reason: str,
    now: dt.datetime,
) -> JournalRecord:
    """The record of a promotion or a return that a person ordered, with the reason."""
    return _record(
        PolicyStep(
            step_id=IdMaker(lambda: now).new("pol"),
            kind=kind,
            step=step,
            bundle_hash=bundle_hash,
            champion_hash=champion_hash,
            actor_id=actor_id,
            happened_at=now,
            reasons=(reason,),
        )
    )


def read_steps(state: StateReader, *, limit: int = 100) -> list[PolicyStep]:
    """Steps, the newest first."""
    return [_STEPS.decode(entry.body) for entry in state.page(STEP, limit=limit)]


def _record(step: PolicyStep) -> JournalRecord:
    return JournalRecord(
        record_id=step.step_id,
        kind=STEP,
        subject_id=step.bundle_hash,
        actor_id=step.actor_id,
        recorded_at=step.happened_at,
        body=canonical(step),
    )
