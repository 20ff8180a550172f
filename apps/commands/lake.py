"""The lake: `ingest` brings rows in, `build` materialises what follows, `maintain` keeps it small."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.render import Json, Tenant, note, print_json, print_line, print_table
from apps.session import open_paths
from aurora.errors import DataError, NotFoundError, UsageError
from aurora.settings import Settings
from aurora.store.paths import TenantPaths, check_slug

if TYPE_CHECKING:
    from aurora.ingest.commit import BatchReport


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command()(ingest)
    app.command()(build)
    app.command()(maintain)


_COLUMNS = ("source", "file_name", "row_count", "good_count", "quarantined_count", "duplicate_count", "unpriced_count")
_REFUSAL_COLUMNS = ("column_name", "rule", "quarantined_count", "first_row_number", "reason")


def ingest(
    file: Annotated[
        Path | None, typer.Argument(help="File to bring in; everything in the landing folder when absent.")
    ] = None,
    *,
    source: Annotated[str | None, typer.Option(help="System it came from; its landing folder when absent.")] = None,
    contract: Annotated[str | None, typer.Option(help="Contract its rows must meet; guessed when absent.")] = None,
    source_format: Annotated[str | None, typer.Option("--format", help="Format; detected when absent.")] = None,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Bring a file, or the landing folder, into the lake.

    A file from elsewhere is put into the landing folder first. Good rows land, bad rows go to
    quarantine with rule, reason and position. The same file again changes nothing. Exits with 3 when
    rows of the named file were quarantined.
    """
    from aurora.ingest.batch import ingest_landing

    settings, paths = open_paths(tenant)
    if file is None:
        reports = ingest_landing(
            paths, clock=_clock(), progress=None if json else _progress(), max_line_mb=settings.max_upload_mb
        )
    else:
        reports = [_ingest_one(settings, paths, file, source=source, contract=contract, source_format=source_format)]
    refusals = _refusals(paths, [report.batch_id for report in reports if report.quarantined])
    rows = [_as_row(report) for report in reports]
    if json:
        print_json({"tenant": paths.tenant, "batches": rows, "refusals": refusals})
    else:
        print_table(rows, _COLUMNS)
        known = sum(report.is_known for report in reports)
        if known:
            print_line(f"\nThe lake held {known} of {len(reports)} before: nothing of them changed.")
        if refusals:
            print_line("\nQuarantined, by rule:")
            print_table(refusals, _REFUSAL_COLUMNS)
    quarantined = sum(report.quarantined for report in reports)
    if quarantined and file is not None:
        raise DataError(
            f"{quarantined:,} of {reports[0].rows:,} rows were quarantined; the others landed.",
            field=refusals[0]["column_name"] if refusals else None,
            rule=refusals[0]["rule"] if refusals else None,
            next_step="Each row stands with its reason on the Data page. Correct them at the source and ingest the new file.",
        )


def _ingest_one(
    settings: Settings,
    paths: TenantPaths,
    file: Path,
    *,
    source: str | None,
    contract: str | None,
    source_format: str | None,
) -> BatchReport:
    from aurora.ingest.batch import ingest_file

    landed, source = _landed(paths, file, source=source, contract=contract, source_format=source_format)
    if sys.stderr.isatty():
        note(f"Ingesting {landed.name} ({landed.stat().st_size / 1e6:,.1f} MB)")
    return ingest_file(
        paths,
        landed,
        source=source,
        contract=contract,
        source_format=source_format,
        clock=_clock(),
        max_line_mb=settings.max_upload_mb,
    )


def _landed(
    paths: TenantPaths, file: Path, *, source: str | None, contract: str | None, source_format: str | None
) -> tuple[Path, str]:
    """The file in the landing folder and its source; one from elsewhere is put there first."""
    from aurora.ingest.landing import drop_file
    from aurora.ingest.source_formats import contract_for, detect

    if not file.is_file():
        raise NotFoundError(f"There is no file {file}.", field="file", next_step="Check the path.")
    below = _below(file, paths.landing)
    if below:
        return file, source or below
    if source is None:
        raise UsageError(
            f"{file} is not in the landing folder, so it does not say where it comes from.",
            field="--source",
            rule="required",
            next_step=f"Name the system that exported it: aurora ingest {file} --source my_gateway",
        )
    check_slug(source, field="--source")
    # a file that cannot be read must not stay in the landing folder
    contract_for(file, source_format or detect(file), contract)
    return drop_file(paths, file, source=source), source


def _below(file: Path, landing: Path) -> str | None:
    """The source folder of a file that is named by a path of the landing folder; links are not followed here."""
    path, folder = Path(os.path.abspath(file)), Path(os.path.abspath(landing))  # noqa: PTH100 - resolve() follows links
    parts = path.relative_to(folder).parts if path.is_relative_to(folder) else ()
    return parts[0] if len(parts) > 1 else None


def _clock() -> Callable[[], dt.datetime]:
    from apps.bootstrap import utc_now

    return utc_now


def _progress() -> Callable[[int, int, str], None] | None:
    """Files done on one line of the terminal; nothing where standard error is none."""
    if not sys.stderr.isatty():
        return None

    def show(done: int, total: int, name: str) -> None:
        sys.stderr.write(f"\r\x1b[K{done} of {total} files {name}" if done < total else "\r\x1b[K")
        sys.stderr.flush()

    return show


def _as_row(report: BatchReport) -> dict[str, object]:
    return {
        "batch_id": report.batch_id,
        "batch_seq": report.batch_seq,
        "source": report.source,
        "source_format": report.source_format,
        "file_name": report.file_name,
        "contracts": list(report.contracts),
        "row_count": report.rows,
        "good_count": report.good,
        "quarantined_count": report.quarantined,
        "duplicate_count": report.duplicates,
        "unpriced_count": report.unpriced,
        "is_known": report.is_known,
    }


def _refusals(paths: TenantPaths, batch_ids: list[str]) -> list[dict[str, Any]]:
    """What was quarantined of these batches: a row a file, column and rule, the most frequent first."""
    from aurora.store.lake import read_lake

    if not batch_ids:
        return []
    with read_lake(paths) as lake:
        found = lake.query(
            """
            SELECT file_name, column_name, rule, count(DISTINCT row_number) AS quarantined_count,
                min(row_number) AS first_row_number, arg_min(reason, row_number) AS reason
            FROM raw.quarantine WHERE batch_id IN (SELECT unnest(?::VARCHAR[]))
            GROUP BY ALL ORDER BY quarantined_count DESC, file_name, column_name, rule
            """,
            [batch_ids],
        )
    return found.to_dicts()


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
