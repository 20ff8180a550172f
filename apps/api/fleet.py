"""One tenant's fleet in the API's process: the poller, the dispatcher, and what routes ask of them.

One process a tenant polls and delivers: the one that holds the lock on `fleet.lock`, which dies with it. Others
read what it publishes, and take its place within a second of its end.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from apps.api.ecosystem_memory import EcosystemMemory
from apps.api.ingest_lanes import IngestLanes
from apps.api.status_log import StatusLog
from aurora.assistants.client import AssistantClient
from aurora.assistants.dispatcher import Dispatcher
from aurora.assistants.health import Watch
from aurora.assistants.lifecycle import CLOSED, Move, read_command
from aurora.assistants.live import LiveStates, live_states, read_live
from aurora.assistants.poller import Poller
from aurora.settings import Settings
from aurora.store.fleet import command_row
from aurora.store.journal import IdempotencyKey, JournalRecord
from aurora.store.state import Clock, Statement
from contracts.messages.commands import Command, LiveAssistant, LiveFleet

if TYPE_CHECKING:
    from apps.api.tenants import TenantRuntime
    from aurora.assistants.commands import Fleet
    from aurora.handoffs.sharing import Sharing
    from aurora.packs.assistants import Assistant
    from aurora.packs.pack import Pack

_LOOK_S: Final = 1.0
_logger = logging.getLogger("aurora.api")


class FleetRuntime:
    """One tenant's assistants while the API runs. Lives on one event loop."""

    def __init__(self, runtime: TenantRuntime, settings: Settings, lanes: IngestLanes, *, clock: Clock) -> None:
        self._runtime = runtime
        self._settings = settings
        self._clock = clock
        self._client = AssistantClient(runtime.paths, settings)
        self._log = StatusLog(runtime.paths, lanes, lambda: self.poller.fleet)
        self._waiters: dict[str, list[asyncio.Future[Command]]] = {}
        self._published: LiveFleet | None = None
        self._published_states: LiveStates = ()
        self._lock: int | None = None
        self.memory = EcosystemMemory(runtime.paths, settings, clock)
        self.poller = Poller(
            runtime.paths,
            settings,
            state=runtime.store,
            pack=self._pack,
            append=runtime.journal.append,
            on_change=self._log.keep,
            client=self._client,
            clock=clock,
        )
        self.dispatcher = Dispatcher(
            runtime.store, self._client, append=self._append_move, on_closed=self._closed, clock=clock
        )
        self._task = asyncio.create_task(self._run())

    @property
    def is_leader(self) -> bool:
        """Whether this process polls and delivers."""
        return self._lock is not None

    @property
    def states(self) -> LiveStates:
        """What decisions go by."""
        return self.poller.states if self.is_leader else self._published_states

    @property
    def live(self) -> LiveFleet | None:
        """The fleet as it is now; None when nobody polls it."""
        return self.poller.fleet if self.is_leader else self._published

    def live_of(self, assistant: Assistant) -> LiveAssistant:
        """One assistant as it is now; by the pack's word alone while nobody polls."""
        found = self.live.assistants if self.live is not None else ()
        known = next((one for one in found if one.assistant_id == assistant.assistant_id), None)
        return known or Watch(assistant).live(is_connected=False)

    async def stop(self) -> None:
        """End polls and deliveries; what is open stays in the state and the spool."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._log.let_go()
        await self._client.close()
        if self._lock is not None:
            os.close(self._lock)

    async def refresh(self) -> None:
        """See at once what was changed of endpoints, switches and settings."""
        if self.is_leader:
            await self.poller.refresh()
        else:
            await self._read_published()

    def desk(self) -> Fleet:
        """What commands are judged by. `NotReadyError` without an engine."""
        from aurora.assistants.commands import Fleet

        engine = self._runtime.require_engine()
        paths = self._runtime.paths
        return Fleet(
            tenant=paths.tenant,
            region=paths.region,
            pack=engine.pack,
            sharing=sharing_of(self._settings.packs_dir, engine.pack.name, engine.version),
            state=self._runtime.store,
            live=self.live,
            callback_base=self._settings.callback_base,
            clock=self._clock,
        )

    async def append(
        self,
        records: Sequence[JournalRecord],
        statements: Sequence[Statement],
        idempotency: IdempotencyKey | None = None,
    ) -> None:
        """Make records durable with what they change; deliveries look again."""
        await self._runtime.journal.append(records, idempotency=idempotency, statements=statements)
        self.dispatcher.wake()

    async def closed(self, command_id: str, *, within_s: float) -> Command | None:
        """The command once it is closed, or as it stands after that time."""
        waiting: asyncio.Future[Command] = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(command_id, []).append(waiting)
        try:
            standing = self._standing(command_id)
            ends_at = asyncio.get_running_loop().time() + within_s
            while standing is not None and standing.command_state not in CLOSED:
                left = ends_at - asyncio.get_running_loop().time()
                if left <= 0:
                    break
                done, _ = await asyncio.wait({waiting}, timeout=min(left, _LOOK_S))
                standing = waiting.result() if done else self._standing(command_id)
            return standing
        finally:
            self._waiters[command_id].remove(waiting)
            if not self._waiters[command_id]:
                del self._waiters[command_id]

    def _standing(self, command_id: str) -> Command | None:
        row = command_row(self._runtime.store, command_id)
        return None if row is None else read_command(row.record)

    def _closed(self, command: Command) -> None:
        for waiting in self._waiters.get(command.command_id, ()):
            if not waiting.done():
                waiting.set_result(command)

    async def _append_move(self, move: Move) -> None:
        await self._runtime.journal.append(move.records, statements=move.statements)

    def _pack(self) -> Pack | None:
        return None if self._runtime.engine is None else self._runtime.engine.pack

    # the lock -----------------------------------------------------------------------------------
    async def _run(self) -> None:
        while True:
            if not self.is_leader and not self._take_lock():
                await self._read_published()
                await asyncio.sleep(_LOOK_S)
                continue
            try:
                async with asyncio.TaskGroup() as group:
                    for work in (self.poller.run(), self.dispatcher.run(), self._log.run(), self._watch()):
                        group.create_task(work)
            except* Exception:
                _logger.exception("The fleet of %s is looked after anew", self._runtime.paths.tenant)
            await asyncio.sleep(_LOOK_S)

    def _take_lock(self) -> bool:
        descriptor = os.open(self._runtime.paths.directory / "fleet.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._lock = descriptor
        return True

    async def _watch(self) -> None:
        """See within a second what other processes changed, however seldom assistants are polled."""
        while True:
            await asyncio.sleep(_LOOK_S)
            await self.poller.refresh()

    async def _read_published(self) -> None:
        now = self._clock()
        self._published = await asyncio.to_thread(read_live, self._runtime.paths, now=now)
        self._published_states = live_states(self._runtime.paths, self._runtime.store, now=now)


class Fleets:
    """Every tenant's fleet in this process."""

    def __init__(self, settings: Settings, lanes: IngestLanes, *, clock: Clock) -> None:
        self._settings = settings
        self._lanes = lanes
        self._clock = clock
        self._running: list[FleetRuntime] = []

    def begin(self, runtime: TenantRuntime) -> None:
        """Look after a tenant's fleet from now on."""
        runtime.fleet = FleetRuntime(runtime, self._settings, self._lanes, clock=self._clock)
        self._running.append(runtime.fleet)

    async def stop(self) -> None:
        """End all of it."""
        await asyncio.gather(*[fleet.stop() for fleet in self._running])
        self._running.clear()


@lru_cache(maxsize=64)
def sharing_of(packs_dir: Path, name: str, _: str) -> Sharing:
    """The pack's sharing policy, read once an engine's version: that changes with every file of the pack."""
    from aurora.handoffs.sharing import load_sharing
    from aurora.packs.loading import load_pack

    return load_sharing(packs_dir, load_pack(packs_dir, name))
