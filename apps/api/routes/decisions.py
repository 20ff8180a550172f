"""The list of decisions. Making and reading single ones are raw routes, see `apps.api.hot_routes`."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from apps.api.caller import Reader, documented, reply
from apps.api.messages import DecisionPage, DecisionSummary
from aurora.store.journal import StateReader
from contracts.messages.decisions import DecisionKind

router = APIRouter(tags=["decisions"])
_SUMMARIES = msgspec.json.Decoder(DecisionSummary)
_LOOKED_AT = 2_000
"""How many decisions one request looks at in search of those that its filters ask for."""
_CHUNK = 200
_CURSOR = re.compile(r"before:(\d{1,18})", re.ASCII)
_NOT_OURS = "send next_cursor of the page before as it is, or no cursor for the first page"


def _place(cursor: str) -> int:
    """The seq that a cursor stands for; `ValueError` when this API did not give it."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeError) as error:
        raise ValueError(_NOT_OURS) from error
    match = _CURSOR.fullmatch(text)
    if match is None:
        raise ValueError(_NOT_OURS)
    return int(match[1])


def _given(cursor: str) -> str:
    _place(cursor)
    return cursor


class Wanted(BaseModel):
    """Which decisions, and how many at once."""

    model_config = ConfigDict(extra="forbid")
    limit: Annotated[int, Field(ge=1, le=200, description="At most so many on the page.")] = 50
    cursor: Annotated[
        Annotated[str, AfterValidator(_given)] | None,
        Field(max_length=64, description="`next_cursor` of the page before."),
    ] = None
    kind: Annotated[DecisionKind | None, Field(description="Only this kind.")] = None
    status: Annotated[Literal["chosen", "abstained"] | None, Field(description="Only with this status.")] = None


@router.get("/api/v1/decisions", **documented(DecisionPage, scope="read"))
async def list_decisions(caller: Reader, wanted: Annotated[Wanted, Query()]) -> Response:
    """The tenant's decisions, newest first. What is decided meanwhile does not shift a page."""
    before = None if wanted.cursor is None else _place(wanted.cursor)
    return reply(await asyncio.to_thread(_page, caller.runtime.store, wanted, before))


def _page(store: StateReader, wanted: Wanted, before: int | None) -> DecisionPage:
    found: list[DecisionSummary] = []
    seq = before
    for _ in range(0, _LOOKED_AT, _CHUNK):
        entries = store.page("decision", before=seq, limit=_CHUNK)
        for entry in entries:
            seq = entry.seq
            summary = _SUMMARIES.decode(entry.body)
            if wanted.kind in (None, summary.kind) and wanted.status in (None, summary.status):
                found.append(summary)
                if len(found) == wanted.limit:
                    return DecisionPage(decisions=found, next_cursor=_cursor(seq))
        if len(entries) < _CHUNK:
            return DecisionPage(decisions=found, next_cursor=None)
    return DecisionPage(decisions=found, next_cursor=None if seq is None else _cursor(seq))


def _cursor(seq: int) -> str:
    return base64.urlsafe_b64encode(f"before:{seq}".encode()).decode().rstrip("=")
