"""The conflict ledger: who contradicts whom, whose word is followed, who was right."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import typer

from apps.render import Json, Tenant, print_json, print_line, print_table
from apps.session import open_paths


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    conflict = typer.Typer(help="Contradictory recommendations of assistants.", no_args_is_help=True)
    conflict.command("list")(list_conflicts)
    conflict.command()(show)
    conflict.command()(score)
    conflict.command("round")(run_round)
    app.add_typer(conflict, name="conflict")


def list_conflicts(
    *,
    state: Annotated[str | None, typer.Option(help="open, resolved or scored.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 20,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Conflicts as they stand, newest first."""
    from aurora.decisions.conflicts import list_conflicts as listed
    from aurora.store.journal import StateReader

    _, paths = open_paths(tenant)
    with StateReader(paths) as reader:
        found = listed(reader, conflict_state=state, before=None, limit=limit).conflicts  # type: ignore[arg-type]
    if json:
        print_json([_plain(one) for one in found])
        return
    rows = [{**_plain(one), "said": _said(one)} for one in found]
    print_table(rows, ("conflict_id", "conflict_state", "topic", "subject_id", "said", "action", "right_action"))


def show(
    conflict_id: Annotated[str, typer.Argument(help="Id of the conflict.")],
    *,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """One conflict: who said what, how it was resolved, who was right, and how it came so far."""
    from aurora.decisions.conflicts import history_of, read_conflict
    from aurora.store.journal import StateReader

    _, paths = open_paths(tenant)
    with StateReader(paths) as reader:
        conflict, states = read_conflict(reader, conflict_id), history_of(reader, conflict_id)
    if json:
        print_json({**_plain(conflict), "history": [_plain(one) for one in states]})
        return
    print_line(f"{conflict.conflict_id}  {conflict.conflict_state}  {conflict.topic} of {conflict.subject_id}")
    for word in conflict.recommendations:
        sure = "" if word.confidence is None else f", {word.confidence:.2f} sure"
        print_line(f"  {word.assistant_id} says {word.action}{sure}")
    if conflict.decision_id is not None:
        print_line(f"  followed: {conflict.action or 'a person decides'} ({conflict.decision_id})")
    if conflict.right_action is not None:
        print_line(f"  right was {conflict.right_action}, by {conflict.scored_by}")
    for one in states:
        print_line(f"  {one.updated_at:%Y-%m-%d %H:%M:%S} {one.conflict_state} by {one.actor_id}")


def score(
    conflict_id: Annotated[str, typer.Argument(help="Id of the conflict.")],
    right_action: Annotated[str, typer.Argument(help="The recommended action that was right.")],
    *,
    note: Annotated[str | None, typer.Option(help="How that is known.")] = None,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Say who was right. Recommenders are weighed by it from the next round on."""
    from apps.bootstrap import OWNER, utc_now
    from aurora.decisions.conflicts import read_conflict, scored
    from aurora.store.state import StateStore
    from contracts.messages.conflicts import ConflictScoreRequest

    _, paths = open_paths(tenant)
    with StateStore.open(paths, clock=utc_now) as store:
        request = ConflictScoreRequest(right_action=right_action, note=note)
        conflict, record = scored(read_conflict(store, conflict_id), request, actor_id=OWNER, now=utc_now())
        store.append([record]).result()
    if json:
        print_json(_plain(conflict))
    else:
        print_line(f"{conflict_id}: {right_action} was right.")


def run_round(
    *,
    days: Annotated[int, typer.Option(min=1, max=3650, help="How far back to look for contradictions.")] = 7,
    resolve: Annotated[bool, typer.Option(help="Resolve what is open.")] = True,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Find contradictions, resolve what is open, score by outcomes, learn who is right.

    The same round again does nothing new.
    """
    from apps.bootstrap import utc_now
    from aurora.decisions.ledger_round import run_round as run
    from aurora.decisions.loading import load_engine

    settings, paths = open_paths(tenant)
    done = run(
        paths, load_engine(paths, settings), clock=utc_now, look_back=dt.timedelta(days=days), is_resolving=resolve
    )
    if json:
        print_json(done.as_details())
    else:
        print_line(
            f"{done.found_count} conflicts found, {done.resolved_count} resolved, {done.escalated_count} given to people, "
            f"{done.scored_count} scored."
        )


def _plain(conflict: Any) -> dict[str, Any]:
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(conflict)
    return plain


def _said(conflict: Any) -> str:
    return " / ".join(f"{word.assistant_id}: {word.action}" for word in conflict.recommendations)
