"""The way of what the poller saw into the lake: durable in the spool at once, and some bodies a transaction."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from apps.api.ingest_lanes import IngestLanes
from apps.api.ingest_messages import job_of
from aurora.assistants.status_rows import spool_rows, status_row
from aurora.errors import AuroraError
from aurora.ingest.spool import SpooledBody
from aurora.store.paths import TenantPaths
from contracts.messages.commands import LiveAssistant, LiveFleet

SAMPLE_S: Final = 60.0
LAND_S: Final = 300.0
"""A row an assistant a minute; a transaction of the lake every five, because each is a snapshot."""
_logger = logging.getLogger("aurora.api")


class StatusLog:
    """One tenant's bodies of assistant states on their way. Lives on the API's event loop."""

    def __init__(self, paths: TenantPaths, lanes: IngestLanes, fleet: Callable[[], LiveFleet]) -> None:
        self._paths = paths
        self._lanes = lanes
        self._fleet = fleet
        self._waiting: list[SpooledBody] = []

    async def run(self) -> None:
        """Take a sample a minute and hand over what waits, until cancelled."""
        loop = asyncio.get_running_loop()
        landed_at = loop.time()
        while True:
            await asyncio.sleep(SAMPLE_S)
            try:
                await self.sample()
                if loop.time() - landed_at >= LAND_S:
                    landed_at = loop.time()
                    await self.land()
            except (AuroraError, OSError) as error:
                _logger.warning("States of assistants of %s wait in the spool: %s", self._paths.tenant, error)

    async def sample(self) -> None:
        """Keep how every connected assistant is now."""
        await self.keep([one for one in self._fleet().assistants if one.is_connected])

    async def keep(self, found: Sequence[LiveAssistant]) -> None:
        """Keep how these assistants are now; on the disk when it returns."""
        fleet = self._fleet()
        rows = [status_row(one, fleet) for one in found]
        if rows:
            loop = asyncio.get_running_loop()
            self._waiting.append(await loop.run_in_executor(self._lanes.disk, spool_rows, self._paths, rows))

    async def land(self) -> None:
        """Bring what waits into the lake."""
        bodies, self._waiting = self._waiting, []
        lane = self._lanes.lane(self._paths)
        answers = await asyncio.gather(
            *[lane.put(body, job_of(body, "none")) for body in bodies], return_exceptions=True
        )
        for answer in answers:
            if isinstance(answer, BaseException):
                _logger.warning("States of assistants of %s did not land: %s", self._paths.tenant, answer)
            else:
                answer[1].close()

    def let_go(self) -> None:
        """Leave what waits in the spool, for the next start."""
        for body in self._waiting:
            body.let_go()
        self._waiting.clear()
