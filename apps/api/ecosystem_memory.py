"""What the lake knows of each fleet, in memory: read anew when the lake has a new snapshot, not for each request."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from apps.api.rulebooks import rulebook_of
from aurora.settings import Settings
from aurora.store.state import Clock

if TYPE_CHECKING:
    from aurora.assistants.ecosystem_facts import EcosystemFacts
    from aurora.store.paths import TenantPaths

_LOOK_S: Final = 1.0


@dataclass(slots=True, eq=False)
class EcosystemMemory:
    """One tenant's facts. Lives on one event loop."""

    paths: TenantPaths
    settings: Settings
    clock: Clock
    _facts: EcosystemFacts | None = None
    _looked_at: float = float("-inf")
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def facts(self) -> EcosystemFacts:
        """The facts of the newest snapshot, as seen a second ago at the most."""
        loop = asyncio.get_running_loop()
        async with self._reading:
            if self._facts is None or loop.time() - self._looked_at >= _LOOK_S:
                self._facts = await asyncio.to_thread(self._look, self._facts)
                self._looked_at = loop.time()
            return self._facts

    def _look(self, known: EcosystemFacts | None) -> EcosystemFacts:
        from aurora.assistants.ecosystem_facts import read_facts
        from aurora.store.connection import latest_snapshot

        if known is not None and latest_snapshot(self.paths, "raw") == known.snapshot_id:
            return known
        return read_facts(self.paths, rulebook=rulebook_of(self.settings, self.paths), now=self.clock())
