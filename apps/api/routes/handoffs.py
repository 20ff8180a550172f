"""Handoffs between assistants: checked against the sharing policy and the contract, recorded either way."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from time import perf_counter_ns
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from apps.api.admission import Admitted
from apps.api.caller import IDEMPOTENCY_HEADER, Parts, Reader, Services, documented, header, json_body, needs
from apps.api.fleet import sharing_of
from apps.api.idempotency import REPLAYED, Claim, claimed
from apps.api.problems import CONTENT_TYPE, decode_error, encode_problem
from aurora.errors import AuroraError, ComplianceError, DataError, PermissionDeniedError
from aurora.store.ids import IdMaker
from contracts.messages.handoffs import Handoff, HandoffRequest

router = APIRouter(tags=["handoffs"])
Giver = Annotated[Admitted, Depends(needs("handoff:write"))]
_REQUESTS: Final = msgspec.json.Decoder(HandoffRequest)
_EXAMPLE: Final = {
    "from_assistant_id": "mary",
    "to_assistant_id": "sofia",
    "purpose": "listing_care",
    "contract": "task",
    "rows": [
        {
            "task_id": "task-7",
            "assistant_id": "sofia",
            "task_type": "listing_copy",
            "task_state": "submitted",
            "submitted_at": "2026-11-21T08:30:00Z",
            "updated_at": "2026-11-21T08:30:00Z",
        }
    ],
}
_DOCUMENTED: Final[dict[str, Any]] = documented(
    Handoff, scope="handoff:write", status=201, meaning="Accepted.", takes=HandoffRequest
)
_DOCUMENTED["openapi_extra"]["parameters"] = [IDEMPOTENCY_HEADER]
_DOCUMENTED["openapi_extra"]["requestBody"]["content"]["application/json"]["example"] = _EXAMPLE


@router.post("/api/v1/handoffs", **_DOCUMENTED)
async def hand_over(request: Request, parts: Parts, caller: Giver) -> Response:
    """Hand work and its data to another assistant. Refused with every fault: 403 by the policy, 422 by the contract."""
    body = await json_body(request)
    with ExitStack() as held:
        raw_key = header(request, b"idempotency-key")
        claim = None if raw_key is None else held.enter_context(claimed(caller, raw_key, act="handoff", body=body))
        if claim is not None and claim.stored is not None:
            replayed = {name.decode(): value.decode() for name, value in [REPLAYED]}
            return Response(claim.stored.response, claim.stored.status, replayed, media_type="application/json")
        return await _handed_over(request, parts, caller, _decoded(body), claim)


async def _handed_over(
    request: Request, parts: Services, caller: Admitted, wanted: HandoffRequest, claim: Claim | None
) -> Response:
    from aurora.handoffs.check import check_handoff, handoff_record

    _check_giver(caller, wanted)
    paths = caller.runtime.paths
    engine = caller.runtime.require_engine()
    now, began = parts.clock(), perf_counter_ns()
    sharing = await asyncio.to_thread(sharing_of, parts.settings.packs_dir, engine.pack.name, engine.version)
    checked = await asyncio.to_thread(
        check_handoff,
        wanted,
        sharing.seen_live(dict(caller.runtime.live_states)),
        handoff_id=IdMaker(parts.clock).new("hof"),
        actor_id=caller.identity.actor_id,
        tenant_id=paths.tenant,
        region=paths.region,
        now=now,
    )
    record = handoff_record(checked.record, elapsed_us=(perf_counter_ns() - began) // 1000)
    once = claim.answered(201, record.body) if claim is not None and not checked.faults else None
    await caller.runtime.journal.append((record,), idempotency=once)
    location = {"location": f"/api/v1/handoffs/{record.record_id}"}
    if not checked.faults:
        return Response(record.body, 201, location, media_type="application/json")
    errors = [{"pointer": one.fault.pointer, "detail": one.reason, "rule": one.fault.rule} for one in checked.faults]
    error = _refusal(checked.record)
    problem = encode_problem(error, trace_id=request.state.trace_id, errors=errors)
    return Response(problem, error.status, location, media_type=CONTENT_TYPE.decode())


@router.get("/api/v1/handoffs/{handoff_id}", **documented(Handoff, scope="read"))
async def show_handoff(caller: Reader, handoff_id: str) -> Response:
    """The receipt of a handoff, accepted or refused. The receiver compares `payload_hash` with what it was sent."""
    from aurora.handoffs.check import read_handoff
    from contracts.messages.decisions import canonical

    found = await asyncio.to_thread(read_handoff, caller.runtime.store, handoff_id)
    return Response(canonical(found), media_type="application/json")


def _check_giver(caller: Admitted, wanted: HandoffRequest) -> None:
    named = wanted.from_assistant_id
    if named is not None and named != caller.identity.actor_id and "admin" not in caller.identity.scopes:
        raise PermissionDeniedError(
            f"The key {caller.identity.prefix} may not hand over for {named!r}.",
            field="from_assistant_id",
            rule="scope:admin",
            next_step="Leave it out: the caller hands over for itself.",
        )


def _refusal(record: Handoff) -> AuroraError:
    text = f"The handoff {record.handoff_id} was refused: {len(record.faults)} faults."
    if record.is_contract_valid:
        return ComplianceError(
            text, next_step="Hand over what the sharing policy allows, or have it granted in the pack."
        )
    return DataError(text, next_step="Correct what `errors` points at and send it again.")


def _decoded(body: bytes) -> HandoffRequest:
    try:
        return _REQUESTS.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise decode_error(error) from error
