"""Breaches of personal data: what may be one, who must be told by when, and every step with actor and time.

A case is derived from records of the lake and kept in the journal; its clocks run from when it was noticed, also while
nobody has assessed it. `aurora.compliance.breach_detection` finds cases.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from aurora.compliance.breach_rules import Authority, BreachRules, Notice, When
from aurora.errors import ConflictError, DataError, NotFoundError
from aurora.store.journal import JournalRecord, StateReader
from aurora.store.state import StateStore
from contracts.messages.compliance import (
    BreachCase,
    BreachDetected,
    BreachDuty,
    BreachState,
    BreachStep,
    BreachStepKind,
)
from contracts.messages.decisions import canonical

DETECTED: Final = "breach"
STEP: Final = "breach_step"
_ALL: Final = 1_000_000
_DETECTED: Final = msgspec.json.Decoder(BreachDetected)
_STEPS: Final = msgspec.json.Decoder(BreachStep)
_FAR: Final = dt.datetime.max.replace(tzinfo=dt.UTC)


def read_breaches(state: StateReader, rules: BreachRules, *, now: dt.datetime) -> list[BreachCase]:
    """Every breach as it stands: those that are open first, those due first at the top."""
    steps: dict[str, list[BreachStep]] = {}
    for entry in reversed(state.page(STEP, limit=_ALL)):
        step = _STEPS.decode(entry.body)
        steps.setdefault(step.breach_id, []).append(step)
    found = [_DETECTED.decode(entry.body) for entry in state.page(DETECTED, limit=_ALL)]
    cases = [_case(one, steps.get(one.breach_id, []), rules, now) for one in found]
    return sorted(cases, key=lambda one: (one.breach_state == "closed", one.next_due_at or _FAR, one.breach_id))


def find_breach(state: StateReader, rules: BreachRules, breach_id: str, *, now: dt.datetime) -> BreachCase:
    """One breach; `NotFoundError` where there is none of that id."""
    case = next((one for one in read_breaches(state, rules, now=now) if one.breach_id == breach_id), None)
    if case is None:
        raise NotFoundError(
            f"There is no breach {breach_id[:64]!r}.",
            field="breach_id",
            next_step="`aurora breach list` lists them.",
        )
    return case


def take_step(store: StateStore, rules: BreachRules, step: BreachStep) -> BreachCase:
    """Record a step of a breach and return the case.

    Errors: `NotFoundError`; `DataError` for a step that says too little; `ConflictError` for one that comes too early or
    too late.
    """
    case = find_breach(store, rules, step.breach_id, now=step.recorded_at)
    check_step(case, step)
    store.append([step_record(step, len(case.steps) + 1)]).result()
    return find_breach(store, rules, step.breach_id, now=step.recorded_at)


def check_step(case: BreachCase, step: BreachStep) -> None:
    """Whether the step may be taken now. Errors: as `take_step`."""
    if case.breach_state == "closed":
        raise _not_now(case, f"Breach {case.breach_id} is closed.", "Nothing is to be done.")
    if step.done_at > step.recorded_at or step.done_at < case.detected_at:
        raise DataError(
            "It cannot have been done before the breach was noticed, nor later than now.",
            field="done_at",
            rule="plausible",
            next_step=f"The breach was noticed at {case.detected_at:%Y-%m-%d %H:%M} UTC.",
        )
    assessed = case.breach_state != "detected"
    match step.step:
        case "assessed" if step.is_personal_breach is None:
            raise DataError(
                "An assessment says whether it was a breach of personal data.",
                field="is_personal_breach",
                rule="required",
                next_step="Say it, and whether a risk to people is likely or high.",
            )
        case "authority_notified" if step.authority not in {one.authority for one in case.duties}:
            names = ", ".join(sorted({one.authority for one in case.duties})) or "none"
            raise DataError(
                f"{step.authority!r} is not in charge of this breach.",
                field="authority",
                rule="one_of",
                next_step=f"In charge: {names}.",
            )
        case "closed" if not assessed:
            raise _not_now(case, "Nobody has assessed it.", f"`aurora breach assess {case.breach_id}` does.")
        case "closed" if open_duties(case):
            first = open_duties(case)[0]
            raise _not_now(
                case, f"{first.title}: {first.who} must be told by {first.due_at:%Y-%m-%d %H:%M} UTC.", case.next_step
            )
        case _:
            return


def open_duties(case: BreachCase) -> list[BreachDuty]:
    """Duties that are not met, those due first at the top."""
    return sorted((one for one in case.duties if one.is_due and one.done_at is None), key=lambda one: one.due_at)


def detected_record(found: BreachDetected) -> JournalRecord:
    """The journal record of a breach that was noticed."""
    return JournalRecord(
        record_id=found.breach_id,
        kind=DETECTED,
        subject_id=found.breach_id,
        actor_id=found.actor_id,
        recorded_at=found.recorded_at,
        body=canonical(found),
    )


def step_record(step: BreachStep, nth: int) -> JournalRecord:
    """The journal record of a breach's nth step: of two at the same moment, one is refused."""
    return JournalRecord(
        record_id=f"{step.breach_id}.{nth}",
        kind=STEP,
        subject_id=step.breach_id,
        actor_id=step.actor_id,
        recorded_at=step.recorded_at,
        body=canonical(step),
    )


def _not_now(case: BreachCase, why: str, next_step: str) -> ConflictError:
    return ConflictError(why, field="step", rule=case.breach_state, next_step=next_step)


def _case(found: BreachDetected, steps: list[BreachStep], rules: BreachRules, now: dt.datetime) -> BreachCase:
    said = _newest(steps, "assessed")
    is_breach = None if said is None else said.is_personal_breach
    duties = [duty for name in found.authorities for duty in _duties(name, found, steps, said, rules, now)]
    waiting = sorted((one for one in duties if one.is_due and one.done_at is None), key=lambda one: one.due_at)
    state = _state(steps, duties)
    is_open = state != "closed"
    return BreachCase(
        breach_id=found.breach_id,
        breach_state=state,
        origin=found.origin,
        about_contract=found.about_contract,
        record_source=found.record_source,
        about_id=found.about_id,
        rule_ids=found.rule_ids,
        jurisdiction=found.jurisdiction,
        detected_at=found.detected_at,
        is_personal_breach=is_breach,
        is_risk_likely=None if said is None else said.is_risk_likely,
        is_high_risk=None if said is None else said.is_high_risk,
        affected_subject_count=None if said is None else said.affected_subject_count,
        duties=duties,
        next_due_at=waiting[0].due_at if waiting and is_open else None,
        is_overdue=is_open and any(one.is_overdue for one in waiting),
        next_step=_next_step(found.breach_id, state, waiting),
        steps=steps,
        is_sample=found.is_sample,
    )


def _duties(
    name: str,
    found: BreachDetected,
    steps: list[BreachStep],
    said: BreachStep | None,
    rules: BreachRules,
    now: dt.datetime,
) -> Iterable[BreachDuty]:
    authority: Authority | None = rules.authorities.get(name)
    if authority is None:  # its law does not bind the tenant any more
        return
    told = _newest([one for one in steps if one.authority == name], "authority_notified")
    people = _newest(steps, "subjects_notified")
    pairs: tuple[tuple[Literal["authority", "subjects"], Notice, BreachStep | None], ...] = (
        ("authority", authority.authority, told),
        ("subjects", authority.subjects, people),
    )
    for who, notice, step in pairs:
        due_at, done_at = rules.due_at(notice, found.detected_at), None if step is None else step.done_at
        is_due = _is_due(notice, said)
        yield BreachDuty(
            authority=name,
            title=authority.title,
            who=who,
            is_due=is_due,
            due_at=due_at,
            source=rules.source(notice),
            done_at=done_at,
            is_overdue=is_due and due_at < (done_at or now),
        )


def _is_due(notice: Notice, said: BreachStep | None) -> bool:
    """Before an assessment everybody must be told; what it leaves open is not denied."""
    if said is None:
        return True
    if not said.is_personal_breach:
        return False
    wants: dict[When, bool] = {
        "always": True,
        "risk_likely": said.is_risk_likely is not False,
        "high_risk": said.is_high_risk is not False,
    }
    return wants[notice.when]


def _state(steps: list[BreachStep], duties: list[BreachDuty]) -> BreachState:
    if _newest(steps, "closed"):
        return "closed"
    if _newest(steps, "assessed") is None:
        return "detected"
    met = {
        who: any(one.done_at for one in duties if one.who == who)
        and all(one.done_at for one in duties if one.who == who and one.is_due)
        for who in ("authority", "subjects")
    }
    if met["subjects"]:
        return "notified_subjects"
    return "notified_authority" if met["authority"] else "assessed"


def _newest(steps: list[BreachStep], kind: BreachStepKind) -> BreachStep | None:
    return next((one for one in reversed(steps) if one.step == kind), None)


def _next_step(breach_id: str, state: BreachState, waiting: list[BreachDuty]) -> str:
    if state == "closed":
        return "Nothing is to be done."
    if state == "detected":
        return f"Assess it: `aurora breach assess {breach_id}`."
    if not waiting:
        return f"Close it: `aurora breach close {breach_id}`."
    first = waiting[0]
    whom = first.title if first.who == "authority" else "the people concerned"
    return f"Tell {whom} by {first.due_at:%Y-%m-%d %H:%M} UTC: `aurora breach notify {breach_id}`."
