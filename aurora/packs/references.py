"""What a pack's declarations refer to: every name points somewhere, and the fleet holds together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from aurora.packs.assistants import Assistant
from aurora.packs.pack import Pack
from aurora.packs.reading import PackError, declared_file, wrong
from aurora.packs.workflows import faults_of_workflow

_MIN_COVERED_SHARE = 0.5
"""Share of its work that the backup of a critical or high assistant must be able to take."""
_NEXT_STEPS = {
    "has_a_taker": "Give an assistant the skill, or take the task type out.",
    "meets_security_level": "Clear it for that regime, or take personal data out of its privacy_classes.",
    "in_bounds": "Bring value, minimum, maximum and max_step in line.",
    "backup_covers": "Name another backup, or give this one the skills and clearances.",
    "backup_is_cleared": "Name another backup, or clear this one.",
    "no_cycle": "Take one of these dependencies out.",
    "unique": "Rename one of the two.",
    "is_reached": "Let a step go to it, or take it out.",
    "ends": "Let a step of the circle go to `end` or `stop`.",
    "is_written": "Let an earlier step write it, or make it an input.",
    "checkpoint_before_act": "Put a checkpoint with that compliance level on every path to it.",
    "control_level": "Name another assistant, or change its control level.",
    "has_skill": "Name an assistant with the skill, or give this one the skill.",
    "is_cleared": "Name a cleared assistant, or clear this one.",
    "covers_what_it_reads": "Raise the step's privacy_class, and name assistants that are cleared for it.",
    "is_used": "Name it in a command's compensated_by, or take it out.",
}
"""What to do about a breach of each rule."""
_PERSONAL = frozenset({"personal", "sensitive"})


def faults_of(folder: Path, pack: Pack) -> Iterator[PackError]:
    """Everything in a readable pack that points nowhere or contradicts itself; `folder` is where it stands."""
    yield from _head_faults(folder / "pack.yaml", pack)
    fleet = {assistant.assistant_id: assistant for assistant in pack.assistants}
    for assistant in pack.assistants:
        yield from _assistant_faults(folder / "assistants" / f"{assistant.assistant_id}.yaml", assistant, pack, fleet)
    yield from _cycle_faults(folder / "assistants", fleet)
    for rule in pack.rules:
        if rule.compliance_level is not None:
            file = folder / "compliance" / f"{rule.rule_id}.yaml"
            yield from _known(file, "compliance_level", [rule.compliance_level], pack.compliance_levels)
    yield from _llm_faults(folder / "llms.yaml", pack)
    for kind, choice in pack.policies.kinds.items():
        chosen = [name for name in (choice.policy, choice.fallback, choice.shadow) if name is not None]
        yield from _known(folder / "policies.yaml", f"kinds.{kind}", chosen, pack.policies.policies)
        yield from _known(folder / "policies.yaml", f"kinds.{kind}", list(choice.assistant_act_shares), fleet)
    for workflow in pack.workflows:
        file = folder / "workflows" / f"{workflow.workflow_id}.yaml"
        for field, problem, broken in faults_of_workflow(workflow, pack):
            yield _fault(file, field, problem, rule=broken)


def _head_faults(file: Path, pack: Pack) -> Iterator[PackError]:
    for name, task_type in pack.task_types.items():
        field = f"task_types.{name}.compliance_levels"
        yield from _known(file, field, task_type.compliance_levels, pack.compliance_levels)
    yield from _known(file, "security_level", [pack.security_level], pack.compliance_levels)
    rules = [rule.rule_id for rule in pack.rules]
    yield from _known(file, "compliance_requirements", pack.compliance_requirements, rules)
    skilled = {skill for assistant in pack.assistants for skill in assistant.skills}
    for name in pack.task_types:
        if name not in skilled:
            yield _fault(file, f"task_types.{name}", "is a skill of no assistant", rule="has_a_taker")


def _assistant_faults(
    file: Path, assistant: Assistant, pack: Pack, fleet: Mapping[str, Assistant]
) -> Iterator[PackError]:
    yield from _known(file, "skills", assistant.skills, pack.task_types)
    yield from _known(file, "compliance_levels", assistant.compliance_levels, pack.compliance_levels)
    others = fleet.keys() - {assistant.assistant_id}
    yield from _known(file, "depends_on", assistant.depends_on, others)
    yield from _not_negative(file, "cost_per_task_usd", assistant.cost_per_task_usd)
    if _PERSONAL & set(assistant.privacy_classes) and pack.security_level not in assistant.compliance_levels:
        problem = f"lacks {pack.security_level!r}, which whoever sees personal data must be cleared for"
        yield _fault(file, "compliance_levels", problem, rule="meets_security_level")
    for name, parameter in assistant.parameters.items():
        field = f"parameters.{name}"
        if not parameter.minimum <= parameter.value <= parameter.maximum:
            problem = f"has the value {parameter.value:g}, outside {parameter.minimum:g} to {parameter.maximum:g}"
            yield _fault(file, field, problem, rule="in_bounds")
        elif parameter.max_step > parameter.maximum - parameter.minimum:
            problem = f"has a max_step of {parameter.max_step:g}, more than its whole range"
            yield _fault(file, field, problem, rule="in_bounds")
    if assistant.backup_assistant_id is not None:
        yield from _backup_faults(file, assistant, pack, fleet)


def _backup_faults(file: Path, assistant: Assistant, pack: Pack, fleet: Mapping[str, Assistant]) -> Iterator[PackError]:
    name = str(assistant.backup_assistant_id)
    unknown = list(_known(file, "backup_assistant_id", [name], fleet.keys() - {assistant.assistant_id}))
    if unknown:
        yield from unknown
        return
    backup = fleet[name]
    covered = [skill for skill in assistant.skills if _can_take(backup, skill, pack)]
    weighs = assistant.priority in ("critical", "high")
    needed = _MIN_COVERED_SHARE * len(assistant.skills) if weighs else 1
    if len(covered) < needed:
        problem = f"names {name!r}, which can take {len(covered)} of its {len(assistant.skills)} task types"
        yield _fault(file, "backup_assistant_id", problem, rule="backup_covers")
    lacking = set(assistant.privacy_classes) - set(backup.privacy_classes)
    if weighs and lacking:
        problem = f"names {name!r}, which is not cleared for {', '.join(sorted(lacking))} data"
        yield _fault(file, "backup_assistant_id", problem, rule="backup_is_cleared")


def _can_take(backup: Assistant, skill: str, pack: Pack) -> bool:
    task_type = pack.task_types.get(skill)
    levels = task_type.compliance_levels if task_type is not None else ()
    return skill in backup.skills and set(levels) <= set(backup.compliance_levels)


def _cycle_faults(folder: Path, fleet: Mapping[str, Assistant]) -> Iterator[PackError]:
    try:
        TopologicalSorter({name: one.depends_on for name, one in fleet.items()}).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1]
        problem = f"leads back to itself: {' <- '.join(cycle)}"
        yield _fault(folder / f"{cycle[0]}.yaml", "depends_on", problem, rule="no_cycle")


def _llm_faults(file: Path, pack: Pack) -> Iterator[PackError]:
    seen: set[str] = set()
    for llm in pack.llms:
        if llm.candidate_id in seen:
            yield _fault(file, "candidate_id", f"{llm.candidate_id!r} stands twice", rule="unique")
        seen.add(llm.candidate_id)
        field = f"{llm.candidate_id}.compliance_levels"
        yield from _known(file, field, llm.compliance_levels, pack.compliance_levels)
        for price in ("input_usd_per_mtok", "output_usd_per_mtok"):
            yield from _not_negative(file, f"{llm.candidate_id}.price.{price}", getattr(llm.price, price))


def _known(file: Path, field: str, names: Iterable[str], known: Iterable[str]) -> Iterator[PackError]:
    declared = sorted(known)
    for name in sorted(set(names) - set(declared)):
        near = get_close_matches(name, declared, n=1)
        next_step = f"Name one of: {', '.join(near or declared) or 'none is declared yet'}; or declare {name!r}."
        yield _fault(file, field, f"names {name!r}, which is not declared", rule="is_declared", next_step=next_step)


def _not_negative(file: Path, field: str, amount: Decimal) -> Iterator[PackError]:
    if not amount.is_finite() or amount < 0:
        yield _fault(file, field, f"is {amount}, which is not an amount of at least 0", rule="at_least")


def _fault(file: Path, field: str, problem: str, *, rule: str, next_step: str | None = None) -> PackError:
    place = declared_file(file) if file.is_file() else file
    return wrong(place, field, problem, rule=rule, next_step=next_step or _NEXT_STEPS.get(rule))
