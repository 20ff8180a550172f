"""One round of alerts: judge every rule, raise and resolve, deliver pages. And whether another round would see news."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

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
    """What a round depends on, as a text that changes with it: marts, states of the fleet, the hour (clocks run out)."""
    fleet = read_live(paths, now=now)
    states = [] if fleet is None else [f"{one.assistant_id}={one.assistant_state}" for one in fleet.assistants]
    return "|".join([str(latest_snapshot(paths, "mart")), f"{now:%Y-%m-%dT%H}", *sorted(states)])
