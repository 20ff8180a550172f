"""KPIs over HTTP: the scoreboard, one KPI's days, its explanation, and figures that people enter."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from apps.api.admission import Admitted
from apps.api.caller import IDEMPOTENCY_HEADER, Parts, Reader, Services, documented, header, json_body, needs, reply
from apps.api.idempotency import REPLAYED, Claim, claimed
from apps.api.kpi_messages import KpiDetail, KpiExplanation, KpiInputAnswer, KpiLine, KpiPage
from apps.api.messages import encode
from apps.api.problems import decode_error
from contracts.messages.kpis import KpiInputRequest

if TYPE_CHECKING:
    from aurora.insights.kpis import KpiStand
    from aurora.store.lake import LakeReader

router = APIRouter(tags=["KPIs"])
Enterer = Annotated[Admitted, Depends(needs("kpi:write"))]
R = TypeVar("R")
Grouped = Literal[
    "performance",
    "quality",
    "ai_performance",
    "revenue",
    "market",
    "operational",
    "technical",
    "business_impact",
    "user_experience",
]


@router.get("/api/v1/kpis", **documented(KpiPage, scope="read"))
async def list_kpis(
    caller: Reader,
    group: Annotated[Grouped | None, Query(description="Only of this group.")] = None,
    kind: Annotated[Literal["measured", "input"] | None, Query(description="Only of this kind.")] = None,
) -> Response:
    """Every KPI with its newest value, interval, target and status. Inputs that nobody entered have no value."""

    def found(lake: LakeReader) -> KpiPage:
        from aurora.insights.kpis import current_kpis, scoreboard

        kpis = [k for k in current_kpis() if group in (None, k.group) and kind in (None, k.kind)]
        lines = [_line(stand) for stand in scoreboard(lake, kpis)]
        return KpiPage(kpis=lines, mart_snapshot_id=lake.snapshot_id("mart"))

    return reply(await asyncio.to_thread(_reading, caller, found))


@router.get("/api/v1/kpis/{kpi_id}", **documented(KpiDetail, scope="read"))
async def show_kpi(
    caller: Reader,
    parts: Parts,
    kpi_id: str,
    days: Annotated[int, Query(ge=1, le=3660, description="How many days back from today.")] = 90,
) -> Response:
    """One KPI with the days that have a value."""
    since = parts.clock().date() - dt.timedelta(days=days)

    def found(lake: LakeReader) -> KpiDetail:
        from aurora.insights.kpis import series

        stand = _stand(lake, kpi_id)
        rows = series(lake, kpi_id=stand.kpi.kpi_id, since=since)
        facts = {"kpi": _line(stand), "series": rows, "mart_snapshot_id": lake.snapshot_id("mart")}
        return msgspec.convert(facts, KpiDetail, from_attributes=True)

    return reply(await asyncio.to_thread(_reading, caller, found))


@router.get("/api/v1/kpis/{kpi_id}/explanation", **documented(KpiExplanation, scope="read"))
async def explain_kpi(
    caller: Reader,
    kpi_id: str,
    day: Annotated[dt.date | None, Query(description="Rows behind this day; the newest one when absent.")] = None,
) -> Response:
    """Explain this number: formula, SQL, lineage from the contracts' columns, snapshots, the rows behind it."""

    def found(lake: LakeReader) -> KpiExplanation:
        from aurora.insights.kpi_explain import current_lineage, explained, rows_behind

        stand = _stand(lake, kpi_id)
        rows = rows_behind(lake, stand.kpi, day or stand.period_date)
        facts = explained(lake, stand, current_lineage(), rows=rows)
        return msgspec.convert({**facts, "kpi": _line(stand)}, KpiExplanation, from_attributes=True)

    return reply(await asyncio.to_thread(_reading, caller, found))


_ENTER = documented(KpiInputAnswer, scope="kpi:write", status=201, takes=KpiInputRequest)
_ENTER["openapi_extra"]["parameters"] = [IDEMPOTENCY_HEADER]


@router.post("/api/v1/kpis/{kpi_id}/inputs", **_ENTER)
async def enter_kpi_figure(caller: Enterer, parts: Parts, request: Request, kpi_id: str) -> Response:
    """Enter a figure with its source and day, or the company's own target; null takes it back. It is audited."""
    body = await json_body(request)
    try:
        asked = msgspec.json.decode(body, type=KpiInputRequest)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise decode_error(error) from error
    raw_key = header(request, b"idempotency-key")
    if raw_key is None:
        return reply(await asyncio.to_thread(_entered, caller, parts, kpi_id, asked, None), status=201)
    with claimed(caller, raw_key, act=request.url.path, body=body) as claim:
        if claim.stored is not None:
            replayed = {REPLAYED[0].decode(): REPLAYED[1].decode()}
            return Response(claim.stored.response, claim.stored.status, replayed, media_type="application/json")
        return reply(await asyncio.to_thread(_entered, caller, parts, kpi_id, asked, claim), status=201)


def _entered(
    caller: Admitted, parts: Services, kpi_id: str, asked: KpiInputRequest, claim: Claim | None
) -> KpiInputAnswer:
    from aurora.insights.kpi_inputs import Entrant, input_record, named, new_input
    from aurora.insights.kpis import current_kpis
    from aurora.store.ids import IdMaker

    entrant = Entrant(
        actor_id=caller.identity.actor_id,
        now=parts.clock(),
        region=caller.runtime.paths.region,
        input_id=IdMaker(parts.clock).new("kpi"),
    )
    entered = new_input(named(current_kpis(), kpi_id), asked, entrant)
    answer = KpiInputAnswer(entered=entered)
    kept = None if claim is None else claim.answered(201, encode(answer))
    caller.runtime.store.append([input_record(entered)], idempotency=kept).result()
    return answer


def _stand(lake: LakeReader, kpi_id: str) -> KpiStand:
    from aurora.insights.kpi_inputs import named
    from aurora.insights.kpis import current_kpis, scoreboard

    (stand,) = scoreboard(lake, [named(current_kpis(), kpi_id)])
    return stand


def _line(stand: KpiStand) -> KpiLine:
    from aurora.insights.kpis import told

    facts: dict[str, Any] = told(stand)
    return msgspec.convert(facts, KpiLine)


def _reading(caller: Admitted, read: Callable[[LakeReader], R]) -> R:
    from aurora.store.lake import read_lake  # DuckDB and polars come with it

    with read_lake(caller.runtime.paths) as lake:
        return read(lake)
