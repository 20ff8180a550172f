"""Start things: `up` serves until interrupted, `demo` makes the demo company."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from apps.render import Json, note, print_json, print_line
from aurora.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command()(up)
    app.command()(demo)


def up(
    *,
    dagster: Annotated[bool, typer.Option(help="Start Dagster's web UI and daemon too.")] = True,
) -> None:
    """Build what is not fresh, then serve pages, API and Dagster until Ctrl-C."""
    from apps import up as supervisor

    try:
        supervisor.up(load_settings(os.environ), with_dagster=dagster)
    except supervisor.Interrupted:
        note("Ended.")
        raise typer.Exit(130) from None


def demo(*, json: Json = False) -> None:
    """Make the demo tenant from real data where it is present, else from seeded samples, and build it."""
    from apps.bootstrap import prepare_tenant, seed_tenant
    from apps.up import run_build

    settings = load_settings(os.environ)
    prepared = prepare_tenant(settings, progress=note)
    seed_tenant(settings, prepared.paths, progress=note)
    code = run_build(settings)
    if json:
        print_json({"tenant": settings.tenant, "region": prepared.paths.region, "build_exit_code": code})
    else:
        print_line(f"Tenant {settings.tenant} is ready. `make run` serves it.")
    raise typer.Exit(code)
