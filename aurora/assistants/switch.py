"""The kill switch: a person switches an assistant off, and nothing is asked of it any more."""

from __future__ import annotations

import datetime as dt
from collections.abc import Container
from dataclasses import dataclass

from aurora.assistants.control import is_person
from aurora.assistants.lifecycle import closed, read_command
from aurora.errors import ConflictError, PermissionDeniedError
from aurora.store.fleet import SwitchRow, drop_switch, open_commands, put_switch, switches
from aurora.store.ids import IdMaker
from aurora.store.journal import JournalRecord, StateReader, time_text
from aurora.store.state import Statement
from contracts.messages.commands import Switch
from contracts.messages.decisions import canonical


@dataclass(frozen=True, slots=True, kw_only=True)
class Switching:
    """What was switched, with what makes it durable in one transaction."""

    switch: Switch
    records: list[JournalRecord]
    statements: list[Statement]


def switch_off(
    state: StateReader, assistant_id: str, *, reason: str, actor_id: str, now: dt.datetime, sending: Container[str] = ()
) -> Switching:
    """Off: decisions and commands pass it by, and commands that wait for delivery are refused, but those in `sending`.

    Errors: `PermissionDeniedError` for whoever is no person, `ConflictError` when it is off already.
    """
    _check_person(actor_id)
    if _row(state, assistant_id) is not None:
        raise _already(assistant_id, "off")
    records: list[JournalRecord] = []
    statements: list[Statement] = []
    for row in open_commands(state, assistant_id):
        command = read_command(row.record)
        if command.command_state != "issued" or row.command_id in sending:
            continue
        move = closed(command, "refused", now, error_type="kill_switch", error=f"Switched off: {reason}")
        records += move.records
        statements += move.statements
    switch = Switch(
        assistant_id=assistant_id,
        is_disabled=True,
        reason=reason,
        actor_id=actor_id,
        changed_at=now,
        refused_count=len(records),
    )
    statements += put_switch(SwitchRow(assistant_id, reason, time_text(now), actor_id))
    return Switching(switch=switch, records=[_record(switch), *records], statements=statements)


def switch_on(state: StateReader, assistant_id: str, *, reason: str, actor_id: str, now: dt.datetime) -> Switching:
    """On again. Errors: as `switch_off`."""
    _check_person(actor_id)
    if _row(state, assistant_id) is None:
        raise _already(assistant_id, "on")
    switch = Switch(assistant_id=assistant_id, is_disabled=False, reason=reason, actor_id=actor_id, changed_at=now)
    return Switching(switch=switch, records=[_record(switch)], statements=drop_switch(assistant_id))


def _row(state: StateReader, assistant_id: str) -> SwitchRow | None:
    return next((row for row in switches(state) if row.assistant_id == assistant_id), None)


def _check_person(actor_id: str) -> None:
    if not is_person(actor_id):
        raise PermissionDeniedError(
            f"{actor_id} is no person: only people switch assistants off and on.",
            field="Authorization",
            rule="person",
            next_step="Use a key whose actor is the owner or person:<name>.",
        )


def _record(switch: Switch) -> JournalRecord:
    return JournalRecord(
        record_id=IdMaker(lambda: switch.changed_at).new("ast"),
        kind="assistant_disabled" if switch.is_disabled else "assistant_enabled",
        subject_id=switch.assistant_id,
        actor_id=switch.actor_id,
        recorded_at=switch.changed_at,
        body=canonical(switch),
    )


def _already(assistant_id: str, how: str) -> ConflictError:
    return ConflictError(
        f"{assistant_id} is switched {how} already.",
        field="assistant_id",
        rule="kill_switch",
        next_step="Nothing is left to do.",
    )
