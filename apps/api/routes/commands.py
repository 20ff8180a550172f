"""Commands to assistants: issued, looked at, rolled back; refused ones are recorded too, and say why."""

from __future__ import annotations

import asyncio
import datetime as dt
import hmac
import math
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

import apps.api.assistant_paths  # noqa: F401 - the path parameter `assistant`
from apps.api.acting import act_once, decoded, documented_act
from apps.api.admission import Admitted
from apps.api.caller import IDEMPOTENCY_HEADER, Parts, Reader, documented, header, json_body, needs, reply
from apps.api.idempotency import Claim, claimed
from apps.api.problems import CONTENT_TYPE, encode_problem
from aurora.errors import DataError, NotFoundError
from contracts.messages.assistants import CommandReply, CommandState, ExecuteRequest
from contracts.messages.commands import Command, CommandPage, CommandRequest, RollbackRequest
from contracts.messages.decisions import canonical

router = APIRouter(tags=["commands"])
Commander = Annotated[Admitted, Depends(needs("command:write"))]
_REQUESTS: Final = msgspec.json.Decoder(CommandRequest)
_ROLLBACKS: Final = msgspec.json.Decoder(RollbackRequest)
_EXECUTES: Final = msgspec.json.Decoder(ExecuteRequest)
_REPLIES: Final = msgspec.json.Decoder(CommandReply)
_COMMANDS: Final = msgspec.json.Decoder(Command)
_MAX_WAIT_S: Final = 30.0
_PASS_THROUGH_S: Final = 10.0
_CLOSED: Final = frozenset({"completed", "failed", "refused", "expired"})
_PREFER: Final = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "description": "`wait=N`: answer when the command is closed, or after N seconds (RFC 7240); at most 30.",
    "schema": {"type": "string"},
}
_EXAMPLE: Final = {"command_kind": "notify", "arguments": {"text": "The open house moves to Saturday."}}
_TASK: Final = {"command_id": "c-1", "command_kind": "ping"}


def _documented_issue() -> dict[str, Any]:
    found = documented(Command, scope="command:write", status=202, meaning="Durable, on its way.", takes=CommandRequest)
    documented_act(found, IDEMPOTENCY_HEADER, _EXAMPLE)
    found["openapi_extra"]["parameters"].append(_PREFER)
    return found


@router.post("/api/v1/assistants/{assistant_id}/commands", **_documented_issue())
async def issue_command(request: Request, caller: Commander, assistant_id: str) -> Response:
    """Command an assistant. 202 once it is durable; 403 where its control level or the matrix forbids it: recorded too."""
    body = await json_body(request)
    wanted = decoded(_REQUESTS, body)

    async def do(claim: Claim | None) -> Response:
        return await _issued(request, caller, wanted, assistant_id, claim)

    return await act_once(request, caller, act=f"command {assistant_id}", body=body, do=do)


@router.post("/api/aurora/commands/{assistant_id}", **_documented_issue())
async def issue_command_alias(request: Request, caller: Commander, assistant_id: str) -> Response:
    """The same as POST /api/v1/assistants/{assistant_id}/commands, on the plan's path."""
    return await issue_command(request, caller, assistant_id)


@router.get("/api/v1/commands", **documented(CommandPage, scope="read"))
async def list_commands(
    caller: Reader,
    assistant_id: str | None = None,
    state: CommandState | None = None,
    cursor: Annotated[str | None, Query(max_length=128)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Response:
    """Commands, newest first, refused ones too."""
    from aurora.assistants.commands import list_commands as listed

    page = await asyncio.to_thread(
        listed, caller.runtime.store, assistant_id=assistant_id, command_state=state, cursor=cursor, limit=limit
    )
    return reply(page)


@router.get("/api/v1/commands/{command_id}", **documented(Command, scope="read"))
async def show_command(caller: Reader, command_id: str) -> Response:
    """A command as it stands."""
    from aurora.assistants.commands import find_command

    return reply(await asyncio.to_thread(find_command, caller.runtime.store, command_id))


@router.post(
    "/api/v1/commands/{command_id}:rollback",
    **documented_act(
        documented(Command, scope="command:write", status=202, meaning="Durable, on its way.", takes=RollbackRequest),
        IDEMPOTENCY_HEADER,
        {"reason": "Clients complained about the tone."},
    ),
)
async def roll_back(request: Request, caller: Commander, command_id: str) -> Response:
    """Put a tuned parameter or threshold back to what it was: a command of its own, under the same rules."""
    from aurora.assistants.commands import rollback_of

    body = await json_body(request)
    decoded(_ROLLBACKS, body)

    async def do(claim: Claim | None) -> Response:
        assistant_id, wanted = await asyncio.to_thread(rollback_of, caller.runtime.store, command_id)
        return await _issued(request, caller, wanted, assistant_id, claim, rolls_back=command_id)

    return await act_once(request, caller, act=f"rollback {command_id}", body=body, do=do)


@router.post("/api/v1/callbacks/{tenant}/{command_id}/{token}", include_in_schema=False)
async def take_reply(request: Request, parts: Parts, tenant: str, command_id: str, token: str) -> Response:
    """An assistant's CommandReply for accepted work. The address itself is the credential: it holds a token."""
    from aurora.store.fleet import command_row

    runtime = parts.tenants.runtime(tenant)
    row = await asyncio.to_thread(command_row, runtime.store, command_id)
    if row is None or not hmac.compare_digest((row.callback_token or "").encode(), token.encode()) or not token:
        raise NotFoundError("There is no such callback.", next_step="Send it to the callback_url of the command.")
    said = decoded(_REPLIES, await json_body(request))
    if said.command_id != command_id:
        raise DataError(
            f"The reply is for {said.command_id[:64]!r}.",
            field="command_id",
            rule="same_command",
            next_step="Send it to the callback_url of that command.",
        )
    await runtime.require_fleet().dispatcher.settle(command_id, said)
    return Response(status_code=204)


@router.post(
    "/api/{assistant_id:assistant}/execute",
    **documented_act(documented(CommandReply, scope="command:write", takes=ExecuteRequest), _PREFER, _TASK),
)
async def execute(request: Request, parts: Parts, caller: Commander, assistant_id: str) -> Response:
    """The assistant protocol's own call, through Aurora: a command like any other, under the same control level.

    `command_id` is the idempotency key. 200 with what came of it, 202 when it takes longer than ten seconds.
    """
    body = await json_body(request)
    wanted = decoded(_EXECUTES, body)
    fleet = caller.runtime.require_fleet()
    with claimed(caller, wanted.command_id.encode(), act=f"execute {assistant_id}", body=body) as claim:
        if claim.stored is None:
            left_s = _seconds_left(wanted.deadline_at, parts.clock())
            answer = await _issued(request, caller, _as_request(wanted, left_s), assistant_id, claim)
            if answer.status_code >= 400:
                return answer
            stored = bytes(answer.body)
        else:
            stored = claim.stored.response
    command = await fleet.closed(_COMMANDS.decode(stored).command_id, within_s=_PASS_THROUGH_S)
    return _as_reply(wanted.command_id, command)


@router.get("/api/{assistant_id:assistant}/commands/{command_id}", **documented(CommandReply, scope="read"))
async def follow_up(caller: Reader, assistant_id: str, command_id: str) -> Response:
    """What became of work that the caller gave by POST /api/{assistant_id}/execute within the last day."""
    from aurora.assistants.commands import find_command

    stored = caller.runtime.store.answered(caller.identity.actor_id, command_id)
    issued = None
    if stored is not None:
        try:
            issued = _COMMANDS.decode(stored.response)
        except msgspec.DecodeError:
            issued = None
    if issued is None or issued.assistant_id != assistant_id:
        raise NotFoundError(
            f"{caller.identity.actor_id} gave no command {command_id[:64]!r} to {assistant_id}.",
            field="command_id",
            next_step="GET /api/v1/commands lists every command.",
        )
    return _as_reply(command_id, await asyncio.to_thread(find_command, caller.runtime.store, issued.command_id))


async def _issued(
    request: Request,
    caller: Admitted,
    wanted: CommandRequest,
    assistant_id: str,
    claim: Claim | None,
    *,
    rolls_back: str | None = None,
) -> Response:
    """Issue, make durable, and answer; a refusal is a problem that names the record of it."""
    from aurora.assistants.commands import issue

    fleet = caller.runtime.require_fleet()
    desk = fleet.desk()
    made = await asyncio.to_thread(
        issue,
        wanted,
        desk,
        assistant_id=assistant_id,
        actor_id=caller.identity.actor_id,
        idempotency_key=None if claim is None else claim.key,
        rolls_back=rolls_back,
    )
    command, content = made.command, canonical(made.command)
    once = claim.answered(202, content) if claim is not None and made.refusal is None else None
    await fleet.append(made.records, made.statements, once)
    location = {"location": f"/api/v1/commands/{command.command_id}"}
    if made.refusal is not None:
        problem = encode_problem(made.refusal, trace_id=request.state.trace_id)
        return Response(problem, made.refusal.status, location, media_type=CONTENT_TYPE.decode())
    within_s = _preferred_wait(header(request, b"prefer"))
    if within_s:
        standing = await fleet.closed(command.command_id, within_s=within_s) or command
        status = 200 if standing.command_state in _CLOSED else 202
        return reply(standing, status=status, headers={**location, "preference-applied": f"wait={within_s:g}"})
    return Response(content, 202, location, media_type="application/json")


def _as_request(wanted: ExecuteRequest, left_s: int) -> CommandRequest:
    return CommandRequest(
        command_kind=wanted.command_kind,
        arguments=wanted.arguments,
        deadline_s=left_s,
        task_id=wanted.task_id,
        case_id=wanted.case_id,
        decision_id=wanted.decision_id,
        is_sample=wanted.is_sample,
    )


def _seconds_left(deadline_at: dt.datetime | None, now: dt.datetime) -> int:
    if deadline_at is None:
        return CommandRequest(command_kind="ping").deadline_s
    if deadline_at.tzinfo is None or deadline_at <= now:
        raise DataError(
            "deadline_at has passed, or has no UTC offset.",
            field="deadline_at",
            rule="in_the_future",
            next_step="Write it as 2026-11-21T10:00:00Z, later than now.",
        )
    return min(86_400, math.ceil((deadline_at - now).total_seconds()))


def _as_reply(command_id: str, command: Command | None) -> Response:
    """A command as the protocol's reply, under the id that the caller gave it."""
    if command is None:
        raise NotFoundError("The command is gone.", field="command_id", next_step="GET /api/v1/commands lists them.")
    is_open = command.command_state not in _CLOSED
    is_good = command.command_state == "completed"
    state: Any = "accepted" if is_open else "failed" if command.command_state == "expired" else command.command_state
    said = CommandReply(
        command_id=command_id,
        command_state=state,
        updated_at=command.updated_at,
        result=command.result or {},
        error_type=None if is_open or is_good else command.error_type,
        error=None if is_open or is_good else command.error,
        duration_ms=command.duration_ms,
        cost_usd=command.cost_usd,
        quality=command.quality,
    )
    location = {"location": f"/api/v1/commands/{command.command_id}"}
    return reply(said, status=202 if is_open else 200, headers=location)


def _preferred_wait(prefer: bytes | None) -> float:
    """Seconds that the caller would wait, 0 without a wish."""
    for one in (prefer or b"").decode("latin-1").split(","):
        name, _, value = one.strip().partition("=")
        if name.strip().lower() == "wait" and value.strip().isdigit():
            return min(float(value), _MAX_WAIT_S)
    return 0.0
