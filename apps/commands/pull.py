"""Pull: rows from the assistants' export endpoints that the tenant's `pulls.yaml` names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from apps.render import Json, Tenant, print_json, print_line, print_table
from apps.session import open_paths

if TYPE_CHECKING:
    from aurora.ingest.pull import PullReport

_COLUMNS = ("source", "page_count", "row_count", "good_count", "quarantined_count", "duplicate_count", "state")


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command()(pull)


def pull(
    source: Annotated[
        str | None, typer.Argument(help="Source, or source.contract; every source of pulls.yaml when absent.")
    ] = None,
    *,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Pull what the assistants' export endpoints have beyond what the lake holds.

    Each page lands once and moves the source's cursor with it. A source in trouble does not hold up the
    others; the command then ends with its exit code.
    """
    from apps.bootstrap import utc_now
    from aurora.ingest.pull import Puller
    from aurora.ingest.pull_sources import named_sources

    settings, paths = open_paths(tenant)
    puller = Puller(paths=paths, settings=settings, clock=utc_now)
    reports = [puller.pull(one) for one in named_sources(paths, source)]
    rows = [_as_row(report) for report in reports]
    if json:
        print_json({"tenant": paths.tenant, "sources": rows})
    elif rows:
        print_table(rows, _COLUMNS)
    else:
        print_line(f"Nothing to pull: {paths.directory / 'pulls.yaml'} names no source.")
    for report in reports:
        if report.trouble is not None:
            raise report.trouble


def _as_row(report: PullReport) -> dict[str, object]:
    return {
        "source": report.name,
        "page_count": report.pages,
        "row_count": report.rows,
        "good_count": report.good,
        "quarantined_count": report.quarantined,
        "duplicate_count": report.duplicates,
        "cursor": report.cursor,
        "state": "in trouble" if report.trouble else "done" if report.is_done else "more to come",
        "trouble": str(report.trouble) if report.trouble else None,
    }
