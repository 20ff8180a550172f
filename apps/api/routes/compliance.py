"""Rules over HTTP: what binds the tenant, what breaks it, where it stands, and what may be done."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from apps.api.admission import Admitted
from apps.api.caller import Parts, Reader, Services, documented, json_body, needs, reply
from apps.api.compliance_messages import (
    EnforceRequest,
    EvaluateRequest,
    FalsePositives,
    Finding,
    FindingRemedy,
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
    from aurora.store.lake import LakeReader

router = APIRouter(tags=["compliance"])
Enforcer = Annotated[Admitted, Depends(needs("command:write"))]
T = TypeVar("T")


@router.get("/api/v1/compliance/rules", **documented(RulesPage, scope="read"))
async def list_rules(
    caller: Reader,
    parts: Parts,
    pack: Annotated[str | None, Query(max_length=64, description="Only of this rule pack.")] = None,
) -> Response:
    """The rules about records that bind the tenant."""
    book = await asyncio.to_thread(_book, parts, caller)
    packs = book.packs if pack is None else (book.pack(pack),)
    rules = [_line(rule, is_stale=one.is_stale(parts.clock())) for one in packs for rule in one.rules]
    return reply(RulesPage(rules=rules, book_hash=book.book_hash, rules_version=book.tenant_version))


@router.get("/api/v1/compliance/rules/{rule_id}", **documented(RuleLine, scope="read"))
async def show_rule(caller: Reader, parts: Parts, rule_id: str) -> Response:
    """One rule."""
    book = await asyncio.to_thread(_book, parts, caller)
    rule = book.rule(rule_id)
    return reply(_line(rule, is_stale=book.pack(rule.pack.rule_pack).is_stale(parts.clock())))


@router.post(
    "/api/v1/compliance/rules/{rule_id}:enforce",
    **documented(Enforcement, scope="command:write", takes=EnforceRequest),
)
async def enforce_rule(caller: Enforcer, parts: Parts, request: Request, rule_id: str) -> Response:
    """Sweep one rule now, bring its findings up to date and carry out what mends them; `dry_run` writes nothing."""
    wanted = decoded_as(await json_body(request), EnforceRequest)
    return reply(await asyncio.to_thread(_enforced, caller, parts, rule_id, wanted))


@router.post("/api/v1/compliance/evaluate", **documented(Verdicts, scope="read", takes=EvaluateRequest))
async def evaluate_record(caller: Reader, parts: Parts, request: Request) -> Response:
    """Judge one record before an act by every rule about it and by what is on hold. Nothing is stored."""
    wanted = decoded_as(await json_body(request), EvaluateRequest)
    return reply(await asyncio.to_thread(_evaluated, caller, parts, wanted))


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
        from aurora.filings.evidence import may_show_finding
        from aurora.store.lake import read_lake

        with read_lake(caller.runtime.paths) as lake:
            rows = listed(lake, states=[state], regime=regime, rule_id=rule_id, assistant_id=assistant_id, limit=limit)
            wrong = false_positives(lake)
        shown = [row for row in rows if may_show_finding(row, caller.identity)]
        return FindingsPage(findings=with_remedies(caller, shown), false_positives=wrong)

    return reply(await asyncio.to_thread(found))


@router.get("/api/v1/compliance/posture", **documented(PostureReport, scope="read"))
async def show_posture(caller: Reader, parts: Parts) -> Response:
    """Where the company stands towards each regime, and each assistant with it. Derived, never typed."""

    def found() -> PostureReport:
        from aurora.compliance.posture import posture_by_assistant, posture_by_regime
        from aurora.store.lake import read_lake

        now = parts.clock()
        book = _book(parts, caller)
        with read_lake(caller.runtime.paths) as lake:
            report = {
                "regimes": posture_by_regime(book, lake, now=now),
                "assistants": posture_by_assistant(lake, now=now),
                "raw_snapshot_id": lake.snapshot_id("raw"),
                "false_positives": msgspec.to_builtins(false_positives(lake)),
                "book_hash": book.book_hash,
                "rules_version": book.tenant_version,
            }
        return msgspec.convert(report, PostureReport)

    return reply(await asyncio.to_thread(found))


def _enforced(caller: Admitted, parts: Services, rule_id: str, wanted: EnforceRequest) -> Enforcement:
    from aurora.alerts.hands import Hands
    from aurora.compliance.enforcement import enforce

    paths, store, book = caller.runtime.paths, caller.runtime.store, _book(parts, caller)
    return enforce(
        paths,
        book,
        rule_id,
        actor_id=caller.identity.actor_id,
        now=parts.clock(),
        store=None if wanted.dry_run else store,
        hands=Hands(paths, store, book),
    )


def _evaluated(caller: Admitted, parts: Services, wanted: EvaluateRequest) -> Verdicts:
    from aurora.compliance.holds import holds_of
    from aurora.compliance.verdicts import evaluate, record_of
    from contracts.rule_records import record_table

    book = _book(parts, caller)
    values = record_of(book, wanted.record, wanted.values, where="values")
    verdicts = evaluate(book, wanted.record, values, now=parts.clock())
    holds = holds_of(caller.runtime.store, record_table(wanted.record), values)
    return Verdicts(
        record=wanted.record,
        may_act=not holds and not any(one.stops for one in verdicts),
        verdicts=[_verdict(one) for one in verdicts],
        book_hash=book.book_hash,
        rules_version=book.tenant_version,
        holds=holds,
    )


def false_positives(lake: LakeReader) -> list[FalsePositives]:
    """How often people called a rule's findings a false alarm, with the 95 % Wilson interval."""
    from aurora.alerts.triage import wilson
    from aurora.compliance.judging import judged_by_rule

    found = []
    for rule_id, (wrong, count) in sorted(judged_by_rule(lake).items()):
        low, high = wilson(wrong, count)
        found.append(
            FalsePositives(
                rule_id=rule_id,
                false_positive_count=wrong,
                judged_count=count,
                false_positive_share=wrong / count,
                low=low,
                high=high,
            )
        )
    return found


def with_remedies(caller: Admitted, rows: list[dict[str, Any]]) -> list[Finding]:
    """Findings, each with what became of its remedies."""
    from aurora.compliance.remedies import read_remedies

    names = {row["finding_id"] for row in rows}
    remedies: dict[str, list[FindingRemedy]] = {}
    for one in read_remedies(caller.runtime.store) if names else ():
        if one.finding_id in names:
            told = FindingRemedy(remedy_id=one.remedy_id, act=one.act, remedy_state=one.remedy_state, reason=one.reason)
            remedies.setdefault(one.finding_id, []).append(told)
    return [
        msgspec.convert(
            {
                **row,
                "evidence": msgspec.json.decode(row["evidence"]),
                "remedies": msgspec.to_builtins(remedies.get(row["finding_id"], [])),
            },
            Finding,
        )
        for row in rows
    ]


def _book(parts: Services, caller: Admitted) -> Rulebook:
    return rulebook_of(parts.settings, caller.runtime.paths)


def decoded_as(body: bytes, kind: type[T]) -> T:
    """The message; an error that names the field."""
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
        version=file.version,
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
        acts=list(one.rule.file.remediation.acts),
        pack_version=one.rule.pack.version,
        version=one.rule.file.version,
    )
