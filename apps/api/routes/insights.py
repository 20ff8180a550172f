"""The business-intelligence report and the analysis of one assistant over HTTP, as far as the caller's key allows."""

from __future__ import annotations

import asyncio
import datetime as dt
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from apps.api.admission import Admitted
from apps.api.caller import Parts, Reader, Services, documented, json_body, reply
from apps.api.problems import decode_error
from aurora.store.paths import TenantPaths
from contracts.messages.insights import AssistantAnalysis, BusinessIntelligenceReport, ReportRequest

router = APIRouter(tags=["reports"])
Format = Literal["json", "pdf", "xlsx"]
FormatQuery = Annotated[Format, Query(alias="format", description="json, or the file of the same report.")]
PeriodQuery = Annotated[
    str,
    Query(max_length=32, description="last_30_days, 30d, month, quarter, 2026-09, 2026-q3 or 2026-09-01..2026-09-30."),
]
IndustryQuery = Annotated[str | None, Query(max_length=64, description="Only this industry.")]
_MEDIA = {"pdf": "application/pdf", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
_REPORT = documented(BusinessIntelligenceReport, scope="read")
_PLANNED = "/api/v2/ai-platform/analytics/business-intelligence"


@router.get("/api/v1/reports/business-intelligence", **_REPORT)
@router.get(_PLANNED, **_REPORT)
async def business_intelligence(
    caller: Reader, parts: Parts, time_period: PeriodQuery = "last_30_days", industry_filter: IndustryQuery = None,
    export: FormatQuery = "json",
) -> Response:  # fmt: skip
    """Comprehensive business intelligence from AI operations; what the key may not see is left out, and said."""
    wanted = ReportRequest(time_period=time_period, industry_filter=industry_filter)
    return await asyncio.to_thread(_answer, caller, parts, wanted, export)


@router.post(_PLANNED, **documented(BusinessIntelligenceReport, scope="read", takes=ReportRequest))
async def ask_business_intelligence(
    caller: Reader, parts: Parts, request: Request, export: FormatQuery = "json"
) -> Response:
    """The same report, asked for in a body."""
    try:
        wanted = msgspec.json.decode(await json_body(request), type=ReportRequest)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise decode_error(error) from error
    return await asyncio.to_thread(_answer, caller, parts, wanted, export)


@router.get("/api/v1/assistants/{assistant_id}/analysis", **documented(AssistantAnalysis, scope="read"))
async def assistant_analysis(
    caller: Reader, parts: Parts, assistant_id: str, time_period: PeriodQuery = "last_30_days"
) -> Response:
    """Response time, accuracy, cost and compliance of one assistant beside its peers, and what to do."""

    def analysed() -> AssistantAnalysis:
        from aurora.insights.assistant_analysis import analyze_assistant

        return analyze_assistant(
            caller.runtime.paths,
            assistant_id,
            scopes=caller.identity.scopes,
            time_period=time_period,
            now=parts.clock(),
        )

    return reply(await asyncio.to_thread(analysed))


def _answer(caller: Admitted, parts: Services, wanted: ReportRequest, export: Format) -> Response:
    from aurora.insights.report import ALL_SCOPES
    from aurora.store.connection import latest_snapshot

    paths = caller.runtime.paths
    mart, raw = latest_snapshot(paths, "mart"), latest_snapshot(paths, "raw")
    scopes = frozenset(caller.identity.scopes) & ALL_SCOPES
    report = _made(paths, parts.settings.packs_dir, parts.settings.pack, scopes, wanted, raw, mart)
    if export == "json":
        return reply(_dated(report, parts.clock()))
    content = _file(report, export)
    name = f"aurora_{report.tenant}_business-intelligence_{report.period.until}.{export}"
    return Response(
        content, media_type=_MEDIA[export], headers={"content-disposition": f'attachment; filename="{name}"'}
    )


@lru_cache(maxsize=32)
def _made(
    paths: TenantPaths, packs_dir: Path, pack: str, scopes: frozenset[str], wanted: ReportRequest, raw: int, mart: int
) -> BusinessIntelligenceReport:
    """One report of one snapshot, made once: asking again reads no lake."""
    from aurora.insights.report import make_report, packed

    return make_report(
        paths,
        packed(packs_dir, pack, tenant=paths.tenant),
        scopes=scopes,
        time_period=wanted.time_period,
        industry=wanted.industry_filter,
        raw_at=raw,
        mart_at=mart,
    )


def _dated(report: BusinessIntelligenceReport, now: dt.datetime) -> BusinessIntelligenceReport:
    return msgspec.structs.replace(report, generated_at=now)


def _file(report: BusinessIntelligenceReport, export: Format) -> bytes:
    if export == "pdf":
        from aurora.insights.pdf import pdf_bytes

        return pdf_bytes(report)
    from aurora.insights.workbook import xlsx_bytes

    return xlsx_bytes(report)
