"""Breaches of personal data over HTTP: what may be one, who must be told by when, and each step on record."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from apps.api.admission import Admitted
from apps.api.caller import Parts, Reader, Services, documented, json_body, needs, reply
from apps.api.compliance_messages import BreachStepRequest
from apps.api.routes.compliance import decoded_as
from apps.api.rulebooks import rulebook_of
from contracts.messages.compliance import BreachCase, BreachesPage, BreachStep

if TYPE_CHECKING:
    from aurora.compliance.breach_rules import BreachRules

router = APIRouter(tags=["compliance"])
Officer = Annotated[Admitted, Depends(needs("command:write"))]


@router.get("/api/v1/compliance/breaches", **documented(BreachesPage, scope="read"))
async def list_breaches(
    caller: Reader,
    parts: Parts,
    *,
    is_open: Annotated[bool, Query(description="Only those that are not closed.")] = True,
    limit: Annotated[int, Query(ge=1, le=500, description="At most so many.")] = 50,
) -> Response:
    """Breaches, those due first at the top."""

    def found() -> BreachesPage:
        from aurora.compliance.breaches import read_breaches

        cases = read_breaches(caller.runtime.store, _rules(parts, caller), now=parts.clock())
        shown = [one for one in cases if not is_open or one.breach_state != "closed"]
        return BreachesPage(breaches=shown[:limit], counts=dict(Counter(one.breach_state for one in cases)))

    return reply(await asyncio.to_thread(found))


@router.get("/api/v1/compliance/breaches/{breach_id}", **documented(BreachCase, scope="read"))
async def show_breach(caller: Reader, parts: Parts, breach_id: str) -> Response:
    """One breach: what is known, who must be told by when under which law, and every step."""

    def found() -> BreachCase:
        from aurora.compliance.breaches import find_breach

        return find_breach(caller.runtime.store, _rules(parts, caller), breach_id, now=parts.clock())

    return reply(await asyncio.to_thread(found))


@router.post(
    "/api/v1/compliance/breaches/{breach_id}:step",
    **documented(BreachCase, scope="command:write", takes=BreachStepRequest),
)
async def take_breach_step(caller: Officer, parts: Parts, request: Request, breach_id: str) -> Response:
    """Record an assessment, that somebody was told, or the end of a breach. Aurora tells nobody by itself."""
    wanted = decoded_as(await json_body(request), BreachStepRequest)
    return reply(await asyncio.to_thread(_taken, caller, parts, breach_id, wanted))


def _taken(caller: Admitted, parts: Services, breach_id: str, wanted: BreachStepRequest) -> BreachCase:
    from aurora.compliance.breach_detection import project_breaches
    from aurora.compliance.breaches import take_step

    now, store, rules = parts.clock(), caller.runtime.store, _rules(parts, caller)
    told = {name: getattr(wanted, name) for name in wanted.__struct_fields__}
    told |= {"breach_id": breach_id, "actor_id": caller.identity.actor_id, "recorded_at": now}
    told["done_at"] = now if wanted.done_at is None else wanted.done_at
    case = take_step(store, rules, msgspec.convert(told, BreachStep))
    project_breaches(caller.runtime.paths, store, rules, now=now)
    return case


def _rules(parts: Services, caller: Admitted) -> BreachRules:
    from aurora.compliance.breach_rules import breach_rules
    from aurora.compliance.rulebook import rules_folder

    book = rulebook_of(parts.settings, caller.runtime.paths)
    return breach_rules(rules_folder(parts.settings.packs_dir), book)
