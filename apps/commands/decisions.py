"""Decide, look at a decision, report what came of it, change it, and verify the audit log."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Annotated, Any

import msgspec
import typer

from apps.commands import what_if
from apps.commands.decision_kinds import register_on
from apps.render import Json, Tenant, print_json, print_line, print_table
from apps.session import open_paths
from aurora.errors import ComplianceError, DataError


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command()(decide)
    decision = typer.Typer(help="Decisions that were made.", no_args_is_help=True)
    decision.command()(show)
    decision.command("list")(list_decisions)
    decision.command()(override)
    register_on(decision, app)
    what_if.register_on(decision)
    app.add_typer(decision, name="decision")
    audit = typer.Typer(help="The append-only audit log.", no_args_is_help=True)
    audit.command()(verify)
    app.add_typer(audit, name="audit")


def decide(
    request: Annotated[
        str,
        typer.Argument(
            help='The request as JSON, such as {"kind": "route_task", "task_type": "kyc_check"}; - reads standard input.'
        ),
    ],
    *,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Decide once, durably and audited.

    What POST /api/v1/decisions does, without a server.
    """
    import sys

    from apps.bootstrap import OWNER, utc_now
    from apps.commands.assistants import desk_of
    from aurora.assistants.live import live_states, read_live
    from aurora.audit.records import check_request, decision_record, decision_seed
    from aurora.decisions.acting import completed
    from aurora.decisions.carrying import carry_out
    from aurora.decisions.conflicts import in_ledger, resolved
    from aurora.decisions.holding import holds_now
    from aurora.decisions.loading import load_engine
    from aurora.decisions.modes import read_switches
    from aurora.store.ids import IdMaker
    from aurora.store.state import StateStore
    from contracts.messages.decisions import DecisionRequest

    settings, paths = open_paths(tenant)
    text = sys.stdin.read() if request == "-" else request
    try:
        parsed: Any = msgspec.json.decode(text, type=DecisionRequest)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise DataError(
            f"The request is not one that can be decided: {error}.",
            field="request",
            next_step="`aurora decide --help` shows one; docs/reference has every field.",
        ) from None
    check_request(parsed)
    engine = load_engine(paths, settings)
    decision_id = IdMaker(utc_now).new("dec")
    with StateStore.open(paths, clock=utc_now) as store:
        live = live_states(paths, store, now=utc_now())
        parsed = completed(parsed, store, read_live(paths, now=utc_now()), paths)
        parsed, conflict, opening = in_ledger(parsed, store, actor_id=OWNER, region=paths.region, now=utc_now())
        start = time.perf_counter_ns()
        decision = engine.decide(
            parsed,
            actor_id=OWNER,
            decision_id=decision_id,
            decided_at=utc_now(),
            seed=decision_seed(decision_id),
            live=live,
            switches=read_switches(store),
            holds=holds_now(store),
        )
        elapsed_us = (time.perf_counter_ns() - start) // 1000
        records = [*opening, decision_record(decision, elapsed_us=elapsed_us)]
        if conflict is not None:
            records.append(resolved(conflict, decision))
        acts = carry_out(decision, desk_of(settings, paths, store), actor_id=OWNER)
        seq = store.append([*records, *acts.records], statements=acts.statements).result()[len(opening)]
    if json:
        print_json({**_plain(decision), "seq": seq})
    else:
        _print_decision(_plain(decision))
        for one in acts.commands:
            why = f": {one.error}" if one.error else ""
            print_line(f"  {one.command_state} {one.command_kind} to {one.assistant_id} as {one.command_id}{why}")


def show(
    decision_id: Annotated[str, typer.Argument(help="Id of the decision.")],
    *,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """One decision: why, the alternatives, what came of it, who changed it."""
    from aurora.audit.records import read_decision
    from aurora.store.journal import StateReader

    _, paths = open_paths(tenant)
    with StateReader(paths) as state:
        decision = _plain(read_decision(state, decision_id))
        following = [
            {"kind": entry.kind, "seq": entry.seq, **msgspec.json.decode(entry.body)}
            for entry in state.about(decision_id)[1:]
        ]
    if json:
        print_json({**decision, "followed_by": following})
        return
    _print_decision(decision)
    for event in following:
        print_line(f"  {event['kind']} by {event['actor_id']} at {event['occurred_at']}: {_event_line(event)}")


def _event_line(event: dict[str, Any]) -> str:
    if event["kind"] == "override":
        return f"{event['action']}, because {event['reason']}"
    return "success" if event.get("is_success") else "no success"


def _print_decision(decision: dict[str, Any]) -> None:
    print_line(
        f"{decision['decision_id']}  {decision['kind']}  {decision['status']}: {decision['action'] or 'a person'}"
    )
    print_line(f"  why: {decision['reason']}")
    print_line(
        f"  confidence {decision['confidence']:.2f}, policy {decision['policy_id']}, "
        f"{len(decision['rules_checked'])} rules checked, at {decision['decided_at']} by {decision['actor_id']}"
    )
    rows = [
        {
            "candidate": c["candidate_id"],
            "eligible": c["is_eligible"],
            "score": c.get("score"),
            "quality": c.get("quality"),
            "cost_usd": None if c.get("cost_usd") is None else Decimal(c["cost_usd"]),
            "propensity": c.get("propensity"),
            "vetoes": "; ".join(veto["reason"] for veto in c.get("vetoes", [])),
        }
        for c in decision["candidates"]
    ]
    print_table(rows, ("candidate", "eligible", "score", "quality", "cost_usd", "propensity", "vetoes"))


def _plain(decision: msgspec.Struct) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(decision, builtin_types=(float,))
    return plain


def list_decisions(
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 20,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """The newest decisions."""
    from aurora.store.journal import StateReader

    _, paths = open_paths(tenant)
    with StateReader(paths) as state:
        decisions = [msgspec.json.decode(entry.body) for entry in state.page("decision", limit=limit)]
    columns = ("decision_id", "kind", "status", "action", "confidence", "decided_at", "actor_id")
    if json:
        print_json([{column: decision[column] for column in columns} for decision in decisions])
    else:
        print_table(decisions, columns)


def override(
    decision_id: Annotated[str, typer.Argument(help="Id of the decision.")],
    action: Annotated[str, typer.Argument(help="What to do instead; `human` gives it to a person.")],
    *,
    reason: Annotated[str, typer.Option(help="Why. It is kept with the override.")],
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Put a person's choice in place of a decision's. What a rule forbids stays forbidden."""
    from apps.bootstrap import OWNER, utc_now
    from aurora.audit.records import override_record, read_decision
    from aurora.store.ids import IdMaker
    from aurora.store.state import StateStore
    from contracts.messages.decisions import OverrideRequest

    _, paths = open_paths(tenant)
    try:
        request = msgspec.convert({"action": action, "reason": reason}, OverrideRequest)
    except msgspec.ValidationError as error:
        raise DataError(
            f"The override does not fit: {error}.", field="reason", next_step="Give an action and a reason."
        ) from None
    with StateStore.open(paths, clock=utc_now) as store:
        record = override_record(
            request,
            read_decision(store, decision_id),
            override_id=IdMaker(utc_now).new("ovr"),
            actor_id=OWNER,
            now=utc_now(),
        )
        (seq,) = store.append([record]).result()
    if json:
        print_json({"override_id": record.record_id, "decision_id": decision_id, "action": action, "seq": seq})
    else:
        print_line(f"Recorded {record.record_id}: {action}.")


def verify(*, tenant: Tenant = None, json: Json = False) -> None:
    """Verify the audit log.

    Derives every leaf, root and signature again and compares; exits with 4 when one differs.
    """
    from aurora.audit.verify import verify as run

    _, paths = open_paths(tenant)
    report = run(paths)
    if json:
        print_json(report.as_dict())
    else:
        print_line(report.summary)
    if not report.is_valid:
        raise ComplianceError(
            f"The audit log of {paths.tenant} does not verify: {report.summary}",
            field="journal",
            next_step="Keep a copy of the state database, stop writers, and compare with the last backup.",
        )
