"""What the API holds of each tenant: its state store, its engine, its keys; swapped when they change."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from apps.api.journal_bridge import JournalBridge
from aurora.errors import AuroraError, NotReadyError
from aurora.identity.keys import refused
from aurora.settings import Settings
from aurora.store.paths import TenantPaths, list_tenants, tenant_paths
from aurora.store.state import Clock, StateStore

if TYPE_CHECKING:
    from apps.api.fleet import FleetRuntime
    from aurora.assistants.live import LiveStates
    from aurora.decisions.engine import Engine  # numpy and yaml come with it, when the first one is loaded

POLL_SECONDS = 1.0
HOLDS_AGE_S = 0.001
"""How old the holds that a decision goes by may be. Under load some eight decisions share one look at the journal."""
ANSWERS_KEPT = dt.timedelta(days=1)
"""How long a request may be repeated with its idempotency key; the records themselves stay."""
_TIDY_EVERY = dt.timedelta(minutes=1)
_logger = logging.getLogger("aurora.api")


class EngineSource(Protocol):
    """Where engines come from."""

    def load(self, paths: TenantPaths, settings: Settings) -> Engine:
        """The tenant's engine as its files are now. May take seconds; called off the event loop."""
        ...

    def version(self, paths: TenantPaths, settings: Settings) -> str:
        """Changes when any file that the engine was made from does. Cheap; called every second."""
        ...


@dataclass(slots=True, eq=False)
class TenantRuntime:
    """One tenant while the API runs."""

    paths: TenantPaths
    store: StateStore
    journal: JournalBridge
    engine: Engine | None = None
    engine_version: str = ""
    engine_error: str = "not loaded yet"
    keys_version: int = 0
    in_flight: set[tuple[str, str]] = field(default_factory=set)
    """Actor and idempotency key of the requests being answered now."""
    fleet: FleetRuntime | None = None
    switches: Any = None
    """`aurora.decisions.modes.Switches`: what people said of how far decisions may act."""
    holds: Any = None
    """`aurora.decisions.holding.HoldsNow`: what nobody may work on, by the journal."""

    @property
    def live_states(self) -> LiveStates:
        """Assistants that are not simply active."""
        return () if self.fleet is None else self.fleet.states

    def require_fleet(self) -> FleetRuntime:
        """What looks after the tenant's assistants in this process."""
        if self.fleet is None:
            raise NotReadyError(
                "This process does not look after assistants.", field="fleet", next_step="Ask the API of `aurora up`."
            )
        return self.fleet

    def require_engine(self) -> Engine:
        """The engine, or `NotReadyError` with why there is none."""
        if self.engine is None:
            raise NotReadyError(
                f"The decision engine of tenant {self.paths.tenant!r} is not ready: {self.engine_error}",
                field="engine",
                next_step="Run `aurora build` for the tenant; /readyz says when it is ready.",
            )
        return self.engine


class Tenants:
    """Every tenant that this process serves. Lives on one event loop."""

    def __init__(
        self,
        settings: Settings,
        *,
        engines: EngineSource,
        clock: Clock,
        open_store: Callable[..., StateStore] = StateStore.open,
    ) -> None:
        self.settings = settings
        self._engines = engines
        self._clock = clock
        self._open_store = open_store
        self._open: dict[str, TenantRuntime] = {}
        self._poller: asyncio.Task[None] | None = None
        self._on_keys_changed: list[Callable[[], None]] = []
        self._on_opened: list[Callable[[TenantRuntime], None]] = []
        self._tidied_at = clock()

    async def start(self) -> None:
        """Open every tenant there is, load the engines, begin to watch for changes."""
        for name in list_tenants(self.settings.data_dir):
            try:
                await self._refresh_engine(self.runtime(name))
            except AuroraError as error:
                _logger.error("Tenant %s is not served: %s", name, error)  # noqa: TRY400 - the message says it all
        self._poller = asyncio.create_task(self._poll())

    async def stop(self) -> None:
        """Commit what is queued and close every store."""
        if self._poller is not None:
            self._poller.cancel()
            await asyncio.gather(self._poller, return_exceptions=True)
        for runtime in self._open.values():
            await asyncio.to_thread(runtime.store.close)
        self._open.clear()

    def on_keys_changed(self, call: Callable[[], None]) -> None:
        """Have `call` called when any tenant's keys changed."""
        self._on_keys_changed.append(call)

    def on_opened(self, call: Callable[[TenantRuntime], None]) -> None:
        """Have `call` called with each tenant when it is opened, on the event loop."""
        self._on_opened.append(call)

    def all(self) -> list[TenantRuntime]:
        """The tenants that are open."""
        return list(self._open.values())

    def runtime(self, tenant: str) -> TenantRuntime:
        """The tenant a credential names; `AuthenticationError` when there is none (which is not told apart)."""
        found = self._open.get(tenant)
        if found is not None:
            return found
        if tenant not in list_tenants(self.settings.data_dir):
            raise refused("The API key is not known")
        paths = tenant_paths(self.settings.data_dir, tenant)
        store = self._open_store(paths, clock=self._clock)
        found = TenantRuntime(paths, store, JournalBridge(store, asyncio.get_running_loop()))
        found.keys_version = store.api_keys_version()
        found.switches = _switches(store)
        found.holds = _holds(store)
        self._open[tenant] = found
        for call in self._on_opened:
            call(found)
        return found

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self.refresh()
            except Exception:
                _logger.exception("Looking for changes failed; trying again in %s s", POLL_SECONDS)

    async def refresh(self) -> None:
        """See what other processes changed: keys, engines. Drop answers that are too old to be repeated."""
        for runtime in self.all():
            self.refresh_keys(runtime)
            await self._refresh_engine(runtime)
            await self.refresh_switches(runtime)
        now = self._clock()
        if now - self._tidied_at >= _TIDY_EVERY:
            self._tidied_at = now
            for runtime in self.all():
                await asyncio.wrap_future(runtime.store.forget_answers(before=now - ANSWERS_KEPT))

    def refresh_keys(self, runtime: TenantRuntime) -> None:
        """Have keys looked up anew when any of the tenant's changed."""
        version = runtime.store.api_keys_version()
        if version != runtime.keys_version:
            runtime.keys_version = version
            for call in self._on_keys_changed:
                call()

    async def refresh_switches(self, runtime: TenantRuntime) -> None:
        """See what people changed of modes, in any process."""
        runtime.switches = await asyncio.to_thread(_switches, runtime.store)

    async def _refresh_engine(self, runtime: TenantRuntime) -> None:
        """Load the engine when its files changed; the old one serves until the new one stands."""
        try:
            version = await asyncio.to_thread(self._engines.version, runtime.paths, self.settings)
            if runtime.engine is None or version != runtime.engine_version:
                engine = await asyncio.to_thread(self._engines.load, runtime.paths, self.settings)
                runtime.engine, runtime.engine_version, runtime.engine_error = engine, version, ""
                _logger.info("Tenant %s decides with engine %s", runtime.paths.tenant, version)
        except AuroraError as error:
            if str(error) != runtime.engine_error:
                _logger.warning("The engine of tenant %s was not loaded: %s", runtime.paths.tenant, error)
            runtime.engine_error = str(error)


def _switches(store: StateStore) -> Any:
    from aurora.decisions.modes import read_switches  # yaml comes with it

    return read_switches(store)


def _holds(store: StateStore) -> Any:
    from aurora.decisions.holding import HoldsNow

    return HoldsNow(store, max_age_s=HOLDS_AGE_S)
