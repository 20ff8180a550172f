"""The state's tables of the fleet: endpoints, the kill switch, tuned settings, commands on their way.

Each `put_...` gives statements that run in the transaction of the record that says who did it; each reader
takes a `StateReader`. The counter `fleet` grows with each change of what is polled, by any process.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from aurora.store.journal import StateReader, time_text
from aurora.store.state import Statement

_CHANGED: Statement = ("UPDATE counter SET value = value + 1 WHERE name = 'fleet'", ())
_COMMAND = "command_id, assistant_id, command_state, next_at, record, request, callback_token"


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """Where an assistant is reached; times are RFC 3339 texts."""

    assistant_id: str
    base_url: str
    secret: str | None
    is_local: bool
    connected_at: str
    actor_id: str


@dataclass(frozen=True, slots=True)
class SwitchRow:
    """An assistant that is switched off."""

    assistant_id: str
    reason: str
    changed_at: str
    actor_id: str


@dataclass(frozen=True, slots=True)
class CommandRow:
    """A command: its record as canonical JSON, the very bytes that are sent, and when to look at it next."""

    command_id: str
    assistant_id: str
    command_state: str
    next_at: str | None
    """Null once it is closed."""
    record: bytes
    request: bytes | None
    callback_token: str | None


def put_endpoint(row: EndpointRow) -> list[Statement]:
    """Connect an assistant, or move it."""
    values = (row.assistant_id, row.base_url, row.secret, int(row.is_local), row.connected_at, row.actor_id)
    return [("INSERT OR REPLACE INTO assistant_endpoint VALUES (?, ?, ?, ?, ?, ?)", values), _CHANGED]


def drop_endpoint(assistant_id: str) -> list[Statement]:
    """Disconnect an assistant."""
    return [("DELETE FROM assistant_endpoint WHERE assistant_id = ?", (assistant_id,)), _CHANGED]


def put_switch(row: SwitchRow) -> list[Statement]:
    """Switch an assistant off."""
    values = (row.assistant_id, row.reason, row.changed_at, row.actor_id)
    return [("INSERT OR REPLACE INTO assistant_switch VALUES (?, ?, ?, ?)", values), _CHANGED]


def drop_switch(assistant_id: str) -> list[Statement]:
    """Switch it on again."""
    return [("DELETE FROM assistant_switch WHERE assistant_id = ?", (assistant_id,)), _CHANGED]


def put_setting(assistant_id: str, command_kind: str, name: str, value: float, command_id: str) -> list[Statement]:
    """Remember what a parameter or threshold was set to."""
    values = (assistant_id, command_kind, name, value, command_id)
    return [("INSERT OR REPLACE INTO assistant_setting VALUES (?, ?, ?, ?, ?)", values), _CHANGED]


def add_command(row: CommandRow) -> list[Statement]:
    """A new command; its id must be new."""
    values = (
        row.command_id,
        row.assistant_id,
        row.command_state,
        row.next_at,
        row.record,
        row.request,
        row.callback_token,
    )
    return [("INSERT INTO command VALUES (?, ?, ?, ?, ?, ?, ?)", values)]


def move_command(command_id: str, command_state: str, next_at: dt.datetime | None, record: bytes) -> list[Statement]:
    """A command's new state; one that is closed stays as it is."""
    sql = "UPDATE command SET command_state = ?, next_at = ?, record = ? WHERE command_id = ? AND next_at IS NOT NULL"
    return [(sql, (command_state, None if next_at is None else time_text(next_at), record, command_id))]


def endpoints(state: StateReader) -> list[EndpointRow]:
    """Every connected assistant, by id."""
    rows = state.select("SELECT * FROM assistant_endpoint ORDER BY assistant_id")
    return [EndpointRow(row[0], row[1], row[2], bool(row[3]), row[4], row[5]) for row in rows]


def switches(state: StateReader) -> list[SwitchRow]:
    """Every assistant that is switched off, by id."""
    return [SwitchRow(*row) for row in state.select("SELECT * FROM assistant_switch ORDER BY assistant_id")]


def settings_of(state: StateReader, command_kind: str) -> dict[tuple[str, str], tuple[float, str]]:
    """What `tune` or `set_threshold` set: assistant and name to the value and the command that set it."""
    rows = state.select(
        "SELECT assistant_id, name, value, command_id FROM assistant_setting WHERE command_kind = ?", (command_kind,)
    )
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


def fleet_version(state: StateReader) -> int:
    """A number that grows with each change of endpoints, switches and settings, by any process."""
    return int(state.select("SELECT value FROM counter WHERE name = 'fleet'")[0][0])


def command_row(state: StateReader, command_id: str) -> CommandRow | None:
    """The command of that id, or None."""
    rows = state.select(f"SELECT {_COMMAND} FROM command WHERE command_id = ?", (command_id,))
    return CommandRow(*rows[0]) if rows else None


def due_assistants(state: StateReader, now: dt.datetime) -> list[str]:
    """Assistants with open commands whose time has come."""
    sql = "SELECT DISTINCT assistant_id FROM command WHERE next_at <= ? ORDER BY assistant_id"
    return [str(row[0]) for row in state.select(sql, (time_text(now),))]


def due_commands(state: StateReader, assistant_id: str, now: dt.datetime, *, limit: int) -> list[CommandRow]:
    """An assistant's open commands whose time has come, oldest first."""
    sql = f"SELECT {_COMMAND} FROM command WHERE assistant_id = ? AND next_at <= ? ORDER BY next_at, command_id LIMIT ?"
    return [CommandRow(*row) for row in state.select(sql, (assistant_id, time_text(now), limit))]


def next_due(state: StateReader) -> dt.datetime | None:
    """When the next open command is to be looked at; None without one."""
    (row,) = state.select("SELECT min(next_at) FROM command WHERE next_at IS NOT NULL")
    return None if row[0] is None else dt.datetime.fromisoformat(row[0])


def open_commands(state: StateReader, assistant_id: str) -> list[CommandRow]:
    """Commands of an assistant that are not closed, oldest first."""
    sql = f"SELECT {_COMMAND} FROM command WHERE assistant_id = ? AND next_at IS NOT NULL ORDER BY command_id"
    return [CommandRow(*row) for row in state.select(sql, (assistant_id,))]


def command_page(
    state: StateReader, *, assistant_id: str | None, command_state: str | None, before: str | None, limit: int
) -> list[CommandRow]:
    """Commands, newest first, older than the id `before`."""
    where, params = ["1"], []
    wanted: Sequence[tuple[str, str | None]] = (
        ("assistant_id = ?", assistant_id),
        ("command_state = ?", command_state),
        ("command_id < ?", before),
    )
    for condition, value in wanted:
        if value is not None:
            where.append(condition)
            params.append(value)
    sql = f"SELECT {_COMMAND} FROM command WHERE {' AND '.join(where)} ORDER BY command_id DESC LIMIT ?"
    return [CommandRow(*row) for row in state.select(sql, (*params, limit))]
