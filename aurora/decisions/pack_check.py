"""A pack as a whole, checked as an engine would use it: every fault at once, each with its file, field and rule.

Loading a pack stops at the first fault of its declarations. This goes on: rules compile and give the verdicts
of their examples, handoffs those of theirs, workflows' conditions compile, and somebody takes each kind of work.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Final, get_args

from aurora.compliance.expressions import compile_condition
from aurora.compliance.rules import check_examples, compile_rules
from aurora.decisions.engine import Engine
from aurora.decisions.policy import configure
from aurora.entities.policy import load_policies
from aurora.errors import DataError
from aurora.handoffs.sharing import FILE, Sharing, load_sharing
from aurora.ingest.expectations import declared_expectations
from aurora.packs import Pack, Rule, load_pack
from aurora.packs.loading import pack_faults
from aurora.packs.reading import PackError, declared_file, wrong
from aurora.store.paths import TenantPaths
from contracts import registry
from contracts.messages.decisions import DecisionRequest, PrivacyClass, RouteLlmRequest, RouteTaskRequest
from contracts.messages.workflows import CheckpointStep, CompensationStep, Workflow

_NEXT: Final = "Correct the file and run `aurora pack check` again."


def check_pack(packs_dir: Path, name: str, *, today: dt.date) -> list[PackError]:
    """Every fault of a pack under the rules in force on `today`; none when a tenant can be made from it.

    `NotFoundError` without such a pack. While declarations are unreadable or point nowhere only that is reported.
    """
    faults = pack_faults(packs_dir, name)
    if faults:
        return faults
    folder = packs_dir / name
    pack = load_pack(packs_dir, name)
    paths = TenantPaths(data_dir=folder, tenant=name.replace(".", "_"), region=pack.tenant.allowed_regions[0])
    faults = [
        *_export_faults(folder, pack),
        *_rule_faults(folder, pack),
        *_workflow_faults(folder, pack),
        *_sharing_faults(packs_dir, pack),
    ]
    faults += _raised(folder / "golden", partial(load_policies, packs_dir, name))
    faults += _raised(folder / "sources.yaml", partial(declared_expectations, paths, packs_dir=packs_dir, pack=name))
    faults += _raised(declared_file(folder / "policies.yaml"), partial(configure, pack.policies))
    return faults or list(_untaken(folder, pack, paths, today))


def _export_faults(folder: Path, pack: Pack) -> Iterator[PackError]:
    ingested = {name for name, table in registry.tables().items() if table.is_ingested}
    for assistant in pack.assistants:
        for name in sorted(set(assistant.exports) - ingested):
            file = folder / "assistants" / f"{assistant.assistant_id}.yaml"
            next_step = "`aurora contract list` shows the contracts."
            yield wrong(
                file, "exports", f"names {name!r}, which is no contract", rule="is_declared", next_step=next_step
            )


def _rule_faults(folder: Path, pack: Pack) -> Iterator[PackError]:
    for rule in pack.rules:
        file = declared_file(folder / "compliance" / f"{rule.rule_id}.yaml")
        yield from _raised(file, partial(_check_rule, rule))
        missing = {"pass", "fail"} - {example.expect for example in rule.examples}
        if missing:
            problem = f"show none that must {' or '.join(sorted(missing))}"
            yield wrong(file, "examples", problem, rule="examples_both_ways", next_step=_NEXT)


def _check_rule(rule: Rule) -> None:
    check_examples(compile_rules([rule]).rules[0])


def _workflow_faults(folder: Path, pack: Pack) -> Iterator[PackError]:
    for workflow in pack.workflows:
        file = declared_file(folder / "workflows" / f"{workflow.workflow_id}.yaml")
        fields = {f"case.{name}": variable.type for name, variable in workflow.variables.items()}
        for field, text in _conditions(workflow):
            where = f"Workflow {workflow.workflow_id}, {field}"
            for fault in _raised(file, partial(compile_condition, text, fields, where=where)):
                fault.field = field
                yield fault


def _conditions(workflow: Workflow) -> Iterator[tuple[str, str]]:
    for step in workflow.steps:
        if isinstance(step, CheckpointStep):
            for number, requirement in enumerate(step.requires):
                yield f"steps.{step.step_id}.requires[{number}].violates_when", requirement.violates_when
        if not isinstance(step, CompensationStep):
            for number, branch in enumerate(step.branches):
                yield f"steps.{step.step_id}.branches[{number}].when", branch.when


def _sharing_faults(packs_dir: Path, pack: Pack) -> Iterator[PackError]:
    file = packs_dir / pack.name / FILE
    found: list[Sharing] = []
    yield from _raised(file, lambda: found.append(load_sharing(packs_dir, pack)))
    for sharing in found:
        for grant in sharing.policy.grants:
            for contract in sorted(set(grant.contracts) - set(registry.tables())):
                problem = f"names {contract!r}, which is no contract"
                yield wrong(file, "grants.contracts", problem, rule="is_declared", next_step=_NEXT)
        for number, example in enumerate(sharing.policy.examples):
            objections = sharing.objections(
                from_id=example.from_assistant_id,
                to_id=example.to_assistant_id,
                purpose=example.purpose,
                contract=example.contract,
                columns=[(name, name) for name in example.columns],
            )
            verdict = "refused" if objections else "accepted"
            if verdict != example.expect:
                problem = f"is {verdict}, but {example.expect} is expected"
                if objections:
                    problem += f": {objections[0].reason.rstrip('.')}"
                yield wrong(file, f"examples[{number}]", problem, rule="examples_hold", next_step=_NEXT)
        for assistant in pack.assistants:
            for needed in assistant.depends_on:
                one = assistant.assistant_id
                if not (sharing.is_edge(one, needed) or sharing.is_edge(needed, one)):
                    problem = f"allow no word between {one!r} and {needed!r}, on which it depends"
                    yield wrong(file, "edges", problem, rule="depends_on_an_edge", next_step=_NEXT)


def _untaken(folder: Path, pack: Pack, paths: TenantPaths, today: dt.date) -> Iterator[PackError]:
    """Kinds of work, and classes of data, that the engine finds nobody for."""
    engine = Engine(paths, pack, compile_rules(pack.rules))
    moment = dt.datetime.combine(today, dt.time(), dt.UTC)

    def why_nobody(request: DecisionRequest) -> str | None:
        decision = engine.decide(request, actor_id="check", decision_id="check", decided_at=moment, seed=0)
        return None if decision.action is not None else decision.reason.rstrip(".")

    for name in pack.task_types:
        reason = why_nobody(RouteTaskRequest(task_type=name))
        if reason is not None:
            yield wrong(folder / "pack.yaml", f"task_types.{name}", f"has no taker. {reason}", rule="has_a_taker")
    for privacy in get_args(PrivacyClass):
        reason = why_nobody(RouteLlmRequest(prompt="hello", privacy_class=privacy))
        if reason is not None:
            file = declared_file(folder / "llms.yaml")
            yield wrong(file, "llms", f"has none that may see {privacy} data. {reason}", rule="has_an_llm")


def _raised(file: Path, act: Callable[[], object]) -> Iterable[PackError]:
    try:
        act()
    except PackError as fault:
        return [fault]
    except DataError as error:
        field, rule = error.field or "", error.rule or "pack"
        return [PackError(error.message, file=file, field=field, rule=rule, next_step=_NEXT)]
    return []
