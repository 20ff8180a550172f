"""The report as XLSX: typed cells, frozen headers, a sheet that says where it came from, its JSON inside."""

from __future__ import annotations

import base64
import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from aurora.errors import DataError
from aurora.insights.report import sections_of
from contracts.messages.insights import BusinessIntelligenceReport, Figure

_CHUNK: Final = 30_000
"""A cell holds 32,767 characters."""
_HELD: Final = re.compile(rb"AURORA-JSON:(\d+):([A-Za-z0-9+/=]*)")
_EPOCH: Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC).replace(tzinfo=None)
"""Stamped into the file in place of the moment it was made, so that the same report gives the same bytes."""
_FIGURE: Final = (
    "Figure",
    "Value",
    "Unit",
    "Low (95 %)",
    "High (95 %)",
    "n",
    "Basis",
    "Why there is none",
    "How",
    "Source",
    "Mart snapshot",
)
_WIDTHS: Final = (40, 16, 10, 16, 16, 10, 10, 30, 60, 24, 12)


def xlsx_bytes(report: BusinessIntelligenceReport) -> bytes:
    """The file."""
    import xlsxwriter

    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        book.set_properties(
            {
                "title": "Business intelligence",
                "company": report.tenant,
                "comments": f"SHA-256 {report.report_hash}",
                "created": _EPOCH,
            }
        )
        bold = book.add_format({"bold": True, "bottom": 1, "bg_color": "#EEF6F5"})
        _sheet(book, "Figures", ("Section", *_FIGURE), (26, *_WIDTHS), _figure_rows(report), bold)
        _sheet(
            book,
            "Breakdowns",
            ("Section", "Table", "By", "Line", *_FIGURE),
            (26, 30, 16, 34, *_WIDTHS),
            _line_rows(report),
            bold,
        )
        _sheet(
            book, "Recommendations", _ADVICE, (44, 60, 40, 16, 10, 16, 16, 40, 50, 12, 40), _advice_rows(report), bold
        )
        _about(book, report, book.add_format({"bold": True}))
        _inside(book, report)
    return buffer.getvalue()


def held_report(content: bytes) -> bytes:
    """The JSON inside an XLSX of ours; `DataError` when there is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            info = archive.getinfo("xl/sharedStrings.xml")
            texts = archive.read(info) if info.file_size < 64 * 2**20 else b""
    except (zipfile.BadZipFile, KeyError):
        texts = b""
    parts = sorted({int(place): part for place, part in _HELD.findall(texts)}.items())
    if not parts:
        raise DataError(
            "This workbook holds no report of Aurora.",
            field="file",
            rule="json_inside",
            next_step="Give a file of `aurora report bi`.",
        )
    return base64.b64decode(b"".join(part for _, part in parts))


def _sheet(
    book: Any, name: str, head: Sequence[str], widths: Sequence[int], rows: Iterator[Sequence[object]], bold: Any
) -> None:
    sheet = book.add_worksheet(name)
    sheet.write_row(0, 0, head, bold)
    sheet.freeze_panes(1, 0)
    for place, width in enumerate(widths):
        sheet.set_column(place, place, width)
    last = 0
    for last, row in enumerate(rows, start=1):
        for place, value in enumerate(row):
            _write(sheet, last, place, value)
    sheet.autofilter(0, 0, max(1, last), len(head) - 1)


def _write(sheet: Any, row: int, column: int, value: object) -> None:
    """Numbers as numbers and text as text: a text that begins like a formula stays one."""
    if isinstance(value, int | float):
        sheet.write_number(row, column, value)
    elif value is not None:
        sheet.write_string(row, column, str(value))


def _cells(figure: Figure) -> tuple[object, ...]:
    return (figure.label, figure.value, figure.unit, figure.low, figure.high, figure.n, figure.basis, figure.missing, figure.how,
            figure.source, figure.snapshot)  # fmt: skip


def _figure_rows(report: BusinessIntelligenceReport) -> Iterator[Sequence[object]]:
    for section in sections_of(report):
        for figure in section.figures:
            yield (section.title, *_cells(figure))


def _line_rows(report: BusinessIntelligenceReport) -> Iterator[Sequence[object]]:
    for section in sections_of(report):
        for part in section.breakdowns:
            for line in part.lines:
                for figure in line.figures:
                    yield (section.title, part.title, part.by, line.label, *_cells(figure))


_ADVICE: Final = (
    "What",
    "Why",
    "Figure",
    "Value",
    "Unit",
    "Expected effect",
    "Unit of it",
    "Effect: interval or why none",
    "Evidence",
    "Confidence",
    "Rests on",
)


def _advice_rows(report: BusinessIntelligenceReport) -> Iterator[Sequence[object]]:
    for one in report.recommendations:
        effect = one.expected_effect
        ends = effect.missing or ("" if effect.low is None else f"{effect.low:g} to {effect.high:g}")
        yield (one.what, one.why, one.figure.label, one.figure.value, one.figure.unit, effect.value, effect.unit, ends, one.evidence,
               one.confidence, one.confidence_basis)  # fmt: skip


def _about(book: Any, report: BusinessIntelligenceReport, bold: Any) -> None:
    sheet = book.add_worksheet("About")
    facts = [
        ("Report", "Business intelligence"),
        ("Tenant", report.tenant),
        ("Name", report.tenant_name),
        ("Pack", f"{report.pack} {report.pack_version}"),
        ("Simulated", "yes: records of a simulated company are in it" if report.is_simulated else "no"),
        ("Period", f"{report.period.since} to {report.period.until}, UTC days ({report.period.time_period})"),
        ("Industry", report.industry_filter or "all"),
        ("Mart lake snapshot", report.mart_snapshot),
        ("Raw lake snapshot", report.raw_snapshot),
        ("SHA-256", report.report_hash),
        *((f"Left out: {one.section}", f"{one.why} It needs the scope {one.needs_scope}.") for one in report.left_out),
    ]
    for row, (label, value) in enumerate(facts):
        sheet.write_string(row, 0, label, bold)
        _write(sheet, row, 1, value)
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 80)


def _inside(book: Any, report: BusinessIntelligenceReport) -> None:
    sheet = book.add_worksheet("JSON")
    content = base64.b64encode(
        msgspec.json.encode(msgspec.structs.replace(report, generated_at=None), order="deterministic")
    ).decode()
    for place, start in enumerate(range(0, len(content), _CHUNK)):
        sheet.write_string(place, 0, f"AURORA-JSON:{place}:{content[start : start + _CHUNK]}")
    sheet.very_hidden()
