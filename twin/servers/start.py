"""Run the live twin of a tenant until it is told to stop."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import uvloop

from aurora.packs import Pack
from aurora.settings import Settings
from aurora.store.paths import TenantPaths
from twin.servers.clock import live_clock
from twin.servers.connecting import SECRET, connect_assistants, write_sources
from twin.servers.fleet_servers import FleetServers
from twin.servers.ports import ADMIN, bound_ports
from twin.servers.running import RunningTwin, announce, new_token, refuse_second, token_file, withdraw


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the twin is run."""

    seed: int
    speed: float = 1.0
    days_back: float = 1.0
    """How far back a life begins that runs faster than the wall."""
    load: float = 1.0
    """Work that arrives, as a multiple of the ordinary."""
    base_port: int = 8100
    is_guarded: bool = False
    """The assistants want a token, which is kept in the tenant's `secrets` folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A twin that is up."""

    twin: RunningTwin
    has_sources: bool | None
    """Whether `pulls.yaml` names its exports; None when it was not asked for."""


def run_twin(
    pack: Pack,
    paths: TenantPaths,
    settings: Settings,
    options: Options,
    *,
    is_connected: bool,
    is_pulled: bool,
    on_up: Callable[[Started], None],
) -> bool:
    """Serve every assistant of `pack` until SIGTERM, or SIGINT: then True. `on_up` is told once all ports listen.

    `is_connected` registers them with the tenant, `is_pulled` writes their exports into its `pulls.yaml` too.

    Errors: `ConflictError` when a twin runs already, `NotReadyError` for a port that is taken.
    """
    refuse_second(paths)
    clock = live_clock(time.time, speed=options.speed, days_back=options.days_back)
    sockets = bound_ports([one.assistant_id for one in pack.assistants], base_port=options.base_port)
    token = new_token(paths.directory / "secrets" / SECRET) if options.is_guarded else None
    fleet = FleetServers(
        pack=pack,
        clock=clock,
        seed=options.seed,
        ports={name: sock.getsockname()[1] for name, sock in sockets.items()},
        admin_token=new_token(token_file(paths)),
        token=token,
        load=options.load,
    )
    assistants = {name: fleet.url(name) for name in fleet.apps}
    twin = RunningTwin(
        pid=os.getpid(),
        seed=options.seed,
        speed=options.speed,
        admin_port=fleet.ports[ADMIN],
        assistants=assistants,
    )
    has_sources = None
    if is_connected:
        mine = connect_assistants(
            paths,
            settings,
            assistants,
            has_token=token is not None,
            clock=lambda: dt.datetime.now(dt.UTC),
        )
        if is_pulled:
            has_sources = write_sources(paths, mine, has_token=token is not None)

    def up() -> None:
        announce(paths, twin)
        on_up(Started(twin=twin, has_sources=has_sources))

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(fleet.serve(sockets, on_up=up))
    finally:
        withdraw(paths)
        for sock in sockets.values():
            sock.close()
