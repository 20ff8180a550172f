"""A person's word on alerts, from the page: sealed in the journal before the page is drawn again."""

from __future__ import annotations

import datetime as dt

from apps.streamlit.reads.alerts import alert_rules
from apps.streamlit.reads.lake import Pin, current_settings
from apps.streamlit.ui.access import Viewer
from aurora.alerts.book import acknowledge_alert, label_alert, mute_target, new_mute
from aurora.alerts.channels import Outgoing, Surroundings
from aurora.alerts.delivery import attempt
from aurora.alerts.rules import Channel
from aurora.errors import DataError, PermissionDeniedError
from aurora.store.ids import IdMaker
from aurora.store.state import StateStore
from contracts.messages.alerts import AlertDelivery, AlertLabel

_SHORTEST_REASON = 3


def label(pin: Pin, alert_id: str, said: AlertLabel, *, viewer: Viewer) -> None:
    """Whether an alert was worth it. Errors: `PermissionDeniedError` below operator, `NotFoundError`."""
    _require_operator(viewer)
    with StateStore.open(pin.paths, clock=_now) as store:
        label_alert(store, alert_id, said, actor_id=viewer.actor_id, now=_now())


def acknowledge(pin: Pin, alert_id: str, *, viewer: Viewer) -> None:
    """Take note of an alert: it is not raised again while it lasts. Errors: as `label`."""
    _require_operator(viewer)
    with StateStore.open(pin.paths, clock=_now) as store:
        acknowledge_alert(store, alert_id, actor_id=viewer.actor_id, now=_now())


def mute(pin: Pin, target: str, *, reason: str, hours: float | None, viewer: Viewer, lift: bool = False) -> None:
    """Silence a rule or one subject of it, or lift that. Errors: as `label`, and `DataError` without a reason."""
    _require_operator(viewer)
    if len(reason.strip()) < _SHORTEST_REASON:
        raise DataError(
            "A mute needs a reason.", field="reason", rule="given", next_step="Say why in at least three letters."
        )
    until = None if hours is None else _now() + dt.timedelta(hours=hours)
    known = [rule.rule_id for rule in alert_rules()]
    wanted = new_mute(target, reason=reason.strip(), actor_id=viewer.actor_id, now=_now(), until=until, lift=lift)
    with StateStore.open(pin.paths, clock=_now) as store:
        mute_target(store, wanted, known=known)


def try_channel(pin: Pin, channel: Channel, *, viewer: Viewer) -> AlertDelivery:
    """Send a test message once. What the channel refuses is in the answer. Errors: `PermissionDeniedError`."""
    _require_operator(viewer)
    message = Outgoing(message_id=IdMaker(_now).new("msg"), kind="alert.test", alerts=(), now=_now())
    around = Surroundings(paths=pin.paths, allowed=current_settings().alerts_allowed_hosts)
    return attempt(channel, message, around, wait=lambda _: None, backoff=())


def _require_operator(viewer: Viewer) -> None:
    if not viewer.reaches("operator"):
        raise PermissionDeniedError(
            f"The role {viewer.role} may not act on alerts.",
            field="role",
            rule="operator",
            next_step="Ask the owner for the role operator.",
        )


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
