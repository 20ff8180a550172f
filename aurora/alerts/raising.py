"""From breaches to alerts: one a key and period, silent where muted, resolved when what they are about is over."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Final

import msgspec

from aurora.alerts.book import Book, alert_record, mute_record, new_mute, read_book
from aurora.alerts.evaluation import Breach, Evaluation, evaluate
from aurora.alerts.rules import AlertRule, TenantAlerts, period_start
from aurora.errors import ConflictError, NotReadyError
from aurora.store.journal import JournalRecord
from aurora.store.lake import read_lake
from aurora.store.paths import TenantPaths
from aurora.store.state import StateStore
from contracts.messages.alerts import Alert, Mute
from contracts.messages.commands import LiveFleet

ACTOR: Final = "aurora"


@dataclass(slots=True)
class Raised:
    """What a round of rules came to."""

    alerts: list[Alert] = field(default_factory=list)
    """New ones, and ones that became a page."""
    resolved: list[Alert] = field(default_factory=list)
    repeated_count: int = 0
    muted: dict[str, str] = field(default_factory=dict)
    """Why a dedupe key stayed silent."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Rules that could not be judged, and why."""


def run_rules(
    paths: TenantPaths,
    rules: Sequence[AlertRule],
    tenant: TenantAlerts,
    store: StateStore,
    *,
    fleet: LiveFleet | None,
    now: dt.datetime,
) -> Raised:
    """Judge every rule over the newest snapshot and the live fleet, and write what changed into the journal.

    Run again at once it writes nothing. Errors: `DataError` for a rule that cannot be judged.
    """
    thresholds = read_book(store).page_from()
    try:
        with read_lake(paths) if any(rule.source == "lake" for rule in rules) else nullcontext() as lake:
            found = evaluate(rules, lake=lake, fleet=fleet, now=now, tenant=tenant, page_from=thresholds)
    except NotReadyError:  # no lake yet: what is live can be judged
        found = evaluate(rules, lake=None, fleet=fleet, now=now, tenant=tenant)
    return raise_alerts(store, found, now=now)


def raise_alerts(store: StateStore, found: Evaluation, *, now: dt.datetime) -> Raised:
    """Bring the book up to the breaches; both in one transaction, or neither. A second writer's round is left to it."""
    book = read_book(store)
    raised = Raised(left_out=dict(found.left_out))
    mutes = _noisy(book, found, now)
    if mutes:
        book = Book(book.alerts, book.state_counts, {**book.mutes, **mutes}, book.delivered)
    records = [mute_record(one) for one in mutes.values()]
    records += _opened(book, found, raised, store.paths.region, now)
    records += _resolved(book, found, raised, now)
    if records:
        try:
            store.append(records).result()
        except ConflictError:
            return Raised(left_out=raised.left_out)
    return raised


def _noisy(book: Book, found: Evaluation, now: dt.datetime) -> dict[str, Mute]:
    """Mutes of rules that people mostly call noise."""
    mutes: dict[str, Mute] = {}
    for rule_id in found.judged:
        said = book.precision_of(rule_id)
        if said.is_noisy and book.muted([rule_id], now) is None:
            reason = (
                f"Only {said.relevant_count} of {said.labelled_count} labelled alerts were relevant "
                f"(precision {said.low:.2f} to {said.high:.2f} with 95 % confidence)."
            )
            mutes[rule_id] = new_mute(rule_id, reason=reason, actor_id=ACTOR, now=now)
    return mutes


def _opened(book: Book, found: Evaluation, raised: Raised, region: str, now: dt.datetime) -> list[JournalRecord]:
    waiting = {one.dedupe_key: one for one in book.open()}
    records = []
    for breach in found.breaches:
        key = breach.dedupe_key
        mute = book.muted((breach.rule.rule_id, key), now)
        start = period_start(breach.since if breach.rule.detects and breach.since else now, breach.rule.period)
        alert_id = f"alr_{hashlib.blake2b(f'{key}|{start.isoformat()}'.encode(), digest_size=10).hexdigest()}"
        known, older = book.alerts.get(alert_id), waiting.get(key)
        if mute is not None:
            raised.muted[key] = mute.reason
        elif known is not None and known.tier == "digest" and breach.tier == "page":
            worse = msgspec.structs.replace(
                known,
                tier="page",
                value=breach.value,
                score=breach.score,
                summary=breach.summary,
                updated_at=now,
                resolved_at=None,
                actor_id=ACTOR,
            )
            records.append(alert_record(worse, book.state_counts[alert_id]))
            raised.alerts.append(worse)
        elif known is not None and known.resolved_at is not None:  # again within its period: shown, not sent anew
            again = msgspec.structs.replace(known, resolved_at=None, updated_at=now, actor_id=ACTOR)
            records.append(alert_record(again, book.state_counts[alert_id]))
            raised.repeated_count += 1
        elif known is not None or (older is not None and older.acknowledged_at is not None):
            raised.repeated_count += 1
        else:
            alert = _alert(breach, alert_id, start, region, now)
            records.append(alert_record(alert, 0))
            raised.alerts.append(alert)
    return records


def _alert(breach: Breach, alert_id: str, start: dt.datetime, region: str, now: dt.datetime) -> Alert:
    rule = breach.rule
    return Alert(
        alert_id=alert_id,
        alert_kind=rule.alert_kind,
        rule_id=rule.rule_id,
        severity=rule.severity if breach.step is None or breach.step == rule.steps[-1] else "medium",
        tier=breach.tier,
        summary=breach.summary,
        since=breach.since,
        cause=breach.cause,
        suggested_action=rule.suggested_action,
        dedupe_key=breach.dedupe_key,
        period_start=start,
        value=breach.value,
        limit_value=breach.limit_value,
        score=breach.score,
        about_contract=rule.about_contract,
        about_id=breach.subject_id,
        assistant_id=breach.assistant_id,
        is_simulated=breach.is_simulated,
        raised_at=now,
        updated_at=now,
        acknowledged_at=None,
        resolved_at=None,
        alert_label=None,
        labelled_at=None,
        actor_id=ACTOR,
        is_sample=breach.is_sample,
        region=region,
    )


def _resolved(book: Book, found: Evaluation, raised: Raised, now: dt.datetime) -> list[JournalRecord]:
    """Open alerts of judged rules that nothing breaches any more, or that a newer period's alert stands for."""
    still = {one.dedupe_key for one in found.breaches}
    anew = {one.dedupe_key: one.alert_id for one in raised.alerts}
    records = []
    for one in book.open():
        if one.rule_id in found.judged and (
            one.dedupe_key not in still or anew.get(one.dedupe_key, one.alert_id) != one.alert_id
        ):
            over = msgspec.structs.replace(one, resolved_at=now, updated_at=now, actor_id=ACTOR)
            records.append(alert_record(over, book.state_counts[one.alert_id]))
            raised.resolved.append(over)
    return records
