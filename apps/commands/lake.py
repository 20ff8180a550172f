"""The lake: `ingest` brings rows in, `build` materialises what follows, `maintain` keeps it small."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from apps.render import Json, Tenant, note, print_json, print_table
from apps.session import open_paths
from aurora.errors import DataError


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command()(ingest)
    app.command()(build)
    app.command()(maintain)


_COLUMNS = ("source", "file_name", "row_count", "good_count", "quarantined_count", "duplicate_count", "unpriced_count")


def ingest(
    file: Annotated[
        Path | None, typer.Argument(help="File to bring in; everything in the landing folder when absent.")
    ] = None,
    *,
    source: Annotated[str | None, typer.Option(help="System it came from; its landing folder when absent.")] = None,
    contract: Annotated[str, typer.Option(help="Contract its rows must meet.")] = "usage",
    source_format: Annotated[str | None, typer.Option("--format", help="Format; detected when absent.")] = None,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Bring a file, or the landing folder, into the lake.

    Good rows land, bad rows go to quarantine with rule, reason and position. The same file again
    changes nothing. Exits with 3 when rows of the named file were quarantined.
    """
    from apps.bootstrap import utc_now
    from aurora.ingest.pipeline import ingest_file, ingest_landing

    _, paths = open_paths(tenant)
    if file is None:
        reports = ingest_landing(paths, clock=utc_now, progress=None if json else note)
    else:
        reports = [
            ingest_file(
                paths,
                file,
                contract=contract,
                source=source or file.resolve().parent.name,
                source_format=source_format,
                clock=utc_now,
            )
        ]
    rows = [report.as_dict() for report in reports]
    if json:
        print_json({"tenant": paths.tenant, "batches": rows})
    else:
        print_table(rows, _COLUMNS)
    quarantined = sum(report.quarantined for report in reports)
    if quarantined and file is not None:
        raise DataError(
            f"{quarantined:,} rows were quarantined; the others landed.",
            next_step="See them with their reasons on the Data page, or: aurora status --json",
        )


def build(*, tenant: Tenant = None) -> None:
    """Materialise all that is not fresh.

    Ingest, journal, marts, features and estimator: the graph that Dagster shows, without a server.
    """
    from apps.up import run_build

    settings, _ = open_paths(tenant)
    raise typer.Exit(run_build(settings))


def maintain(*, tenant: Tenant = None, json: Json = False) -> None:
    """Keep the lake small.

    Expires old snapshots, merges small files, deletes orphan files older than a day.
    """
    from apps.bootstrap import utc_now
    from aurora.store.maintenance import maintain as run

    _, paths = open_paths(tenant)
    report = run(paths, now=utc_now())
    if json:
        print_json(report.as_dict())
    else:
        print_table([{"what": key, "count": value} for key, value in report.as_dict().items()], ("what", "count"))
