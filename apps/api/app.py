"""Assembles the API: one ASGI app a process, nothing opened before its lifespan begins."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from apps.api.admission import Admission
from apps.api.caller import Services
from apps.api.dispatch import ASGIApp, Dispatcher
from apps.api.engines import FileEngines
from apps.api.fleet import Fleets
from apps.api.framework import build_framework
from apps.api.hot_routes import HotRoutes
from apps.api.ingest_lanes import IngestLanes
from apps.api.readiness import Readiness
from apps.api.tenants import EngineSource, Tenants
from aurora.settings import Settings, load_settings
from aurora.store.ids import IdMaker
from aurora.store.state import Clock, StateStore


def utc_now() -> dt.datetime:
    """The wall clock, injected everywhere below."""
    return dt.datetime.now(dt.UTC)


def pooled_random(pool_bytes: int = 4096) -> Callable[[int], bytes]:
    """`os.urandom` in bulk: a call of the system an id would cost more than the id. For one thread."""
    pool, at = b"", 0

    def take(count: int) -> bytes:
        nonlocal pool, at
        if at + count > len(pool):
            pool, at = os.urandom(max(pool_bytes, count)), 0
        at += count
        return pool[at - count : at]

    return take


def create_app(
    settings: Settings,
    *,
    pages: ASGIApp | None = None,
    engines: EngineSource | None = None,
    clock: Clock = utc_now,
    open_store: Callable[..., StateStore] = StateStore.open,
) -> Dispatcher:
    """The API over all tenants below `settings.data_dir`; `pages` answers every path that is not the API's."""
    tenants = Tenants(settings, engines=engines or FileEngines(), clock=clock, open_store=open_store)
    admission = Admission(tenants, monotonic=time.monotonic)

    lanes = IngestLanes(settings)
    fleets = Fleets(settings, lanes, clock=clock)
    tenants.on_opened(fleets.begin)
    services = Services(
        settings=settings,
        tenants=tenants,
        admission=admission,
        readiness=Readiness(tenants, monotonic=time.monotonic),
        lanes=lanes,
        clock=clock,
    )

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        await tenants.start()
        lanes.start([runtime.paths for runtime in tenants.all()])
        try:
            yield
        finally:
            await fleets.stop()
            await lanes.stop()
            await tenants.stop()

    return Dispatcher(
        hot=HotRoutes(admission, clock=clock, ids=IdMaker(clock, random_bytes=pooled_random())),
        framework=build_framework(services),
        pages=pages,
        lifespan=lifespan,
        max_upload_bytes=settings.max_upload_mb * 2**20,
    )


def from_environment() -> Dispatcher:
    """The API without pages, with settings from the environment (`uvicorn --factory`)."""
    return create_app(load_settings(os.environ))
