"""Workflow definitions: the one schema that templates, builder and generator write and the runtime executes.

A definition is data: a list of steps, the first of which begins. A step goes to the first of its `branches`
whose condition holds, else to `next`; `end` completes the case, `stop` gives it up and undoes, newest first,
every finished command that names a compensation. What a step answers becomes variables of the case.
Conditions are the SQL subset of rules over `case.<variable>`; one that cannot be told (NULL) is not taken.
A step without `on_failure` or `on_timeout` that fails or is late waits for a person, who is told by `escalation`.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from contracts.messages.assistants import CommandKind
from contracts.messages.decisions import DecisionKind, PrivacyClass, Share, canonical

END: Final = "end"
STOP: Final = "stop"
Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Line = Annotated[str, Meta(min_length=1, max_length=400)]
ConditionText = Annotated[str, Meta(min_length=1, max_length=2000)]
Seconds = Annotated[int, Meta(ge=1, le=366 * 86_400)]
VariableType = Literal["text", "bool", "int", "float", "decimal", "text_list"]


class Variable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something a case knows. The runtime checks an answer against it before the case goes on."""

    type: VariableType
    meaning: Line
    privacy_class: PrivacyClass = "internal"
    """Class of data of its values; a step that reads it must be of that class or a higher one."""


class Retry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Attempts of one step: after the n-th that failed it waits `backoff_s` x `multiplier` ^ (n - 1)."""

    max_attempts: Annotated[int, Meta(ge=1, le=10)] = 1
    backoff_s: Annotated[float, Meta(ge=0, le=86_400)] = 10.0
    multiplier: Annotated[float, Meta(ge=1, le=10)] = 2.0


class Escalation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is told when a step fails for good or is late, or `after_s` seconds if it is still open then."""

    role: Name
    after_s: Seconds | None = None
    notify_assistant_ids: tuple[Name, ...] = ()


class Branch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Go to `to` when the condition holds."""

    when: ConditionText
    to: Name


class Requirement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a checkpoint demands of the case. A condition that cannot be told counts as violated."""

    violates_when: ConditionText
    reason: Line


class _Act(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    step_id: Name
    title: Line
    """The activity, as process mining names it."""
    reads: tuple[Name, ...] = ()
    """Variables the step is given."""
    writes: tuple[Name, ...] = ()
    """Variables its answer holds."""
    timeout_s: Seconds = 3600
    """Longest that one attempt may take."""
    retry: Retry = Retry()
    escalation: Escalation | None = None
    """The workflow's own when absent."""


class _Flow(_Act, frozen=True, kw_only=True, forbid_unknown_fields=True):
    next: Name = END
    """Where a case goes when no branch is taken."""
    branches: tuple[Branch, ...] = ()
    """Tried in order."""
    on_failure: Name | None = None
    """Where it goes when the last attempt failed; absent: a person decides."""
    on_timeout: Name | None = None
    """Where it goes when the last attempt was late; absent: as when it failed."""


class CommandStep(_Flow, tag_field="kind", tag="command", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tell an assistant to do something.

    Who it is: `assistant_id`, or the choice of the decision step `assigned_by`, or with neither whoever
    route_task chooses. The backup gets it when the assistant is down or has used up its attempts.
    """

    command_kind: CommandKind = "run_task"
    task_type: Name | None = None
    """What is to be done; run_task alone has one."""
    assistant_id: Name | None = None
    assigned_by: Name | None = None
    backup_assistant_id: Name | None = None
    arguments: dict[str, Any] = {}
    """Said besides the variables read."""
    privacy_class: PrivacyClass = "internal"
    compensated_by: Name | None = None
    """The compensation that undoes it."""


class DecisionStep(_Flow, tag_field="kind", tag="decision", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask the decision engine, in act mode, so that control levels hold; the action becomes the one variable written."""

    decision_kind: DecisionKind = "route_task"
    task_type: Name
    privacy_class: PrivacyClass = "internal"
    policy: Name | None = None
    on_abstained: Name | None = None
    """Where the case goes when nobody is admissible or sure enough; absent: a person decides."""


class AiStep(_Flow, tag_field="kind", tag="ai_step", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask a language model, chosen by route_llm; `{variable}` in the prompt stands for a variable read."""

    task_type: Name
    prompt: Annotated[str, Meta(min_length=1, max_length=10_000)]
    privacy_class: PrivacyClass = "internal"
    assistant_id: Name | None = None
    """Whose work it is, and whose cost."""
    min_confidence: Share = 0.0
    on_low_confidence: Name | None = None
    """Where an answer goes that is less sure than `min_confidence`; absent: as when it failed."""


class WaitStep(_Flow, tag_field="kind", tag="wait", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Wait for an event of the case, as long as `timeout_s` allows, or for a time."""

    event: Name | None = None
    """What is waited for; its payload is what the step writes."""
    wait_s: Seconds | None = None
    """How long; a step has this or an event."""


class ApprovalStep(_Flow, tag_field="kind", tag="approval", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask a person of a role; approved goes on, rejected goes to `on_rejected`."""

    role: Name
    question: Line
    on_rejected: Name
    """A step, or `stop`."""


class CheckpointStep(_Flow, tag_field="kind", tag="checkpoint", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing goes past it that breaks a requirement, one of the rules, or any rule of the regimes."""

    compliance_levels: tuple[Name, ...] = ()
    rules: tuple[Name, ...] = ()
    requires: tuple[Requirement, ...] = ()
    on_violation: Name = STOP


class CompensationStep(
    _Act, tag_field="kind", tag="compensation", frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """Undo a finished command when its case is given up. It stands in no path: `stop` runs it."""

    command_kind: CommandKind = "run_task"
    task_type: Name | None = None
    assistant_id: Name | None = None
    backup_assistant_id: Name | None = None
    arguments: dict[str, Any] = {}
    privacy_class: PrivacyClass = "internal"


Step = CommandStep | DecisionStep | AiStep | WaitStep | ApprovalStep | CheckpointStep | CompensationStep
StepKind = Literal["command", "decision", "ai_step", "wait", "approval", "checkpoint", "compensation"]


class Workflow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A workflow definition."""

    workflow_id: Name
    title: Line
    meaning: Line
    version: Annotated[str, Meta(pattern=r"^\d+\.\d+\.\d+$")]
    starts_on: Name
    """Event that starts a case; a person or the API may start one too."""
    inputs: tuple[Name, ...] = ()
    """Variables that whoever starts a case must give."""
    variables: dict[Name, Variable]
    deadline_s: Seconds
    """When the whole case should be done."""
    escalation: Escalation
    compliance_levels: tuple[Name, ...] = ()
    success_metrics: dict[Name, float] = {}
    """Targets the template is measured by."""
    steps: Annotated[tuple[Step, ...], Meta(min_length=1, max_length=200)]


def definition_hash(workflow: Workflow) -> str:
    """SHA-256 (hex) of the definition, whatever its layout or comments: what a case pins."""
    return hashlib.sha256(canonical(workflow)).hexdigest()


def targets(step: Step) -> tuple[str, ...]:
    """Everywhere a case may go from a step, in the order it is tried; compensations go nowhere."""
    if isinstance(step, CompensationStep):
        return ()
    named = [branch.to for branch in step.branches] + [step.next, step.on_failure, step.on_timeout]
    match step:
        case DecisionStep():
            named.append(step.on_abstained)
        case AiStep():
            named.append(step.on_low_confidence)
        case ApprovalStep():
            named.append(step.on_rejected)
        case CheckpointStep():
            named.append(step.on_violation)
        case _:
            pass
    return tuple(dict.fromkeys(name for name in named if name is not None))
