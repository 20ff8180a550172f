"""tune: keep a parameter, take one bounded step, or go back. The pack says what may be tuned, and how far.

What is expected of a value is the posterior of success near it: outcomes count less the further their value is
away. The way back is a candidate like the others, so that a change that did harm is undone by the same score.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from aurora.assistants.control import SETTING_NAMES
from aurora.decisions.holding import against
from aurora.decisions.kinds.desk import Desk, Option, plan_options
from aurora.decisions.plans import Plan
from aurora.decisions.policy import Estimate
from aurora.decisions.questions import other_values
from aurora.decisions.slates import LIVE_VETOES, NANO_USD, NOT_KNOWN
from aurora.errors import DataError
from aurora.packs import Assistant, Parameter
from contracts.messages.assistants import CONTROL
from contracts.messages.decision_details import Tuned
from contracts.messages.decisions import Trial, TuneRequest, Veto

KEEP: Final = "keep"
ROLL_BACK: Final = "roll_back"
PRIOR_TASKS: Final = 20.0
"""How many outcomes the prior of a value is worth."""
COMMAND: Final = "tune"
NO_PARAMETER: Final = Veto(source="scope", rule_id="parameter", reason="It has no such parameter.")
NOT_TUNABLE: Final = Veto(source="scope", rule_id="control_level", reason="Its control level lets no tuning through.")


@dataclass(frozen=True, slots=True)
class Belief:
    """Success at a value: mean and variance of the posterior, and what a task costs there."""

    mean: float
    variance: float
    cost_usd: Decimal


def plan_tuning(request: TuneRequest, desk: Desk) -> Plan:
    """The change that is worth most. `DataError` for evidence that cannot be."""
    _check(request.trials)
    assistant = desk.assistant(request.assistant_id)
    declared = None if assistant is None else assistant.parameters.get(request.parameter)
    if assistant is None or declared is None:
        estimate = Estimate(KEEP, 0.0, 0.0, Decimal(0), 0.0, 0.0)
        return plan_options([Option(estimate, (NOT_KNOWN if assistant is None else NO_PARAMETER,))], desk)
    now = declared.value if request.value is None else request.value
    values = _values(now, request, declared)
    against = _against(assistant, request, desk)
    beliefs = {name: believe(value, request.trials, assistant, declared.max_step) for name, value in values.items()}
    options = [
        Option(_estimate(name, belief, beliefs[KEEP]), () if name == KEEP else against)
        for name, belief in beliefs.items()
    ]

    def details(action: str | None) -> Tuned:
        chosen = action or KEEP
        return Tuned(
            parameter=request.parameter,
            value_before=now,
            value=values[chosen],
            is_rollback=chosen == ROLL_BACK,
            probability_better=better(beliefs[chosen], beliefs[KEEP]) if chosen != KEEP else 0.5,
        )

    return plan_options(options, desk, details=details)


def _values(now: float, request: TuneRequest, declared: Parameter) -> dict[str, float]:
    """Names of what may be done and the value that each leads to."""
    found = {KEEP: now}
    for step in (declared.max_step, -declared.max_step):
        value = _rounded(min(max(now + step, declared.minimum), declared.maximum))
        if value != now and abs(value - now) <= declared.max_step * (1 + 1e-9):
            found[f"{request.parameter}={value:g}"] = value
    back = request.previous_value
    if back is not None and back != now and declared.minimum <= back <= declared.maximum:
        step = min(abs(back - now), declared.max_step)
        value = _rounded(now + math.copysign(step, back - now))
        found.pop(f"{request.parameter}={value:g}", None)
        found[ROLL_BACK] = value
    return found


def _rounded(value: float) -> float:
    return round(value, 9)


def _against(assistant: Assistant, request: TuneRequest, desk: Desk) -> tuple[Veto, ...]:
    found: list[Veto] = []
    if COMMAND not in CONTROL[assistant.control_level]:
        found.append(NOT_TUNABLE)
    state = dict(desk.live).get(assistant.assistant_id, "")
    if state in LIVE_VETOES and state != "paused":
        found.append(LIVE_VETOES[state])
    slate = desk.task_question("")[0]
    record = slate.records[slate.positions[assistant.assistant_id]]
    (by_rules,) = desk.admission([record]).vetoes(other_values(request, desk.pack, desk.region), 1)
    return (*found, *against(desk.counted, assistant.assistant_id), *by_rules)


def believe(value: float, trials: Sequence[Trial], assistant: Assistant, width: float) -> Belief:
    """What is expected at a value: trials weigh by a bell of that width around it, shrunk to their overall share."""
    total = sum(trial.task_count for trial in trials)
    overall = assistant.prior.success_share
    if total:
        overall = (sum(trial.success_count for trial in trials) + PRIOR_TASKS * overall) / (total + PRIOR_TASKS)
    success = failure = 0.0
    cost, priced = 0.0, 0.0
    for trial in trials:
        near = math.exp(-0.5 * ((trial.value - value) / (0.5 * width)) ** 2)
        success += near * trial.success_count
        failure += near * (trial.task_count - trial.success_count)
        if trial.cost_usd_mean is not None:
            cost += near * trial.task_count * float(trial.cost_usd_mean)
            priced += near * trial.task_count
    a, b = success + PRIOR_TASKS * overall, failure + PRIOR_TASKS * (1 - overall)
    mean_cost = cost / priced if priced > 1.0 else float(assistant.cost_per_task_usd)
    return Belief(a / (a + b), a * b / ((a + b) ** 2 * (a + b + 1)), Decimal(repr(mean_cost)).quantize(NANO_USD))


def better(one: Belief, other: Belief) -> float:
    """Probability that success is higher with one than with the other, both taken as normal."""
    spread = math.sqrt(one.variance + other.variance)
    return 0.5 if spread == 0 else 0.5 * (1 + math.erf((one.mean - other.mean) / spread / math.sqrt(2)))


def _estimate(name: str, belief: Belief, kept: Belief) -> Estimate:
    return Estimate(name, belief.mean, kept.mean, belief.cost_usd, 0.0, 0.0)


def command_arguments(details: Tuned) -> dict[str, object]:
    """What the tune command is told."""
    return {SETTING_NAMES[COMMAND]: details.parameter, "value": details.value}


def _check(trials: Sequence[Trial]) -> None:
    for number, trial in enumerate(trials):
        if trial.success_count > trial.task_count or not math.isfinite(trial.value):
            raise DataError(
                "A trial has more successes than tasks, or a value that is no number.",
                field=f"trials[{number}]",
                rule="at_most",
                next_step="Count outcomes by the value that the parameter had.",
            )
