"""The book of alerts, folded from the journal: which are open, which rules are mute, how right each rule was.

Every change is one record: raised, acknowledged, labelled, resolved (kind `alert`), muted (`alert_mute`), delivered
(`alert_delivery`). Golden records keep alerts of their own under the same kind; they are not read here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from aurora.alerts.triage import MIN_LABELS, Precision, learnt_page_from, precision
from aurora.entities.judgements import entries_of
from aurora.errors import NotFoundError
from aurora.store.ids import IdMaker
from aurora.store.journal import JournalRecord, StateReader
from aurora.store.paths import TenantPaths
from aurora.store.state import StateStore
from contracts.messages.alerts import Alert, AlertDelivery, AlertLabel, Mute
from contracts.messages.decisions import canonical

ALERT: Final = "alert"
MUTE: Final = "alert_mute"
DELIVERY: Final = "alert_delivery"
_GOLDEN: Final = b'"golden_from"'
_ALERTS: Final = msgspec.json.Decoder(Alert)
_MUTES: Final = msgspec.json.Decoder(Mute)
_DELIVERIES: Final = msgspec.json.Decoder(AlertDelivery)


@dataclass(frozen=True, slots=True)
class Book:
    """Every alert in its newest state by id, oldest first; how many states each has; mutes by target; deliveries."""

    alerts: Mapping[str, Alert] = field(default_factory=dict)
    state_counts: Mapping[str, int] = field(default_factory=dict)
    mutes: Mapping[str, Mute] = field(default_factory=dict)
    delivered: frozenset[tuple[str, str]] = frozenset()
    """Channel and alert of each delivery that arrived."""
    deliveries: tuple[AlertDelivery, ...] = ()
    """Every try that came to an end, oldest first."""

    def open(self) -> list[Alert]:
        """Alerts that are not resolved."""
        return [one for one in self.alerts.values() if one.resolved_at is None]

    def alert(self, alert_id: str) -> Alert:
        """One alert; `NotFoundError` without it."""
        found = self.alerts.get(alert_id)
        if found is None:
            raise NotFoundError(
                f"There is no alert {alert_id[:80]!r}.", field="alert_id", next_step="`aurora alert list` names them."
            )
        return found

    def muted(self, targets: Iterable[str], now: dt.datetime) -> Mute | None:
        """The mute that silences one of the targets now."""
        for target in targets:
            mute = self.mutes.get(target)
            if mute is not None and not mute.is_lifted and (mute.until is None or mute.until > now):
                return mute
        return None

    def precision_of(self, rule_id: str) -> Precision:
        """Precision of a rule by labels given since its last mute was lifted: a person gave it another chance."""
        mute = self.mutes.get(rule_id)
        since = mute.muted_at if mute is not None and mute.is_lifted else None
        said = [
            one.alert_label
            for one in self.alerts.values()
            if one.rule_id == rule_id
            and one.alert_label is not None
            and (since is None or (one.labelled_at is not None and one.labelled_at > since))
        ]
        return precision(said.count("relevant"), said.count("noise"))

    def page_from(self) -> dict[str, float]:
        """The learnt threshold of each detecting rule with labels enough."""
        rule_ids = {one.rule_id for one in self.alerts.values() if one.score is not None}
        labelled = {rule_id: self.scores_of(rule_id) for rule_id in rule_ids}
        return {rule_id: learnt_page_from(said) for rule_id, said in labelled.items() if len(said) >= MIN_LABELS}

    def scores_of(self, rule_id: str) -> list[tuple[float, bool]]:
        """Consensus of each labelled alert of a detecting rule, and whether it was relevant."""
        return [(one.score, ok) for one, ok in self._labelled(rule_id) if one.score is not None]

    def values_of(self, rule_id: str) -> list[tuple[float, bool]]:
        """Measured value of each labelled alert of a rule, and whether it was relevant."""
        return [(one.value, ok) for one, ok in self._labelled(rule_id)]

    def _labelled(self, rule_id: str) -> list[tuple[Alert, bool]]:
        mine = [one for one in self.alerts.values() if one.rule_id == rule_id and one.alert_label is not None]
        return [(one, one.alert_label == "relevant") for one in mine]


def read_book(state: StateReader) -> Book:
    """The book as the journal has it now."""
    alerts: dict[str, Alert] = {}
    counts: dict[str, int] = {}
    for entry in entries_of(state, ALERT):
        if _GOLDEN not in entry.body:
            one = _ALERTS.decode(entry.body)
            alerts[one.alert_id] = one
            counts[one.alert_id] = counts.get(one.alert_id, 0) + 1
    mutes = {one.target: one for one in (_MUTES.decode(entry.body) for entry in entries_of(state, MUTE))}
    deliveries = tuple(_DELIVERIES.decode(entry.body) for entry in entries_of(state, DELIVERY))
    delivered = frozenset(
        (one.channel, alert_id) for one in deliveries if one.is_delivered for alert_id in one.alert_ids
    )
    return Book(alerts, counts, mutes, delivered, deliveries)


def alert_record(alert: Alert, nth: int) -> JournalRecord:
    """The journal record of an alert's state, from 0; the first bears the alert's own id."""
    return JournalRecord(
        record_id=alert.alert_id if nth == 0 else f"{alert.alert_id}.{nth}",
        kind=ALERT,
        subject_id=alert.alert_id,
        actor_id=alert.actor_id,
        recorded_at=alert.updated_at,
        body=canonical(alert),
    )


def mute_record(mute: Mute) -> JournalRecord:
    """The journal record of a mute."""
    return JournalRecord(
        record_id=mute.mute_id,
        kind=MUTE,
        subject_id=mute.mute_id,
        actor_id=mute.actor_id,
        recorded_at=mute.muted_at,
        body=canonical(mute),
    )


def new_mute(
    target: str, *, reason: str, actor_id: str, now: dt.datetime, until: dt.datetime | None = None, lift: bool = False
) -> Mute:
    """A mute, or the lifting of one."""
    return Mute(
        mute_id=IdMaker(lambda: now).new("mut"),
        target=target,
        is_lifted=lift,
        reason=reason,
        until=until,
        muted_at=now,
        actor_id=actor_id,
    )


def label_alert(store: StateStore, alert_id: str, label: AlertLabel, *, actor_id: str, now: dt.datetime) -> Alert:
    """Say whether an alert was worth it. `NotFoundError` for an unknown one."""
    return _moved(store, alert_id, actor_id, now, alert_label=label, labelled_at=now)


def acknowledge_alert(store: StateStore, alert_id: str, *, actor_id: str, now: dt.datetime) -> Alert:
    """Take note of an alert: it is not raised again while it lasts. `NotFoundError` for an unknown one."""
    return _moved(store, alert_id, actor_id, now, acknowledged_at=now)


def _moved(store: StateStore, alert_id: str, actor_id: str, now: dt.datetime, **changed: object) -> Alert:
    book = read_book(store)
    alert = msgspec.structs.replace(book.alert(alert_id), actor_id=actor_id, updated_at=now, **changed)
    store.append([alert_record(alert, book.state_counts[alert_id])]).result()
    return alert


def mute_target(store: StateStore, mute: Mute, *, known: Iterable[str]) -> Mute:
    """Silence a rule or a dedupe key, or lift it. `NotFoundError` for what neither is a rule nor ever alerted."""
    keys = {one.dedupe_key for one in read_book(store).alerts.values()}
    if mute.target not in {*known, *keys}:
        raise NotFoundError(
            f"{mute.target[:120]!r} is neither an alert rule nor a dedupe key that alerted.",
            field="target",
            next_step="`aurora alert rules` and `aurora alert list` name them.",
        )
    store.append([mute_record(mute)]).result()
    return mute


def open_book(paths: TenantPaths) -> Book:
    """The book of a tenant; empty before there is a journal."""
    if not paths.state.is_file():
        return Book()
    with StateReader(paths) as state:
        return read_book(state)
