"""The conflict ledger over HTTP: what contradicts, how it was resolved, who was right."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from apps.api.acting import act_once, decoded, documented_act
from apps.api.admission import Admitted
from apps.api.caller import IDEMPOTENCY_HEADER, Parts, Reader, documented, json_body, needs, reply
from apps.api.idempotency import Claim
from aurora.store.journal import JournalRecord
from contracts.messages.conflicts import Conflict, ConflictPage, ConflictRequest, ConflictScoreRequest, ConflictState
from contracts.messages.decisions import canonical

router = APIRouter(tags=["conflicts"])
Advisor = Annotated[Admitted, Depends(needs("decide"))]
Judge = Annotated[Admitted, Depends(needs("outcome"))]
_REQUESTS: Final = msgspec.json.Decoder(ConflictRequest)
_SCORES: Final = msgspec.json.Decoder(ConflictScoreRequest)
_EXAMPLE: Final = {
    "subject_id": "task-77",
    "topic": "kyc_check",
    "recommendations": [
        {"assistant_id": "laila", "action": "kyc_hold", "confidence": 0.7},
        {"assistant_id": "amira", "action": "kyc_pass", "confidence": 0.9},
    ],
}


@router.get("/api/v1/conflicts", **documented(ConflictPage, scope="read"))
async def list_conflicts(
    caller: Reader,
    state: Annotated[ConflictState | None, Query(description="Only in this state.")] = None,
    cursor: Annotated[str | None, Query(max_length=128, description="`next_cursor` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="At most so many.")] = 50,
) -> Response:
    """Contradictory recommendations, newest first, each as it stands."""

    def found() -> ConflictPage:
        from aurora.decisions.conflicts import list_conflicts as listed

        return listed(caller.runtime.store, conflict_state=state, before=cursor, limit=limit)

    return reply(await asyncio.to_thread(found))


@router.get("/api/v1/conflicts/{conflict_id}", **documented(Conflict, scope="read"))
async def show_conflict(caller: Reader, conflict_id: str) -> Response:
    """A conflict as it stands. Its decision is at /api/v1/decisions/{decision_id}."""
    from aurora.decisions.conflicts import read_conflict

    return reply(await asyncio.to_thread(read_conflict, caller.runtime.store, conflict_id))


@router.post(
    "/api/v1/conflicts",
    **documented_act(
        documented(Conflict, scope="decide", status=201, meaning="Recorded.", takes=ConflictRequest),
        IDEMPOTENCY_HEADER,
        _EXAMPLE,
    ),
)
async def record_conflict(request: Request, parts: Parts, caller: Advisor) -> Response:
    """Record recommendations that contradict each other. Who is followed is asked by `resolve_conflict`."""
    body = await json_body(request)
    wanted = decoded(_REQUESTS, body)

    async def do(claim: Claim | None) -> Response:
        from aurora.decisions.conflicts import opened

        conflict, record = opened(
            wanted, actor_id=caller.identity.actor_id, region=caller.runtime.paths.region, now=parts.clock()
        )
        return await _kept(caller, conflict, record, claim, status=201)

    return await act_once(request, caller, act="record conflict", body=body, do=do)


@router.post(
    "/api/v1/conflicts/{conflict_id}:score",
    **documented_act(
        documented(Conflict, scope="outcome", takes=ConflictScoreRequest),
        IDEMPOTENCY_HEADER,
        {"right_action": "kyc_hold"},
    ),
)
async def score_conflict(request: Request, parts: Parts, caller: Judge, conflict_id: str) -> Response:
    """Say who turned out to be right. Recommenders are weighed by it from the next learning on."""
    body = await json_body(request)
    wanted = decoded(_SCORES, body)

    async def do(claim: Claim | None) -> Response:
        from aurora.decisions.conflicts import read_conflict, scored

        standing = await asyncio.to_thread(read_conflict, caller.runtime.store, conflict_id)
        conflict, record = scored(standing, wanted, actor_id=caller.identity.actor_id, now=parts.clock())
        return await _kept(caller, conflict, record, claim, status=200)

    return await act_once(request, caller, act=f"score {conflict_id}", body=body, do=do)


async def _kept(
    caller: Admitted, conflict: Conflict, record: JournalRecord, claim: Claim | None, *, status: int
) -> Response:
    content = canonical(conflict)
    once = None if claim is None else claim.answered(status, content)
    await caller.runtime.journal.append([record], idempotency=once)
    location = {"location": f"/api/v1/conflicts/{conflict.conflict_id}"}
    return Response(content, status, location, media_type="application/json")
