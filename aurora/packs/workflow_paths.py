"""The paths of a workflow: whether a case gets everywhere it should, never hangs, and passes its checkpoints."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Set

from aurora.packs.industry import TaskType
from contracts.messages.workflows import (
    END,
    STOP,
    CheckpointStep,
    CommandStep,
    CompensationStep,
    Step,
    Workflow,
    targets,
)

Fault = tuple[str, str, str]
"""Field, problem, rule."""


def path_faults(workflow: Workflow, task_types: Mapping[str, TaskType]) -> Iterator[Fault]:
    """What is wrong with where cases go. Step ids are unique."""
    steps = {step.step_id: step for step in workflow.steps}
    flow = {name for name, step in steps.items() if not isinstance(step, CompensationStep)}
    first = workflow.steps[0]
    if first.step_id not in flow:
        yield f"steps.{first.step_id}", "is a compensation, but the first step begins", "begins"
        return
    lost = [
        (name, target) for name in sorted(flow) for target in targets(steps[name]) if target not in {*flow, END, STOP}
    ]
    for name, target in lost:
        kind = "which is a compensation: only `stop` runs it" if target in steps else "which is no step"
        yield f"steps.{name}.next", f"goes to {target!r}, {kind}", "is_declared"
    if lost:
        return
    reached = reachable(steps, first.step_id)
    for name in sorted(flow - reached):
        yield f"steps.{name}", "is reached from nowhere", "is_reached"
    for name in sorted(flow & reached):
        if not {END, STOP} & reachable(steps, name):
            yield f"steps.{name}.next", "leads round in a circle: no path ends the case", "ends"
    yield from _unread(workflow, steps)
    yield from _unchecked(workflow, steps, task_types)


def reachable(steps: Mapping[str, Step], start: str, *, without: Collection[str] = ()) -> Set[str]:
    """Steps and ends that a case at `start` may get to, `start` among them, when it never leaves those `without`."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            if name in steps and name not in without:
                waiting += targets(steps[name])
    return found


def _unread(workflow: Workflow, steps: Mapping[str, Step]) -> Iterator[Fault]:
    """Variables read that nothing before can have written."""
    after = {name: reachable(steps, name) for name in steps}
    for step in workflow.steps:
        if isinstance(step, CompensationStep):
            continue
        written = {name for other in workflow.steps if step.step_id in after[other.step_id] for name in other.writes}
        for name in step.reads:
            if name in workflow.variables and name not in written and name not in workflow.inputs:
                yield f"steps.{step.step_id}.reads", f"needs {name!r}, which nothing before it writes", "is_written"


def _unchecked(workflow: Workflow, steps: Mapping[str, Step], task_types: Mapping[str, TaskType]) -> Iterator[Fault]:
    """Regulated acts that a case can get to past every checkpoint of their regime."""
    for step in workflow.steps:
        task_type = task_types.get(step.task_type or "") if isinstance(step, CommandStep) else None
        if task_type is None or not task_type.is_acting:
            continue
        for level in task_type.compliance_levels:
            checked = [
                one.step_id
                for one in workflow.steps
                if isinstance(one, CheckpointStep) and level in one.compliance_levels
            ]
            if step.step_id in reachable(steps, workflow.steps[0].step_id, without=checked):
                problem = f"acts under {level!r}, but a case can get there without a checkpoint of that regime"
                yield f"steps.{step.step_id}", problem, "checkpoint_before_act"
