"""Rows by push: a body in, a verdict a row out. The way is the landing folder's: one gate, one ledger."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Annotated, BinaryIO, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from apps.api.admission import Admitted
from apps.api.caller import IDEMPOTENCY_HEADER, PROBLEM_ANSWER, Parts, header, needs
from apps.api.idempotency import REPLAYED, Claim, claimed
from apps.api.ingest_lanes import IngestLane
from apps.api.ingest_messages import Answer, Verdicts, job_of
from apps.api.intake import receive_from
from apps.api.problems import UnsupportedMediaTypeError
from aurora.errors import AuroraError, NotFoundError, PermissionDeniedError, UsageError
from aurora.ingest.spool import About, SpooledBody, new_spool_id
from aurora.store.paths import check_slug
from contracts import registry

router = APIRouter(tags=["ingest"])
Sender = Annotated[Admitted, Depends(needs("ingest:write"))]

NDJSON: Final = "application/x-ndjson"
_SUFFIXES: Final = {
    NDJSON: ".ndjson",
    "application/ndjson": ".ndjson",
    "application/jsonl": ".ndjson",
    "application/json": ".json",
    "text/csv": ".csv",
    "application/vnd.apache.parquet": ".parquet",
    "application/x-protobuf": ".pb",
}
_FORMAT: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
_SENT_AT_ONCE: Final = 64 * 1024
_ROW: Final = {
    "usage_id": "call-1",
    "occurred_at": "2026-11-21T08:30:00Z",
    "operation_name": "chat",
    "provider_name": "openai",
    "request_model": "gpt-4o-mini",
    "input_tokens": 1200,
    "output_tokens": 85,
}
_EXAMPLES: Final = {NDJSON: {"example": _ROW}}
_WHAT: Final = (
    "A verdict a row as NDJSON: `row`, `verdict` (landed, quarantined, duplicate) and, where refused, `errors` of "
    "`field`, `rule` and `message`; the last line is the `summary`."
)


class Wanted(BaseModel):
    """How a body is read, and what is answered."""

    model_config = ConfigDict(extra="forbid")
    verdicts: Annotated[Verdicts, Field(description="Which rows get a line; the summary always comes.")] = "all"
    source: Annotated[
        str | None, Field(max_length=63, description="Another source than the caller; needs ingest:any_source.")
    ] = None
    source_format: Annotated[
        str | None,
        Field(max_length=63, alias="format", description="The format of the body; told by its content when absent."),
    ] = None


@router.post(
    "/api/v1/ingest/{contract}",
    status_code=200,
    responses={
        200: {"description": _WHAT, "content": {NDJSON: {"schema": {"type": "string"}}}},
        "default": PROBLEM_ANSWER,
    },
    openapi_extra={
        "security": [{"bearer": []}],
        "x-scope": "ingest:write",
        "parameters": [IDEMPOTENCY_HEADER],
        "requestBody": {
            "required": True,
            "description": "Rows of the contract in any format that ingest reads; gzip by Content-Encoding.",
            "content": {kind: {"schema": {"type": "string"}, **_EXAMPLES.get(kind, {})} for kind in _SUFFIXES},
        },
    },
)
async def push_rows(
    request: Request, parts: Parts, caller: Sender, contract: str, wanted: Annotated[Wanted, Query()]
) -> Response:
    """Bring rows of a contract into the lake. The same body again changes nothing and gets the same verdicts."""
    declared = registry.tables().get(contract)
    if declared is None or not declared.is_ingested:
        known = ", ".join(name for name, table in registry.tables().items() if table.is_ingested)
        raise NotFoundError(
            f"There is no contract {contract[:64]!r} that takes rows.",
            field="contract",
            next_step=f"Use one of {known}.",
        )
    source = source_of(caller, wanted.source)
    source_format = known_format(wanted.source_format)
    lane = parts.lanes.lane(caller.runtime.paths)
    with lane.place():
        about = About(
            spool_id=new_spool_id("push"),
            suffix=_suffix(request),
            source=source,
            contract=contract,
            source_format=source_format,
        )
        body = await receive_from(request, parts, caller, about, max_mb=parts.settings.max_ingest_mb)
        return await _answered(request, caller, lane, body, wanted.verdicts)


async def _answered(
    request: Request, caller: Admitted, lane: IngestLane, body: SpooledBody, wanted: Verdicts
) -> Response:
    with ExitStack() as held:
        claim = _claimed(held, request, caller, body)
        # a repeat goes the same way: the ledger knows the batch, and the lake tells the same verdicts
        answer, lines = await lane.put(body, job_of(body, wanted))
        if claim is not None and claim.stored is None:
            await caller.runtime.journal.append((), idempotency=claim.answered(200, answer.batch_id.encode()))
    reply = _reply(request, lane, answer, lines)
    if claim is not None and claim.stored is not None:
        reply.raw_headers.append(REPLAYED)
    return reply


def _claimed(held: ExitStack, request: Request, caller: Admitted, body: SpooledBody) -> Claim | None:
    """The hold on the request's idempotency key, where it has one."""
    key = header(request, b"idempotency-key")
    if key is None:
        return None
    about = body.about
    act = f"ingest {about.contract} {about.source} {about.source_format}"
    try:
        return held.enter_context(claimed(caller, key, act=act, body=body.content_hash.encode()))
    except AuroraError:
        body.remove()
        raise


def _reply(request: Request, lane: IngestLane, answer: Answer, lines: BinaryIO) -> Response:
    request.state.limit_headers = (*request.state.limit_headers, *lane.limit_headers())
    headers = {"aurora-batch-id": answer.batch_id}
    head = lines.read(_SENT_AT_ONCE)
    if len(head) < _SENT_AT_ONCE:
        lines.close()
        return Response(head, headers=headers, media_type=NDJSON)
    return StreamingResponse(_rest(head, lines), headers=headers, media_type=NDJSON)


def _rest(head: bytes, lines: BinaryIO) -> Iterator[bytes]:
    with lines:
        yield head
        while piece := lines.read(_SENT_AT_ONCE):
            yield piece


def source_of(caller: Admitted, named: str | None) -> str:
    """The source of the caller's rows: itself, or the one it names if its key may."""
    if named is None or named == caller.source:
        return caller.source
    if "ingest:any_source" not in caller.identity.scopes:
        raise PermissionDeniedError(
            f"The key {caller.identity.prefix} sends as {caller.source!r} and may not send as {named!r}.",
            field="source",
            rule="scope:ingest:any_source",
            next_step="Leave `source` out, or use a key with the scope ingest:any_source.",
        )
    return check_slug(named, field="source")


def known_format(name: str | None) -> str | None:
    """The format of that name, if there is one; nothing is imported for it here."""
    if name is None:
        return None
    if not _FORMAT.fullmatch(name) or importlib.util.find_spec(f"aurora.ingest.formats.{name}") is None:
        raise UsageError(
            f"There is no source format named {name[:64]!r}.",
            field="format",
            rule="one_of",
            next_step="The formats are in docs/how-to/send-data.md; leave it out to have it told by the content.",
        )
    return name


def _suffix(request: Request) -> str:
    given = (header(request, b"content-type") or NDJSON.encode()).partition(b";")[0].strip().lower().decode("latin-1")
    suffix = _SUFFIXES.get(given)
    if suffix is None:
        raise UnsupportedMediaTypeError(
            f"Rows in the content type {given[:80]!r} are not read here.",
            field="Content-Type",
            rule="one_of",
            next_step=f"Send one of {', '.join(_SUFFIXES)}.",
        )
    return suffix
