"""Capacity: what is forecast, how many replicas it takes, and what other ways to plan would have cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from apps.render import Json, Tenant, note, print_json, print_line, print_table
from apps.session import open_paths

if TYPE_CHECKING:
    from aurora.decisions.capacity.book import Played, TargetCapacity

TargetId = Annotated[str | None, typer.Argument(help="An assistant or a language model; all when left out.")]
_PLANS = ("target_id", "kind", "replicas", "decided_by", "forecast_replicas", "reactive_replicas", "is_promoted", "reason")  # fmt: skip
_WAYS = ("target_id", "way", "replica_hours", "violation_share", "unserved_share", "change_count", "replicas_max", "usd")  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    room = typer.Typer(help="Capacity: demand forecasts, replicas, simulations.", no_args_is_help=True)
    for command in (train, plan, simulate):
        room.command()(command)
    app.add_typer(room, name="capacity")


def train(
    *,
    force: Annotated[bool, typer.Option("--force", help="Train even if no new day of data has come.")] = False,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Forecast the next hour of every assistant and language model; train first when a day of data has come.

    What the hourly schedule `capacity` does. Figures are of days that were not trained on.
    """
    from apps.bootstrap import utc_now
    from ml.demand.train import train_and_publish

    settings, paths = open_paths(tenant)
    note("Forecasting demand; training takes up to a minute.")
    done = train_and_publish(paths, settings, clock=utc_now, force=force)
    if json:
        print_json(done.figures())
        return
    print_line(
        done.reason or f"{done.outcome}: {done.target_count} targets, {done.promoted_count} plan with a forecast."
    )
    print_table(
        [{"figure": name, "value": round(value, 4)} for name, value in done.metrics.items()], ("figure", "value")
    )


def plan(target_id: TargetId = None, *, tenant: Tenant = None, json: Json = False) -> None:
    """How many replicas each target needs, as of the newest demand, and why."""
    from aurora.decisions.capacity.book import load_book

    _, paths = open_paths(tenant)
    book = load_book(paths)
    targets = book.targets if target_id is None else (book.target(target_id),)
    rows = [
        {**msgspec.to_builtins(one.plan(now=one.history.ends_at)), "kind": one.kind, "is_promoted": _is_promoted(one)}
        for one in targets
    ]
    if json:
        print_json({"data_to": book.data_to, "reason": book.reason, "plans": rows})
        return
    if book.reason:
        print_line(book.reason)
    print_table(rows, _PLANS)


def _is_promoted(target: TargetCapacity) -> bool:
    return target.evidence is not None and target.evidence.is_promoted


def simulate(
    target_id: TargetId = None,
    *,
    replica_usd: Annotated[float, typer.Option(min=0, help="USD that a replica costs an hour.")] = 0.0,
    path: Annotated[bool, typer.Option("--path", help="With --json: replicas of every window, too.")] = False,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Replay the newest days under the plan, the autoscaler and a fixed fleet: replica-hours and violations.

    The plan's forecasts were made by an estimator that had not seen these days. The fixed fleet is the smallest
    that keeps to the budget of violations, known afterwards.
    """
    from aurora.decisions.capacity.book import load_book

    _, paths = open_paths(tenant)
    book = load_book(paths)
    targets = book.targets if target_id is None else (book.target(target_id),)
    rows = [row for one in targets for row in _ways(one, replica_usd, with_path=json and path)]
    if json:
        print_json({"data_to": book.data_to, "reason": book.reason, "simulations": rows})
        return
    if book.reason:
        print_line(book.reason)
    print_table(rows, _WAYS)


def _ways(target: TargetCapacity, replica_usd: float, *, with_path: bool) -> list[dict[str, Any]]:
    played = target.simulation
    if played is None:
        return []

    def row(way: str, one: Played) -> dict[str, Any]:
        figures = {name: value for name, value in msgspec.to_builtins(one).items() if name != "replicas" or with_path}
        return {
            "target_id": target.target_id,
            "way": way,
            "starts_at": played.starts_at,
            **figures,
            "usd": round(one.replica_hours * replica_usd, 2),
        }

    return [row("plan", played.plan), row("autoscaler", played.autoscaler), row("fixed", played.fixed)]
