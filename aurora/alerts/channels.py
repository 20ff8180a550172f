"""How a message of alerts goes out: webhook, Slack's incoming webhook, a file, e-mail. One try each."""

from __future__ import annotations

import datetime as dt
import os
import smtplib
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from types import MappingProxyType
from typing import Any, Final

import msgspec

from aurora.alerts.rules import Channel, ChannelKind
from aurora.alerts.signing import signed_headers
from aurora.errors import DataError
from aurora.ingest.fetching import FetchError, Guard, checked_addresses, post
from aurora.store.paths import TenantPaths
from contracts.messages.alerts import Alert

_TIMEOUT_S: Final = 10.0
_SLACK_BLOCKS: Final = 40
"""Slack takes 50 blocks a message."""
_LINES: Final = 10
"""Alerts of one rule that a digest tells one by one."""
_RANK: Final = {"info": 0, "low": 1, "medium": 2, "high": 3, "critical": 4}
_JSON: Final = msgspec.json.Encoder(order="deterministic")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One message: its id, which stays the same over tries, and the alerts it carries."""

    message_id: str
    kind: str
    """`alert.raised`, `alert.digest` or `alert.test`."""
    alerts: Sequence[Alert]
    now: dt.datetime
    titles: Mapping[str, str] = field(default_factory=dict)
    """What rules are called, by id; for a digest."""

    def groups(self) -> list[Group]:
        """The alerts by rule."""
        return grouped(self.alerts, self.titles)

    def parts(self) -> list[tuple[str, str]]:
        """Head and text of what is shown one below the other: an alert each, or in a digest a rule each."""
        if self.kind != "alert.digest":
            return [(one.severity.upper(), text_of(one)) for one in self.alerts]
        return [(group.head, group.text()) for group in self.groups()]


@dataclass(frozen=True, slots=True)
class Group:
    """Alerts of one rule in a digest, the newest first."""

    rule_id: str
    title: str
    alerts: tuple[Alert, ...]

    @property
    def head(self) -> str:
        """Title and how many."""
        return f"{self.title} ({len(self.alerts)})"

    def text(self) -> str:
        """What changed, since when and likely why, a line an alert; what to do, once."""
        lines = []
        for one in self.alerts[:_LINES]:
            stamp = f"{one.since:%Y-%m-%d %H:%M} UTC" if one.since is not None else ""
            since = f" Since {stamp}." if stamp not in one.summary else ""
            cause = f" Likely cause: {one.cause.rstrip('.')}." if one.cause else ""
            lines.append(f"- {one.summary}{since}{cause}")
        if len(self.alerts) > _LINES:
            lines.append(f"- and {len(self.alerts) - _LINES} more; see `aurora alert list --rule {self.rule_id}`")
        return "\n".join([*lines, f"Do: {self.alerts[0].suggested_action}"])


def grouped(alerts: Sequence[Alert], titles: Mapping[str, str]) -> list[Group]:
    """Alerts by rule: rules by their worst severity, then by how many."""
    by_rule: dict[str, list[Alert]] = {}
    for one in sorted(alerts, key=lambda one: (one.raised_at, one.alert_id), reverse=True):
        by_rule.setdefault(one.rule_id, []).append(one)
    groups = [Group(rule_id, titles.get(rule_id, rule_id), tuple(mine)) for rule_id, mine in by_rule.items()]
    return sorted(groups, key=lambda one: (-max(_RANK[a.severity] for a in one.alerts), -len(one.alerts), one.rule_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What channels need besides the message."""

    paths: TenantPaths
    allowed: tuple[str, ...] = ()
    """Addresses that need not be public."""
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)


def send(channel: Channel, message: Outgoing, around: Surroundings) -> None:
    """Send once. Errors: `FetchError`, which says whether another try may help; `DataError` for a wrong channel."""
    _SENDERS[channel.kind](channel, message, around)


def _webhook(channel: Channel, message: Outgoing, around: Surroundings) -> None:
    body = _JSON.encode(
        {
            "type": message.kind,
            "timestamp": message.now,
            "data": {"tenant_id": around.paths.tenant, **_body(message)},
        }
    )
    secret = _secret(channel, "secret", around)
    signed = signed_headers(secret, webhook_id=message.message_id, body=body, now=message.now)
    post(_url(channel, around), body, headers={"Content-Type": "application/json", **signed}, guard=_guard(around))


def _body(message: Outgoing) -> dict[str, Any]:
    """The alerts; in a digest also which rule each belongs to, in the order in which to show them."""
    if message.kind != "alert.digest":
        return {"alerts": message.alerts}
    groups = [
        {"rule_id": one.rule_id, "title": one.title, "alert_ids": [alert.alert_id for alert in one.alerts]}
        for one in message.groups()
    ]
    return {"groups": groups, "alerts": message.alerts}


def _slack(channel: Channel, message: Outgoing, around: Surroundings) -> None:
    body = _JSON.encode(slack_payload(message))
    post(_url(channel, around), body, headers={"Content-Type": "application/json"}, guard=_guard(around))


def slack_payload(message: Outgoing) -> dict[str, Any]:
    """What Slack's incoming webhooks take: a text for notifications and a block an alert."""
    told = [f"*{_escaped(head)}* {_escaped(text)}" for head, text in message.parts()]
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": text[:3000]}} for text in told[:_SLACK_BLOCKS]]
    if len(told) > _SLACK_BLOCKS:
        more = f"and {len(told) - _SLACK_BLOCKS} more; see `aurora alert list`"
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": more}})
    return {"text": _escaped(title_of(message)), "blocks": blocks}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _file(channel: Channel, message: Outgoing, around: Surroundings) -> None:
    folder = around.paths.directory / "outbox" / (channel.folder or channel.name)
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{message.message_id}.json"
    draft.write_bytes(_JSON.encode({"type": message.kind, "timestamp": message.now, **_body(message)}))
    draft.replace(folder / f"{message.message_id}.json")


def _email(channel: Channel, message: Outgoing, around: Surroundings) -> None:
    if not channel.host or not channel.sender or not channel.recipients:
        raise _incomplete(channel, "host, sender and recipients")
    mail = EmailMessage()
    mail["Subject"] = title_of(message)
    mail["From"], mail["To"] = channel.sender, ", ".join(channel.recipients)
    mail["Message-ID"] = f"<{message.message_id}@aurora.invalid>"
    mail.set_content("\n\n".join(f"{head}\n{text}" for head, text in message.parts()) + "\n")
    address = checked_addresses(channel.host, channel.port, around.allowed)[0]
    try:
        with _Pinned(str(address), channel.host, channel.port) as server:
            if channel.use_tls:
                server.starttls(context=ssl.create_default_context())
            if channel.user is not None:
                server.login(channel.user, _secret(channel, "secret", around))
            server.send_message(mail)
    except (OSError, smtplib.SMTPException) as error:
        is_refused = isinstance(error, smtplib.SMTPAuthenticationError | smtplib.SMTPRecipientsRefused)
        raise FetchError(
            f"{channel.host} did not take the mail: {str(error)[:200] or type(error).__name__}.",
            next_step="Check the channel in alerts.yaml and the mail server's log.",
            rule="smtp",
            is_passing=not is_refused and not isinstance(error, ssl.SSLCertVerificationError),
        ) from error


class _Pinned(smtplib.SMTP):
    """A connection to the address that was checked, whatever the name stands for by now."""

    def __init__(self, address: str, host: str, port: int) -> None:
        self._address = address
        super().__init__(host, port, timeout=_TIMEOUT_S)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ARG002 - smtplib's hook
        return socket.create_connection((self._address, port), timeout)


_SENDERS: Final[Mapping[ChannelKind, Callable[[Channel, Outgoing, Surroundings], None]]] = MappingProxyType(
    {"webhook": _webhook, "slack": _slack, "file": _file, "email": _email}
)


def title_of(message: Outgoing) -> str:
    """One line for a subject or a notification."""
    count = len(message.alerts)
    if message.kind == "alert.digest":
        return f"Aurora digest: {count} alerts that may be worth a look"
    if not message.alerts:
        return "Aurora test: this channel works"
    head = f"Aurora alert: {message.alerts[0].summary}"
    return head if count == 1 else f"{head} (and {count - 1} more)"


def text_of(alert: Alert) -> str:
    """An alert as a person reads it: what changed, since when, likely cause, what to do."""
    lines = [alert.summary]
    if alert.cause:
        lines.append(f"Likely cause: {alert.cause}.")
    lines += [f"Do: {alert.suggested_action}", f"Id: {alert.alert_id}"]
    return "\n".join(lines)


def _guard(around: Surroundings) -> Guard:
    return Guard(max_bytes=1, timeout_s=_TIMEOUT_S, deadline_s=_TIMEOUT_S, allowed=around.allowed)


def _url(channel: Channel, around: Surroundings) -> str:
    if channel.url is not None:
        return channel.url
    return _secret(channel, "url_secret", around)


def _secret(channel: Channel, field: str, around: Surroundings) -> str:
    named = getattr(channel, field)
    if named is None:
        raise _incomplete(channel, field)
    kind, _, name = named.partition(":")
    file = around.paths.directory / "secrets" / name
    found = around.environ.get(name, "") if kind == "env" else file.read_text("utf-8") if file.is_file() else ""
    if not found.strip():
        raise DataError(
            f"Channel {channel.name}: {named} holds nothing.",
            field=field,
            rule="secret",
            next_step="Put the secret into the environment or the tenant's secrets folder.",
        )
    return str(found).strip()


def _incomplete(channel: Channel, what: str) -> DataError:
    return DataError(
        f"Channel {channel.name} lacks {what}.",
        field=what,
        rule="channel",
        next_step="Complete it in the tenant's alerts.yaml.",
    )
