"""How far decisions may act: looked at by readers, changed by people, stopped by one switch."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from apps.api.acting import decoded
from apps.api.admission import Admitted
from apps.api.caller import Parts, Reader, documented, json_body, needs, reply
from contracts.messages.modes import ModeRequest, Modes, StopRequest

router = APIRouter(tags=["decisions"])
Operator = Annotated[Admitted, Depends(needs("command:write"))]
_CHANGES: Final = msgspec.json.Decoder(ModeRequest)
_STOPS: Final = msgspec.json.Decoder(StopRequest)


@router.get("/api/v1/decision-modes", **documented(Modes, scope="read"))
async def show_modes(caller: Reader) -> Response:
    """Share of the work that may be acted on by kind and assistant, policies in shadow, and whether all is stopped."""
    return reply(await asyncio.to_thread(_now, caller))


@router.post("/api/v1/decision-modes", **documented(Modes, scope="command:write", takes=ModeRequest))
async def change_modes(request: Request, parts: Parts, caller: Operator) -> Response:
    """Let more or less of a kind's work be acted on, or put a policy in shadow. People only; it is recorded."""
    wanted = decoded(_CHANGES, await json_body(request))

    def changed() -> Modes:
        from aurora.decisions.modes import change_mode, read_switches

        store = caller.runtime.store
        _, record = change_mode(
            wanted,
            caller.runtime.require_engine().pack,
            read_switches(store),
            actor_id=caller.identity.actor_id,
            now=parts.clock(),
        )
        store.append([record]).result()
        return _now(caller)

    return await _answered(parts, caller, await asyncio.to_thread(changed))


@router.post("/api/v1/decision-modes:stop", **documented(Modes, scope="command:write", takes=StopRequest))
async def stop(request: Request, parts: Parts, caller: Operator) -> Response:
    """The kill switch of decisions: from now on all of them advise, whatever was granted."""
    return await _switched(request, parts, caller, is_stopped=True)


@router.post("/api/v1/decision-modes:resume", **documented(Modes, scope="command:write", takes=StopRequest))
async def resume(request: Request, parts: Parts, caller: Operator) -> Response:
    """Decisions act again as far as was granted before."""
    return await _switched(request, parts, caller, is_stopped=False)


async def _switched(request: Request, parts: Parts, caller: Admitted, *, is_stopped: bool) -> Response:
    wanted = decoded(_STOPS, await json_body(request))

    def switched() -> Modes:
        from aurora.decisions.modes import read_switches, stop_acting

        store = caller.runtime.store
        _, record = stop_acting(
            read_switches(store),
            is_stopped=is_stopped,
            reason=wanted.reason,
            actor_id=caller.identity.actor_id,
            now=parts.clock(),
        )
        store.append([record]).result()
        return _now(caller)

    return await _answered(parts, caller, await asyncio.to_thread(switched))


async def _answered(parts: Parts, caller: Admitted, modes: Modes) -> Response:
    """This process goes by it at once, others within a second."""
    await parts.tenants.refresh_switches(caller.runtime)
    return reply(modes)


def _now(caller: Admitted) -> Modes:
    from aurora.decisions.modes import modes_now

    return modes_now(caller.runtime.require_engine().pack, caller.runtime.store)
