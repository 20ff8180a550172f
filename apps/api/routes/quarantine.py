"""Refused rows over HTTP: what waits, one row, and acts on them, each exactly once."""

from __future__ import annotations

import asyncio
import base64
import binascii
import datetime as dt
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from apps.api.admission import Admitted
from apps.api.caller import IDEMPOTENCY_HEADER, Parts, Reader, Services, documented, header, json_body, needs, reply
from apps.api.idempotency import REPLAYED, claimed
from apps.api.messages import encode
from apps.api.problems import decode_error
from apps.api.quarantine_messages import (
    QuarantineAct,
    QuarantineAnswer,
    QuarantineDetail,
    QuarantinePage,
    QuarantineRequest,
    QuarantineRow,
    RowOutcome,
)
from aurora.errors import UsageError
from aurora.store.journal import IdempotencyKey
from aurora.store.paths import TenantPaths

if TYPE_CHECKING:
    from aurora.ingest.repair_reports import ActReport
    from aurora.ingest.repairs import Repairs

router = APIRouter(tags=["quarantine"])
Repairer = Annotated[Admitted, Depends(needs("quarantine:write"))]
_REQUESTS = msgspec.json.Decoder(QuarantineRequest)
_NOT_OURS = "send next_cursor of the page before as it is, or no cursor for the first page"


def _place(cursor: str) -> tuple[dt.datetime, str]:
    """Moment and id of the last row seen; `ValueError` when this API did not give the cursor."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
        moment, _, quarantine_id = text.partition("|")
        return dt.datetime.fromisoformat(moment), quarantine_id
    except (binascii.Error, UnicodeError, ValueError) as error:
        raise ValueError(_NOT_OURS) from error


def _given(cursor: str) -> str:
    _place(cursor)
    return cursor


class Wanted(BaseModel):
    """Which refused rows, and how many at once."""

    model_config = ConfigDict(extra="forbid")
    limit: Annotated[int, Field(ge=1, le=500, description="At most so many on the page.")] = 50
    cursor: Annotated[
        Annotated[str, AfterValidator(_given)] | None,
        Field(max_length=128, description="`next_cursor` of the page before."),
    ] = None
    state: Annotated[
        Literal["open", "still_failing", "repaired", "released", "discarded"] | None,
        Field(description="Only in this state; open includes what still fails."),
    ] = None
    source: Annotated[str | None, Field(max_length=64, description="Only of this source.")] = None
    contract: Annotated[str | None, Field(max_length=64, description="Only of this contract.")] = None
    rule: Annotated[str | None, Field(max_length=64, description="Only those that failed this check.")] = None


@router.get("/api/v1/quarantine", **documented(QuarantinePage, scope="read"))
async def list_refused_rows(caller: Reader, wanted: Annotated[Wanted, Query()]) -> Response:
    """Refused rows, newest first, with how many are in each state. Their content needs quarantine:write."""
    return reply(await asyncio.to_thread(_page, caller.runtime.paths, wanted))


@router.get("/api/v1/quarantine/{quarantine_id}", **documented(QuarantineDetail, scope="quarantine:write"))
async def show_refused_row(caller: Repairer, quarantine_id: str) -> Response:
    """One refused row: as it came, every check it failed, and what was done to it."""
    return reply(await asyncio.to_thread(_detail, caller.runtime.paths, quarantine_id))


_ACTS = documented(QuarantineAnswer, scope="quarantine:write", takes=QuarantineRequest)
_ACTS["openapi_extra"]["parameters"] = [IDEMPOTENCY_HEADER]


@router.post("/api/v1/quarantine/acts", **_ACTS)
async def act_on_refused_rows(caller: Repairer, parts: Parts, request: Request) -> Response:
    """Repair, release, run again or discard refused rows. Rows that still fail are named in the answer."""
    body = await json_body(request)
    wanted = _decoded(body)
    raw_key = header(request, b"idempotency-key")
    if raw_key is None:
        return reply(_answer(await asyncio.to_thread(_acted, caller, parts, wanted, None)))
    with claimed(caller, raw_key, act="quarantine", body=body) as claim:
        if claim.stored is not None:
            replayed = {name.decode(): value.decode() for name, value in [REPLAYED]}
            return Response(claim.stored.response, claim.stored.status, replayed, media_type="application/json")

        def answered(reports: Sequence[ActReport]) -> IdempotencyKey:
            return claim.answered(200, encode(_answer(reports)))

        return reply(_answer(await asyncio.to_thread(_acted, caller, parts, wanted, answered)))


def _page(paths: TenantPaths, wanted: Wanted) -> QuarantinePage:
    from aurora.ingest.quarantine import refused_rows, state_counts  # polars comes with it
    from aurora.store.lake import read_lake

    with read_lake(paths) as lake:
        found = refused_rows(
            lake,
            state=wanted.state,
            source=wanted.source,
            contract=wanted.contract,
            rule=wanted.rule,
            before=None if wanted.cursor is None else _place(wanted.cursor),
            limit=wanted.limit,
        )
        counts = state_counts(lake)
    rows = [msgspec.convert(row, QuarantineRow) for row in found.to_dicts()]
    last = rows[-1] if len(rows) == wanted.limit else None
    cursor = None if last is None else f"{last.refused_at.isoformat()}|{last.quarantine_id}"
    coded = None if cursor is None else base64.urlsafe_b64encode(cursor.encode()).decode().rstrip("=")
    return QuarantinePage(rows=rows, counts=counts, next_cursor=coded)


def _detail(paths: TenantPaths, quarantine_id: str) -> QuarantineDetail:
    from dataclasses import asdict

    from aurora.ingest.quarantine import checks_of, find_rows, history_of
    from aurora.store.lake import read_lake

    with read_lake(paths) as lake:
        row = find_rows(lake, [quarantine_id])[quarantine_id]
        about = {**asdict(row), "checks": checks_of(lake, row), "history": history_of(lake, row)}
    return msgspec.convert(about, QuarantineDetail)


def _acted(
    caller: Admitted,
    parts: Services,
    wanted: QuarantineRequest,
    answered: Callable[[Sequence[ActReport]], IdempotencyKey] | None,
) -> list[ActReport]:
    from aurora.ingest.repairs import Repairs

    acts = Repairs(
        paths=caller.runtime.paths,
        store=caller.runtime.store,
        actor_id=caller.identity.actor_id,
        clock=parts.clock,
        max_line_mb=parts.settings.max_upload_mb,
        is_dry_run=wanted.is_dry_run,
        answered=None if wanted.is_dry_run else answered,
    )
    return _asked(acts, wanted)


def _asked(acts: Repairs, wanted: QuarantineRequest) -> list[ActReport]:
    from aurora.ingest.repairs import Correction

    match wanted.act:
        case "repair":
            corrections = [
                Correction(quarantine_id=one.quarantine_id, values=one.values, is_whole=one.is_whole)
                for one in wanted.corrections
            ]
            return acts.repair(corrections, wanted.reason)
        case "release":
            return acts.release(wanted.quarantine_ids, wanted.reason)
        case "discard":
            return acts.discard(wanted.quarantine_ids, wanted.reason)
        case "rerun":
            if not wanted.batch_id:
                raise UsageError(
                    "A rerun needs a batch.",
                    field="batch_id",
                    rule="required",
                    next_step="Name the batch to run again.",
                )
            return acts.rerun(wanted.batch_id, wanted.reason)


def _answer(reports: Sequence[ActReport]) -> QuarantineAnswer:
    return QuarantineAnswer(
        acts=[
            QuarantineAct(
                act=one.act,
                batch_id=one.batch_id,
                repair_batch_id=one.repair_batch_id,
                landed=one.landed,
                duplicates=one.duplicates,
                still_failing=one.still_failing,
                is_known=one.is_known,
                is_dry_run=one.is_dry_run,
                results=[
                    RowOutcome(
                        quarantine_id=result.quarantine_id,
                        contract=result.contract,
                        row_number=result.row_number,
                        state=result.state,  # type: ignore[arg-type]
                        reason=result.reason,
                    )
                    for result in one.results
                ],
            )
            for one in reports
        ]
    )


def _decoded(body: bytes) -> QuarantineRequest:
    try:
        return _REQUESTS.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise decode_error(error) from error
