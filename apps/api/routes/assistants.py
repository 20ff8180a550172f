"""The fleet: who can be chosen, how each one is, where it is reached, and the switch that turns it off."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from apps.api.acting import act_once, decoded, documented_act
from apps.api.admission import Admitted
from apps.api.caller import (
    IDEMPOTENCY_HEADER,
    Administrator,
    Parts,
    Reader,
    documented,
    header,
    json_body,
    needs,
    reply,
)
from apps.api.command_messages import AssistantDetail
from apps.api.idempotency import Claim
from apps.api.messages import Fleet, FleetAssistant, encode
from apps.api.tenants import TenantRuntime
from aurora.packs.assistants import Assistant
from contracts.messages.assistants import AgentCard
from contracts.messages.commands import Endpoint, EndpointRequest, Switch, SwitchRequest

router = APIRouter(tags=["fleet"])
Commander = Annotated[Admitted, Depends(needs("command:write"))]
_ENDPOINTS: Final = msgspec.json.Decoder(EndpointRequest)
_SWITCHES: Final = msgspec.json.Decoder(SwitchRequest)
_CARD: Final = msgspec.json.Encoder(order="deterministic")
_ENDPOINT: Final = {"base_url": "https://clara.example.com", "secret": "env:ASSISTANT_CLARA"}
_REASON: Final = {"reason": "It sent offers without a permit number."}


@router.get("/api/v1/assistants", **documented(Fleet, scope="read"))
async def list_assistants(caller: Reader, request: Request) -> Response:
    """The tenant's assistants as the engine sees them. `If-None-Match` with the last `ETag` gives 304."""
    return _tagged(request, encode(_fleet(caller.runtime)))


@router.get("/api/v1/assistants/{assistant_id}", **documented(AssistantDetail, scope="read"))
async def show_assistant(caller: Reader, assistant_id: str) -> Response:
    """One assistant: its declaration, its live state, its endpoint, and what of it may be tuned."""
    from aurora.assistants.endpoints import connected
    from aurora.assistants.health import PERFORMANCE_FORMULA

    runtime = caller.runtime
    fleet = runtime.require_fleet()
    assistant = fleet.desk().assistant(assistant_id)
    endpoints = await asyncio.to_thread(connected, runtime.store)
    one = next(one for one in _fleet(runtime).assistants if one.assistant_id == assistant_id)
    detail = AssistantDetail(
        assistant=one,
        live=fleet.live_of(assistant),
        endpoint=endpoints.get(assistant_id),
        depends_on=assistant.depends_on,
        parameters=assistant.parameters,
        thresholds=assistant.thresholds,
        performance_formula=PERFORMANCE_FORMULA,
    )
    return reply(detail)


@router.get("/api/v1/assistants/{assistant_id}/endpoint", **documented(Endpoint, scope="admin"))
async def show_endpoint(caller: Administrator, assistant_id: str) -> Response:
    """Where the assistant is reached. 404 while it is not connected."""
    from aurora.assistants.endpoints import endpoint_of

    caller.runtime.require_fleet().desk().assistant(assistant_id)
    return reply(await asyncio.to_thread(endpoint_of, caller.runtime.store, assistant_id))


_PUT: Final = documented(Endpoint, scope="admin", takes=EndpointRequest)
_PUT["openapi_extra"]["requestBody"]["content"]["application/json"]["example"] = _ENDPOINT


@router.put("/api/v1/assistants/{assistant_id}/endpoint", **_PUT)
async def put_endpoint(caller: Administrator, parts: Parts, request: Request, assistant_id: str) -> Response:
    """Connect the assistant, or move it. Addresses that are not public need the operator's AURORA_ASSISTANTS_ALLOWED."""
    from aurora.assistants.endpoints import connect

    wanted = decoded(_ENDPOINTS, await json_body(request))
    fleet = caller.runtime.require_fleet()
    fleet.desk().assistant(assistant_id)
    endpoint, (record, statements) = await asyncio.to_thread(
        connect,
        wanted,
        parts.settings,
        assistant_id=assistant_id,
        actor_id=caller.identity.actor_id,
        is_local=False,
        now=parts.clock(),
    )
    await fleet.append([record], statements)
    await fleet.refresh()
    return reply(endpoint)


_DELETE: Final = documented(None, scope="admin", status=204, meaning="It is not connected any more.")


@router.delete("/api/v1/assistants/{assistant_id}/endpoint", **_DELETE)
async def delete_endpoint(caller: Administrator, parts: Parts, assistant_id: str) -> Response:
    """Disconnect the assistant: it is polled no more, and commands to it are refused."""
    from aurora.assistants.endpoints import disconnect

    fleet = caller.runtime.require_fleet()
    record, statements = await asyncio.to_thread(
        disconnect, caller.runtime.store, assistant_id, actor_id=caller.identity.actor_id, now=parts.clock()
    )
    await fleet.append([record], statements)
    await fleet.refresh()
    return Response(status_code=204)


def _documented_switch() -> dict[str, Any]:
    return documented_act(documented(Switch, scope="command:write", takes=SwitchRequest), IDEMPOTENCY_HEADER, _REASON)


@router.post("/api/v1/assistants/{assistant_id}:disable", **_documented_switch())
async def disable(caller: Commander, parts: Parts, request: Request, assistant_id: str) -> Response:
    """The kill switch: no decision chooses it and no command reaches it from now on. By a person's key alone."""
    return await _switch(caller, parts, request, assistant_id, is_off=True)


@router.post("/api/v1/assistants/{assistant_id}:enable", **_documented_switch())
async def enable(caller: Commander, parts: Parts, request: Request, assistant_id: str) -> Response:
    """Switch an assistant on again. By a person's key alone."""
    return await _switch(caller, parts, request, assistant_id, is_off=False)


async def _switch(caller: Admitted, parts: Parts, request: Request, assistant_id: str, *, is_off: bool) -> Response:
    from aurora.assistants.switch import switch_off, switch_on

    body = await json_body(request)
    reason = decoded(_SWITCHES, body).reason
    fleet = caller.runtime.require_fleet()
    fleet.desk().assistant(assistant_id)
    said: dict[str, Any] = {"reason": reason, "actor_id": caller.identity.actor_id, "now": parts.clock()}

    async def do(claim: Claim | None) -> Response:
        store = caller.runtime.store
        if is_off:
            made = await asyncio.to_thread(switch_off, store, assistant_id, sending=fleet.dispatcher.sending, **said)
        else:
            made = await asyncio.to_thread(switch_on, store, assistant_id, **said)
        content = encode(made.switch)
        await fleet.append(made.records, made.statements, None if claim is None else claim.answered(200, content))
        await fleet.refresh()
        return Response(content, media_type="application/json")

    return await act_once(request, caller, act=f"switch {is_off} {assistant_id}", body=body, do=do)


@router.get("/api/v1/assistants/{assistant_id}/agent-card", **documented(AgentCard, scope="read"))
async def show_agent_card(caller: Reader, parts: Parts, request: Request, assistant_id: str) -> Response:
    """The assistant's A2A agent card, built from the pack. Its interface is Aurora's pass-through."""
    from aurora.assistants.card import agent_card

    desk = caller.runtime.require_fleet().desk()
    card = agent_card(
        desk.assistant(assistant_id), desk.pack, base_url=parts.settings.callback_base, organization=desk.tenant
    )
    return _tagged(request, _CARD.encode(card))


def _tagged(request: Request, body: bytes) -> Response:
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"etag": etag, "cache-control": "private, no-cache"}
    if _is_known(header(request, b"if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


def _is_known(given: bytes | None, etag: str) -> bool:
    """Whether If-None-Match names the tag; weakly, as RFC 9110 has it."""
    tags = [tag.strip().removeprefix("W/") for tag in (given or b"").decode("latin-1").split(",")]
    return etag in tags or tags == ["*"]


def _fleet(runtime: TenantRuntime) -> Fleet:
    engine = runtime.require_engine()
    open_counts: dict[str, int] = {}
    for row in engine.features.rows if engine.features is not None else ():
        open_counts[row.assistant_id] = open_counts.get(row.assistant_id, 0) + row.open_task_count
    live = runtime.fleet.live if runtime.fleet is not None else None
    states = {one.assistant_id: one.assistant_state for one in live.assistants} if live is not None else {}
    fleet = [
        FleetAssistant(
            open_task_count=open_counts.get(assistant.assistant_id, 0),
            assistant_state=states.get(assistant.assistant_id, assistant.assistant_state),
            **_declared(assistant),
        )
        for assistant in sorted(engine.pack.assistants, key=lambda one: one.assistant_id)
    ]
    return Fleet(pack=engine.pack.name, pack_version=engine.pack.version, assistants=fleet)


def _declared(assistant: Assistant) -> dict[str, Any]:
    return {name: getattr(assistant, name) for name in _FIELDS}


_FIELDS = tuple(name for name in FleetAssistant.__struct_fields__ if name not in {"open_task_count", "assistant_state"})
