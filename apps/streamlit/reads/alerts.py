"""What the page of alerts shows: the book as the journal has it now, rules by their labels, channels by what they took."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import streamlit as st

from apps.streamlit.reads.lake import Pin, current_settings
from aurora.alerts.book import Book, open_book
from aurora.alerts.reads import Shown, rule_precisions, state_of
from aurora.alerts.rules import AlertRule, Channel, TenantAlerts, load_alert_rules, tenant_alerts
from aurora.alerts.triage import label_curve, wilson
from contracts.messages.alerts import Alert, AlertTier, RulePrecision

_RANK = {"info": 0, "low": 1, "medium": 2, "high": 3, "critical": 4}


@dataclass(frozen=True, slots=True)
class AlertView:
    """The book, the rules and the tenant's own figures, read together."""

    book: Book
    rules: tuple[AlertRule, ...]
    own: TenantAlerts

    def titles(self) -> dict[str, str]:
        """What rules are called."""
        return {rule.rule_id: rule.title for rule in self.rules}

    def alerts(self, state: Shown, tier: AlertTier | None = None) -> list[Alert]:
        """Alerts in a state: open ones by severity, then the newest first."""
        found = [one for one in self.book.alerts.values() if state_of(one) == state and tier in (None, one.tier)]
        worst = 1 if state == "open" else 0
        return sorted(found, key=lambda one: (-worst * _RANK[one.severity], -one.raised_at.timestamp(), one.alert_id))

    def precisions(self, now: dt.datetime) -> list[RulePrecision]:
        """Each rule by its labels."""
        return rule_precisions(self.book, self.rules, now)


def alert_view(pin: Pin) -> AlertView:
    """The tenant's alerts now. Not cached: a click must be seen at once."""
    return AlertView(open_book(pin.paths), alert_rules(), tenant_alerts(pin.paths))


def alert_rules() -> tuple[AlertRule, ...]:
    """The rules of this pack."""
    settings = current_settings()
    return _rules(str(settings.packs_dir), settings.pack)


@st.cache_data(ttl=60, max_entries=8, show_spinner=False)
def _rules(packs_dir: str, pack: str) -> tuple[AlertRule, ...]:
    return load_alert_rules(Path(packs_dir), pack)


def open_pages(pin: Pin) -> list[Alert]:
    """Pages that nobody took note of yet, the worst first."""
    return alert_view(pin).alerts("open", "page")


def precision_table(view: AlertView, now: dt.datetime) -> pl.DataFrame:
    """One row a rule: how often it alerted, how right it was, from where on it pages, whether it is mute."""
    titles = view.titles()
    rows = [
        {
            "rule": titles[one.rule_id],
            "rule_id": one.rule_id,
            "raised_count": one.raised_count,
            "labelled_count": one.labelled_count,
            "precision_share": one.precision,
            "low_share": one.precision_low if one.labelled_count else None,
            "high_share": one.precision_high if one.labelled_count else None,
            "page_from": one.page_from,
            "suggested_limit": one.suggested_limit,
            "mute": _mute_text(one),
        }
        for one in view.precisions(now)
    ]
    schema: dict[str, type[pl.DataType]] = {
        "rule": pl.String, "rule_id": pl.String, "raised_count": pl.Int64, "labelled_count": pl.Int64,
        "precision_share": pl.Float64, "low_share": pl.Float64, "high_share": pl.Float64, "page_from": pl.Float64,
        "suggested_limit": pl.Float64, "mute": pl.String,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema).sort("raised_count", "rule", descending=[True, False])


def _mute_text(one: RulePrecision) -> str | None:
    if one.muted_because is None:
        return None
    until = "for good" if one.muted_until is None else f"until {one.muted_until:%-d %b %Y, %H:%M} UTC"
    return f"{one.muted_because} ({until})"


def weekly(view: AlertView) -> pl.DataFrame:
    """Alerts a week by what people said of them: `period_date` (Monday), `verdict`, `alert_count`."""
    rows = [
        {
            "period_date": one.raised_at.date() - dt.timedelta(days=one.raised_at.weekday()),
            "verdict": {"relevant": "Relevant", "noise": "Noise", None: "Not labelled"}[one.alert_label],
        }
        for one in view.book.alerts.values()
    ]
    frame = pl.DataFrame(rows, schema={"period_date": pl.Date, "verdict": pl.String})
    return frame.group_by("period_date", "verdict").agg(pl.len().alias("alert_count")).sort("period_date", "verdict")


def curve(scores: Sequence[tuple[float, bool]]) -> pl.DataFrame:
    """Precision of a detecting rule by the threshold from which it pages, with its 95 % interval and n."""
    rows = []
    for threshold, right, wrong in label_curve(scores):
        if right + wrong:
            low, high = wilson(right, right + wrong)
            share = right / (right + wrong)
            rows.append({"threshold": threshold, "precision": share, "low": low, "high": high, "n": right + wrong})
    return pl.DataFrame(
        rows, schema={"threshold": pl.Float64, **dict.fromkeys(("precision", "low", "high"), pl.Float64), "n": pl.Int64}
    )


def channel_table(view: AlertView) -> pl.DataFrame:
    """One row a channel: what it takes, when it last took something, what was wrong last."""
    rows = [_channel_row(one, view.book) for one in view.own.channels]
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "channel": pl.String, "kind": pl.String, "takes": pl.String, "state": pl.String,
        "last_taken_at": pl.Datetime("us", "UTC"), "problem": pl.String,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


def _channel_row(channel: Channel, book: Book) -> dict[str, object]:
    mine = [one for one in book.deliveries if one.channel == channel.name]
    taken = [one.delivered_at for one in mine if one.is_delivered]
    last = mine[-1] if mine else None
    state = "… Not used yet" if last is None else "✓ Takes alerts" if last.is_delivered else "✗ Refuses"
    return {
        "channel": channel.name,
        "kind": channel.kind,
        "takes": " and ".join({"page": "pages", "digest": "the digest"}[tier] for tier in channel.tiers),
        "state": state,
        "last_taken_at": max(taken) if taken else None,
        "problem": last.problem if last is not None else None,
    }


def delivery_table(view: AlertView, limit: int = 200) -> pl.DataFrame:
    """The newest deliveries, those that failed first among equals of time."""
    rows = [
        {
            "delivered_at": one.delivered_at,
            "channel": one.channel,
            "result": "✓ Delivered" if one.is_delivered else "✗ Failed",
            "message": "Digest" if one.is_digest else "Page",
            "alert_count": len(one.alert_ids),
            "attempt_count": one.attempt_count,
            "problem": one.problem,
        }
        for one in reversed(view.book.deliveries)
    ][:limit]
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "delivered_at": pl.Datetime("us", "UTC"), "channel": pl.String, "result": pl.String, "message": pl.String,
        "alert_count": pl.Int64, "attempt_count": pl.Int64, "problem": pl.String,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema)
