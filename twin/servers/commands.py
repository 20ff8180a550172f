"""What a live assistant does with a command: each kind has a real effect on how it works.

A command's id is its idempotency key. What was refused because the assistant cannot take work now (429, 503) is
not remembered, so that the same command may come again.
"""

from __future__ import annotations

import datetime as dt
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Literal

from aurora.errors import ConflictError, DataError, NotFoundError, PermissionDeniedError
from contracts.messages.assistants import (
    AUTHORITY_KINDS,
    CONTROL,
    CommandReply,
    ExecuteRequest,
    RunTaskArguments,
    SyncArguments,
    ThresholdArguments,
    TuneArguments,
)
from twin.servers.arguments import arguments_of, no_such, out_of_bounds
from twin.servers.clock import moment
from twin.servers.problems import BusyError, PausedError
from twin.servers.work import Work
from twin.servers.worker import Worker

KEPT: Final = 20_000
"""Commands that are remembered; the oldest finished ones go."""
NOTES: Final = 1_000
RECORDS: Final = 10_000
SIMULATED: Final = {"is_simulated": True}


@dataclass(slots=True)
class _Known:
    request: ExecuteRequest
    reply: CommandReply


@dataclass(slots=True, kw_only=True)
class CommandDesk:
    """Takes the commands of one assistant."""

    worker: Worker
    acting_types: frozenset[str]
    """Task types that change something outside: `read_only_alerts` lets nobody ask for them."""
    on_callback: Callable[[str, CommandReply], None] = lambda _url, _reply: None
    """Told where to send the reply of accepted work that is done."""
    notes: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=NOTES))
    records: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """Records that were synchronised, by contract and id."""
    _known: OrderedDict[str, _Known] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        self.worker.on_done = self._done

    def execute(self, request: ExecuteRequest) -> CommandReply:
        """Do a command, or say what came of it before.

        Errors: `ConflictError` for a known id with another body, `PermissionDeniedError` where the control level
        lets nobody send the kind, `PausedError` and `BusyError` where no work is taken now, `DataError` for
        arguments that do not fit, `NotFoundError` for a task that is not there.
        """
        known = self._known.get(request.command_id)
        if known is not None:
            if known.request != request:
                raise ConflictError(
                    f"The command {request.command_id[:80]!r} came before with another body.",
                    field="command_id",
                    rule="idempotency",
                    next_step="Send another command under another id.",
                )
            return known.reply
        self._check_control(request)
        now = self.worker.clock.wall()
        if request.deadline_at is not None and _seconds(request.deadline_at) <= now:
            reply = self._reply(request, "refused", error_type="deadline_exceeded", error="Its deadline has passed.")
        else:
            reply = self._do(request)
        self._remember(request, reply)
        return reply

    def known(self, command_id: str) -> CommandReply:
        """What came of a command so far. Errors: `NotFoundError`."""
        found = self._known.get(command_id)
        if found is None:
            raise NotFoundError(
                f"No command {command_id[:80]!r} came here.",
                field="command_id",
                next_step="Ask with the id that was sent to /execute.",
            )
        return found.reply

    def _check_control(self, request: ExecuteRequest) -> None:
        level = self.worker.assistant.control_level
        if request.command_kind not in CONTROL[level] | AUTHORITY_KINDS:
            raise PermissionDeniedError(
                f"The control level {level} lets nobody send {request.command_kind}.",
                field="command_kind",
                rule="control_level",
                next_step=f"It takes {', '.join(sorted(CONTROL[level]))}.",
            )
        task_type = request.arguments.get("task_type")
        is_acting = isinstance(task_type, str) and task_type in self.acting_types
        if level == "read_only_alerts" and request.command_kind == "run_task" and is_acting:
            raise PermissionDeniedError(
                f"The control level {level} runs only tasks that change nothing; {task_type} does.",
                field="arguments.task_type",
                rule="control_level",
                next_step="Give the task to an assistant that may act.",
            )

    def _do(self, request: ExecuteRequest) -> CommandReply:
        match request.command_kind:
            case "ping":
                result: dict[str, Any] = {"answer": "pong"}
            case "notify":
                self.notes.append(request.arguments)
                result = {"note_count": len(self.notes)}
            case "run_task":
                return self._run_task(request)
            case "cancel_task":
                result = self._cancel(request)
            case "sync":
                result = self._sync(request)
            case "hold":
                held = self.worker.hold(self._subject(request), self._life)
                result = {"task_ids": [work.task_id for work in held]}
            case "release":
                released = self.worker.release(self._subject(request), self._life)
                result = {"task_ids": [work.task_id for work in released]}
            case "pause":
                self.worker.is_paused = True
                result = {"is_paused": True, "open_task_count": self.worker.open_count}
            case "resume":
                self.worker.is_paused = False
                result = {"is_paused": False, "open_task_count": self.worker.open_count}
            case "tune":
                result = self._tune(request)
            case "set_threshold":
                result = self._set_threshold(request)
        self.worker.health.add(self._life, latency_ms=None, is_error=False)
        return self._reply(request, "completed", result=result, duration_ms=0)

    @property
    def _life(self) -> float:
        return self.worker.clock.life()

    def _run_task(self, request: ExecuteRequest) -> CommandReply:
        asked = arguments_of(request, RunTaskArguments)
        worker, clock = self.worker, self.worker.clock
        if asked.task_type not in worker.skills:
            raise DataError(
                f"{worker.assistant.assistant_name} does no {asked.task_type[:80]!r}.",
                field="arguments.task_type",
                rule="skill",
                next_step=f"It does {', '.join(worker.skills) or 'nothing now'}.",
            )
        task_id = request.task_id or f"task-{request.command_id}"
        known = worker.works.get(task_id)
        if known is not None and known.state != "canceled":  # what was given up may come back
            raise ConflictError(
                f"The task {task_id[:80]!r} was given before, by another command.",
                field="task_id",
                rule="one_command_a_task",
                next_step="Ask for that command, or give the new task an id of its own.",
            )
        if worker.is_paused:
            raise PausedError(
                "It is paused and takes no new work.", rule="paused", next_step="Send `resume`, or ask another one."
            )
        life = clock.life()
        if not worker.has_room():
            raise BusyError(
                f"It has {worker.open_count} tasks, and a queue that is full.",
                next_step="Ask again after `Retry-After`, or ask its backup.",
                retry_after_s=clock.wall_of(life + worker.seconds_to_room(life)) - clock.wall(),
            )
        work = Work(
            task_id=task_id,
            task_type=asked.task_type,
            submitted_at=life,
            number=0,
            priority=asked.priority,
            privacy_class=asked.privacy_class,
            case_id=request.case_id,
            decision_id=request.decision_id,
            command_id=request.command_id,
            deadline_at=None if request.deadline_at is None else clock.life_of(_seconds(request.deadline_at)),
            is_sample=request.is_sample,
        )
        reply = self._reply(request, "accepted", result={"task_id": task_id, "task_state": "submitted"})
        self._remember(request, reply)
        worker.take(work, life)
        return self._known[request.command_id].reply

    def _done(self, work: Work) -> None:
        """Accepted work came to its end: say what came of it, and tell who wants to know."""
        known = self._known.get(work.command_id or "")
        if known is None or known.reply.command_state != "accepted":
            return
        wall_of = self.worker.clock.wall_of
        ended = work.ended_at if work.ended_at is not None else work.submitted_at
        is_done = work.state == "completed"
        known.reply = CommandReply(
            command_id=known.request.command_id,
            command_state="completed" if is_done else "failed",
            updated_at=moment(wall_of(ended)),
            result={"task_id": work.task_id, "task_state": work.state, "summary": _summary(work), **SIMULATED},
            error_type=None if is_done else work.error_type or work.state,
            error=None if is_done else f"The task ended as {work.state}: {work.error_type or 'by command'}.",
            duration_ms=max(0, round((wall_of(ended) - wall_of(work.submitted_at)) * 1000)),
            cost_usd=Decimal(f"{work.cost_usd:.6f}") if work.started_at is not None else None,
            quality=work.quality,
        )
        if known.request.callback_url is not None:
            self.on_callback(known.request.callback_url, known.reply)

    def _cancel(self, request: ExecuteRequest) -> dict[str, Any]:
        task_id = request.task_id or str(request.arguments.get("task_id", ""))
        work = self.worker.works.get(task_id)
        if work is None:
            raise NotFoundError(
                f"There is no task {task_id[:80]!r} here.",
                field="task_id",
                next_step="Name a task that it took; finished ones are forgotten in time.",
            )
        self.worker.cancel(work, self._life)
        return {"task_id": task_id, "task_state": work.state}

    def _sync(self, request: ExecuteRequest) -> dict[str, Any]:
        asked = arguments_of(request, SyncArguments)
        record = self.records.setdefault((asked.contract, asked.record_id), {})
        changed = sorted(name for name, value in asked.values.items() if name not in record or record[name] != value)
        record.update(asked.values)
        while len(self.records) > RECORDS:
            del self.records[next(iter(self.records))]
        return {"contract": asked.contract, "record_id": asked.record_id, "changed": changed}

    def _subject(self, request: ExecuteRequest) -> str:
        given = (request.arguments.get(name) for name in ("case_id", "record_id", "task_id"))
        subject = request.case_id or request.task_id or next((str(one) for one in given if one), None)
        if subject is None:
            raise DataError(
                f"{request.command_kind} names no case, record or task.",
                field="case_id",
                rule="not_null",
                next_step="Send case_id or task_id, or arguments.record_id.",
            )
        return subject

    def _tune(self, request: ExecuteRequest) -> dict[str, Any]:
        asked = arguments_of(request, TuneArguments)
        name, value = asked.parameter, asked.value
        declared = self.worker.assistant.parameters.get(name)
        if declared is None:
            raise no_such("parameter", name, self.worker.assistant.parameters)
        before = self.worker.parameters[name]
        if not declared.minimum <= value <= declared.maximum:
            raise out_of_bounds(name, value, f"{declared.minimum:g} to {declared.maximum:g}", "between")
        if abs(value - before) > declared.max_step * (1 + 1e-9):
            raise out_of_bounds(name, value, f"at most {declared.max_step:g} from {before:g}", "max_step")
        self.worker.parameters[name] = value
        return {"parameter": name, "value": value, "previous_value": before}

    def _set_threshold(self, request: ExecuteRequest) -> dict[str, Any]:
        asked = arguments_of(request, ThresholdArguments)
        name, value = asked.threshold, asked.value
        if name not in self.worker.thresholds:
            raise no_such("threshold", name, self.worker.thresholds)
        most = 1.0 if name in ("min_uptime_share", "max_error_share") else float("inf")
        if not 0 <= value <= most:
            raise out_of_bounds(name, value, f"0 to {most:g}", "between")
        before = self.worker.thresholds[name]
        self.worker.thresholds[name] = value
        return {"threshold": name, "value": value, "previous_value": before}

    def _reply(
        self,
        request: ExecuteRequest,
        state: Literal["accepted", "completed", "refused"],
        *,
        result: Mapping[str, Any] | None = None,
        error_type: str | None = None,
        error: str | None = None,
        duration_ms: int | None = None,
    ) -> CommandReply:
        return CommandReply(
            command_id=request.command_id,
            command_state=state,
            updated_at=moment(self.worker.clock.wall()),
            result={**(result or {}), **SIMULATED},
            error_type=error_type,
            error=error,
            duration_ms=duration_ms,
        )

    def _remember(self, request: ExecuteRequest, reply: CommandReply) -> None:
        if request.command_id in self._known:
            return
        self._known[request.command_id] = _Known(request, reply)
        while len(self._known) > KEPT:
            oldest = next(iter(self._known))
            if self._known[oldest].reply.command_state == "accepted":
                self._known.move_to_end(oldest)
            else:
                del self._known[oldest]


def _seconds(at: dt.datetime) -> float:
    return (at if at.tzinfo is not None else at.replace(tzinfo=dt.UTC)).timestamp()


def _summary(work: Work) -> str:
    return f"Simulated {work.task_type.replace('_', ' ')}: {work.state}" + (
        f", quality {work.quality:.2f}." if work.quality is not None else "."
    )
