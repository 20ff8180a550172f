"""The sources: is one silent for too long, did one send too little or too much?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from apps.render import Json, Tenant, print_json, print_table
from apps.session import open_paths
from aurora.errors import DataError

if TYPE_CHECKING:
    from aurora.ingest.freshness import SourceHealth

_COLUMNS = (
    "source", "contract", "silence", "silent_h", "limit_h", "volume", "day", "row_count", "low_count", "high_count",
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    room = typer.Typer(help="The quality of what comes in.", no_args_is_help=True)
    room.callback()(_room)
    room.command()(check)
    app.add_typer(room, name="quality")


def _room() -> None:
    """The quality of what comes in."""


def check(*, tenant: Tenant = None, json: Json = False) -> None:
    """Judge each source's silence and volume by its history, or by what sources.yaml declares.

    Exits with 3 when one is odd. `learning` means that history is too short to judge by.
    """
    from apps.bootstrap import utc_now
    from aurora.ingest.expectations import publish_expectations
    from aurora.ingest.freshness import source_health
    from aurora.store.lake import read_lake

    settings, paths = open_paths(tenant)
    publish_expectations(paths, packs_dir=settings.packs_dir, pack=settings.pack)
    with read_lake(paths) as lake:
        health = source_health(lake, utc_now())
    rows = [_row(one) for one in health]
    if json:
        print_json({"tenant": paths.tenant, "sources": rows})
    else:
        print_table(rows, _COLUMNS)
    odd = [one for one in health if one.is_odd]
    if odd:
        raise DataError(
            f"{len(odd)} of {len(health)} sources are not as they should be: {_words(odd[0])}.",
            field="source",
            rule="freshness" if odd[0].silence.verdict == "stale" else "volume",
            next_step="Look at the exporter; a day on which nothing is expected belongs into sources.yaml as a quiet day.",
        )


def _row(one: SourceHealth) -> dict[str, Any]:
    amount = one.amount
    return {
        "source": one.source,
        "contract": one.contract,
        "silence": one.silence.verdict,
        "silent_h": round(one.silence.silent_h, 2),
        "limit_h": None if one.silence.limit_h is None else round(one.silence.limit_h, 2),
        "last_arrival_at": one.silence.last_arrival_at,
        "volume": amount.verdict if amount else "learning",
        "day": amount.day if amount else None,
        "row_count": amount.rows if amount else None,
        "low_count": None if amount is None or amount.low is None else round(amount.low),
        "high_count": None if amount is None or amount.high is None else round(amount.high),
        "is_odd": one.is_odd,
    }


def _words(one: SourceHealth) -> str:
    if one.silence.verdict == "stale":
        return f"{one.source} ({one.contract}) is silent for {one.silence.silent_h:,.1f} h, {one.silence.limit_h:,.1f} h are usual"
    amount = one.amount
    if amount is None:
        return one.source
    return f"{one.source} ({one.contract}) has {amount.rows:,} rows on {amount.day}, which is {amount.verdict}"
