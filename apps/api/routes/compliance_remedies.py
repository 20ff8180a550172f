"""What mends findings, over HTTP: remedies, holds, what people make of findings, and rules tried on history."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from apps.api.admission import Admitted
from apps.api.caller import Parts, Reader, Services, documented, json_body, needs, reply
from apps.api.compliance_messages import BackTestRequest, CompleteRequest, Finding, JudgeRequest, ReleaseRequest
from apps.api.routes.compliance import decoded_as, with_remedies
from aurora.errors import UsageError
from contracts.messages.compliance import Hold, HoldsPage, RemediesPage, Remedy, RulesUpdate

router = APIRouter(tags=["compliance"])
Officer = Annotated[Admitted, Depends(needs("command:write"))]
Shown = Literal["open", "requested", "done", "failed", "waiting", "closed", "all"]


@router.get("/api/v1/compliance/remedies", **documented(RemediesPage, scope="read"))
async def list_remedies(
    caller: Reader,
    state: Annotated[Shown, Query(description="In this state; `open` is all that is not done or closed.")] = "open",
    act: Annotated[str | None, Query(max_length=32, description="Only this act, such as task.")] = None,
    rule_id: Annotated[str | None, Query(max_length=32, description="Only of this rule.")] = None,
    owner_role: Annotated[str | None, Query(max_length=64, description="Only of this owner: its to-do list.")] = None,
    finding_id: Annotated[str | None, Query(max_length=64, description="Only of this finding.")] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="At most so many.")] = 50,
) -> Response:
    """What mends findings and what became of it, those due first at the top."""

    def found() -> RemediesPage:
        from aurora.compliance.remedies import chosen, read_remedies

        every = read_remedies(caller.runtime.store)
        rows = chosen(every, state=state, act=act, rule_id=rule_id, owner_role=owner_role, finding_id=finding_id)
        return RemediesPage(remedies=rows[:limit], counts=dict(Counter(one.remedy_state for one in every)))

    return reply(await asyncio.to_thread(found))


@router.post(
    "/api/v1/compliance/remedies/{remedy_id}:complete",
    **documented(Remedy, scope="command:write", takes=CompleteRequest),
)
async def complete_remedy(caller: Officer, parts: Parts, request: Request, remedy_id: str) -> Response:
    """Say that a remedy is done, or will not be."""
    from aurora.compliance.remedies import complete

    wanted = decoded_as(await json_body(request), CompleteRequest)
    done = await asyncio.to_thread(
        complete,
        caller.runtime.store,
        remedy_id,
        actor_id=caller.identity.actor_id,
        note=wanted.note,
        is_done=wanted.is_done,
        now=parts.clock(),
    )
    return reply(done)


@router.get("/api/v1/compliance/holds", **documented(HoldsPage, scope="read"))
async def list_holds(
    caller: Reader, *, is_active: Annotated[bool, Query(description="Only those that stand.")] = True
) -> Response:
    """Records on hold, the newest first."""
    from aurora.compliance.holds import read_holds

    return reply(HoldsPage(holds=await asyncio.to_thread(read_holds, caller.runtime.store, is_active=is_active)))


@router.post(
    "/api/v1/compliance/holds/{hold_id}:release", **documented(Hold, scope="command:write", takes=ReleaseRequest)
)
async def release_record(caller: Officer, parts: Parts, request: Request, hold_id: str) -> Response:
    """Release a record: it may be worked on again."""
    from aurora.compliance.holds import release_hold

    wanted = decoded_as(await json_body(request), ReleaseRequest)
    released = await asyncio.to_thread(
        release_hold,
        caller.runtime.store,
        hold_id,
        actor_id=caller.identity.actor_id,
        note=wanted.note,
        now=parts.clock(),
    )
    return reply(released)


@router.post(
    "/api/v1/compliance/findings/{finding_id}:judge",
    **documented(Finding, scope="command:write", takes=JudgeRequest),
)
async def judge_finding(caller: Officer, parts: Parts, request: Request, finding_id: str) -> Response:
    """Say that a finding is a false alarm or accepted, or open it again. It holds while the record breaks the rule."""
    wanted = decoded_as(await json_body(request), JudgeRequest)

    def done() -> Finding:
        from aurora.compliance.judging import judge

        row = judge(
            caller.runtime.store,
            finding_id,
            wanted.judged_as,
            actor_id=caller.identity.actor_id,
            note=wanted.note,
            now=parts.clock(),
        )
        return with_remedies(caller, [row])[0]

    return reply(await asyncio.to_thread(done))


@router.post(
    "/api/v1/compliance/rules:backtest",
    **documented(RulesUpdate, scope="command:write", takes=BackTestRequest),
)
async def back_test_rules(caller: Officer, parts: Parts, request: Request) -> Response:
    """Try a version of the rules on history: which findings it would open and close. Nothing is written."""
    wanted = decoded_as(await json_body(request), BackTestRequest)
    return reply(await asyncio.to_thread(_tried, caller, parts, wanted))


def _tried(caller: Admitted, parts: Services, wanted: BackTestRequest) -> RulesUpdate:
    import yaml

    from aurora.compliance.updates import proposed, tried

    given = [
        one
        for one in (wanted.rule, wanted.parameters and {"parameters": wanted.parameters}, wanted.coverage)
        if one is not None
    ]
    if len(given) != 1:
        raise UsageError(
            "One of rule, parameters and coverage is wanted.",
            field="rule",
            rule="required",
            next_step="Send one of them, as its file would hold it.",
        )
    now, paths = parts.clock(), caller.runtime.paths
    with tempfile.TemporaryDirectory(prefix="aurora-backtest-") as place:
        file = Path(place) / "given.yaml"
        file.write_text(yaml.safe_dump(msgspec.to_builtins(given[0]), allow_unicode=True), encoding="utf-8")
        with proposed(parts.settings.packs_dir, paths, file, now=now, pack=wanted.pack) as proposal:
            return tried(paths, proposal, industry=parts.settings.pack, now=now)
