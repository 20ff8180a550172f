"""Alert rules, one YAML file each: what is measured, when it is too much, what to say and what to do.

They stand in `packs/_shared/alerts/` for every industry and in `packs/<industry>/alerts/` for one. A tenant's own
figures (budgets, channels) stand in its `alerts.yaml`.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from aurora.packs.reading import SHARED, read_declared, wrong
from aurora.packs.words import Line, Slug
from aurora.store.paths import TenantPaths
from contracts.messages.alerts import AlertTier, Severity

Period = Literal["hour", "day", "week", "month"]
ChannelKind = Literal["webhook", "slack", "file", "email"]
FOLDER: Final = "alerts"
TENANT_FILE: Final = "alerts.yaml"
Sql = Annotated[str, Meta(min_length=1, max_length=4000)]
SecretName = Annotated[str, Meta(pattern=r"^(env:ALERT_[A-Z0-9_]{1,60}|file:[a-z0-9][a-z0-9_.\-]{0,60})$")]


class AlertRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule.

    `measure` gives a row a subject: `subject_id`, `value`, `limit_value`, and where they are known `since`,
    `assistant_id`, `cause`, `is_sample`, `is_simulated`. With `detects`, it gives the samples of series instead:
    `subject_id`, `at`, `value`. Lake rules see `raw.*` and `mart.*`; live rules see the table `live`.
    """

    rule_id: Slug
    title: Line
    alert_kind: Slug
    severity: Severity
    source: Literal["lake", "live"]
    measure: Sql
    says: Line
    """Text with {subject}, {value}, {limit}, {share}, {since} in it."""
    suggested_action: Line
    period: Period = "day"
    """A subject alerts once in it."""
    tier: AlertTier = "page"
    needs: tuple[str, ...] = ()
    """Tables without which the rule is left out."""
    breach: Literal["above", "at_least", "below"] = "above"
    steps: tuple[float, ...] = ()
    """Shares of the limit, each of which alerts once a period. The severity is that of the last one."""
    detects: bool = False
    cause: Sql | None = None
    """Query with the columns `dimension`, `name`, `share`; its first row is the likely cause. It knows `$subject_id`."""
    parameters: dict[str, float] = {}
    about_contract: Slug | None = None


class Channel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where alerts of some tiers go. Secrets are named, never written: `env:ALERT_<NAME>` or `file:<name>`."""

    name: Slug
    kind: ChannelKind
    tiers: tuple[AlertTier, ...] = ("page",)
    url: str | None = None
    url_secret: SecretName | None = None
    """A URL that is itself a secret, as Slack's are."""
    secret: SecretName | None = None
    folder: Slug | None = None
    """Of a file channel, below the tenant's `outbox/`."""
    host: str | None = None
    port: Annotated[int, Meta(ge=1, le=65535)] = 587
    use_tls: bool = True
    user: str | None = None
    sender: str | None = None
    recipients: tuple[str, ...] = ()


class DigestPlan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the digest goes out: once a day, or on Mondays, at an hour of UTC. 5 is nine in the morning in Dubai."""

    period: Literal["day", "week"] = "day"
    hour: Annotated[int, Meta(ge=0, le=23)] = 5


class TenantAlerts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tenant's own figures and channels."""

    parameters: dict[Slug, dict[str, float]] = {}
    channels: tuple[Channel, ...] = ()
    digest: DigestPlan = DigestPlan()


def load_alert_rules(packs_dir: Path, pack: str) -> tuple[AlertRule, ...]:
    """The rules of every industry and of this one, by id; a pack's file stands for the shared one of its name.

    Errors: `PackError` names the file and field that is wrong.
    """
    files = {file.stem: file for file in sorted((packs_dir / SHARED / FOLDER).glob("*.yaml"))}
    files |= {file.stem: file for file in sorted((packs_dir / pack / FOLDER).glob("*.yaml"))}
    return tuple(_read_rule(files[name]) for name in sorted(files))


def _read_rule(file: Path) -> AlertRule:
    rule = read_declared(file, AlertRule)
    if rule.rule_id != file.stem:
        raise wrong(file, "rule_id", f"is {rule.rule_id!r}, but the file is named {file.stem!r}", rule="same_name")
    if rule.steps and list(rule.steps) != sorted(set(rule.steps)):
        raise wrong(file, "steps", "do not rise", rule="increasing")
    if rule.detects and (rule.source == "live" or rule.steps):
        raise wrong(file, "detects", "is for series of the lake, without steps", rule="detects")
    if rule.cause is not None and rule.source == "live":
        raise wrong(file, "cause", "is for rules over the lake; a live rule gives a column `cause`", rule="cause")
    return rule


def tenant_alerts(paths: TenantPaths) -> TenantAlerts:
    """What the tenant says in its `alerts.yaml`; nothing without one. `PackError` names what is wrong."""
    file = paths.directory / TENANT_FILE
    return read_declared(file, TenantAlerts) if file.is_file() else TenantAlerts()


def period_start(moment: dt.datetime, period: Period) -> dt.datetime:
    """Start of the hour, day, week (Monday) or month that a moment lies in, in UTC."""
    hour = moment.astimezone(dt.UTC).replace(minute=0, second=0, microsecond=0)
    if period == "hour":
        return hour
    day = hour.replace(hour=0)
    if period == "week":
        return day - dt.timedelta(days=day.weekday())
    return day.replace(day=1) if period == "month" else day
