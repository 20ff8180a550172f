"""One visit of the kit to an assistant: what it asks with, and what it has learnt so far."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import msgspec

from aurora.assistants.kit.check import Fault, Skip
from aurora.assistants.kit.probe import Answer, Probe
from contracts.messages.assistants import AgentCard, CommandReply, StatusReply

DONE: Final = frozenset({"completed", "failed", "refused"})
_POLL_S: Final = 0.05
_STATUS: Final = msgspec.json.Decoder(StatusReply)
_REPLY: Final = msgspec.json.Decoder(CommandReply)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How an assistant is tested."""

    budget_ms: float = 250.0
    """95 % of status answers must come within it."""
    wait_s: float = 60.0
    """Longest that accepted work may take to finish."""
    samples: int = 20
    """Status answers that the latency is taken over."""
    max_skew_s: float = 5.0
    task_type: str | None = None
    """What the assistant is asked to do; its skills are tried in their order when absent."""
    is_overloaded: bool = False
    """Give it more than it can take, to see it say so."""
    contracts: tuple[str, ...] = ()
    """Contracts whose export is tested besides those that every assistant has."""


@dataclass(slots=True, kw_only=True)
class Visit:
    """Asks with ids of its own, so that a second visit is not taken for a repeat of the first."""

    probe: Probe
    options: Options
    nonce: str
    clock: Callable[[], dt.datetime]
    sleep: Callable[[float], None]
    first_status: StatusReply | None = None
    card: AgentCard | None = None
    refusals: dict[str, Answer] = field(default_factory=dict)
    """Answers that refuse a wrong request, by what was wrong."""
    paused: Answer | None = None
    """The answer to work while it was paused."""
    paused_status: StatusReply | None = None
    task_type: str | None = None
    """A task type that it took."""
    work: dict[str, Any] | None = None
    """A command whose work was done."""
    work_reply: CommandReply | None = None
    case_id: str = ""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.case_id = f"kit-case-{self.nonce}"

    def command(self, kind: str, **arguments: Any) -> dict[str, Any]:
        """A new command of that kind."""
        return {
            "command_id": f"kit-{self.nonce}-{next(self._numbers)}",
            "command_kind": kind,
            "arguments": arguments,
            "is_sample": True,
        }

    def task_command(self, task_type: str | None = None) -> dict[str, Any]:
        """A new `run_task` with a task id of its own."""
        made = self.command("run_task", task_type=task_type or self.task_type)
        return {**made, "task_id": f"task-{made['command_id']}", "case_id": self.case_id}

    def status(self) -> StatusReply:
        """Its status now. Errors: `Fault` when it is not the protocol's."""
        answer = self.probe.get(self.probe.api("status"))
        if answer.status != HTTPStatus.OK or answer.content_type != "application/json":
            raise Fault("200 with application/json", answer.words, "Answer GET /api/<assistant>/status with JSON.")
        try:
            return _STATUS.decode(answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Fault(
                "a StatusReply of contracts/messages/assistants.py",
                f"{error} in {answer.text}",
                "Give the field the type and the bounds that the message declares.",
            ) from None

    def reply(self, answer: Answer, command_id: str) -> CommandReply:
        """The reply in an answer. Errors: `Fault` when it is none, or another command's."""
        try:
            found = _REPLY.decode(answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Fault(
                "a CommandReply of contracts/messages/assistants.py",
                f"{error} in {answer.words}",
                "Answer a command with a CommandReply.",
            ) from None
        if found.command_id != command_id:
            raise Fault(
                f"the reply to {command_id}", f"the reply to {found.command_id}", "Answer with the command's own id."
            )
        return found

    def done(self, command: dict[str, Any], *, expected: str) -> CommandReply:
        """Send a command that is done at once. Errors: `Fault`, `Skip` where its control level forbids it."""
        answer = self.probe.execute(command)
        self.skip_forbidden(answer, command["command_kind"])
        if answer.status != HTTPStatus.OK:
            raise Fault(expected, answer.words, f"Answer {command['command_kind']} with 200 and a CommandReply.")
        reply = self.reply(answer, command["command_id"])
        if reply.command_state != "completed":
            raise Fault(
                expected,
                f"command_state {reply.command_state}: {reply.error or reply.error_type or 'no reason'}",
                f"Complete {command['command_kind']}, or refuse it with 403 if nobody may send it.",
            )
        return reply

    def finished(self, command_id: str) -> CommandReply:
        """What became of accepted work, once it is done. Errors: `Fault` when it takes too long."""
        waited = 0.0
        while True:
            answer = self.probe.get(self.probe.api(f"commands/{command_id}"))
            if answer.status != HTTPStatus.OK:
                raise Fault(
                    "200 and a CommandReply for work that was accepted",
                    answer.words,
                    "Answer GET commands/{command_id} for every command that was accepted.",
                )
            reply = self.reply(answer, command_id)
            if reply.command_state in DONE:
                return reply
            if waited >= self.options.wait_s:
                raise Fault(
                    f"an end within {self.options.wait_s:g} s",
                    f"command_state {reply.command_state} after {waited:g} s",
                    "Bring accepted work to completed or failed; --wait gives it longer.",
                )
            self.sleep(_POLL_S)
            waited += _POLL_S

    @staticmethod
    def skip_forbidden(answer: Answer, kind: str) -> None:
        """Errors: `Skip` where the answer says that nobody may send that kind."""
        if answer.status == HTTPStatus.FORBIDDEN:
            raise Skip(f"it lets nobody send {kind} (403).")
