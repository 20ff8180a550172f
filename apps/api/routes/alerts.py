"""Alerts over HTTP: what is open, one click on what was worth it, and how right each rule is."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal, TypeVar

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from apps.api.admission import Admitted
from apps.api.caller import Parts, Reader, documented, json_body, needs, reply
from apps.api.problems import decode_error
from contracts.messages.alerts import Alert, AlertPage, AlertRulesPage, LabelRequest, Mute, MuteRequest

router = APIRouter(tags=["alerts"])
Operator = Annotated[Admitted, Depends(needs("command:write"))]
T = TypeVar("T")


@router.get("/api/v1/alerts", **documented(AlertPage, scope="read"))
async def list_alerts(
    caller: Reader,
    state: Annotated[
        Literal["open", "acknowledged", "resolved", "all"], Query(description="Only in this state.")
    ] = "open",
    tier: Annotated[Literal["page", "digest"] | None, Query(description="Only of this tier.")] = None,
    rule_id: Annotated[str | None, Query(max_length=64, description="Only of this rule.")] = None,
    assistant_id: Annotated[str | None, Query(max_length=64, description="Only about this assistant.")] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="At most so many.")] = 50,
) -> Response:
    """Alerts, the newest first."""

    def found() -> AlertPage:
        from aurora.alerts.book import read_book
        from aurora.alerts.reads import list_alerts as listed

        book = read_book(caller.runtime.store)
        return AlertPage(
            alerts=listed(book, shown=state, tier=tier, rule_id=rule_id, assistant_id=assistant_id, limit=limit)
        )

    return reply(await asyncio.to_thread(found))


@router.get("/api/v1/alerts/rules", **documented(AlertRulesPage, scope="read"))
async def list_rules(caller: Reader, parts: Parts) -> Response:
    """Every alert rule by its labels: precision with its 95 % interval, and why it is mute."""

    def found() -> AlertRulesPage:
        from aurora.alerts.book import read_book
        from aurora.alerts.reads import rule_precisions
        from aurora.alerts.rules import load_alert_rules

        rules = load_alert_rules(parts.settings.packs_dir, parts.settings.pack)
        return AlertRulesPage(rules=rule_precisions(read_book(caller.runtime.store), rules, parts.clock()))

    return reply(await asyncio.to_thread(found))


@router.post("/api/v1/alerts/{alert_id}:label", **documented(Alert, scope="command:write", takes=LabelRequest))
async def label_alert(caller: Operator, parts: Parts, request: Request, alert_id: str) -> Response:
    """Say whether an alert was relevant or noise."""
    wanted = _decoded(await json_body(request), LabelRequest)

    def said() -> Alert:
        from aurora.alerts.book import label_alert as labelled

        identity = caller.identity
        return labelled(caller.runtime.store, alert_id, wanted.label, actor_id=identity.actor_id, now=parts.clock())

    return reply(await asyncio.to_thread(said))


@router.post("/api/v1/alerts/{alert_id}:acknowledge", **documented(Alert, scope="command:write"))
async def acknowledge_alert(caller: Operator, parts: Parts, alert_id: str) -> Response:
    """Take note of an alert: it is not raised again while it lasts."""

    def said() -> Alert:
        from aurora.alerts.book import acknowledge_alert as acknowledged

        return acknowledged(caller.runtime.store, alert_id, actor_id=caller.identity.actor_id, now=parts.clock())

    return reply(await asyncio.to_thread(said))


@router.post("/api/v1/alerts:mute", **documented(Mute, scope="command:write", takes=MuteRequest))
async def mute_alerts(caller: Operator, parts: Parts, request: Request) -> Response:
    """Silence a rule or one dedupe key, or lift that."""
    wanted = _decoded(await json_body(request), MuteRequest)

    def said() -> Mute:
        from aurora.alerts.book import mute_target, new_mute
        from aurora.alerts.rules import load_alert_rules

        rules = load_alert_rules(parts.settings.packs_dir, parts.settings.pack)
        mute = new_mute(
            wanted.target,
            reason=wanted.reason,
            actor_id=caller.identity.actor_id,
            now=parts.clock(),
            until=wanted.until,
            lift=wanted.lift,
        )
        return mute_target(caller.runtime.store, mute, known=[rule.rule_id for rule in rules])

    return reply(await asyncio.to_thread(said))


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise decode_error(error) from error
