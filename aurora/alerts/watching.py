"""One look at the clock: a round of rules when there is news, the digest when it is due. Whoever keeps time calls it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from aurora.alerts.delivery import Wait
from aurora.alerts.digest import send_due
from aurora.alerts.rounds import Round, news, run_round
from aurora.settings import Settings
from aurora.store.paths import TenantPaths
from aurora.store.state import StateStore
from contracts.messages.alerts import AlertDelivery


@dataclass(frozen=True, slots=True)
class Look:
    """What a look came to."""

    seen: str
    """Hand it to the next look."""
    round: Round | None
    digests: list[AlertDelivery]

    def told(self) -> Iterator[str]:
        """A line for what happened; none for a look at nothing new."""
        if self.round is not None and (self.round.raised.alerts or self.round.raised.resolved):
            figures = self.round.figures()
            yield ", ".join(
                f"{figures[name]} {name.removesuffix('_count')}" for name in ("raised_count", "resolved_count")
            )
        for one in self.digests:
            yield f"Digest of {len(one.alert_ids)} alerts to {one.channel}: {one.problem or 'delivered'}"


def look(paths: TenantPaths, settings: Settings, store: StateStore, *, seen: str, now: dt.datetime, wait: Wait) -> Look:
    """Errors: `PackError` for a rule file or alerts.yaml, `DataError` for a rule that cannot be judged."""
    found = news(paths, now=now)
    done = run_round(paths, settings, store, now=now, wait=wait) if found != seen else None
    return Look(found, done, send_due(paths, settings, store, now=now, wait=wait))
