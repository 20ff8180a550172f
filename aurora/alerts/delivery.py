"""Delivery: what is open goes to every channel of its tier once; what failed is tried again with the next round."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from aurora.alerts.book import DELIVERY, Book, read_book
from aurora.alerts.channels import Outgoing, Surroundings, send
from aurora.alerts.rules import Channel
from aurora.errors import AuroraError
from aurora.ingest.fetching import is_passing
from aurora.store.ids import IdMaker
from aurora.store.journal import JournalRecord
from aurora.store.state import StateStore
from contracts.messages.alerts import Alert, AlertDelivery, AlertTier
from contracts.messages.decisions import canonical

BACKOFF_S: Final = (1.0, 5.0, 25.0)
"""Waits between the tries of one round."""
STORM: Final = 5
"""More pages than this at once are one message: a person is woken once."""
_REFUSALS: Final = 2
"""In a row, after which a channel is left alone until the next round."""
Wait = Callable[[float], None]


def deliver(
    store: StateStore,
    channels: Sequence[Channel],
    around: Surroundings,
    *,
    tier: AlertTier,
    now: dt.datetime,
    wait: Wait,
    before: dt.datetime | None = None,
    titles: Mapping[str, str] | None = None,
) -> list[AlertDelivery]:
    """Send the open alerts of a tier to each channel that takes it and has not had them: pages one by one or, of
    many, together; a digest in one message, by rule and its title. `before` leaves out those raised later. Every outcome is in the journal."""
    book = read_book(store)
    done: list[AlertDelivery] = []
    for channel in channels:
        if tier not in channel.tiers:
            continue
        due = unsent(book, channel, tier=tier, before=before)
        refused_count = 0
        for batch in _batches(due, tier):
            kind = "alert.digest" if tier == "digest" else "alert.raised"
            outcome = attempt(channel, _message(kind, channel, batch, now, titles or {}), around, wait=wait)
            store.append([_record(outcome)]).result()
            done.append(outcome)
            refused_count = 0 if outcome.is_delivered else refused_count + 1
            if refused_count >= _REFUSALS or (refused_count and outcome.attempt_count > len(BACKOFF_S)):
                break  # the channel is away or set up wrongly: the rest waits for the next round
    return done


def _batches(due: list[Alert], tier: AlertTier) -> list[list[Alert]]:
    if not due:
        return []
    return [due] if tier == "digest" or len(due) > STORM else [[one] for one in due]


def unsent(book: Book, channel: Channel, *, tier: AlertTier, before: dt.datetime | None = None) -> list[Alert]:
    """Open alerts of a tier that the channel has not had."""
    return [
        one
        for one in book.open()
        if one.tier == tier
        and one.acknowledged_at is None
        and not _had(book.delivered, channel, one)
        and (before is None or one.raised_at < before)
    ]


def _had(delivered: frozenset[tuple[str, str]], channel: Channel, alert: Alert) -> bool:
    return (channel.name, _token(alert)) in delivered


def _token(alert: Alert) -> str:
    """What was delivered: an alert that becomes a page is delivered again."""
    return f"{alert.alert_id}:{alert.tier}"


def _message(
    kind: str, channel: Channel, alerts: Sequence[Alert], now: dt.datetime, titles: Mapping[str, str]
) -> Outgoing:
    """A message whose id is the same whenever the same alerts go to the same channel: receivers drop repeats by it."""
    text = "\x1f".join([kind, channel.name, *map(_token, alerts)])
    name = hashlib.blake2b(text.encode(), digest_size=10).hexdigest()
    return Outgoing(message_id=f"msg_{name}", kind=kind, alerts=alerts, now=now, titles=titles)


def attempt(
    channel: Channel, message: Outgoing, around: Surroundings, *, wait: Wait, backoff: Sequence[float] = BACKOFF_S
) -> AlertDelivery:
    """Send, and again while it may help. What a channel refuses is in the outcome, never raised."""
    problem: str | None = None
    count = 0
    for pause in (*backoff, None):
        count += 1
        try:
            send(channel, message, around)
        except AuroraError as error:
            problem = error.message
            if pause is None or not is_passing(error):
                break
            wait(pause)
        else:
            problem = None
            break
    return AlertDelivery(
        delivery_id=IdMaker(lambda: message.now).new("dlv"),
        channel=channel.name,
        alert_ids=[_token(one) for one in message.alerts],
        is_delivered=problem is None,
        attempt_count=count,
        problem=problem,
        delivered_at=message.now,
        is_digest=message.kind == "alert.digest",
    )


def _record(outcome: AlertDelivery) -> JournalRecord:
    return JournalRecord(
        record_id=outcome.delivery_id,
        kind=DELIVERY,
        subject_id=outcome.delivery_id,
        actor_id="aurora",
        recorded_at=outcome.delivered_at,
        body=canonical(outcome),
    )
