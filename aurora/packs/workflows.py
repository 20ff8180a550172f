"""Workflow templates of a pack, held to its fleet: names, skills, clearances and control levels.

What an assistant's control level does not let through fails here, and not in the middle of a case.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator

from aurora.packs.assistants import Assistant
from aurora.packs.pack import Pack
from aurora.packs.workflow_paths import Fault, path_faults
from contracts.messages.assistants import CONTROL
from contracts.messages.workflows import (
    END,
    STOP,
    AiStep,
    ApprovalStep,
    CheckpointStep,
    CommandStep,
    CompensationStep,
    DecisionStep,
    Escalation,
    Step,
    WaitStep,
    Workflow,
)

_CLASSES = ("public", "internal", "personal", "sensitive")


def faults_of_workflow(workflow: Workflow, pack: Pack) -> Iterator[Fault]:
    """Everything in a definition that does not fit the pack or itself."""
    ids = [step.step_id for step in workflow.steps]
    doubled = sorted({name for name in ids if ids.count(name) > 1} | ({END, STOP} & set(ids)))
    for name in doubled:
        yield f"steps.{name}", "stands twice or is a reserved word", "unique"
    if doubled:
        return
    yield from _known("inputs", workflow.inputs, workflow.variables)
    yield from _known("compliance_levels", workflow.compliance_levels, pack.compliance_levels)
    yield from _escalation_faults("escalation", workflow.escalation, pack)
    for step in workflow.steps:
        yield from _step_faults(step, workflow, pack)
    undone = {step.compensated_by for step in workflow.steps if isinstance(step, CommandStep)}
    for step in workflow.steps:
        if isinstance(step, CompensationStep) and step.step_id not in undone:
            yield f"steps.{step.step_id}", "compensates nothing: no command names it in compensated_by", "is_used"
    yield from path_faults(workflow, pack.task_types)


def _step_faults(step: Step, workflow: Workflow, pack: Pack) -> Iterator[Fault]:
    at = f"steps.{step.step_id}"
    yield from _known(f"{at}.reads", step.reads, workflow.variables)
    yield from _known(f"{at}.writes", step.writes, workflow.variables)
    if step.escalation is not None:
        yield from _escalation_faults(f"{at}.escalation", step.escalation, pack)
    if isinstance(step, CommandStep | AiStep | CompensationStep):
        yield from _class_faults(step, at, workflow)
    match step:
        case CommandStep():
            yield from _command_faults(step, at, workflow, pack)
        case CompensationStep():
            yield from _ordered(step, at, pack)
        case DecisionStep():
            yield from _decision_faults(step, at, workflow, pack)
        case AiStep():
            yield from _ai_faults(step, at, pack)
        case WaitStep():
            if (step.event is None) == (step.wait_s is None):
                yield f"{at}.event", "and wait_s: a wait has exactly one of the two", "one_of"
        case ApprovalStep():
            yield from _known(f"{at}.role", [step.role], pack.roles)
        case CheckpointStep():
            yield from _known(f"{at}.compliance_levels", step.compliance_levels, pack.compliance_levels)
            yield from _known(f"{at}.rules", step.rules, [rule.rule_id for rule in pack.rules])
            if not (step.compliance_levels or step.rules or step.requires):
                yield at, "checks nothing: name compliance_levels, rules or requires", "checks_something"


def _class_faults(step: CommandStep | AiStep | CompensationStep, at: str, workflow: Workflow) -> Iterator[Fault]:
    """Variables of a higher class of data than the step is declared for."""
    for name in step.reads:
        variable = workflow.variables.get(name)
        if variable is not None and _CLASSES.index(variable.privacy_class) > _CLASSES.index(step.privacy_class):
            problem = f"is {step.privacy_class}, but the step reads {name!r}, which is {variable.privacy_class}"
            yield f"{at}.privacy_class", problem, "covers_what_it_reads"


def _command_faults(step: CommandStep, at: str, workflow: Workflow, pack: Pack) -> Iterator[Fault]:
    if step.assigned_by is not None:
        if step.assistant_id is not None:
            yield f"{at}.assigned_by", "and assistant_id both say who does it", "one_of"
        routing = [
            one.step_id
            for one in workflow.steps
            if isinstance(one, DecisionStep) and one.decision_kind == "route_task" and one.task_type == step.task_type
        ]
        if step.assigned_by not in routing:
            problem = f"names {step.assigned_by!r}, which does not decide who takes {step.task_type}"
            yield f"{at}.assigned_by", problem, "is_declared"
    elif step.assistant_id is None and step.command_kind != "run_task":
        yield f"{at}.assistant_id", f"is absent: nobody can be chosen for {step.command_kind}", "required"
    if step.compensated_by is not None:
        undoing = [one.step_id for one in workflow.steps if isinstance(one, CompensationStep)]
        yield from _known(f"{at}.compensated_by", [step.compensated_by], undoing)
    yield from _ordered(step, at, pack)


def _ordered(step: CommandStep | CompensationStep, at: str, pack: Pack) -> Iterator[Fault]:
    """The command itself, and whoever is named to carry it out."""
    if (step.command_kind == "run_task") != (step.task_type is not None):
        yield f"{at}.task_type", "is given with run_task and with nothing else", "required"
    elif step.task_type is not None:
        yield from _known(f"{at}.task_type", [step.task_type], pack.task_types)
    fleet = {assistant.assistant_id: assistant for assistant in pack.assistants}
    for field in ("assistant_id", "backup_assistant_id"):
        name: str | None = getattr(step, field)
        if name is not None:
            yield from _known(f"{at}.{field}", [name], fleet)
            if name in fleet:
                for problem, rule in _unfit(fleet[name], step, pack):
                    yield f"{at}.{field}", f"names {name!r}, {problem}", rule


def _unfit(assistant: Assistant, step: CommandStep | CompensationStep, pack: Pack) -> Iterator[tuple[str, str]]:
    """Why an assistant cannot be given the command."""
    level = assistant.control_level
    if step.command_kind not in CONTROL[level]:
        yield f"whose control level {level} lets no {step.command_kind} through", "control_level"
    task_type = pack.task_types.get(step.task_type or "")
    if task_type is not None:
        if step.task_type not in assistant.skills:
            yield f"which does not have the skill {step.task_type}", "has_skill"
        if task_type.is_acting and level == "read_only_alerts":
            yield f"which is read-only, but {step.task_type} changes something", "control_level"
        if not set(task_type.compliance_levels) <= set(assistant.compliance_levels):
            yield f"which is not cleared for every regime of {step.task_type}", "is_cleared"
    if step.privacy_class != "public" and step.privacy_class not in assistant.privacy_classes:
        yield f"which is not cleared for {step.privacy_class} data", "is_cleared"


def _decision_faults(step: DecisionStep, at: str, workflow: Workflow, pack: Pack) -> Iterator[Fault]:
    yield from _known(f"{at}.task_type", [step.task_type], pack.task_types)
    if step.policy is not None:
        yield from _known(f"{at}.policy", [step.policy], pack.policies.policies)
    kinds = [workflow.variables[name].type for name in step.writes if name in workflow.variables]
    if kinds != ["text"]:
        yield f"{at}.writes", "is not one variable of type text, which gets the action chosen", "one_text"


def _ai_faults(step: AiStep, at: str, pack: Pack) -> Iterator[Fault]:
    yield from _known(f"{at}.task_type", [step.task_type], pack.task_types)
    if step.assistant_id is not None:
        fleet = {assistant.assistant_id: assistant for assistant in pack.assistants}
        yield from _known(f"{at}.assistant_id", [step.assistant_id], fleet)
    try:
        wanted = {name for _, name, _, _ in string.Formatter().parse(step.prompt) if name is not None}
    except ValueError as error:
        yield f"{at}.prompt", f"has a brace that does not close: {error}", "placeholders"
        return
    yield from _known(f"{at}.prompt", wanted, step.reads)


def _escalation_faults(at: str, escalation: Escalation, pack: Pack) -> Iterator[Fault]:
    yield from _known(f"{at}.role", [escalation.role], pack.roles)
    assistants = [assistant.assistant_id for assistant in pack.assistants]
    yield from _known(f"{at}.notify_assistant_ids", escalation.notify_assistant_ids, assistants)


def _known(field: str, names: Iterable[str], known: Iterable[str]) -> Iterator[Fault]:
    for name in sorted(set(names) - set(known)):
        yield field, f"names {name!r}, which is not declared", "is_declared"
