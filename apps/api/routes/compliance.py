"""Rules over HTTP: what binds the tenant, what breaks it, where it stands, and what may be done."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, TypeVar

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from apps.api.admission import Admitted
from apps.api.caller import Parts, Reader, Services, documented, json_body, needs, reply
from apps.api.compliance_messages import (
    EnforceRequest,
    EvaluateRequest,
    Finding,
    FindingsPage,
    FindingState,
    PostureReport,
    RuleLine,
    RulesPage,
    VerdictLine,
    Verdicts,
)
from apps.api.problems import decode_error
from apps.api.rulebooks import rulebook_of
from contracts.messages.compliance import Enforcement

if TYPE_CHECKING:
    from aurora.compliance.rulebook import RecordRule, Rulebook
    from aurora.compliance.verdicts import RuleVerdict

router = APIRouter(tags=["compliance"])
Enforcer = Annotated[Admitted, Depends(needs("command:write"))]
T = TypeVar("T")
_READS = [Depends(needs("read"))]


@router.get("/api/v1/compliance/rules", dependencies=_READS, **documented(RulesPage, scope="read"))
async def list_rules(
    parts: Parts,
    pack: Annotated[str | None, Query(max_length=64, description="Only of this rule pack.")] = None,
) -> Response:
    """The rules about records that bind the tenant."""
    book = await asyncio.to_thread(_book, parts)
    packs = book.packs if pack is None else (book.pack(pack),)
    rules = [_line(rule, is_stale=one.is_stale(parts.clock())) for one in packs for rule in one.rules]
    return reply(RulesPage(rules=rules, book_hash=book.book_hash))


@router.get("/api/v1/compliance/rules/{rule_id}", dependencies=_READS, **documented(RuleLine, scope="read"))
async def show_rule(parts: Parts, rule_id: str) -> Response:
    """One rule."""
    book = await asyncio.to_thread(_book, parts)
    rule = book.rule(rule_id)
    return reply(_line(rule, is_stale=book.pack(rule.pack.rule_pack).is_stale(parts.clock())))


@router.post(
    "/api/v1/compliance/rules/{rule_id}:enforce",
    **documented(Enforcement, scope="command:write", takes=EnforceRequest),
)
async def enforce_rule(caller: Enforcer, parts: Parts, request: Request, rule_id: str) -> Response:
    """Sweep one rule now, bring its findings up to date and ask for what mends them; `dry_run` writes nothing."""
    wanted = _decoded(await json_body(request), EnforceRequest)
    return reply(await asyncio.to_thread(_enforced, caller, parts, rule_id, wanted))


@router.post(
    "/api/v1/compliance/evaluate", dependencies=_READS, **documented(Verdicts, scope="read", takes=EvaluateRequest)
)
async def evaluate_record(parts: Parts, request: Request) -> Response:
    """Judge one record before an act by every rule about it. Nothing is stored."""
    wanted = _decoded(await json_body(request), EvaluateRequest)
    return reply(await asyncio.to_thread(_evaluated, parts, wanted))


@router.get("/api/v1/compliance/findings", **documented(FindingsPage, scope="read"))
async def list_findings(
    caller: Reader,
    state: Annotated[FindingState, Query(description="Only in this state.")] = "open",
    regime: Annotated[str | None, Query(max_length=64, description="Only of this regime.")] = None,
    rule_id: Annotated[str | None, Query(max_length=32, description="Only of this rule.")] = None,
    assistant_id: Annotated[
        str | None, Query(max_length=64, description="Only about this assistant's records.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="At most so many.")] = 50,
) -> Response:
    """Findings, those due first at the top."""

    def found() -> FindingsPage:
        from aurora.compliance.findings import list_findings as listed
        from aurora.store.lake import read_lake

        with read_lake(caller.runtime.paths) as lake:
            rows = listed(lake, states=[state], regime=regime, rule_id=rule_id, assistant_id=assistant_id, limit=limit)
        return FindingsPage(
            findings=[
                msgspec.convert({**row, "evidence": msgspec.json.decode(row["evidence"])}, Finding) for row in rows
            ]
        )

    return reply(await asyncio.to_thread(found))


@router.get("/api/v1/compliance/posture", **documented(PostureReport, scope="read"))
async def show_posture(caller: Reader, parts: Parts) -> Response:
    """Where the company stands towards each regime, and each assistant with it. Derived, never typed."""

    def found() -> PostureReport:
        from aurora.compliance.posture import posture_by_assistant, posture_by_regime
        from aurora.store.lake import read_lake

        now = parts.clock()
        with read_lake(caller.runtime.paths) as lake:
            report = {
                "regimes": posture_by_regime(_book(parts), lake, now=now),
                "assistants": posture_by_assistant(lake, now=now),
                "raw_snapshot_id": lake.snapshot_id("raw"),
            }
        return msgspec.convert(report, PostureReport)

    return reply(await asyncio.to_thread(found))


def _enforced(caller: Admitted, parts: Services, rule_id: str, wanted: EnforceRequest) -> Enforcement:
    from aurora.compliance.enforcement import enforce

    return enforce(
        caller.runtime.paths,
        _book(parts),
        rule_id,
        actor_id=caller.identity.actor_id,
        now=parts.clock(),
        store=None if wanted.dry_run else caller.runtime.store,
    )


def _evaluated(parts: Services, wanted: EvaluateRequest) -> Verdicts:
    from aurora.compliance.verdicts import evaluate, record_of

    book = _book(parts)
    values = record_of(book, wanted.record, wanted.values, where="values")
    verdicts = evaluate(book, wanted.record, values, now=parts.clock())
    return Verdicts(
        record=wanted.record,
        may_act=not any(one.stops for one in verdicts),
        verdicts=[_verdict(one) for one in verdicts],
        book_hash=book.book_hash,
    )


def _book(parts: Services) -> Rulebook:
    return rulebook_of(parts.settings)


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise decode_error(error) from error


def _line(rule: RecordRule, *, is_stale: bool) -> RuleLine:
    file = rule.file
    return RuleLine(
        rule_id=file.rule_id,
        rule_pack=rule.pack.rule_pack,
        pack_version=rule.pack.version,
        regime=rule.pack.regime,
        title=file.title,
        instrument=file.source.instrument,
        article=file.source.article,
        said=file.source.said,
        provenance=file.provenance,
        must_be_verified=file.must_be_verified,
        jurisdiction=file.jurisdiction,
        effective_from=file.effective_from,
        effective_to=file.effective_to,
        severity=file.severity,
        record=file.record,
        contract=rule.contract,
        violates_when=file.violates_when,
        clock_kind=file.clock.kind,
        clock_value=rule.clock_value,
        clock_said=file.clock.said,
        remediation=file.remediation.says,
        acts=list(file.remediation.acts),
        note=file.note,
        is_stale=is_stale,
    )


def _verdict(one: RuleVerdict) -> VerdictLine:
    return VerdictLine(
        rule_id=one.rule.rule_id,
        verdict=one.verdict,
        stops=one.stops,
        title=one.rule.file.title,
        severity=one.rule.file.severity,
        remediation=one.rule.file.remediation.says,
        unknown_fields=list(one.unknown_fields),
    )
