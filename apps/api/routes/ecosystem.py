"""The fleet as a whole, and one assistant's status on the protocol's own path."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter
from fastapi.responses import Response

import apps.api.assistant_paths  # noqa: F401 - the path parameter `assistant`
from apps.api.caller import Parts, Reader, documented, reply
from apps.api.command_messages import AssistantStatus
from contracts.messages.assistants import StatusReply
from contracts.messages.ecosystem import Ecosystem

router = APIRouter(tags=["fleet"])


@router.get("/api/v1/ecosystem", **documented(Ecosystem, scope="read"))
async def show_ecosystem(caller: Reader, parts: Parts) -> Response:
    """Assistants, workflows, compliance, alerts and figures in the plan's shape; `formulas` says how each is reckoned."""
    from aurora.assistants.ecosystem import ecosystem

    fleet = caller.runtime.require_fleet()
    desk = fleet.desk()
    facts = await fleet.memory.facts()
    return reply(ecosystem(desk.pack, desk.sharing, desk.live, facts, now=parts.clock()))


@router.get("/api/aurora/ecosystem-health", **documented(Ecosystem, scope="read"))
async def show_ecosystem_health(caller: Reader, parts: Parts) -> Response:
    """The same as GET /api/v1/ecosystem, on the plan's path."""
    return await show_ecosystem(caller, parts)


@router.get("/api/{assistant_id:assistant}/status", **documented(AssistantStatus, scope="read"))
async def show_assistant_status(caller: Reader, assistant_id: str) -> Response:
    """An assistant as Aurora sees it now, with its last answer. It is not asked anew: polls do that every second."""
    fleet = caller.runtime.require_fleet()
    assistant = fleet.desk().assistant(assistant_id)
    last = fleet.poller.last_replies.get(assistant_id)
    said = None if last is None else msgspec.json.decode(last, type=StatusReply)
    return reply(AssistantStatus(assistant_id=assistant_id, live=fleet.live_of(assistant), reply=said))
