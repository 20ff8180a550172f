"""Rounds of alert rules over a history of the twin, as they would have run then: the clock is passed in, and what a
round sees is what there was at that moment.

A tenant of its own gets the marts of a day at six o'clock of the next one (accounts of providers a day later), as if
its assistants exported once a day; the fleet is polled all the time. Rounds are asked for by what production asks by.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import polars as pl

from aurora.alerts.book import read_book
from aurora.alerts.raising import run_rules
from aurora.alerts.rounds import fleet_news
from aurora.alerts.rules import TenantAlerts, load_alert_rules
from aurora.settings import Settings
from aurora.store.lake import LakeReader, LakeWriter, create_lake, read_lake, write_lake
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.state import StateStore
from benchmarks.campaigns.alert_world import World
from contracts.messages.alerts import Alert
from contracts.messages.commands import LiveFleet

MARTS: Final = {"assistants_daily": 1, "tasks_daily": 1, "usage_daily": 1, "cost_daily": 1, "spend_reconciliation": 2}
"""Marts of a day, and how many days later they are known."""
KNOWN_HOUR: Final = 6
"""UTC hour at which the marts of the day before are there."""
_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the rounds raised."""

    alerts: list[Alert]
    round_count: int
    left_out: Mapping[str, int]
    """Rules that could not be judged, and in how many rounds."""
    known_later_count: int
    """Rows of the history that changed after the round that saw their day: what a round may not have known."""


def known_later(lake: LakeReader) -> int:
    """Tasks of a day that were not settled when the marts of their day are seen."""
    late = (
        "SELECT count(*) FROM raw.task WHERE updated_at > "
        f"date_trunc('day', submitted_at) + INTERVAL 1 DAY + INTERVAL {KNOWN_HOUR} HOUR"
    )
    return int(lake.query(late).item())


def marts_of(paths: TenantPaths) -> tuple[dict[str, pl.DataFrame], int]:
    """The marts of a whole history that rounds see day by day, and how many rows would be seen too early."""
    with read_lake(paths) as lake:
        return {name: lake.query(f"SELECT * FROM mart.{name}") for name in MARTS}, known_later(lake)


def replay(
    folder: Path, settings: Settings, world: World, marts: Mapping[str, pl.DataFrame], *, known_later_count: int = 0
) -> Replayed:
    """All rounds of the history in a new tenant below `folder`: every rule when marts are new, those that page of the
    live fleet whenever an assistant goes down, says that it is degraded, or comes back. Rounds that no page can come of
    are left out."""
    paths = create_tenant(folder, "rounds", settings.region)
    create_lake(paths)
    rules, own = load_alert_rules(settings.packs_dir, settings.pack), TenantAlerts()
    live = [rule for rule in rules if rule.source == "live" and rule.tier == "page"]
    left_out: Counter[str] = Counter()
    clock = [dt.datetime.fromtimestamp(int(world.at_us[0]) / _US, dt.UTC)]
    there: set[str] = set()
    seen, count, known = "", 0, dt.date.min
    with StateStore.open(paths, clock=lambda: clock[0]) as store:
        for at, fleet in world.polled(paths.tenant):
            clock[0] = at
            found, is_new = _news(fleet, at), bool(marts) and at.hour >= KNOWN_HOUR and at.date() > known
            if is_new:
                known = at.date()
                _know(paths, marts, known, there)
            if is_new or found != seen:
                seen, count = found, count + 1
                done = run_rules(paths, rules if is_new else live, own, store, fleet=fleet, now=at)
                left_out.update(done.left_out.keys())
        alerts = list(read_book(store).alerts.values())
    return Replayed(alerts, count, left_out, known_later_count)


def _news(fleet: LiveFleet, at: dt.datetime) -> str:
    """What asks for a round, without assistants that Aurora calls degraded by their figures alone: no page is about them."""
    told = [one for one in fleet.assistants if one.assistant_state == "down" or one.reported_state != "active"]
    return fleet_news(msgspec.structs.replace(fleet, assistants=tuple(told)), now=at)


def _know(paths: TenantPaths, marts: Mapping[str, pl.DataFrame], today: dt.date, there: set[str]) -> None:
    """The marts as they are today: days that are over, and known. `there` are the tables that exist."""
    parts = {
        name: rows.filter(pl.col("period_date") == today - dt.timedelta(days=MARTS[name]))
        for name, rows in marts.items()
    }
    parts = {name: rows for name, rows in parts.items() if rows.height}

    def work(lake: LakeWriter) -> None:
        for name, rows in parts.items():
            if name not in there:
                lake.execute(f"CREATE TABLE mart.{name} ({_columns(rows)})")
            lake.append(name, rows)

    if parts:
        write_lake(paths, "mart", work, author="bench", message=f"marts of {today}")
        there.update(parts)


def _columns(rows: pl.DataFrame) -> str:
    return ", ".join(f"{name} {_type(kind)}" for name, kind in rows.schema.items())


def _type(kind: pl.DataType) -> str:
    if isinstance(kind, pl.Decimal):
        return f"DECIMAL({kind.precision}, {kind.scale})"
    if isinstance(kind, pl.Datetime):
        return "TIMESTAMPTZ"
    return {pl.String: "VARCHAR", pl.Date: "DATE", pl.Boolean: "BOOLEAN", pl.Float64: "DOUBLE"}.get(
        type(kind), "BIGINT"
    )
