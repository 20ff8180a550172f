"""New versions of a tenant's rules: tried on history, put in force, and back again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from apps.commands.rule_remedies import Actor, opened
from apps.render import Json, Tenant, print_json, print_line, print_table
from apps.session import open_paths
from aurora.errors import UsageError

_HISTORY = ("change_id", "version", "previous_version", "is_back", "recorded_at", "actor_id", "gained_count", "lost_count", "changed", "note")  # fmt: skip
_RULES = ("rule_id", "change", "fields", "old_count", "new_count", "gained_count", "lost_count", "gained", "lost")


def update(
    file: Annotated[Path, typer.Argument(help="A rule, parameters or coverage as YAML; a rule pack as folder or zip.")],
    *,
    pack: Annotated[str | None, typer.Option(help="Rule pack of a new rule or of parameters.")] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Put it in force; without it only what would change is said.")
    ] = False,
    because: Annotated[str, typer.Option(help="Why, in your words.")] = "",
    actor: Actor = "cli",
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Take a new version of rules: its examples, what is another, what it would find in history; with --yes in force."""
    from apps.bootstrap import utc_now
    from aurora.compliance.updates import enforce_update, proposed, tried

    if yes and len(because) < 3:
        raise UsageError("A change of the rules wants a reason.", field="because", next_step='Say it: --because "...".')
    now = utc_now()
    with opened(tenant) as (settings, store):
        paths = store.paths
        with proposed(settings.packs_dir, paths, file, now=now, pack=pack) as proposal:
            done = tried(paths, proposal, industry=settings.pack, now=now)
            if yes:
                done = enforce_update(store, proposal, done, actor_id=actor, note=because, now=now)
    if json:
        print_json(msgspec.to_builtins(done))
        return
    for line in done.changed:
        print_line(line)
    print_line(f"{done.checked_example_count} examples hold.")
    if done.rules:
        print_line()
        rows = [{**msgspec.to_builtins(one), "fields": ", ".join(one.fields), "gained": "; ".join(one.gained[:5]), "lost": "; ".join(one.lost[:5])} for one in done.rules]  # fmt: skip
        print_table(rows, _RULES)
        print_line()
        print_line(f"Over history: {done.gained_count} findings would open, {done.lost_count} would close.")
    print_line(
        f"Version {done.version} is in force; `aurora rules back --yes` goes back to {done.previous_version}."
        if done.is_in_force
        else f"Nothing was changed: --yes puts it in force as version {done.version}."
    )


def history(*, tenant: Tenant = None, json: Json = False) -> None:
    """Versions of the tenant's rules, the newest first."""
    from aurora.compliance.versions import rules_history, version_in_force

    _, paths = open_paths(tenant)
    rows = [{**msgspec.to_builtins(one), "changed": "; ".join(one.changed)} for one in rules_history(paths)]
    if json:
        print_json({"tenant": paths.tenant, "version": version_in_force(paths), "changes": rows})
    elif rows:
        print_table(rows, _HISTORY)
    else:
        print_line("The rules are as they are shipped.")


def back(
    *,
    to: Annotated[int | None, typer.Option(min=0, help="This version; 0 is the rules as shipped.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it only the version is named.")] = False,
    because: Annotated[str, typer.Option(help="Why, in your words.")] = "went back",
    actor: Actor = "cli",
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Put the version before this one in force again, or the one named."""
    from apps.bootstrap import utc_now
    from aurora.compliance.versions import go_back, rules_history

    with opened(tenant) as (settings, store):
        known = rules_history(store.paths)
        if not yes:
            wanted = to if to is not None else (known[0].previous_version if known else 0)
            print_line(f"Nothing was changed: --yes puts version {wanted} in force.")
            return
        change = go_back(store, settings.packs_dir, to=to, actor_id=actor, note=because, now=utc_now())
    print_json(msgspec.to_builtins(change)) if json else print_line(f"Version {change.version} is in force.")


def reviewed(
    packs: Annotated[list[str] | None, typer.Argument(help="Rule packs that were looked at.")] = None,
    *,
    against: Annotated[str, typer.Option(help="What they were held against: gazettes, circulars, counsel's letter.")],
    every: Annotated[bool, typer.Option("--all", help="All packs that bind the company.")] = False,
    actor: Actor = "cli",
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Say that rule packs were held against their sources and stand: they are fresh for seven days more.

    It is of their present text; a changed pack is reviewed anew. The next build ends their findings by GEN-008.
    """
    from apps.bootstrap import utc_now
    from aurora.compliance.reviews import review_packs
    from aurora.compliance.versions import tenant_rulebook

    with opened(tenant) as (settings, store):
        book = tenant_rulebook(settings.packs_dir, store.paths, settings.pack)
        names = [one.file.rule_pack for one in book.packs] if every else packs or []
        if not names:
            raise UsageError("No rule pack is named.", field="packs", next_step="Name them, or say --all.")
        made = review_packs(store, book, names, against=against, actor_id=actor, now=utc_now())
    if json:
        print_json(msgspec.to_builtins(made))
    else:
        print_line(f"{len(made)} rule packs stand, held against: {against}")
