"""Reports: the business-intelligence report, the analysis of one assistant, and whether a report is what the lake says."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import typer

from apps.render import Json, Tenant, note, print_json, print_line, print_table
from apps.session import open_paths
from aurora.errors import DataError, UsageError

if TYPE_CHECKING:
    from contracts.messages.insights import Advice, BusinessIntelligenceReport, Figure

Period = Annotated[
    str, typer.Option("--period", help="last_30_days, 90d, month, quarter, 2026-09, 2026-q3, 2026-09-01..2026-09-30.")
]
Without = Annotated[
    list[str] | None,
    typer.Option(
        "--without", help="Leave out what this scope shows: finance:read or privacy:reveal; may be given again."
    ),
]


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    room = typer.Typer(help="Reports: business intelligence, one assistant, and their proof.", no_args_is_help=True)
    for command in (bi, assistant, verify):
        room.command()(command)
    app.add_typer(room, name="report")


def bi(
    *,
    period: Period = "last_30_days",
    industry: Annotated[str | None, typer.Option(help="Only this industry.")] = None,
    form: Annotated[
        Literal["text", "json", "pdf", "xlsx"], typer.Option("--format", help="How it is written.")
    ] = "text",
    out: Annotated[Path | None, typer.Option(help="File to write; PDF and XLSX need one.")] = None,
    without: Without = None,
    tenant: Tenant = None,
) -> None:
    """The business-intelligence report: revenue, cost, satisfaction, market, competition, return, what to do."""
    from apps.bootstrap import utc_now
    from aurora.insights.report import ALL_SCOPES, make_report, packed

    if form in ("pdf", "xlsx") and out is None:
        raise UsageError(
            f"A {form} goes into a file.", field="--out", rule="required", next_step=f"Add --out report.{form}."
        )
    if unknown := set(without or ()) - ALL_SCOPES:
        raise UsageError(
            f"No scope {min(unknown)!r} shows anything here.", field="--without", rule="one_of",
            next_step=f"Choose from {', '.join(sorted(ALL_SCOPES))}.",
        )  # fmt: skip
    settings, paths = open_paths(tenant)
    report = make_report(
        paths,
        packed(settings.packs_dir, settings.pack, tenant=paths.tenant),
        scopes=ALL_SCOPES - set(without or ()),
        time_period=period,
        industry=industry,
        now=utc_now(),
    )
    content = _written(report, form)
    if out is None:
        sys.stdout.write(content.decode())
        return
    out.write_bytes(content)
    note(
        f"{out}: {report.period.since} to {report.period.until}, mart snapshot {report.mart_snapshot}, SHA-256 {report.report_hash}"
    )


def _written(report: BusinessIntelligenceReport, form: str) -> bytes:
    if form == "pdf":
        from aurora.insights.pdf import pdf_bytes

        return pdf_bytes(report)
    if form == "xlsx":
        from aurora.insights.workbook import xlsx_bytes

        return xlsx_bytes(report)
    if form == "json":
        return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"
    from aurora.insights.plain import plain_text

    return plain_text(report).encode()


def assistant(
    assistant_id: Annotated[
        str, typer.Argument(metavar="ASSISTANT", help="Its id, as `aurora assistant list` names it.")
    ],
    *,
    period: Period = "last_30_days",
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Response time, accuracy, cost and compliance of one assistant beside its peers, and what to do."""
    from apps.bootstrap import utc_now
    from aurora.insights.assistant_analysis import analyze_assistant
    from aurora.insights.report import ALL_SCOPES

    _, paths = open_paths(tenant)
    found = analyze_assistant(paths, assistant_id, scopes=ALL_SCOPES, time_period=period, now=utc_now())
    if json:
        print_json(msgspec.to_builtins(found))
        return
    print_line(
        f"{found.assistant_name}, {found.period.since} to {found.period.until}, mart snapshot {found.mart_snapshot}"
    )
    print_table(
        [
            {"metric": one.figure.label, "its own": _told(one.figure), "peers": _told(one.peers),
             "difference": _told(one.difference), "standing": one.standing}
            for one in found.metrics
        ],
        ("metric", "its own", "peers", "difference", "standing"),
    )  # fmt: skip
    for advice in found.recommendations:
        _tell(advice)


def _told(figure: Figure) -> str:
    from aurora.insights.figures import told

    return told(figure)


def _tell(one: Advice) -> None:
    print_line(f"- {one.what}. {one.why}")
    print_line(f"  {one.figure.label}: {_told(one.figure)}. Expected effect: {_told(one.expected_effect)}.")
    print_line(f"  From {one.evidence}. Confidence {one.confidence}: {one.confidence_basis}.")


def verify(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A PDF, XLSX or JSON of `aurora report bi`.")
    ],
    *,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Make a report's figures again at its snapshots and say whether they are equal, or what differs."""
    from aurora.insights.report import packed
    from aurora.insights.verify import verify_file

    settings, paths = open_paths(tenant)
    check = verify_file(file, paths, packed(settings.packs_dir, settings.pack, tenant=paths.tenant))
    if json:
        print_json(check.as_dict())
    elif check.is_equal:
        print_line(f"Equal: made again at {check.compared_with}, the figures give SHA-256 {check.hash_again}.")
    if check.is_equal:
        return
    raise DataError(
        f"{file.name} is not what the lake says at {check.compared_with}: {'; '.join(check.differences)}.",
        field="file",
        rule="report_hash",
        next_step="Ask for the report again, and find who changed the file, the pack or the lake's past.",
    )
