"""Whether the API can do its work: a real read of the lake, a real commit to the journal, an engine.

A process that only answers is not ready: a peer's check said yes for hours while every query failed.
Looks are shared: however many ask, one look at a time, and its answer holds for a second.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Future

from apps.api.messages import Part, PartState
from apps.api.tenants import TenantRuntime, Tenants
from aurora.errors import AuroraError
from aurora.store.paths import TenantPaths

KEPT_S = 1.0
PATIENCE_S = 10.0
_logger = logging.getLogger("aurora.api")
States = dict[str, list[PartState]]
"""The parts of each tenant."""


class Readiness:
    """Looks at every tenant that is served. Lives on the API's event loop."""

    def __init__(self, tenants: Tenants, *, monotonic: Callable[[], float]) -> None:
        self._tenants = tenants
        self._monotonic = monotonic
        self._look: asyncio.Task[States] | None = None
        self._looked_at = 0.0

    async def states(self) -> States:
        """The parts of each tenant, as they were at most a second ago."""
        is_old = self._look is None or (self._look.done() and self._monotonic() - self._looked_at > KEPT_S)
        if self._look is None or is_old:
            self._look = asyncio.create_task(self._look_at_all())
        return await asyncio.shield(self._look)

    async def _look_at_all(self) -> States:
        runtimes = self._tenants.all()
        found = await asyncio.gather(*[_look_at(runtime) for runtime in runtimes])
        self._looked_at = self._monotonic()
        return {runtime.paths.tenant: parts for runtime, parts in zip(runtimes, found, strict=True)}


async def _look_at(runtime: TenantRuntime) -> list[PartState]:
    return [
        await _state("lake", runtime, asyncio.to_thread(_read_lake, runtime.paths)),
        await _state("journal", runtime, _committed(runtime)),
        await _state("engine", runtime, _engine(runtime)),
    ]


async def _state(part: Part, runtime: TenantRuntime, look: Awaitable[object]) -> PartState:
    try:
        await asyncio.wait_for(look, PATIENCE_S)
    except AuroraError as error:
        why = str(error)
    except TimeoutError:
        why = f"It did not answer within {PATIENCE_S:.0f} s."
    except Exception as error:  # whatever it is, it must make the check fail and not the checker
        _logger.exception("The %s of tenant %s could not be looked at", part, runtime.paths.tenant)
        why = f"{type(error).__name__}: the log has the cause."
    else:
        return PartState(part=part, is_ready=True)
    _logger.warning("The %s of tenant %s is not ready: %s", part, runtime.paths.tenant, why)
    return PartState(part=part, is_ready=False, detail=why)


def _read_lake(paths: TenantPaths) -> None:
    from aurora.store.lake import read_lake  # DuckDB and polars come with it, on the first look

    with read_lake(paths) as lake:
        lake.query("SELECT count(*) FROM raw.assistant")


async def _committed(runtime: TenantRuntime) -> None:
    probe: Future[list[int]] = runtime.store.probe()
    await asyncio.wrap_future(probe)


async def _engine(runtime: TenantRuntime) -> None:
    runtime.require_engine()
