"""`aurora chaos`: stop, slow down, corrupt or flap a simulated assistant, and restore it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from apps.render import Json, Tenant, print_json, print_line
from apps.session import open_paths

if TYPE_CHECKING:
    from twin.servers.chaos import TroubleKind

Name = Annotated[str, typer.Argument(metavar="ASSISTANT", help="One that `aurora twin up` runs.")]
For = Annotated[float | None, typer.Option("--for", help="Seconds; until `restore` when absent.")]


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    room = typer.Typer(help="Make trouble for a simulated assistant: does the fleet notice?", no_args_is_help=True)
    for command in (stop, slow, corrupt, flap, restore):
        room.command()(command)
    app.add_typer(room, name="chaos")


def stop(assistant: Name, *, seconds: For = None, tenant: Tenant = None, json: Json = False) -> None:
    """Close its socket: connections are refused."""
    _do(assistant, "stop", seconds=seconds, tenant=tenant, json=json)


def slow(
    assistant: Name,
    *,
    by: Annotated[int, typer.Option(help="Milliseconds added to each answer.")] = 1000,
    seconds: For = None,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Have each of its answers come later."""
    _do(assistant, "slow", seconds=seconds, by_ms=by, tenant=tenant, json=json)


def corrupt(assistant: Name, *, seconds: For = None, tenant: Tenant = None, json: Json = False) -> None:
    """Have it send broken JSON and values that no contract allows, by turns."""
    _do(assistant, "corrupt", seconds=seconds, tenant=tenant, json=json)


def flap(assistant: Name, *, seconds: For = None, tenant: Tenant = None, json: Json = False) -> None:
    """Stop and start it again and again, every two seconds."""
    _do(assistant, "flap", seconds=seconds, tenant=tenant, json=json)


def restore(assistant: Name, *, tenant: Tenant = None, json: Json = False) -> None:
    """End whatever trouble was made for it."""
    _do(assistant, "restore", seconds=None, tenant=tenant, json=json)


def _do(
    assistant: str, kind: TroubleKind, *, seconds: float | None, tenant: str | None, json: bool, by_ms: int = 1000
) -> None:
    import msgspec

    from aurora.errors import UsageError
    from twin.servers.chaos import ChaosRequest
    from twin.servers.running import make_trouble

    _, paths = open_paths(tenant)
    wanted = {"assistant_id": assistant, "kind": kind, "for_s": seconds, "by_ms": by_ms}
    try:
        request = msgspec.convert(wanted, ChaosRequest)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"That is no trouble to make: {error}.",
            field="--by" if "by_ms" in str(error) else "--for",
            rule="between",
            next_step="Seconds above 0, at most 86,400; milliseconds from 1 to 600,000.",
        ) from None
    words = make_trouble(paths, request)
    if json:
        print_json({"assistant_id": assistant, "trouble": words, "label": "simulated"})
    else:
        until = f" for {seconds:g} s" if seconds and words != "none" else ""
        print_line(f"{assistant} (simulated): trouble {words}{until}.")
