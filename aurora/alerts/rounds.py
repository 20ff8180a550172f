"""One round of alerts: judge every rule, raise and resolve, deliver pages. And whether another round would see news."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aurora.alerts.channels import Surroundings
from aurora.alerts.delivery import Wait, deliver
from aurora.alerts.raising import Raised, run_rules
from aurora.alerts.rules import load_alert_rules, tenant_alerts
from aurora.assistants.live import read_live
from aurora.settings import Settings
from aurora.store.connection import latest_snapshot
from aurora.store.paths import TenantPaths
from aurora.store.state import StateStore
from contracts.messages.alerts import AlertDelivery
from contracts.messages.commands import LiveAssistant, LiveFleet

_WATCHED_MINUTES: Final = 5


@dataclass(frozen=True, slots=True)
class Round:
    """What a round came to."""

    raised: Raised
    deliveries: list[AlertDelivery]
    rule_count: int

    def figures(self) -> Mapping[str, int]:
        """Counts to show."""
        return {
            "rule_count": self.rule_count,
            "raised_count": len(self.raised.alerts),
            "resolved_count": len(self.raised.resolved),
            "muted_count": len(self.raised.muted),
            "left_out_count": len(self.raised.left_out),
            "delivered_count": sum(one.is_delivered for one in self.deliveries),
            "undelivered_count": sum(not one.is_delivered for one in self.deliveries),
        }


def run_round(
    paths: TenantPaths, settings: Settings, store: StateStore, *, now: dt.datetime, wait: Wait, delivers: bool = True
) -> Round:
    """Judge the rules of the settings' pack over the newest snapshot and the live fleet, and deliver pages.

    Errors: `PackError` for a rule file or the tenant's alerts.yaml, `DataError` for a rule that cannot be judged.
    """
    rules, own = load_alert_rules(settings.packs_dir, settings.pack), tenant_alerts(paths)
    raised = run_rules(paths, rules, own, store, fleet=read_live(paths, now=now), now=now)
    around = Surroundings(paths=paths, allowed=settings.alerts_allowed_hosts)
    sent = deliver(store, own.channels, around, tier="page", now=now, wait=wait) if delivers else []
    return Round(raised, sent, len(rules))


def news(paths: TenantPaths, *, now: dt.datetime) -> str:
    """What a round depends on, as a text that changes with it: marts, the fleet, the hour (clocks run out)."""
    seen = fleet_news(read_live(paths, now=now), now=now)
    return f"{latest_snapshot(paths, 'mart')}|{now:%Y-%m-%dT%H}|{seen}"


def fleet_news(fleet: LiveFleet | None, *, now: dt.datetime) -> str:
    """States of the fleet, and the first minutes that one is down, since a page waits for them."""
    return "|".join(sorted(_state(one, now) for one in fleet.assistants)) if fleet is not None else ""


def _state(one: LiveAssistant, now: dt.datetime) -> str:
    held = 0.0
    if one.assistant_state == "down" and one.since is not None:
        held = min((now - one.since).total_seconds() // 60, _WATCHED_MINUTES)
    return f"{one.assistant_id}={one.assistant_state}/{one.reported_state}/{held:.0f}"
