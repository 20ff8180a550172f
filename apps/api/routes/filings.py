"""Drafts of reports and evidence packs over HTTP. People approve, with keys of their own; nothing is filed from here."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from apps.api.acting import act_once, decoded
from apps.api.admission import Admitted
from apps.api.caller import IDEMPOTENCY_HEADER, Parts, Services, documented, json_body, needs, reply
from apps.api.idempotency import Claim
from apps.api.messages import encode
from apps.api.rulebooks import rulebook_of
from contracts.messages.filings import (
    EvidenceRequest,
    Filing,
    FilingDetail,
    FilingKindLine,
    FilingKindsPage,
    FilingPage,
    FilingVerdictRequest,
    FillRequest,
    HandOverRequest,
    MakeFilingRequest,
)

if TYPE_CHECKING:
    from aurora.compliance.rulebook import Rulebook
    from aurora.filings.paper import Shown

Answered = Callable[[Any], Any] | None
router = APIRouter(tags=["filings"])
Reader = Annotated[Admitted, Depends(needs("filing:read"))]
Preparer = Annotated[Admitted, Depends(needs("filing:write"))]
Judge = Annotated[Admitted, Depends(needs("filing:approve"))]
_MAKE = msgspec.json.Decoder(MakeFilingRequest)
_FILL = msgspec.json.Decoder(FillRequest)
_VERDICT = msgspec.json.Decoder(FilingVerdictRequest)
_HAND_OVER = msgspec.json.Decoder(HandOverRequest)
_EVIDENCE = msgspec.json.Decoder(EvidenceRequest)


def _act(message: type, *, scope: Any, takes: type | None = None) -> dict[str, Any]:
    answers = documented(message, scope=scope, takes=takes)
    answers["openapi_extra"]["parameters"] = [IDEMPOTENCY_HEADER]
    return answers


def _bytes(meaning: str, mime: str, *, takes: type | None = None) -> dict[str, Any]:
    answers = documented(None, scope="filing:read", meaning=meaning, takes=takes)
    answers["responses"][200]["content"] = {mime: {"schema": {"type": "string", "format": "binary"}}}
    return answers


@router.get("/api/v1/filings/kinds", dependencies=[Depends(needs("filing:read"))], **documented(FilingKindsPage, scope="filing:read"))  # fmt: skip
async def list_kinds() -> Response:
    """The kinds of draft, and the record that each is about."""
    from aurora.filings.kind import kinds

    return reply(
        FilingKindsPage(
            kinds=[
                FilingKindLine(
                    kind=one.kind,
                    title=one.title,
                    authority=one.authority,
                    about_contract=one.contract,
                    is_confidential=one.is_confidential,
                    exports=one.exports,
                    says=one.says,
                )
                for one in kinds().values()
            ]
        )
    )


@router.get("/api/v1/filings", **documented(FilingPage, scope="filing:read"))
async def list_drafts(caller: Reader) -> Response:
    """Drafts that the caller may know of, the newest first. Confidential ones need suspicion:read too."""
    from aurora.filings.book import list_filings

    found = await asyncio.to_thread(list_filings, caller.runtime.store, caller.identity)
    return reply(FilingPage(filings=found))


@router.post("/api/v1/filings", **_act(FilingDetail, scope="filing:write", takes=MakeFilingRequest))
async def make_draft(caller: Preparer, parts: Parts, request: Request) -> Response:
    """Draft a report about one record; a dry run keeps nothing."""
    from aurora.filings.drafting import make_draft as made

    body = await json_body(request)
    wanted = decoded(_MAKE, body)

    def act(answered: Answered) -> FilingDetail:
        return made(
            caller.runtime.store,
            caller.runtime.paths,
            _book(parts, caller),
            kind=wanted.kind,
            about_id=wanted.about_id,
            record_source=wanted.record_source,
            identity=caller.identity,
            now=parts.clock(),
            is_dry_run=wanted.dry_run,
            answered=None if wanted.dry_run else answered,
        )

    return await _once(request, caller, "make filing", body, act)


@router.get("/api/v1/filings/{filing_id}", **documented(FilingDetail, scope="filing:read"))
async def show_draft(caller: Reader, filing_id: str) -> Response:
    """One draft: fields, what is missing and where to put it, records, snapshot, hash, who did what."""
    from aurora.filings.book import show_filing

    runtime = caller.runtime
    return reply(await asyncio.to_thread(show_filing, runtime.store, runtime.paths, filing_id, caller.identity))


@router.get("/api/v1/filings/{filing_id}/export", **_bytes("The draft as a file.", "application/octet-stream"))
async def export_draft(
    caller: Reader,
    parts: Parts,
    filing_id: str,
    form: Annotated[
        Literal["xml", "pdf", "html", "json"], Query(alias="format", description="Form of the file.")
    ] = "pdf",
    reason: Annotated[
        str | None, Query(max_length=500, description="Open protected values, for this reason; needs privacy:reveal.")
    ] = None,
) -> Response:
    """A draft as goAML XML, PDF, HTML or JSON. Protected values are covered unless a reason is given."""
    from aurora.filings.exports import MIME

    body = await asyncio.to_thread(_exported, caller, parts.clock(), filing_id, form, reason)
    name = {"content-disposition": f'attachment; filename="{filing_id[:64]}.{form}"'}
    return Response(body, media_type=MIME[form], headers=name)


@router.post("/api/v1/filings/{filing_id}:fill", **_act(FilingDetail, scope="filing:write", takes=FillRequest))
async def fill_draft(caller: Preparer, parts: Parts, request: Request, filing_id: str) -> Response:
    """Put in what the lake does not know. The draft is made anew from the lake; an approval is void."""
    from aurora.filings.drafting import fill_draft as filled

    body = await json_body(request)
    wanted, runtime = decoded(_FILL, body), caller.runtime

    def act(answered: Answered) -> FilingDetail:
        book, now = _book(parts, caller), parts.clock()
        values = dict(wanted.values)
        return filled(runtime.store, runtime.paths, book, filing_id, values, identity=caller.identity, now=now, answered=answered)  # fmt: skip

    return await _once(request, caller, f"fill {filing_id}", body, act)


@router.post("/api/v1/filings/{filing_id}:refresh", **_act(FilingDetail, scope="filing:write"))
async def refresh_draft(caller: Preparer, parts: Parts, request: Request, filing_id: str) -> Response:
    """Make the draft anew from the lake as it is. Nothing happens where it says the same."""
    from aurora.filings.drafting import refresh_draft as refreshed

    runtime = caller.runtime

    def act(answered: Answered) -> FilingDetail:
        book, now = _book(parts, caller), parts.clock()
        return refreshed(runtime.store, runtime.paths, book, filing_id, identity=caller.identity, now=now, answered=answered)  # fmt: skip

    return await _once(request, caller, f"refresh {filing_id}", b"", act)


@router.post("/api/v1/filings/{filing_id}:submit", **_act(Filing, scope="filing:write"))
async def submit_draft(caller: Preparer, parts: Parts, request: Request, filing_id: str) -> Response:
    """Give a draft to another person to judge."""
    from aurora.filings.book import submit

    def act(answered: Answered) -> Filing:
        return submit(
            caller.runtime.store, filing_id, identity=caller.identity, now=parts.clock(), answered=answered
        )  # fmt: skip

    return await _once(request, caller, f"submit {filing_id}", b"", act)


@router.post("/api/v1/filings/{filing_id}:approve", **_act(Filing, scope="filing:approve", takes=FilingVerdictRequest))
async def approve_draft(caller: Judge, parts: Parts, request: Request, filing_id: str) -> Response:
    """Approve the content of that hash: a person who did not prepare it, and with no mandatory field missing."""
    from aurora.filings.book import approve

    return await _judged(caller, parts, request, filing_id, "approve", approve)


@router.post("/api/v1/filings/{filing_id}:reject", **_act(Filing, scope="filing:approve", takes=FilingVerdictRequest))
async def reject_draft(caller: Judge, parts: Parts, request: Request, filing_id: str) -> Response:
    """Send a draft back; the note says why."""
    from aurora.filings.book import reject

    return await _judged(caller, parts, request, filing_id, "reject", reject)


@router.post("/api/v1/filings/{filing_id}:hand-over", **_act(Filing, scope="filing:write", takes=HandOverRequest))
async def hand_over_draft(caller: Preparer, parts: Parts, request: Request, filing_id: str) -> Response:
    """A person says that they filed an approved draft, and under which number. Aurora sends nothing."""
    from aurora.filings.book import hand_over

    body = await json_body(request)
    wanted, runtime = decoded(_HAND_OVER, body), caller.runtime

    def act(answered: Answered) -> Filing:
        return hand_over(
            runtime.store,
            runtime.paths,
            filing_id,
            authority_reference=wanted.authority_reference,
            identity=caller.identity,
            now=parts.clock(),
            note=wanted.note,
            answered=answered,
        )

    return await _once(request, caller, f"hand over {filing_id}", body, act)


@router.post("/api/v1/evidence", **_bytes("The pack: a zip.", "application/zip", takes=EvidenceRequest))
async def make_evidence(caller: Reader, parts: Parts, request: Request) -> Response:
    """An evidence pack about a regime, a deal or a finding: a zip with a manifest of hashes and Merkle proofs."""
    from aurora.filings.evidence_pack import make_pack

    wanted, runtime = decoded(_EVIDENCE, await json_body(request)), caller.runtime
    book = await asyncio.to_thread(_book, parts, caller)
    pack = await asyncio.to_thread(
        lambda: make_pack(runtime.store, runtime.paths, book, wanted, identity=caller.identity, now=parts.clock())
    )
    name = {"content-disposition": f'attachment; filename="{pack.file_name}"'}
    return Response(pack.body, media_type="application/zip", headers=name)


def _book(parts: Services, caller: Admitted) -> Rulebook:
    return rulebook_of(parts.settings, caller.runtime.paths)


async def _judged(
    caller: Admitted, parts: Services, request: Request, filing_id: str, name: str, judge: Callable[..., Filing]
) -> Response:
    body = await json_body(request)
    wanted, runtime = decoded(_VERDICT, body), caller.runtime

    def act(answered: Answered) -> Filing:
        return judge(
            runtime.store,
            runtime.paths,
            filing_id,
            content_hash=wanted.content_hash,
            identity=caller.identity,
            now=parts.clock(),
            note=wanted.note,
            answered=answered,
        )

    return await _once(request, caller, f"{name} {filing_id}", body, act)


async def _once(
    request: Request, caller: Admitted, name: str, body: bytes, act: Callable[[Answered], FilingDetail | Filing]
) -> Response:
    """The answer of an act; the same request with the same key is answered as before."""

    async def do(claim: Claim | None) -> Response:
        answered: Answered = None if claim is None else lambda filing: claim.answered(200, encode(filing))
        return reply(await asyncio.to_thread(act, answered))

    return await act_once(request, caller, act=name, body=body, do=do)


def _exported(
    caller: Admitted, now: dt.datetime, filing_id: str, form: Literal["xml", "pdf", "html", "json"], reason: str | None
) -> bytes:
    from aurora.filings.book import show_filing
    from aurora.filings.exports import export, opener
    from aurora.filings.goaml import covered
    from aurora.store.vault import Vault

    runtime, identity = caller.runtime, caller.identity
    detail = show_filing(runtime.store, runtime.paths, filing_id, identity)
    if reason is None:
        return export(detail, form, tenant=runtime.paths.tenant, shown=covered)
    with Vault.open(runtime.paths) as vault:
        shown: Shown = opener(runtime.store, vault, filing_id, identity=identity, reason=reason, now=now)
        return export(detail, form, tenant=runtime.paths.tenant, shown=shown)
