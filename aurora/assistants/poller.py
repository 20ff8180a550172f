"""Polls every connected assistant at once, each in its own time: a dead one never holds up the others.

A poll has two tries: the second starts when the first failed, or has not answered for half of the time. An
assistant that answers neither within 0.8 of the interval is down: seen within two intervals of its last answer.
"""

from __future__ import annotations

import asyncio
import dataclasses
import importlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from aurora.assistants.client import AssistantClient
from aurora.assistants.endpoints import connected
from aurora.assistants.health import Ping, Watch
from aurora.assistants.live import STALE_S, LiveStates, last_published, publish_live, states_of
from aurora.errors import AuroraError
from aurora.packs.assistants import Assistant, Thresholds
from aurora.packs.pack import Pack
from aurora.settings import Settings
from aurora.store.fleet import fleet_version, settings_of, switches
from aurora.store.ids import IdMaker
from aurora.store.journal import JournalRecord, StateReader
from aurora.store.paths import TenantPaths
from aurora.store.state import Clock
from contracts.messages.assistants import AssistantState
from contracts.messages.commands import Endpoint, LiveAssistant, LiveFleet, StateChange
from contracts.messages.decisions import canonical

Append = Callable[[Sequence[JournalRecord]], Awaitable[object]]
"""Makes records durable."""
OnChange = Callable[[Sequence[LiveAssistant]], Awaitable[object]]
"""Keeps rows of assistants whose state changed; done before the journal says so, so that no kill loses one."""

STATE_CHANGE: Final = "assistant_state"
ACTOR: Final = "aurora"
_BUDGET: Final = 0.8
_SECOND_TRY: Final = 0.4
_PAUSE: Final = 0.1
_STALL: Final = 0.3
"""Shares of the interval: for a whole poll, until its second try, between a failed try and the next; and what this
process may be late by until its own clock counts for more than the assistant's silence."""
_ENCODER: Final = msgspec.json.Encoder()
_logger = logging.getLogger("aurora.assistants")


class Poller:
    """One tenant's fleet, watched. Lives on one event loop; whoever runs it holds the tenant's fleet lock."""

    def __init__(
        self,
        paths: TenantPaths,
        settings: Settings,
        *,
        state: StateReader,
        pack: Callable[[], Pack | None],
        append: Append,
        on_change: OnChange,
        client: AssistantClient,
        clock: Clock,
    ) -> None:
        self._paths = paths
        self._interval = settings.status_poll_s
        self._state = state
        self._pack = pack
        self._append = append
        self._on_change = on_change
        self._client = client
        self._clock = clock
        self._ids = IdMaker(clock)
        self._refreshing = asyncio.Lock()
        self._watches: dict[str, Watch] = {}
        self._endpoints: dict[str, Endpoint] = {}
        self._seen: tuple[Pack | None, int] = (None, -1)
        before = last_published(paths)
        self._said: dict[str, AssistantState] = {
            one.assistant_id: one.assistant_state
            for one in (before.assistants if before is not None else ())
            if one.since is not None
        }
        self._round_ms: float | None = None
        self._published_at = float("-inf")
        self.fleet = LiveFleet(tenant_id=paths.tenant, updated_at=clock(), round_ms=None, assistants=())
        self.states: LiveStates = ()
        self.last_replies: dict[str, bytes] = {}
        """What each assistant last said of itself, as JSON."""

    async def run(self) -> None:
        """Poll until cancelled, once an interval."""
        loop = asyncio.get_running_loop()
        next_at = loop.time()
        while True:
            try:
                await self.round()
            except Exception:
                _logger.exception("A round of polls of %s failed; the next follows", self._paths.tenant)
            next_at = max(next_at + self._interval, loop.time())
            await asyncio.sleep(next_at - loop.time())

    async def round(self) -> None:
        """Poll every connected assistant once and publish what was seen."""
        await self.refresh()
        loop = asyncio.get_running_loop()
        began = loop.time()
        polls = {asyncio.create_task(self._poll(name, endpoint)) for name, endpoint in self._endpoints.items()}
        if polls:
            done, late = await asyncio.wait(polls, timeout=_SECOND_TRY * self._interval)
            answered = [ended for ended in (task.result() for task in done) if ended is not None]
            self._round_ms = round(1000 * (max(answered) - began), 2) if answered else None
            await self._publish()
            if late:
                await asyncio.wait(late)
        await self._publish()

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        """The assistants that are polled."""
        return self._endpoints

    async def refresh(self) -> None:
        """See what changed of the pack, endpoints, switches and settings, by whatever process."""
        async with self._refreshing:  # one that waits must not put back what a later one saw
            await self._refreshed()

    async def _refreshed(self) -> None:
        pack, version = self._pack(), fleet_version(self._state)
        if pack is None or (pack is self._seen[0] and version == self._seen[1]):
            return
        self._seen = (pack, version)
        self._published_at = float("-inf")
        found = connected(self._state)
        thresholds = settings_of(self._state, "set_threshold")
        off = {row.assistant_id: row for row in switches(self._state)}
        watches: dict[str, Watch] = {}
        for assistant in pack.assistants:
            name = assistant.assistant_id
            endpoint, moved_from = found.get(name), self._endpoints.get(name)
            if moved_from is not None and endpoint != moved_from:
                await self._client.forget(name)
            known = self._watches.get(name) if endpoint == moved_from else None
            watch = known or Watch(assistant)
            watch.assistant = assistant
            watch.thresholds = _thresholds(assistant, thresholds)
            watch.switch(off[name].reason if name in off else "", self._clock())
            watches[name] = watch
        self._watches = watches
        self._endpoints = {name: endpoint for name, endpoint in found.items() if name in watches}
        if self._endpoints:  # takes a third of a second, which the first poll must not be blamed for
            await asyncio.to_thread(importlib.import_module, "aiohttp")
        self._show()

    async def _poll(self, name: str, endpoint: Endpoint) -> float | None:
        """One poll; when its answer came, on the loop's clock, or None without one."""
        watch = self._watches[name]
        ping = await self._ping(endpoint)
        if ping is None:
            return None
        watch.observe(ping)
        if ping.reply is None:
            return None
        self.last_replies[name] = _ENCODER.encode(ping.reply)
        return asyncio.get_running_loop().time()

    async def _ping(self, endpoint: Endpoint) -> Ping | None:
        """What came of both tries; None when this process itself stood still, which says nothing of the assistant."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        first = asyncio.create_task(self._attempt(endpoint, _BUDGET * self._interval))
        await asyncio.wait({first}, timeout=_SECOND_TRY * self._interval)
        if first.done() and first.result().reply is not None:
            return first.result()
        if self._stood_still(began, _SECOND_TRY):
            await asyncio.wait({first})
            return first.result() if first.result().reply is not None else None
        if first.done():
            await asyncio.sleep(_PAUSE * self._interval)
        left = began + _BUDGET * self._interval - loop.time()
        second = asyncio.create_task(self._attempt(endpoint, left))
        waiting = {first, second}
        try:
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for ended in done:
                    if ended.result().reply is not None:
                        return dataclasses.replace(ended.result(), is_late=True)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        return None if self._stood_still(began, _BUDGET) else second.result()

    async def _attempt(self, endpoint: Endpoint, timeout_s: float) -> Ping:
        loop = asyncio.get_running_loop()
        sent = loop.time()
        try:
            reply = await self._client.status(endpoint, timeout_s=timeout_s)
        except AuroraError as error:
            return Ping(at=self._clock(), error=error.message)
        return Ping(at=self._clock(), ping_ms=1000 * (loop.time() - sent), reply=reply)

    def _stood_still(self, began: float, share: float) -> bool:
        """Whether much more time passed than was waited for."""
        waited = asyncio.get_running_loop().time() - began
        return waited > (share + _STALL) * self._interval

    async def _publish(self) -> None:
        self._show()
        fleet = self.fleet
        changed = [one for one in fleet.assistants if self._is_news(one)]
        if changed:
            await self._on_change(changed)
            await self._append([self._change(one) for one in changed])
            self._said.update({one.assistant_id: one.assistant_state for one in changed})
        at = asyncio.get_running_loop().time()
        if self._endpoints or changed or at - self._published_at >= STALE_S / 3:
            self._published_at = at
            await asyncio.to_thread(publish_live, self._paths, fleet)

    def _is_news(self, one: LiveAssistant) -> bool:
        return one.since is not None and one.assistant_state != self._said.get(one.assistant_id)

    def _show(self) -> None:
        """Put what is known in the place where decisions and routes read it."""
        found = tuple(watch.live(is_connected=name in self._endpoints) for name, watch in sorted(self._watches.items()))
        self.fleet = LiveFleet(
            tenant_id=self._paths.tenant, updated_at=self._clock(), round_ms=self._round_ms, assistants=found
        )
        off = frozenset(name for name, watch in self._watches.items() if watch.is_switched_off)
        self.states = states_of(self.fleet, off)

    def _change(self, one: LiveAssistant) -> JournalRecord:
        now = self._clock()
        change = StateChange(
            assistant_id=one.assistant_id,
            previous_state=self._said.get(one.assistant_id),
            assistant_state=one.assistant_state,
            reason=one.reason,
            changed_at=now,
            performance_score=one.performance_score,
        )
        return JournalRecord(
            record_id=self._ids.new("ast"),
            kind=STATE_CHANGE,
            subject_id=one.assistant_id,
            actor_id=ACTOR,
            recorded_at=now,
            body=canonical(change),
        )


def _thresholds(assistant: Assistant, found: dict[tuple[str, str], tuple[float, str]]) -> Thresholds:
    """The pack's thresholds, with those that a command set."""
    changed = {name: value for (owner, name), (value, _) in found.items() if owner == assistant.assistant_id}
    return msgspec.structs.replace(assistant.thresholds, **changed) if changed else assistant.thresholds
