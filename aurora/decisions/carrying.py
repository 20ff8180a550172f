"""What an acting decision sets in motion: commands, written in the very transaction that records the decision.

So a decision is carried out once, whenever a process is killed: either nothing of it is known, or all of it stands
in the state, and the dispatcher sends each command until its assistant has answered under its one id.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from aurora.assistants.commands import Fleet, Issued, issue
from aurora.assistants.lifecycle import closed, read_command
from aurora.decisions.kinds.scale import REPLICAS, replicas_of
from aurora.decisions.kinds.tune import COMMAND, command_arguments
from aurora.errors import ConflictError, UsageError
from aurora.packs import Assistant, Parameter
from aurora.store.fleet import open_commands, settings_of
from aurora.store.ids import IdMaker
from aurora.store.journal import JournalRecord
from aurora.store.state import Statement
from contracts.messages.commands import Command, CommandRequest
from contracts.messages.decision_details import Move, Rebalanced, Scaled, Tuned
from contracts.messages.decisions import Decision, DecisionKind, OpenTask, RebalanceRequest, ScaleRequest, TuneRequest

KINDS: Final[frozenset[DecisionKind]] = frozenset({"scale", "rebalance", "tune"})
"""Kinds of decisions that Aurora itself carries out; of the others the caller does what was decided."""
MOST_MOVES: Final = 200
"""Tasks that one acting decision may move."""
_AWAY: Final = frozenset({"down", "disabled"})
_SETTING_S: Final = 300
_WORK_S: Final = 3600
_RETURN_S: Final = 86_400
"""How long a holder that is away may take to come back and be told to give its work up."""


@dataclass(slots=True)
class Acts:
    """Commands of a decision, and what makes them durable."""

    commands: list[Command] = field(default_factory=list)
    records: list[JournalRecord] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)

    def add(self, issued: Issued) -> None:
        """One command more, refused ones too: that it was refused is part of what became of the decision."""
        self.commands.append(issued.command)
        self.records += issued.records
        self.statements += issued.statements


def carry_out(decision: Decision, fleet: Fleet, *, actor_id: str) -> Acts:
    """The commands of an acting decision; none of advice, of a shadow, and where nothing is to be changed.

    Errors: `UsageError` for more moves than one decision may make, `ConflictError` for a task that is moved already.
    """
    acts, request, details = Acts(), decision.request, decision.details
    if decision.mode != "act" or decision.action is None:
        return acts
    if isinstance(request, TuneRequest) and isinstance(details, Tuned):
        if details.value != details.value_before:
            _set(acts, decision, fleet, request.assistant_id, command_arguments(details), actor_id)
    elif isinstance(request, ScaleRequest) and isinstance(details, Scaled):
        arguments = _replicas(decision.action, request.target_id, fleet)
        if arguments is not None:
            _set(acts, decision, fleet, request.target_id, arguments, actor_id)
    elif isinstance(request, RebalanceRequest) and isinstance(details, Rebalanced):
        _move_all(acts, decision, request, details.moves, fleet, actor_id)
    return acts


def _set(
    acts: Acts, decision: Decision, fleet: Fleet, assistant_id: str, arguments: dict[str, object], actor_id: str
) -> None:
    wanted = CommandRequest(
        command_kind=COMMAND, arguments=arguments, deadline_s=_SETTING_S, decision_id=decision.decision_id
    )
    acts.add(issue(wanted, fleet, assistant_id=assistant_id, actor_id=actor_id))


def _replicas(action: str, target_id: str, fleet: Fleet) -> dict[str, object] | None:
    """The step towards the planned replicas that the pack allows at once; None where there is nothing to set.

    A language model's replicas are its provider's, and an assistant that declares no `parallel_task_count` has none.
    """
    target = next((one for one in fleet.pack.assistants if one.assistant_id == target_id), None)
    declared = None if target is None else target.parameters.get(REPLICAS)
    if target is None or declared is None:
        return None
    before = _present(target, declared, fleet)
    value = next_step(replicas_of(action), before, declared)
    return None if value == before else {"parameter": REPLICAS, "value": value}


def next_step(wanted: int, before: float, declared: Parameter) -> int:
    """The replicas nearest to `wanted` that bounds and step of the pack let through."""
    low = max(declared.minimum, before - declared.max_step)
    high = min(declared.maximum, before + declared.max_step)
    return round(min(max(wanted, low), high))


def _present(target: Assistant, declared: Parameter, fleet: Fleet) -> float:
    """As the command itself will look at it: reported, else set last, else the pack's."""
    known = fleet.live.assistants if fleet.live is not None else ()
    reported = next((one.parameters for one in known if one.assistant_id == target.assistant_id), {})
    remembered = settings_of(fleet.state, COMMAND).get((target.assistant_id, REPLICAS))
    return float(reported.get(REPLICAS, declared.value if remembered is None else remembered[0]))


def _move_all(
    acts: Acts,
    decision: Decision,
    request: RebalanceRequest,
    moves: Sequence[Move],
    fleet: Fleet,
    actor_id: str,
) -> None:
    if len(moves) > MOST_MOVES:
        raise UsageError(
            f"{len(moves)} tasks would be moved at once; an acting decision moves {MOST_MOVES} at most.",
            field="tasks",
            rule="at_most",
            next_step="Ask in advise mode, or about fewer tasks at a time.",
        )
    tasks = {task.task_id: task for task in request.tasks}
    given = _given(fleet) if moves else {}
    for move in moves:
        held = given.get(move.task_id)
        if held is not None and held.assistant_id != move.from_assistant_id:
            raise ConflictError(
                f"The task {move.task_id[:64]!r} was given to {held.assistant_id} by {held.command_id}.",
                field="tasks",
                rule="in_progress",
                next_step="Say who holds it now, or leave it out.",
            )
        _move(acts, decision, tasks[move.task_id], move, held, fleet, actor_id)


def _given(fleet: Fleet) -> dict[str, Command]:
    """Work that Aurora gave and that is not finished, by task."""
    found = {}
    for assistant in fleet.pack.assistants:
        for row in open_commands(fleet.state, assistant.assistant_id):
            command = read_command(row.record)
            if command.command_kind == "run_task" and command.task_id is not None:
                found[command.task_id] = command
    return found


def _move(
    acts: Acts, decision: Decision, task: OpenTask, move: Move, held: Command | None, fleet: Fleet, actor_id: str
) -> None:
    """Have the holder give the task up, then the next one do it; at once where the holder is away.

    Work that Aurora gave and did not deliver yet is withdrawn with the same words that record the decision.
    """
    now, source = fleet.clock(), move.from_assistant_id
    is_held = source in {one.assistant_id for one in fleet.pack.assistants}
    is_away = decision.assistant_states.get(source or "") in _AWAY
    is_undelivered = held is not None and held.command_state == "issued"
    ids = IdMaker(fleet.clock)  # one for both: ids of the same moment follow each other
    cancel_id = ids.new("cmd") if is_held else None
    after = None if is_away else cancel_id
    cancel: Issued | None = None
    if source is not None and is_held:
        wanted = CommandRequest(
            command_kind="cancel_task",
            arguments={"task_id": move.task_id},
            deadline_s=_RETURN_S if is_away else _WORK_S,
            task_id=move.task_id,
            decision_id=decision.decision_id,
        )
        before = held.command_id if held is not None and is_undelivered else None
        cancel = issue(
            wanted, fleet, assistant_id=source, actor_id=actor_id, command_id=cancel_id, after_command_id=before
        )
        if cancel.refusal is not None and before is not None:
            after = before
    run = issue(
        _work(decision, task, held),
        fleet,
        assistant_id=move.to_assistant_id,
        actor_id=actor_id,
        command_id=ids.new("cmd"),
        after_command_id=after,
    )
    if run.refusal is None:
        if held is not None and is_undelivered:
            _withdraw(acts, held, move, decision, now)
        if cancel is not None:
            acts.add(cancel)
    acts.add(run)


def _work(decision: Decision, task: OpenTask, held: Command | None) -> CommandRequest:
    """The task as it was given before, else as the request describes it."""
    told = {"task_type": task.task_type, "priority": task.priority, "privacy_class": task.privacy_class}
    return CommandRequest(
        command_kind="run_task",
        arguments=told if held is None else held.arguments,
        deadline_s=_WORK_S,
        task_id=task.task_id,
        case_id=None if held is None else held.case_id,
        decision_id=decision.decision_id,
        is_sample=held is not None and held.is_sample,
    )


def _withdraw(acts: Acts, held: Command, move: Move, decision: Decision, now: dt.datetime) -> None:
    words = f"Moved to {move.to_assistant_id} by {decision.decision_id} before it was delivered."
    done = closed(held, "refused", now, error_type="moved", error=words)
    acts.records += done.records
    acts.statements += done.statements
