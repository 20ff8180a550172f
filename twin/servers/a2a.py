"""The HTTP+JSON subset of A2A 1.0: a message becomes a task, a task can be read, listed and given up.

States are A2A's enum names, errors are `google.rpc.Status` with an `ErrorInfo`, as the specification asks.
"""

from __future__ import annotations

import re
import uuid
from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec

from aurora.errors import AuroraError, DataError, NotFoundError
from contracts.messages.assistants import ExecuteRequest
from twin.servers.clock import moment
from twin.servers.commands import CommandDesk
from twin.servers.work import Work
from twin.servers.worker import Worker

PREFIX: Final = "TASK_STATE_"
DOMAIN: Final = "a2a-protocol.org"
DEFAULT_PAGE: Final = 50
MAX_PAGE: Final = 100
_STATUSES: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    409: "FAILED_PRECONDITION",
    422: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
}
_TOKEN: Final = re.compile(r"[0-9]{1,12}")
_NAMESPACE: Final = uuid.UUID("5f1c0d1e-7a2b-5c3d-8e4f-a0b1c2d3e4f5")


class TaskNotCancelableError(AuroraError):
    """The task is finished."""

    code, status, exit_code = "task-not-cancelable", 409, 3


class Part(msgspec.Struct, kw_only=True, rename="camel"):
    """A piece of a message: text or data."""

    text: str | None = None
    data: Any = None
    media_type: str | None = None
    filename: str | None = None


class Message(msgspec.Struct, kw_only=True, rename="camel"):
    """What is said to an agent."""

    message_id: Annotated[str, msgspec.Meta(min_length=1, max_length=150)]
    role: str
    parts: list[Part]
    context_id: Annotated[str, msgspec.Meta(max_length=150)] | None = None
    task_id: str | None = None
    metadata: dict[str, Any] = {}


class Configuration(msgspec.Struct, kw_only=True, rename="camel"):
    """How an answer is wanted."""

    return_immediately: bool = False


class SendMessageRequest(msgspec.Struct, kw_only=True, rename="camel"):
    """`POST /message:send`."""

    message: Message
    configuration: Configuration = msgspec.field(default_factory=Configuration)
    metadata: dict[str, Any] = {}


def send(request: SendMessageRequest, desk: CommandDesk) -> str:
    """Make a task of a message and return its id. The same messageId again is the same task.

    A part with data `{"task_type": ...}` says what to do; without one it is the assistant's first skill.
    Errors: as a `run_task` command.
    """
    message = request.message
    if message.role != "ROLE_USER" or not message.parts:
        raise DataError(
            "A message to an agent has the role ROLE_USER and at least one part.",
            field="message.role" if message.parts else "message.parts",
            rule="one_of" if message.parts else "at_least",
            next_step="Send role ROLE_USER and parts such as {'text': ...} or {'data': {...}}.",
        )
    arguments: dict[str, Any] = {}
    for part in message.parts:
        if isinstance(part.data, dict):
            arguments |= part.data
        elif part.text is not None:
            arguments.setdefault("text", part.text)
    arguments.setdefault("task_type", next(iter(desk.worker.skills), ""))
    command_id = f"a2a-{message.message_id}"
    task_id = str(uuid.uuid5(_NAMESPACE, f"{desk.worker.assistant.assistant_id}/{message.message_id}"))
    desk.execute(
        ExecuteRequest(
            command_id=command_id,
            command_kind="run_task",
            arguments=arguments,
            task_id=task_id,
            case_id=message.context_id or None,
            is_sample=True,
        )
    )
    return task_id


def find(worker: Worker, task_id: str) -> Work:
    """The task of that id. Errors: `NotFoundError`."""
    work = worker.works.get(task_id)
    if work is None:
        raise NotFoundError(
            f"There is no task {task_id[:80]!r} here.",
            field="task_id",
            rule="TASK_NOT_FOUND",
            next_step="Ask with the id that message:send gave.",
        )
    return work


def cancel(worker: Worker, task_id: str) -> Work:
    """Give a task up. Errors: `NotFoundError`, `TaskNotCancelableError`."""
    work = find(worker, task_id)
    if work.is_final:
        raise TaskNotCancelableError(
            f"The task {task_id[:80]!r} is {work.state} already.",
            field="task_id",
            rule="TASK_NOT_CANCELABLE",
            next_step="Nothing is left to give up.",
        )
    worker.cancel(work, worker.clock.life())
    return work


def listed(worker: Worker, *, context_id: str | None, token: str, size: int) -> dict[str, Any]:
    """A page of tasks, newest first."""
    found = [work for work in reversed(worker.works.values()) if context_id in (None, work.case_id)]
    before = int(token) if _TOKEN.fullmatch(token) else None
    rest = [work for work in found if before is None or work.number < before]
    page = rest[:size]
    return {
        "tasks": [task(work, worker) for work in page],
        "nextPageToken": str(page[-1].number) if len(rest) > size else "",
        "pageSize": size,
        "totalSize": len(found),
    }


def task(work: Work, worker: Worker) -> dict[str, Any]:
    """A task as A2A writes it."""
    at = work.ended_at or work.started_at or work.submitted_at
    stamp = worker.clock.wall_of(at) if work.command_id is not None else at
    written: dict[str, Any] = {
        "id": work.task_id,
        "contextId": work.case_id or work.task_id,
        "status": {"state": PREFIX + work.state.upper(), "timestamp": _written(stamp)},
        "metadata": {"taskType": work.task_type, "priority": work.priority, "isSimulated": True},
    }
    if work.state == "completed":
        result = {"task_type": work.task_type, "quality": work.quality, "cost_usd": f"{work.cost_usd:.6f}"}
        written["artifacts"] = [
            {"artifactId": f"{work.task_id}-result", "name": "result (simulated)", "parts": [{"data": result}]}
        ]
    return written


def encode_error(error: AuroraError) -> bytes:
    """A refusal as A2A writes it."""
    reason = error.rule if error.rule and error.rule.isupper() else error.code.upper().replace("-", "_")
    return msgspec.json.encode(
        {
            "error": {
                "code": error.status,
                "status": _STATUSES.get(error.status, "INTERNAL"),
                "message": f"{error.message} {error.next_step}",
                "details": [
                    {
                        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                        "reason": reason,
                        "domain": DOMAIN,
                        "metadata": {"title": HTTPStatus(error.status).phrase},
                    }
                ],
            }
        }
    )


def _written(at: float) -> str:
    return moment(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")
