"""Alerts as the journal keeps them: raised once a period, and what people did about them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from msgspec import Meta, Struct

from contracts.messages.decisions import Text

Severity = Literal["info", "low", "medium", "high", "critical"]
AlertTier = Literal["page", "digest"]
AlertLabel = Literal["relevant", "noise"]
Note = Annotated[str, Meta(min_length=3, max_length=2000)]


class Alert(Struct, frozen=True, kw_only=True):
    """One state of an alert. Its summary says what changed, since when and by how much."""

    alert_id: str
    alert_kind: str
    rule_id: str
    severity: Severity
    tier: AlertTier
    """`page` is delivered at once, `digest` waits for the next digest."""
    summary: str
    since: dt.datetime | None
    """When what it is about began, as far as the data says."""
    cause: str | None
    """Likely cause: the dimension that contributes most."""
    suggested_action: str
    dedupe_key: str
    period_start: dt.datetime
    """Start of the period in which this key alerts once."""
    value: float
    limit_value: float | None
    score: float | None
    """Consensus of the detectors; null for a rule with a limit."""
    about_contract: str | None
    about_id: str
    assistant_id: str | None
    is_simulated: bool
    raised_at: dt.datetime
    updated_at: dt.datetime
    acknowledged_at: dt.datetime | None
    resolved_at: dt.datetime | None
    alert_label: AlertLabel | None
    labelled_at: dt.datetime | None
    actor_id: str
    """Who moved it into this state."""
    is_sample: bool
    region: str


class Mute(Struct, frozen=True, kw_only=True):
    """A rule or one dedupe key that raises nothing until a moment, or until it is lifted."""

    mute_id: str
    target: str
    """A rule's id or a dedupe key."""
    is_lifted: bool
    reason: str
    until: dt.datetime | None
    muted_at: dt.datetime
    actor_id: str


class AlertDelivery(Struct, frozen=True, kw_only=True):
    """What a channel took: the alerts, after how many tries, or why it did not."""

    delivery_id: str
    channel: str
    alert_ids: list[str]
    is_delivered: bool
    attempt_count: int
    problem: str | None
    delivered_at: dt.datetime
    is_digest: bool = False
    """Whether it was one message of many."""


class LabelRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether an alert was worth it."""

    label: AlertLabel


class MuteRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Silence a rule or one dedupe key, or lift that again."""

    target: Text
    reason: Note
    until: dt.datetime | None = None
    lift: bool = False


class AlertPage(Struct, frozen=True, kw_only=True):
    """Alerts, the newest first."""

    alerts: list[Alert]


class RulePrecision(Struct, frozen=True, kw_only=True):
    """How right a rule was by its labels, with the 95 % Wilson interval, and whether it is silent."""

    rule_id: str
    raised_count: int
    labelled_count: int
    relevant_count: int
    precision: float | None
    precision_low: float
    precision_high: float
    page_from: float | None
    """Consensus from which it pages; null for a rule with a limit, or one that pages no more."""
    muted_because: str | None
    muted_until: dt.datetime | None = None
    """When the mute ends; null for good, or where it is not mute."""
    suggested_limit: float | None = None
    """The limit that its labels speak for; null while they are few or leave no noise out."""


class AlertRulesPage(Struct, frozen=True, kw_only=True):
    """Every alert rule by its labels."""

    rules: list[RulePrecision]
