"""A command's life: issued, delivered, accepted, then closed as completed, failed, refused or expired.

Each state is one journal record with the whole command in it, written in one transaction with the row that says
when to look at it next. A closing record bears one name whatever it says, so that a command is closed once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import msgspec

from aurora.assistants.client import Answer
from aurora.assistants.control import SETTING_NAMES
from aurora.store.fleet import move_command, put_setting
from aurora.store.journal import JournalRecord
from aurora.store.state import Statement
from contracts.messages.assistants import CommandReply, CommandState
from contracts.messages.commands import Command, hashed
from contracts.messages.decisions import canonical

KIND: Final = "command"
CLOSED: Final = frozenset({"completed", "failed", "refused", "expired"})
_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 30.0
_LONGEST_LOOK_S: Final = 15.0
_TICK: Final = dt.timedelta(microseconds=1)
_BUSY: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_COMMANDS: Final = msgspec.json.Decoder(Command)


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A command's new state with what makes it durable. Without records it only waits for another try."""

    command: Command
    records: Sequence[JournalRecord]
    statements: Sequence[Statement]


def read_command(record: bytes) -> Command:
    """The command of a row or of a journal record."""
    return _COMMANDS.decode(record)


def command_record(command: Command) -> JournalRecord:
    """The journal record of a command's state.

    The log keeps for ever, and a person may have what is about them erased: arguments and result stand in it as
    their hashes. What itself they were is in the state; settings, which are numbers, are kept in the log too.
    """
    if command.command_kind not in SETTING_NAMES:
        result = None if command.result is None else hashed(command.result)
        command = msgspec.structs.replace(command, arguments=hashed(command.arguments), result=result)
    is_first = command.updated_at == command.issued_at
    place = "" if is_first else ".closed" if command.command_state in CLOSED else f".{command.command_state}"
    return JournalRecord(
        record_id=f"{command.command_id}{place}",
        kind=KIND,
        subject_id=command.command_id,
        actor_id=command.actor_id,
        recorded_at=command.updated_at,
        body=canonical(command),
    )


def closed(command: Command, state: CommandState, now: dt.datetime, **facts: Any) -> Move:
    """The command closed, as expired, refused or failed."""
    return _moved([_in_state(command, state, now, completed_at=now, **facts)], next_at=None)


def waiting(command: Command, now: dt.datetime, *, why: str, after_s: float | None = None) -> Move:
    """Another try later: after what the assistant asked for, else twice as long as the time before."""
    tries = command.attempt_count + 1
    wait_s = min(_FIRST_WAIT_S * 2 ** min(tries - 1, 16), _LONGEST_WAIT_S)
    next_at = min(now + dt.timedelta(seconds=max(wait_s, after_s or 0.0)), command.deadline_at)
    changed = msgspec.structs.replace(command, attempt_count=tries, error=why)
    return Move(
        command=changed,
        records=(),
        statements=move_command(command.command_id, command.command_state, next_at, canonical(changed)),
    )


def held_back(command: Command, now: dt.datetime, *, why: str) -> Move:
    """A command whose turn has not come: looked at again soon, and ever more seldom."""
    since = (now - command.issued_at).total_seconds()
    next_at = min(now + dt.timedelta(seconds=min(max(0.25, since / 10), _LONGEST_LOOK_S)), command.deadline_at)
    changed = msgspec.structs.replace(command, error=why)
    statements = move_command(command.command_id, command.command_state, next_at, canonical(changed))
    return Move(command=changed, records=(), statements=statements)


def has_let_go(before: Command) -> bool:
    """Whether what comes after a closed command may begin: a task that is moved must not be worked on twice."""
    if before.command_kind != "cancel_task":
        return True
    if before.command_state == "completed":
        return bool((before.result or {}).get("task_state", "canceled") == "canceled")
    return before.error_type == f"http_{HTTPStatus.NOT_FOUND.value}"  # it never had it, or forgot it


def looked_at(command: Command, now: dt.datetime) -> Move:
    """Accepted work that is not done: asked after again, ever more seldom."""
    since = (now - command.updated_at).total_seconds()
    next_at = min(now + dt.timedelta(seconds=min(max(1.0, since / 10), _LONGEST_LOOK_S)), command.deadline_at)
    statements = move_command(command.command_id, command.command_state, next_at, canonical(command))
    return Move(command=command, records=(), statements=statements)


def answered(command: Command, answer: Answer, *, sent_at: dt.datetime, now: dt.datetime) -> Move:
    """What the assistant's answer to a delivery makes of a command."""
    if answer.status in _BUSY:
        detail = answer.detail or f"It answered {answer.status}."
        return waiting(command, now, why=detail, after_s=answer.retry_after_s)
    reply = answer.reply
    is_good = answer.status in {HTTPStatus.OK, HTTPStatus.ACCEPTED}
    if not is_good and answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return waiting(command, now, why=answer.detail or f"It answered {answer.status}.")
    delivered = _delivered(command, sent_at)
    if is_good and reply is not None and reply.command_id == command.command_id:
        return replied(delivered[-1] if delivered else command, reply, now=now, before=delivered)
    error = answer.detail or (
        f"It answered for {reply.command_id[:64]!r}." if reply else f"It answered {answer.status}."
    )
    state: CommandState = "failed" if is_good or answer.status == HTTPStatus.CONFLICT else "refused"
    error_type = "bad_reply" if is_good else f"http_{answer.status}"
    last = _in_state(
        delivered[-1] if delivered else command, state, now, completed_at=now, error_type=error_type, error=error
    )
    return _moved([*delivered, last], next_at=None)


def replied(command: Command, reply: CommandReply, *, now: dt.datetime, before: Sequence[Command] = ()) -> Move:
    """What a reply, on whatever way, makes of a command that was delivered."""
    if reply.command_state == "accepted":
        if command.command_state == "accepted":
            return looked_at(command, now)
        state = _in_state(command, "accepted", now, result=reply.result or None, error=None)
        return _moved([*before, state], next_at=min(now + dt.timedelta(seconds=1), command.deadline_at))
    since = before[0].updated_at if before else command.issued_at
    took_ms = max(0, round((now - since).total_seconds() * 1000))
    last = _in_state(
        command,
        reply.command_state,
        now,
        completed_at=now,
        result=reply.result or None,
        error_type=reply.error_type or (None if reply.command_state == "completed" else "not_told"),
        error=reply.error,
        duration_ms=reply.duration_ms if reply.duration_ms is not None else took_ms,
        cost_usd=reply.cost_usd,
        quality=reply.quality,
    )
    return _moved([*before, last], next_at=None)


def called_back(command: Command, reply: CommandReply, *, now: dt.datetime) -> Move:
    """What a callback makes of a command; it may come before the answer to the delivery itself was read."""
    delivered = _delivered(command, now)
    return replied(delivered[-1] if delivered else command, reply, now=now, before=delivered)


def _delivered(command: Command, sent_at: dt.datetime) -> list[Command]:
    """The state between, unless it was reached before."""
    if command.command_state != "issued":
        return []
    return [_in_state(command, "delivered", sent_at, attempt_count=command.attempt_count + 1, error=None)]


def _in_state(command: Command, state: CommandState, now: dt.datetime, **facts: Any) -> Command:
    """The command in another state; each state is later than the one before, so that versions have an order."""
    at = max(now, command.updated_at + _TICK)
    return msgspec.structs.replace(command, command_state=state, updated_at=at, **facts)


def _moved(states: Sequence[Command], *, next_at: dt.datetime | None) -> Move:
    last = states[-1]
    statements = move_command(last.command_id, last.command_state, next_at, canonical(last))
    if last.command_state == "completed" and last.command_kind in SETTING_NAMES:
        name, value = str(last.arguments[SETTING_NAMES[last.command_kind]]), float(last.arguments["value"])
        statements += put_setting(last.assistant_id, last.command_kind, name, value, last.command_id)
    return Move(command=last, records=[command_record(one) for one in states], statements=statements)
