"""`aurora twin up`: the pack's assistants as live, simulated HTTP servers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from apps.render import Json, Tenant, note, print_json, print_line, print_table
from aurora.settings import load_settings

if TYPE_CHECKING:
    from twin.servers.start import Started


def up(
    *,
    speed: Annotated[float, typer.Option(help="How much faster than the wall life goes until it has caught up.")] = 1.0,
    days_back: Annotated[float, typer.Option(help="Days ago that a faster life begins.")] = 1.0,
    load: Annotated[float, typer.Option(help="Work that arrives by itself, as a multiple of the ordinary.")] = 1.0,
    seed: Annotated[int | None, typer.Option(help="Seed of skills and demand; AURORA_SEED when absent.")] = None,
    base_port: Annotated[
        int, typer.Option(help="Port of the control channel; assistants follow. 0: free ones.")
    ] = 8100,
    connect: Annotated[
        bool, typer.Option("--connect", help="Register with the tenant those that nobody else connected.")
    ] = False,
    pull: Annotated[
        bool, typer.Option("--pull", help="With --connect: name their exports in pulls.yaml, for `aurora pull`.")
    ] = False,
    token: Annotated[bool, typer.Option("--token", help="Have them want a bearer token, which is made.")] = False,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Run the pack's assistants as simulated HTTP servers until Ctrl-C.

    Each speaks the assistant protocol on its own port of this machine: work arrives by itself, commands have
    effect, exports grow. At a speed above 1 life begins some days ago and catches up with the wall.
    """
    from apps.bootstrap import prepare_tenant
    from aurora.packs import load_pack
    from twin.servers.start import Options, run_twin

    settings = load_settings(os.environ)
    if tenant is not None:
        settings = msgspec.structs.replace(settings, tenant=tenant)
    paths = prepare_tenant(settings, progress=note).paths
    options = Options(
        seed=settings.seed if seed is None else seed,
        speed=speed,
        days_back=days_back,
        load=load,
        base_port=base_port,
        is_guarded=token,
    )
    is_interrupted = run_twin(
        load_pack(settings.packs_dir, settings.pack),
        paths,
        settings,
        options,
        is_connected=connect,
        is_pulled=pull,
        on_up=lambda started: _show(started, json=json),
    )
    note("Ended.")
    if is_interrupted:
        raise typer.Exit(130)


def _show(started: Started, *, json: bool) -> None:
    twin = started.twin
    if json:
        print_json(
            {
                "label": "simulated",
                "pid": twin.pid,
                "seed": twin.seed,
                "speed": twin.speed,
                "admin_port": twin.admin_port,
                "assistants": twin.assistants,
                "has_sources": started.has_sources,
            }
        )
    else:
        print_line(f"Simulated assistants, seed {twin.seed}, at {twin.speed:g} times the wall's speed:")
        rows = [{"assistant": name, "address": f"{url}/api/{name}/status"} for name, url in twin.assistants.items()]
        print_table(rows, ("assistant", "address"))
        print_line("Ctrl-C ends them. Make trouble: aurora chaos slow clara --by 800 --for 30")
    if started.has_sources:
        note("Their exports: AURORA_PULL_ALLOWED=127.0.0.1 aurora pull")
    elif started.has_sources is False:
        note("pulls.yaml of the tenant is a person's file and was left alone: their exports are not in it.")
