"""The twin: a simulated brokerage whose truth is known, to fill, load and judge Aurora."""

from __future__ import annotations

import typer

from apps.render import Json, Tenant, print_json, print_line, print_table
from apps.session import open_paths

LABEL = "simulated"
"""Stands in every answer: nothing here happened."""


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    room = typer.Typer(help="The twin: a simulated brokerage whose truth is known.", no_args_is_help=True)
    room.callback()(_room)
    room.command()(truth)
    app.add_typer(room, name="twin")


def _room() -> None:
    """The twin: a simulated brokerage whose truth is known."""


def truth(*, tenant: Tenant = None, json: Json = False) -> None:
    """List the tables of the truth behind the simulated exports, with their rows."""
    from twin.truth import list_truth, read_manifest

    _, paths = open_paths(tenant)
    manifest = read_manifest(paths)
    tables = list_truth(paths)
    if json:
        print_json({"tenant": paths.tenant, "label": LABEL, "manifest": manifest, "tables": tables})
        return
    print_line(f"Truth of the {LABEL} brokerage, seed {manifest['seed']}, {manifest['days']} days:")
    print_table(tables, ("truth", "row_count"))
