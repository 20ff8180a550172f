"""Issuing commands: checked, numbered, durable before anybody is told; what is refused is recorded too."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec import UNSET

from aurora.assistants.control import SETTING_NAMES, Objection, objection, value_before
from aurora.assistants.endpoints import connected
from aurora.assistants.lifecycle import command_record, read_command
from aurora.compliance.holds import holds_named_in
from aurora.errors import AuroraError, ComplianceError, ConflictError, DataError, NotFoundError, NotReadyError
from aurora.handoffs.sharing import Sharing
from aurora.packs.assistants import Assistant
from aurora.packs.pack import Pack
from aurora.store.fleet import CommandRow, add_command, command_page, command_row, open_commands, settings_of, switches
from aurora.store.ids import IdMaker
from aurora.store.journal import JournalRecord, StateReader, time_text
from aurora.store.state import Clock, Statement
from contracts.messages.assistants import CONTROL, ExecuteRequest
from contracts.messages.commands import Command, CommandPage, CommandRequest, LiveFleet
from contracts.messages.decisions import canonical

_MAX_ARGUMENT_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """What commands are judged by: the pack, the matrix, the state, and what is known of the fleet now."""

    tenant: str
    region: str
    pack: Pack
    sharing: Sharing
    state: StateReader
    live: LiveFleet | None
    callback_base: str
    clock: Clock

    def assistant(self, assistant_id: str) -> Assistant:
        """The assistant of that id; `NotFoundError` when the pack has none."""
        found = next((one for one in self.pack.assistants if one.assistant_id == assistant_id), None)
        if found is None:
            raise NotFoundError(
                f"There is no assistant {assistant_id[:64]!r} in this tenant.",
                field="assistant_id",
                next_step="`aurora assistant list` names them.",
            )
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A command with what makes it durable, and why it was refused, if it was."""

    command: Command
    records: Sequence[JournalRecord]
    statements: Sequence[Statement]
    refusal: AuroraError | None


def issue(
    request: CommandRequest,
    fleet: Fleet,
    *,
    assistant_id: str,
    actor_id: str,
    command_id: str | None = None,
    idempotency_key: str | None = None,
    rolls_back: str | None = None,
    after_command_id: str | None = None,
    random_hex: Callable[[int], str] = secrets.token_hex,
) -> Issued:
    """A command for an assistant, issued or refused. `NotFoundError` for an assistant that is none of the fleet."""
    target = fleet.assistant(assistant_id)
    if len(msgspec.json.encode(request.arguments)) > _MAX_ARGUMENT_BYTES:
        raise DataError(
            f"The arguments are larger than {_MAX_ARGUMENT_BYTES} bytes.",
            field="arguments",
            rule="at_most",
            next_step="Send a reference to the data in their place.",
        )
    now = fleet.clock()
    before, refusal = _judged(request, fleet, target, actor_id)
    command = Command(
        command_id=command_id or IdMaker(fleet.clock).new("cmd"),
        assistant_id=assistant_id,
        command_kind=request.command_kind,
        command_state="issued" if refusal is None else "refused",
        control_level=target.control_level,
        allowed_command_kinds=tuple(sorted(CONTROL[target.control_level])),
        actor_id=actor_id,
        arguments=request.arguments,
        issued_at=now,
        updated_at=now,
        deadline_at=now + dt.timedelta(seconds=request.deadline_s),
        region=fleet.region,
        error_type=None if refusal is None else refusal.rule,
        error=None if refusal is None else refusal.message,
        completed_at=None if refusal is None else now,
        previous_value=before,
        rolls_back=rolls_back,
        task_id=request.task_id,
        case_id=request.case_id,
        decision_id=request.decision_id,
        idempotency_key=idempotency_key,
        is_sample=request.is_sample or target.is_sample,
        after_command_id=after_command_id or UNSET,
    )
    token = random_hex(16)
    row = CommandRow(
        command_id=command.command_id,
        assistant_id=assistant_id,
        command_state=command.command_state,
        next_at=time_text(now) if refusal is None else None,
        record=canonical(command),
        request=_sent(command, f"{fleet.callback_base}/api/v1/callbacks/{fleet.tenant}/{command.command_id}/{token}"),
        callback_token=token if refusal is None else None,
    )
    return Issued(command=command, records=[command_record(command)], statements=add_command(row), refusal=refusal)


def _sent(command: Command, callback_url: str) -> bytes:
    """The bytes that are sent, the same at each try."""
    return canonical(
        ExecuteRequest(
            command_id=command.command_id,
            command_kind=command.command_kind,
            arguments=command.arguments,
            deadline_at=command.deadline_at,
            task_id=command.task_id,
            case_id=command.case_id,
            decision_id=command.decision_id,
            callback_url=callback_url,
            is_sample=command.is_sample,
        )
    )


def _judged(
    request: CommandRequest, fleet: Fleet, target: Assistant, actor_id: str
) -> tuple[float | None, AuroraError | None]:
    """The value that would be changed, and why the command is refused, if it is."""
    found = objection(
        request.command_kind,
        request.arguments,
        target=target,
        actor_id=actor_id,
        pack=fleet.pack,
        sharing=fleet.sharing,
    )
    if found is not None:
        return None, _refusal(found)
    refusal = _is_on_hold(fleet, request) or _is_off(fleet, target) or _is_not_connected(fleet, target)
    if refusal is not None or request.command_kind not in SETTING_NAMES:
        return None, refusal
    return _setting(request, fleet, target)


_ACTING: Final = frozenset({"run_task", "sync", "release"})
"""Kinds that work on a record; what only asks, tells or stops may be about one that is on hold."""


def _is_on_hold(fleet: Fleet, request: CommandRequest) -> AuroraError | None:
    if request.command_kind not in _ACTING:
        return None
    named = {**request.arguments, "task_id": request.task_id, "case_id": request.case_id}
    held = holds_named_in(fleet.state, named)
    if not held:
        return None
    one = held[0]
    return ComplianceError(
        f"{one.about_contract} {one.about_id} is on hold by {one.rule_id}: {one.reason}",
        field="arguments",
        rule="on_hold",
        next_step=f"A person releases it: `aurora rules release {one.hold_id}`.",
    )


def _is_off(fleet: Fleet, target: Assistant) -> AuroraError | None:
    row = next((one for one in switches(fleet.state) if one.assistant_id == target.assistant_id), None)
    if row is None:
        return None
    return ConflictError(
        f"{target.assistant_name} was switched off by {row.actor_id}: {row.reason}",
        field="assistant_id",
        rule="kill_switch",
        next_step=f"A person switches it on again: `aurora assistant enable {target.assistant_id}`.",
    )


def _is_not_connected(fleet: Fleet, target: Assistant) -> AuroraError | None:
    if target.assistant_id in connected(fleet.state):
        return None
    return NotReadyError(
        f"{target.assistant_name} is not connected: Aurora does not know where it is.",
        field="assistant_id",
        rule="connected",
        next_step=f"`aurora assistant connect {target.assistant_id} URL` connects it.",
    )


def _setting(request: CommandRequest, fleet: Fleet, target: Assistant) -> tuple[float | None, AuroraError | None]:
    kind, what = request.command_kind, SETTING_NAMES[request.command_kind]
    name = request.arguments.get(what)
    set_before = settings_of(fleet.state, kind)
    remembered = {key[1]: value for key, (value, _) in set_before.items() if key[0] == target.assistant_id}
    before, found = value_before(
        kind, request.arguments, target, reported=_reported(fleet, target, kind), remembered=remembered
    )
    if found is not None:
        return None, _refusal(found)
    for row in open_commands(fleet.state, target.assistant_id):
        other = read_command(row.record)
        if other.command_kind == kind and other.arguments.get(what) == name:
            return None, ConflictError(
                f"{name} is being changed by {other.command_id}.",
                field=f"arguments.{what}",
                rule="in_progress",
                next_step="Wait until that command is done.",
            )
    return before, None


def _reported(fleet: Fleet, target: Assistant, kind: str) -> Mapping[str, float]:
    """Values that the assistant itself reported last. Thresholds are Aurora's own: what it watches by."""
    found = fleet.live.assistants if fleet.live is not None and kind == "tune" else ()
    return next((one.parameters for one in found if one.assistant_id == target.assistant_id), {})


def _refusal(found: Objection) -> AuroraError:
    kind = DataError if found.is_fault else ComplianceError
    return kind(found.reason, field=found.field, rule=found.rule, next_step=found.next_step)


def find_command(state: StateReader, command_id: str) -> Command:
    """A command of this tenant; `NotFoundError` also when it is another tenant's."""
    row = command_row(state, command_id)
    if row is None:
        raise NotFoundError(
            f"There is no command {command_id[:64]!r}.",
            field="command_id",
            next_step="Check the id; GET /api/v1/commands lists the commands of your tenant.",
        )
    return read_command(row.record)


def list_commands(
    state: StateReader, *, assistant_id: str | None, command_state: str | None, cursor: str | None, limit: int
) -> CommandPage:
    """Commands, newest first; `cursor` is the last page's."""
    rows = command_page(state, assistant_id=assistant_id, command_state=command_state, before=cursor, limit=limit + 1)
    page = rows[:limit]
    return CommandPage(
        commands=[read_command(row.record) for row in page],
        next_cursor=page[-1].command_id if len(rows) > limit else None,
    )


def rollback_of(state: StateReader, command_id: str) -> tuple[str, CommandRequest]:
    """The assistant and the command that puts a setting back. `ConflictError` where there is nothing to put back."""
    done = find_command(state, command_id)
    if done.command_kind not in SETTING_NAMES or done.command_state != "completed" or done.previous_value is None:
        raise ConflictError(
            f"The command {command_id} set nothing that can be put back: {done.command_kind}, {done.command_state}.",
            field="command_id",
            rule="is_setting",
            next_step="Roll back a tune or set_threshold command that is completed.",
        )
    what = SETTING_NAMES[done.command_kind]
    name = str(done.arguments[what])
    newest = settings_of(state, done.command_kind).get((done.assistant_id, name))
    if newest is not None and newest[1] != command_id:
        raise ConflictError(
            f"{name} was set again by {newest[1]}.",
            field="command_id",
            rule="is_newest",
            next_step="Roll back that one.",
        )
    arguments = {what: name, "value": done.previous_value}
    return done.assistant_id, CommandRequest(
        command_kind=done.command_kind, arguments=arguments, is_sample=done.is_sample
    )
