"""The twin: a simulated brokerage whose truth is known, to fill, load and judge Aurora."""

from __future__ import annotations

import datetime as dt
import os
import time
from typing import Annotated, Any

import typer

from apps.commands.twin_up import up
from apps.render import Json, Tenant, note, print_json, print_line, print_table
from apps.session import open_paths

LABEL = "simulated"
"""Stands in every answer: nothing here happened."""


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    room = typer.Typer(help="The twin: a simulated brokerage whose truth is known.", no_args_is_help=True)
    room.callback()(_room)
    room.command()(history)
    room.command()(truth)
    room.command(name="hash")(content_hash)
    room.command()(up)
    app.add_typer(room, name="twin")


def _room() -> None:
    """The twin: a simulated brokerage whose truth is known."""


def history(
    *,
    days: Annotated[int, typer.Option(min=1, max=400, help="Whole days of history.")] = 90,
    seed: Annotated[int, typer.Option(help="Seed: the same gives the same bytes.")] = 7,
    scale: Annotated[float, typer.Option(help="1 is 2 M usage rows, 200 k tasks and 20 k leads in 90 days.")] = 1.0,
    until: Annotated[
        dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day after it; today when absent.")
    ] = None,
    build: Annotated[bool, typer.Option("--build", help="Ingest it and build the marts, too.")] = False,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Write a simulated brokerage's history: exports into the landing folder, the truth beside it.

    Makes the tenant when there is none of that name. The same options again change nothing.
    """
    import msgspec

    from apps.bootstrap import prepare_tenant, utc_now
    from apps.up import run_build
    from aurora.settings import load_settings
    from twin.history import twin_frame, write_history

    settings = load_settings(os.environ)
    settings = msgspec.structs.replace(settings, tenant=tenant or settings.tenant)
    paths = prepare_tenant(settings, progress=note).paths
    began = time.monotonic()
    frame = twin_frame(settings, paths, until=(until or utc_now()).date(), days=days, seed=seed, scale=scale)
    manifest = write_history(paths, frame, shared_data=settings.shared_data_dir)
    seconds = {"generate": round(time.monotonic() - began, 2)}
    _print_history(manifest, seconds) if not json else None
    code = 0
    if build:
        began = time.monotonic()
        code = run_build(settings)
        seconds["build"] = round(time.monotonic() - began, 2)
    if json:
        print_json({**manifest, "seconds": seconds, "is_built": build and code == 0})
    if code:
        raise typer.Exit(code)


def _print_history(manifest: dict[str, Any], seconds: dict[str, float]) -> None:
    print_line(
        f"A {LABEL} brokerage, seed {manifest['seed']}: {manifest['days']} days from {manifest['first_day']}, "
        f"{manifest['file_count']} files of {manifest['source_count']} sources in {seconds['generate']:.1f} s."
    )
    counts = [{"contract": name, "row_count": count} for name, count in manifest["row_counts"].items()]
    print_table(counts, ("contract", "row_count"))


def content_hash(*, tenant: Tenant = None, json: Json = False) -> None:
    """Hash what the tenant's lake holds: equal for equal rows, whenever and however they came in."""
    from twin.content import lake_hash

    _, paths = open_paths(tenant)
    whole, tables = lake_hash(paths)
    if json:
        print_json({"tenant": paths.tenant, "content_hash": whole, "tables": tables})
        return
    print_line(f"{whole}  raw lake of {paths.tenant}")
    print_table([{"table": name, **about} for name, about in tables.items()], ("table", "row_count", "content_hash"))


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
