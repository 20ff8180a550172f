"""Alerts: judge the rules, list what is open, say what was worth it, try the channels."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import typer

from apps.render import Json, Tenant, print_json, print_line, print_table
from apps.session import open_paths
from aurora.errors import AuroraError, DataError, NotFoundError

if TYPE_CHECKING:
    from aurora.alerts.channels import Group, Surroundings
    from aurora.alerts.rules import Channel, TenantAlerts
    from aurora.settings import Settings
    from aurora.store.paths import TenantPaths
    from aurora.store.state import StateStore
    from contracts.messages.alerts import AlertDelivery

AlertName = Annotated[str, typer.Argument(help="Id of an alert, such as alr_...")]
Actor = Annotated[str, typer.Option(help="Who says so.")]
_COLUMNS = ("alert_id", "tier", "severity", "state", "raised_at", "summary", "cause", "alert_label")
_RULES = ("rule_id", "raised_count", "relevant_count", "labelled_count", "precision", "precision_low", "precision_high", "page_from", "suggested_limit", "muted_because", "muted_until")  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    room = typer.Typer(help="Alerts: what changed, since when, likely why, and what to do.", no_args_is_help=True)
    room.command("list")(list_open)
    room.command("test")(try_channel)
    for command in (run, label, ack, mute, rules, digest, watch):
        room.command()(command)
    app.add_typer(room, name="alert")


def list_open(
    *,
    shown: Annotated[
        Literal["open", "acknowledged", "resolved", "all"], typer.Option("--state", help="Alerts in this state.")
    ] = "open",
    tier: Annotated[Literal["page", "digest"] | None, typer.Option(help="Only of this tier.")] = None,
    rule: Annotated[str | None, typer.Option(help="Only of this rule.")] = None,
    assistant: Annotated[str | None, typer.Option(help="Only about this assistant.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Alerts, the newest first."""
    from aurora.alerts.book import open_book
    from aurora.alerts.reads import list_alerts, state_of

    _, paths = open_paths(tenant)
    found = list_alerts(open_book(paths), shown=shown, tier=tier, rule_id=rule, assistant_id=assistant, limit=limit)
    rows = [{**msgspec.to_builtins(one), "state": state_of(one)} for one in found]
    if json:
        print_json({"tenant": paths.tenant, "alerts": rows})
    elif rows:
        print_table(rows, _COLUMNS)
    else:
        print_line(f"No alert is {shown}. `aurora alert run` judges the rules.")


def run(
    *,
    deliver: Annotated[bool, typer.Option(help="Send new pages to the channels of the tenant's alerts.yaml.")] = True,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Judge every rule over the lake and the live fleet, raise and resolve alerts, and deliver pages."""
    import time

    from apps.bootstrap import utc_now
    from aurora.alerts.rounds import run_round

    settings, paths = open_paths(tenant)
    with _opened(paths) as (store, _):
        done = run_round(paths, settings, store, now=utc_now(), wait=time.sleep, delivers=deliver)
    raised, sent = done.raised, done.deliveries
    figures: dict[str, Any] = {
        "rules": done.rule_count,
        "raised": len(raised.alerts),
        "resolved": len(raised.resolved),
        "repeated": raised.repeated_count,
        "muted": raised.muted,
        "left_out": raised.left_out,
        "deliveries": sent,
    }
    if json:
        _print({"tenant": paths.tenant, **figures, "alerts": raised.alerts})
        return
    for one in raised.alerts:
        print_line(f"{one.tier} {one.severity}: {one.summary} Likely cause: {one.cause or 'unknown'}.")
    print_line(f"{len(raised.alerts)} raised, {len(raised.resolved)} resolved, {raised.repeated_count} known already.")
    for rule_id, why in raised.left_out.items():
        print_line(f"Not judged: {rule_id}, {why}.")
    _tell(sent)


def label(
    alert_id: AlertName,
    said: Annotated[Literal["relevant", "noise"], typer.Argument(help="Whether it was worth it.")],
    *,
    actor: Actor = "cli",
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Say whether an alert was worth it. Rules that are mostly noise mute themselves; thresholds follow the labels."""
    from apps.bootstrap import utc_now
    from aurora.alerts.book import label_alert

    _, paths = open_paths(tenant)
    with _opened(paths) as (store, _):
        alert = label_alert(store, alert_id, said, actor_id=actor, now=utc_now())
    _print(alert) if json else print_line(f"{alert_id} is {said}.")


def ack(alert_id: AlertName, *, actor: Actor = "cli", tenant: Tenant = None, json: Json = False) -> None:
    """Take note of an alert: it is not raised again while it lasts."""
    from apps.bootstrap import utc_now
    from aurora.alerts.book import acknowledge_alert

    _, paths = open_paths(tenant)
    with _opened(paths) as (store, _):
        alert = acknowledge_alert(store, alert_id, actor_id=actor, now=utc_now())
    _print(alert) if json else print_line(f"{alert_id} is acknowledged.")


def mute(
    target: Annotated[str, typer.Argument(help="A rule's id, or a dedupe key of an alert.")],
    because: Annotated[str, typer.Option(help="Why, in your words.")],
    *,
    hours: Annotated[float | None, typer.Option(min=0.1, help="For so long; for good without it.")] = None,
    lift: Annotated[bool, typer.Option("--lift", help="End the mute instead.")] = False,
    actor: Actor = "cli",
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Silence a rule or one subject of it, or lift that."""
    from apps.bootstrap import utc_now
    from aurora.alerts.book import mute_target, new_mute
    from aurora.alerts.rules import load_alert_rules

    settings, paths = open_paths(tenant)
    now = utc_now()
    until = None if hours is None else now + dt.timedelta(hours=hours)
    known = [rule.rule_id for rule in load_alert_rules(settings.packs_dir, settings.pack)]
    with _opened(paths) as (store, _):
        wanted = new_mute(target, reason=because, actor_id=actor, now=now, until=until, lift=lift)
        muted = mute_target(store, wanted, known=known)
    _print(muted) if json else print_line(f"{target} is {'heard again' if lift else 'mute'}.")


def rules(*, tenant: Tenant = None, json: Json = False) -> None:
    """Every rule by its labels: precision with its 95 % interval, learnt threshold, and why it is mute."""
    from apps.bootstrap import utc_now
    from aurora.alerts.book import open_book
    from aurora.alerts.reads import rule_precisions
    from aurora.alerts.rules import load_alert_rules

    settings, paths = open_paths(tenant)
    declared = load_alert_rules(settings.packs_dir, settings.pack)
    rows = [msgspec.to_builtins(one) for one in rule_precisions(open_book(paths), declared, utc_now())]
    print_json({"tenant": paths.tenant, "rules": rows}) if json else print_table(rows, _RULES)


def digest(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go out now, and send nothing.")] = False,
    if_due: Annotated[bool, typer.Option("--if-due", help="Only what the plan in alerts.yaml asks for now.")] = False,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Send what may be worth a look, and was not sent yet, by rule and as one message a channel."""
    import time

    from apps.bootstrap import utc_now
    from aurora.alerts.channels import grouped
    from aurora.alerts.delivery import deliver, unsent
    from aurora.alerts.digest import digests_due, send_due
    from aurora.alerts.rules import load_alert_rules

    settings, paths = open_paths(tenant)
    declared, now = load_alert_rules(settings.packs_dir, settings.pack), utc_now()
    titles = {rule.rule_id: rule.title for rule in declared}
    with _opened(paths) as (store, own):
        if dry_run:
            from aurora.alerts.book import read_book

            book = read_book(store)
            due = [(one.channel, one.groups) for one in digests_due(book, own, declared, now=now)]
            takers = [one for one in own.channels if "digest" in one.tiers]
            now_unsent = [(one, grouped(unsent(book, one, tier="digest"), titles)) for one in takers]
            _show_digests(paths, due if if_due else now_unsent, json=json)
            return
        if if_due:
            sent = send_due(paths, settings, store, now=now, wait=time.sleep)
        else:
            around = _around(settings, paths)
            sent = deliver(store, own.channels, around, tier="digest", now=now, wait=time.sleep, titles=titles)
    _print({"tenant": paths.tenant, "deliveries": sent}) if json else _tell(sent, nothing="Nothing to send.")


def _show_digests(paths: TenantPaths, wanted: Sequence[tuple[Channel, Sequence[Group]]], *, json: bool) -> None:
    if json:
        _print({"tenant": paths.tenant, "digests": [{"channel": one.name, "groups": mine} for one, mine in wanted]})
        return
    for channel, groups in wanted:
        print_line(f"To {channel.name}: {sum(len(one.alerts) for one in groups)} alerts.")
        for group in groups:
            print_line(f"\n{group.head}\n{group.text()}")
    if not wanted:
        print_line("Nothing is due, or no channel of alerts.yaml takes the digest.")


def watch(
    *,
    every_s: Annotated[float, typer.Option(min=1.0, help="Seconds between looks.")] = 60.0,
    looks: Annotated[int, typer.Option(min=0, help="End after so many looks; 0 is never.")] = 0,
    tenant: Tenant = None,
) -> None:
    """Judge the rules whenever there is news, and send the digest when it is due: what Dagster does, without Dagster."""
    import time

    from apps.bootstrap import utc_now
    from aurora.alerts.watching import look
    from aurora.store.state import StateStore

    settings, paths = open_paths(tenant)
    seen, count = "", 0
    while True:
        try:
            with StateStore.open(paths, clock=utc_now) as store:
                one = look(paths, settings, store, seen=seen, now=utc_now(), wait=time.sleep)
            seen = one.seen
            for text in one.told():
                print_line(text)
        except AuroraError as error:  # a wrong rule or a busy lake: said, and looked at again
            print_line(f"Not judged: {error.message} {error.next_step}")
        count += 1
        if looks and count >= looks:
            return
        time.sleep(every_s)


def try_channel(
    channel: Annotated[str, typer.Argument(help="Name of a channel of the tenant's alerts.yaml.")],
    *,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Send a test message to one channel, and say whether it arrived."""
    from apps.bootstrap import utc_now
    from aurora.alerts.channels import Outgoing
    from aurora.alerts.delivery import attempt
    from aurora.alerts.rules import tenant_alerts
    from aurora.store.ids import IdMaker

    settings, paths = open_paths(tenant)
    channels = {one.name: one for one in tenant_alerts(paths).channels}
    if channel not in channels:
        raise NotFoundError(
            f"There is no channel {channel[:80]!r}.",
            field="channel",
            next_step=f"alerts.yaml of the tenant has: {', '.join(channels) or 'none'}.",
        )
    now = utc_now()
    message = Outgoing(message_id=IdMaker(lambda: now).new("msg"), kind="alert.test", alerts=(), now=now)
    outcome = attempt(channels[channel], message, _around(settings, paths), wait=lambda _: None, backoff=())
    if not outcome.is_delivered:
        raise DataError(
            f"Channel {channel} did not take it: {outcome.problem}",
            field=channel,
            rule="delivered",
            next_step="Correct it in the tenant's alerts.yaml.",
        )
    _print(outcome) if json else print_line(f"{channel} took the test message.")


def _print(message: object) -> None:
    print_json(msgspec.to_builtins(message))


@contextmanager
def _opened(paths: TenantPaths) -> Iterator[tuple[StateStore, TenantAlerts]]:
    from apps.bootstrap import utc_now
    from aurora.alerts.rules import tenant_alerts
    from aurora.store.state import StateStore

    own = tenant_alerts(paths)
    with StateStore.open(paths, clock=utc_now) as store:
        yield store, own


def _around(settings: Settings, paths: TenantPaths) -> Surroundings:
    from aurora.alerts.channels import Surroundings

    return Surroundings(paths=paths, allowed=settings.alerts_allowed_hosts)


def _tell(sent: list[AlertDelivery], nothing: str = "") -> None:
    for one in sent:
        said = "took" if one.is_delivered else f"did not take ({one.problem})"
        print_line(f"{one.channel} {said} {len(one.alert_ids)} alerts after {one.attempt_count} tries.")
    if not sent and nothing:
        print_line(nothing)
