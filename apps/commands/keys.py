"""API keys: one per assistant or person, shown once, kept as a hash."""

from __future__ import annotations

from typing import Annotated

import typer

from apps.render import Json, Tenant, note, print_json, print_line, print_table
from apps.session import open_paths


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    room = typer.Typer(help="API keys of assistants and people.", no_args_is_help=True)
    room.command()(create)
    room.command("list")(list_keys)
    room.command()(grant)
    room.command()(revoke)
    app.add_typer(room, name="key")


def create(
    actor: Annotated[str, typer.Argument(help="Who holds it: an assistant's id, or a person such as person:amal.")],
    *,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="What it may do: decide, outcome, override, read, ingest:write, ingest:any_source, handoff:write, "
            "command:write, quarantine:write, privacy:reveal, filing:read, filing:write, filing:approve, suspicion:read, "
            "kpi:write, finance:read, admin."
        ),
    ] = None,
    label: Annotated[str, typer.Option(help="A word on what it is for.")] = "",
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Make a key and show it once. Without --scope it may decide, report outcomes and read."""
    from apps.bootstrap import OWNER, utc_now
    from aurora.identity.keys import create_key
    from aurora.store.state import StateStore

    _, paths = open_paths(tenant)
    with StateStore.open(paths, clock=utc_now) as store:
        new = create_key(
            store,
            actor_id=actor,
            label=label,
            scopes=scope or ["decide", "outcome", "read"],
            created_by=OWNER,
            now=utc_now(),
        )
    if json:
        print_json({"key": new.token, "prefix": new.row.prefix, "scopes": new.row.scopes.split()})
    else:
        print_line(new.token)
        note("Keep it now: only its hash is stored.")


def list_keys(*, tenant: Tenant = None, json: Json = False) -> None:
    """Every key of the tenant: prefix, holder, scopes, and whether it was revoked."""
    from aurora.store.journal import StateReader

    _, paths = open_paths(tenant)
    with StateReader(paths) as state:
        rows = [
            {
                "prefix": row.prefix,
                "actor": row.actor_id,
                "scopes": row.scopes,
                "label": row.label,
                "created_at": row.created_at,
                "revoked_at": row.revoked_at,
            }
            for row in state.api_keys()
        ]
    if json:
        print_json(rows)
    else:
        print_table(rows, ("prefix", "actor", "scopes", "label", "created_at", "revoked_at"))


def grant(
    prefix: Annotated[str, typer.Argument(help="The key's prefix, as `aurora key list` and a 403 show it.")],
    *,
    scope: Annotated[list[str] | None, typer.Option(help="What it may do as well; named as often as wanted.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every scope that there is.")] = False,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Let a key do more, such as one made before a scope existed: its holder keeps the secret.

    The owner's own key follows at each `aurora up`. Running processes see it within seconds; the journal keeps who did it.
    """
    from apps.bootstrap import OWNER, utc_now
    from aurora.identity.keys import SCOPES, grant_scopes
    from aurora.store.state import StateStore

    _, paths = open_paths(tenant)
    wanted = list(SCOPES) if everything else scope or []
    with StateStore.open(paths, clock=utc_now) as store:
        row = grant_scopes(store, prefix, wanted, granted_by=OWNER, now=utc_now())
    if json:
        print_json({"prefix": row.prefix, "scopes": row.scopes.split()})
    else:
        print_line(f"{row.prefix} of {row.actor_id} may: {', '.join(row.scopes.split())}.")


def revoke(
    prefix: Annotated[str, typer.Argument(help="The key's prefix, as `aurora key list` shows it.")],
    *,
    tenant: Tenant = None,
) -> None:
    """End a key: running processes refuse it within seconds."""
    from apps.bootstrap import OWNER, utc_now
    from aurora.identity.keys import revoke_key
    from aurora.store.state import StateStore

    _, paths = open_paths(tenant)
    with StateStore.open(paths, clock=utc_now) as store:
        revoke_key(store, prefix, revoked_by=OWNER, now=utc_now())
    print_line(f"Revoked {prefix}.")
