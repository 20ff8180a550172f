"""Golden records over HTTP: one party or property with its evidence, and a person's word on which are one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from apps.api.admission import Admitted
from apps.api.caller import IDEMPOTENCY_HEADER, Parts, Reader, Services, documented, header, json_body, needs, reply
from apps.api.golden_messages import (
    GoldenConflicts,
    GoldenDecided,
    GoldenDetail,
    GoldenExplanation,
    GoldenPage,
)
from apps.api.idempotency import REPLAYED, Claim, claimed
from apps.api.messages import encode
from apps.api.problems import decode_error
from aurora.errors import UsageError
from aurora.store.ids import IdMaker
from contracts.fields import FIELDS
from contracts.messages.entities import EntityKind, MergeRequest, RecordName, UnmergeRequest

if TYPE_CHECKING:
    from aurora.entities.policy import GoldenPolicy
    from aurora.store.lake import LakeReader
    from contracts.messages.entities import EntityDecision

router = APIRouter(tags=["golden records"])
Overrider = Annotated[Admitted, Depends(needs("override"))]
Kind = Literal["party", "property"]
Asked = MergeRequest | UnmergeRequest
T = TypeVar("T", MergeRequest, UnmergeRequest)


@router.get("/api/v1/golden/conflicts", **documented(GoldenConflicts, scope="read"))
async def list_golden_conflicts(caller: Reader) -> Response:
    """Systems that hold another value than the golden record, and what they were told."""
    from aurora.entities.golden import open_conflicts

    found = await asyncio.to_thread(open_conflicts, caller.runtime.paths)
    return reply(msgspec.convert({"conflicts": found}, GoldenConflicts))


@router.get("/api/v1/golden/{kind}", **documented(GoldenPage, scope="read"))
async def list_golden_records(
    caller: Reader, kind: Kind, limit: Annotated[int, Query(ge=1, le=500, description="At most so many.")] = 50
) -> Response:
    """The golden records that most records were made into."""

    def found(lake: LakeReader) -> GoldenPage:
        from aurora.entities.golden import list_entities

        rows = list_entities(lake, kind, limit=limit)
        if kind == "party" and not _may_reveal(caller):
            rows = [{**row, "name": None} for row in rows]
        return msgspec.convert({"entity_kind": kind, "records": rows}, GoldenPage)

    return reply(await asyncio.to_thread(_reading, caller, found))


@router.get("/api/v1/golden/{kind}/explanation", **documented(GoldenExplanation, scope="read"))
async def explain_two_records(
    caller: Reader,
    parts: Parts,
    kind: Kind,
    left: Annotated[str, Query(max_length=520, description="A record, as SOURCE:ID.")],
    right: Annotated[str, Query(max_length=520, description="Another record, as SOURCE:ID.")],
) -> Response:
    """Why two records are one, or why not: reckoned now, without their values."""
    ends = (_record(left, "left"), _record(right, "right"))

    def found(lake: LakeReader) -> GoldenExplanation:
        from aurora.entities.golden import explain

        return msgspec.convert(explain(lake, _policy(parts, kind), *ends), GoldenExplanation)

    return reply(await asyncio.to_thread(_reading, caller, found))


@router.get("/api/v1/golden/{kind}/{entity_id}", **documented(GoldenDetail, scope="read"))
async def show_golden_record(caller: Reader, kind: Kind, entity_id: str) -> Response:
    """One golden record. An id that was merged away leads to where its record went."""

    def found(lake: LakeReader) -> GoldenDetail:
        from aurora.entities.golden import show

        facts = show(caller.runtime.paths, lake, kind, entity_id)
        if not _may_reveal(caller):
            facts["values"] = [{**row, "value": _covered(row["column"], row["value"])} for row in facts["values"]]
        return msgspec.convert(facts, GoldenDetail)

    return reply(await asyncio.to_thread(_reading, caller, found))


_MERGE = documented(GoldenDecided, scope="override", takes=MergeRequest)
_UNMERGE = documented(GoldenDecided, scope="override", takes=UnmergeRequest)
for _act in (_MERGE, _UNMERGE):
    _act["openapi_extra"]["parameters"] = [IDEMPOTENCY_HEADER]


@router.post("/api/v1/golden/{kind}/{entity_id}:merge", **_MERGE)
async def merge_golden_records(
    caller: Overrider, parts: Parts, request: Request, kind: Kind, entity_id: str
) -> Response:
    """Make two golden records one. 409 where identifiers say that they are two."""
    body = await json_body(request)
    return await _decide(caller, parts, request, kind, entity_id, _decoded(body, MergeRequest), body)


@router.post("/api/v1/golden/{kind}/{entity_id}:unmerge", **_UNMERGE)
async def unmerge_golden_record(
    caller: Overrider, parts: Parts, request: Request, kind: Kind, entity_id: str
) -> Response:
    """Take records out of a golden record, or say that two that look alike are two. Only a person joins them again."""
    body = await json_body(request)
    return await _decide(caller, parts, request, kind, entity_id, _decoded(body, UnmergeRequest), body)


async def _decide(
    caller: Admitted, parts: Services, request: Request, kind: Kind, entity_id: str, asked: Asked, body: bytes
) -> Response:
    raw_key = header(request, b"idempotency-key")
    if raw_key is None:
        return reply(await asyncio.to_thread(_recorded, caller, parts, kind, entity_id, asked, None))
    with claimed(caller, raw_key, act=request.url.path, body=body) as claim:
        if claim.stored is not None:
            replayed = {REPLAYED[0].decode(): REPLAYED[1].decode()}
            return Response(claim.stored.response, claim.stored.status, replayed, media_type="application/json")
        return reply(await asyncio.to_thread(_recorded, caller, parts, kind, entity_id, asked, claim))


def _recorded(
    caller: Admitted, parts: Services, kind: Kind, entity_id: str, asked: Asked, claim: Claim | None
) -> GoldenDecided:
    from aurora.entities.golden import decide_merge, decide_unmerge
    from aurora.entities.judgements import Speaker, decision_record

    speaker = Speaker(
        actor_id=caller.identity.actor_id,
        now=parts.clock(),
        region=caller.runtime.paths.region,
        decision_id=IdMaker(parts.clock).new("ent"),
    )
    policy = _policy(parts, kind)

    def said(lake: LakeReader) -> EntityDecision:
        if isinstance(asked, MergeRequest):
            return decide_merge(lake, policy, entity_id, asked, speaker=speaker)
        return decide_unmerge(lake, policy, entity_id, asked, speaker=speaker)

    decision = _reading(caller, said)
    answer = GoldenDecided(
        entity_decision_id=decision.entity_decision_id, verdict=decision.verdict, entity_id=decision.entity_id
    )
    kept = None if claim is None else claim.answered(200, encode(answer))
    caller.runtime.store.append([decision_record(decision)], idempotency=kept).result()
    return answer


R = TypeVar("R")


def _reading(caller: Admitted, read: Callable[[LakeReader], R]) -> R:
    from aurora.store.lake import read_lake  # DuckDB and polars come with it

    with read_lake(caller.runtime.paths) as lake:
        return read(lake)


def _policy(parts: Services, kind: EntityKind) -> GoldenPolicy:
    from aurora.entities.policy import policy_of

    return policy_of(parts.settings.packs_dir, parts.settings.pack, kind)


def _may_reveal(caller: Admitted) -> bool:
    return "privacy:reveal" in caller.identity.scopes


def _covered(column: str, value: Any) -> Any:
    return value if FIELDS[column].privacy in {"public", "internal"} else None


def _record(text: str, field: str) -> RecordName:
    source, _, record_id = text.partition(":")
    if not source or not record_id:
        raise UsageError(
            f"{text[:80]!r} does not name a record.",
            field=field,
            rule="matches",
            next_step="Name it as SOURCE:ID, such as clara:C-P00012.",
        )
    return RecordName(source=source, record_id=record_id)


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise decode_error(error) from error
