"""The digest: what may be worth a look, gathered by rule and sent once a period to the channels that take it.

It holds the open alerts of the digest tier that were raised before its hour and that the channel has not had. What did
not arrive is tried again with the next look at the clock, within the same period.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from aurora.alerts.book import Book, read_book
from aurora.alerts.channels import Group, Surroundings, grouped
from aurora.alerts.delivery import Wait, deliver, unsent
from aurora.alerts.rules import AlertRule, Channel, DigestPlan, TenantAlerts, load_alert_rules, tenant_alerts
from aurora.settings import Settings
from aurora.store.paths import TenantPaths
from aurora.store.state import StateStore
from contracts.messages.alerts import AlertDelivery


@dataclass(frozen=True, slots=True)
class Due:
    """A channel and what its digest would say."""

    channel: Channel
    groups: tuple[Group, ...]


def slot_start(now: dt.datetime, plan: DigestPlan) -> dt.datetime:
    """The last moment at which a digest was to go out: that hour of the day, or of Monday; in UTC."""
    today = now.astimezone(dt.UTC).replace(hour=plan.hour, minute=0, second=0, microsecond=0)
    days_back = today.weekday() if plan.period == "week" else 0
    start = today - dt.timedelta(days=days_back)
    if start > now:
        start -= dt.timedelta(days=7 if plan.period == "week" else 1)
    return start


def digests_due(book: Book, own: TenantAlerts, rules: Sequence[AlertRule], *, now: dt.datetime) -> list[Due]:
    """Channels whose digest of this period is yet to go out, and has something in it."""
    start = slot_start(now, own.digest)
    due = []
    for channel in own.channels:
        if "digest" not in channel.tiers or _was_sent(book, channel, start):
            continue
        waiting = unsent(book, channel, tier="digest", before=start)
        if waiting:
            due.append(Due(channel, tuple(grouped(waiting, {rule.rule_id: rule.title for rule in rules}))))
    return due


def _was_sent(book: Book, channel: Channel, start: dt.datetime) -> bool:
    return any(
        one.channel == channel.name and one.is_delivered and one.is_digest and one.delivered_at >= start
        for one in book.deliveries
    )


def send_due(
    paths: TenantPaths, settings: Settings, store: StateStore, *, now: dt.datetime, wait: Wait
) -> list[AlertDelivery]:
    """Send every digest that is due; nothing the second time in its period.

    Errors: `PackError` for a rule file or the tenant's alerts.yaml. A channel's refusal is in its delivery.
    """
    own, rules = tenant_alerts(paths), load_alert_rules(settings.packs_dir, settings.pack)
    due = digests_due(read_book(store), own, rules, now=now)
    around = Surroundings(paths=paths, allowed=settings.alerts_allowed_hosts)
    return deliver(
        store,
        [one.channel for one in due],
        around,
        tier="digest",
        now=now,
        wait=wait,
        before=slot_start(now, own.digest),
        titles={rule.rule_id: rule.title for rule in rules},
    )


def is_due(paths: TenantPaths, settings: Settings, book: Book, *, now: dt.datetime) -> bool:
    """Whether `send_due` would send anything."""
    own = tenant_alerts(paths)
    return bool(own.channels) and bool(
        digests_due(book, own, load_alert_rules(settings.packs_dir, settings.pack), now=now)
    )
