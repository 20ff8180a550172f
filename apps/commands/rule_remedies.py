"""What mends findings: remedies and what became of them, holds, and a rule enforced now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import typer

from apps.render import Json, Tenant, print_json, print_line, print_table
from apps.session import open_paths

if TYPE_CHECKING:
    from aurora.settings import Settings
    from aurora.store.state import StateStore

_REMEDIES = (
    "remedy_id",
    "rule_id",
    "act",
    "remedy_state",
    "due_at",
    "owner_role",
    "about_contract",
    "about_id",
    "reason",
)
_HOLDS = ("hold_id", "hold_kind", "rule_id", "about_contract", "record_source", "about_id", "placed_at", "reason")
Shown = Literal["open", "requested", "done", "failed", "waiting", "closed", "all"]
Actor = Annotated[str, typer.Option(help="Who says so.")]
Because = Annotated[str, typer.Option(help="Why, in your words.")]


def remedies(
    *,
    state: Annotated[Shown, typer.Option(help="In this state; `open` is all that is not done or closed.")] = "open",
    act: Annotated[
        str | None, typer.Option(help="Only this act: task, mask, hold, block, alert, report_draft.")
    ] = None,
    rule: Annotated[str | None, typer.Option(help="Only of this rule.")] = None,
    role: Annotated[str | None, typer.Option(help="Only of this owner: its to-do list.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """What mends findings and what became of it, those due first at the top."""
    from aurora.compliance.remedies import chosen, read_remedies

    with opened(tenant) as (_, store):
        every = read_remedies(store)
        rows = chosen(every, state=state, act=act, rule_id=rule, owner_role=role)[:limit]
        if json:
            print_json({"tenant": store.paths.tenant, "remedies": msgspec.to_builtins(rows, builtin_types=())})
        elif rows:
            print_table([msgspec.to_builtins(one) for one in rows], _REMEDIES)
        else:
            print_line(f"No remedy is {state}. `aurora rules enforce RULE --yes` asks for those of a rule.")


def complete(
    remedy_id: Annotated[str, typer.Argument(help="Id of a remedy, from `aurora rules remedies`.")],
    because: Because,
    *,
    dropped: Annotated[bool, typer.Option("--dropped", help="It will not be done.")] = False,
    actor: Actor = "cli",
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Say that a remedy is done, or with --dropped that it will not be."""
    from apps.bootstrap import utc_now
    from aurora.compliance.remedies import complete as write

    with opened(tenant) as (_, store):
        one = write(store, remedy_id, actor_id=actor, note=because, is_done=not dropped, now=utc_now())
    print_json(msgspec.to_builtins(one)) if json else print_line(f"{remedy_id} is {one.remedy_state}.")


def holds(
    *,
    released: Annotated[bool, typer.Option("--all", help="Those that were released, too.")] = False,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Records on hold, the newest first: nothing is done with them until a person releases them."""
    from aurora.compliance.holds import read_holds

    with opened(tenant) as (_, store):
        rows = [msgspec.to_builtins(one) for one in read_holds(store, is_active=not released)]
    if json:
        print_json({"tenant": store.paths.tenant, "holds": rows})
    elif rows:
        print_table(rows, (*_HOLDS, "released_at", "release_note") if released else _HOLDS)
    else:
        print_line("Nothing is on hold.")


def release(
    hold_id: Annotated[str, typer.Argument(help="Id of a hold, from `aurora rules holds`.")],
    because: Because,
    *,
    actor: Actor = "cli",
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Release a record: it may be worked on again."""
    from apps.bootstrap import utc_now
    from aurora.compliance.holds import release_hold

    with opened(tenant) as (_, store):
        one = release_hold(store, hold_id, actor_id=actor, note=because, now=utc_now())
    print_json(msgspec.to_builtins(one)) if json else print_line(f"{one.about_contract} {one.about_id} is released.")


def enforce(
    rule_id: Annotated[str, typer.Argument(help="Id of a rule, such as AML-002.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it only what would be done is said.")] = False,
    actor: Actor = "cli",
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Sweep one rule now, bring its findings up to date, and carry out what mends them."""
    from apps.bootstrap import utc_now
    from aurora.alerts.hands import Hands
    from aurora.compliance.enforcement import enforce as run
    from aurora.compliance.versions import tenant_rulebook
    from aurora.store.lake import create_lake

    with opened(tenant) as (settings, store):
        create_lake(store.paths)
        book = tenant_rulebook(settings.packs_dir, store.paths, settings.pack)
        done = run(
            store.paths,
            book,
            rule_id,
            actor_id=actor,
            now=utc_now(),
            store=store if yes else None,
            hands=Hands(store.paths, store, book),
        )
    if json:
        print_json(msgspec.to_builtins(done))
        return
    print_line(
        f"{done.rule_id}: {done.judged_count} records, {done.broken_count} break it, {done.unknown_count} do not say enough."
    )
    print_table([{"act": act, "what it does": meaning} for act, meaning in done.acts.items()], ("act", "what it does"))
    print_line()
    print_table([{"outcome": name, "acts": count} for name, count in done.remedies.items()], ("outcome", "acts"))
    print_line("" if yes else "Nothing was written: --yes does it.")


@contextmanager
def opened(tenant: str | None) -> Iterator[tuple[Settings, StateStore]]:
    """The settings and the tenant's journal, for as long as the block lasts."""
    from apps.bootstrap import utc_now
    from aurora.store.state import StateStore

    settings, paths = open_paths(tenant)
    with StateStore.open(paths, clock=utc_now) as store:
        yield settings, store
