"""Delivers commands: sent until the assistant answers or the deadline passes, and accepted work asked after.

What is due stands in the state, not in memory: whoever starts next goes on where a killed process ended, and the
assistant knows a command it got before by its id.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Final

from msgspec import UNSET

from aurora.assistants.client import AssistantClient, BadReplyError, UnreachableError
from aurora.assistants.endpoints import connected
from aurora.assistants.lifecycle import (
    CLOSED,
    Move,
    answered,
    called_back,
    closed,
    has_let_go,
    held_back,
    looked_at,
    read_command,
    replied,
    waiting,
)
from aurora.errors import AuroraError, ConflictError
from aurora.store.fleet import CommandRow, command_row, due_assistants, due_commands, next_due, switches
from aurora.store.journal import StateReader
from aurora.store.state import Clock
from contracts.messages.assistants import CommandReply
from contracts.messages.commands import Command, Endpoint

MAX_IN_FLIGHT: Final = 8
"""Commands that one assistant is sent at the same time."""
SEND_TIMEOUT_S: Final = 10.0
_LONGEST_SLEEP_S: Final = 1.0
_NOT_CONNECTED_S: Final = 2.0
Append = Callable[[Move], Awaitable[object]]
_logger = logging.getLogger("aurora.assistants")


class Dispatcher:
    """One tenant's commands on their way. Lives on one event loop; whoever runs it holds the tenant's fleet lock."""

    def __init__(
        self,
        state: StateReader,
        client: AssistantClient,
        *,
        append: Append,
        on_closed: Callable[[Command], None],
        clock: Clock,
    ) -> None:
        self._state = state
        self._client = client
        self._append = append
        self._on_closed = on_closed
        self._clock = clock
        self._wake = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._busy: Counter[str] = Counter()

    @property
    def sending(self) -> frozenset[str]:
        """Commands that are with their assistants at this moment."""
        return frozenset(self._tasks)

    def wake(self) -> None:
        """Something new is due."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            while True:
                self._wake.clear()
                self.start_due()
                with suppress(TimeoutError):  # not wait_for: it may swallow the cancellation of this task
                    async with asyncio.timeout(self._sleep_s()):
                        await self._wake.wait()
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def start_due(self) -> None:
        """Begin with everything that is due, as far as each assistant has room."""
        now = self._clock()
        endpoints = connected(self._state)
        off = {row.assistant_id: row.reason for row in switches(self._state)}
        for assistant_id in due_assistants(self._state, now):
            free = MAX_IN_FLIGHT - self._busy[assistant_id]
            if free <= 0:
                continue
            due = due_commands(self._state, assistant_id, now, limit=free + len(self._tasks))
            for row in [row for row in due if row.command_id not in self._tasks][:free]:
                self._busy[assistant_id] += 1
                attempt = self._attempt(row, endpoints.get(assistant_id), off.get(assistant_id))
                self._tasks[row.command_id] = asyncio.create_task(attempt)

    async def settle(self, command_id: str, reply: CommandReply) -> Command | None:
        """Take a reply that came by callback; None when no such command is open."""
        row = command_row(self._state, command_id)
        if row is None or row.next_at is None:
            return None
        move = called_back(read_command(row.record), reply, now=self._clock())
        await self._make(move)
        return move.command

    def _sleep_s(self) -> float:
        due = next_due(self._state)
        if due is None:
            return _LONGEST_SLEEP_S
        return min(max((due - self._clock()).total_seconds(), 0.02), _LONGEST_SLEEP_S)

    async def _attempt(self, row: CommandRow, endpoint: Endpoint | None, off_reason: str | None) -> None:
        try:
            command = read_command(row.record)
            await self._make(await self._tried(command, row, endpoint, off_reason))
        except Exception:
            _logger.exception("The command %s could not be dealt with; it is tried again", row.command_id)
            await asyncio.sleep(_LONGEST_SLEEP_S)
        finally:
            self._tasks.pop(row.command_id, None)
            self._busy[row.assistant_id] -= 1
            self._wake.set()

    async def _tried(
        self, command: Command, row: CommandRow, endpoint: Endpoint | None, off_reason: str | None
    ) -> Move:
        now = self._clock()
        if now >= command.deadline_at:
            what = "not delivered" if command.command_state == "issued" else "not done"
            return closed(command, "expired", now, error_type="deadline", error=f"It was {what} by its deadline.")
        if off_reason is not None and command.command_state == "issued":
            return closed(command, "refused", now, error_type="kill_switch", error=f"Switched off: {off_reason}")
        turn = self._before_its_turn(command, now)
        if turn is not None:
            return turn
        if endpoint is None:
            return waiting(command, now, why="It is not connected.", after_s=_NOT_CONNECTED_S)
        left_s = (command.deadline_at - now).total_seconds()
        timeout_s = min(SEND_TIMEOUT_S, max(left_s, 0.1))
        try:
            if command.command_state == "issued":
                return await self._send(command, row, endpoint, timeout_s)
            return await self._follow_up(command, row, endpoint, timeout_s)
        except (UnreachableError, BadReplyError) as error:
            return self._again(command, error.message)
        except AuroraError as error:  # its secret, or an address that may not be connected to
            return self._again(command, str(error))

    def _before_its_turn(self, command: Command, now: dt.datetime) -> Move | None:
        """What becomes of a command that comes after another one; None when it may be sent."""
        before_id = command.after_command_id
        if before_id is UNSET or command.command_state != "issued":
            return None
        row = command_row(self._state, str(before_id))
        if row is None:
            return None
        if row.next_at is not None or row.command_id in self._tasks:
            return held_back(command, now, why=f"It waits for {row.command_id}.")
        before = read_command(row.record)
        if has_let_go(before):
            return None
        error = f"{before.assistant_id} has not let go of it: {before.command_id} is {before.command_state}."
        return closed(command, "refused", now, error_type="not_moved", error=error)

    def _again(self, command: Command, why: str) -> Move:
        now = self._clock()
        return waiting(command, now, why=why) if command.command_state == "issued" else looked_at(command, now)

    async def _send(self, command: Command, row: CommandRow, endpoint: Endpoint, timeout_s: float) -> Move:
        sent_at = self._clock()
        answer = await self._client.execute(endpoint, row.request or b"", timeout_s=timeout_s)
        return answered(command, answer, sent_at=sent_at, now=self._clock())

    async def _follow_up(self, command: Command, row: CommandRow, endpoint: Endpoint, timeout_s: float) -> Move:
        answer = await self._client.follow_up(endpoint, command.command_id, timeout_s=timeout_s)
        if answer.status == HTTPStatus.NOT_FOUND:  # it forgot: the same bytes again are the same command
            return await self._send(command, row, endpoint, timeout_s)
        if answer.reply is None or answer.status not in {HTTPStatus.OK, HTTPStatus.ACCEPTED}:
            return looked_at(command, self._clock())
        return replied(command, answer.reply, now=self._clock())

    async def _make(self, move: Move) -> None:
        row = command_row(self._state, move.command.command_id)
        if row is not None and row.next_at is None:  # withdrawn while it was on its way
            return
        try:
            await self._append(move)
        except ConflictError:  # closed meanwhile on another way: the first word counts
            _logger.info("The command %s was settled meanwhile", move.command.command_id)
            return
        if move.command.command_state in CLOSED:
            self._on_closed(move.command)
