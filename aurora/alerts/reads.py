"""What pages, the API and the command line show of alerts."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import Literal

from aurora.alerts.book import Book
from aurora.alerts.rules import AlertRule
from aurora.alerts.triage import PAGE_FROM, suggested_limit
from contracts.messages.alerts import Alert, AlertTier, RulePrecision

Shown = Literal["open", "acknowledged", "resolved", "all"]


def list_alerts(
    book: Book,
    *,
    shown: Shown = "open",
    tier: AlertTier | None = None,
    rule_id: str | None = None,
    assistant_id: str | None = None,
    limit: int = 50,
) -> list[Alert]:
    """Alerts in that state, the newest first. `open` leaves out acknowledged ones."""
    found = [
        one
        for one in book.alerts.values()
        if shown in ("all", state_of(one))
        and tier in (None, one.tier)
        and rule_id in (None, one.rule_id)
        and assistant_id in (None, one.assistant_id)
    ]
    return sorted(found, key=lambda one: (one.raised_at, one.alert_id), reverse=True)[:limit]


def state_of(alert: Alert) -> Shown:
    """Open, acknowledged or resolved."""
    if alert.resolved_at is not None:
        return "resolved"
    return "open" if alert.acknowledged_at is None else "acknowledged"


def rule_precisions(book: Book, rules: Sequence[AlertRule], now: dt.datetime) -> list[RulePrecision]:
    """Each rule by its labels: precision with interval, learnt threshold, and why it is mute."""
    learnt = book.page_from()
    found = []
    for rule in rules:
        said, mute = book.precision_of(rule.rule_id), book.muted([rule.rule_id], now)
        page_from = learnt.get(rule.rule_id, PAGE_FROM) if rule.detects else math.inf
        found.append(
            RulePrecision(
                rule_id=rule.rule_id,
                raised_count=sum(one.rule_id == rule.rule_id for one in book.alerts.values()),
                labelled_count=said.labelled_count,
                relevant_count=said.relevant_count,
                precision=said.share,
                precision_low=said.low,
                precision_high=said.high,
                page_from=None if math.isinf(page_from) else page_from,
                muted_because=None if mute is None else mute.reason,
                muted_until=None if mute is None else mute.until,
                suggested_limit=_suggested(book, rule),
            )
        )
    return found


def _suggested(book: Book, rule: AlertRule) -> float | None:
    if rule.detects or rule.steps:
        return None
    return suggested_limit(book.values_of(rule.rule_id), is_below=rule.breach == "below")
