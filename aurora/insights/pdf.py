"""The report as PDF: the same bytes for the same report, its hash and snapshots on every page, its JSON attached."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
from reportlab.lib.colors import HexColor, white  # type: ignore[import-untyped]
from reportlab.lib.pagesizes import A4  # type: ignore[import-untyped]
from reportlab.lib.styles import ParagraphStyle  # type: ignore[import-untyped]
from reportlab.lib.units import mm  # type: ignore[import-untyped]
from reportlab.pdfbase.pdfdoc import PDFArray, PDFDictionary, PDFName, PDFStream, PDFString  # type: ignore[import-untyped]
from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped]
from reportlab.platypus import KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle  # type: ignore[import-untyped]

from aurora.errors import DataError
from aurora.filings.letters import draw, markup, note_on
from aurora.insights.charts import FAINT, INK, TEAL, bars, forest
from aurora.insights.figures import amount, notes_of, told
from aurora.insights.report import sections_of
from contracts.messages.insights import Advice, Breakdown, BusinessIntelligenceReport, Figure, Section

ATTACHMENT: Final = "aurora-report.json"
_MARGIN: Final = 16 * mm
_STREAM: Final = re.compile(rb"/AuroraReport true[^>]*>>\s*stream\r?\n(\{.*?\})endstream", re.DOTALL)
_LIGHT: Final = HexColor("#eef6f5")
_BODY: Final = ParagraphStyle("body", fontName="Helvetica", fontSize=9, leading=12, textColor=INK)
_SMALL: Final = ParagraphStyle("small", parent=_BODY, fontSize=7.5, leading=9.5)
_NOTE: Final = ParagraphStyle("note", parent=_SMALL, textColor=HexColor("#4b5563"))
_HEAD: Final = ParagraphStyle("head", parent=_SMALL, fontName="Helvetica-Bold", textColor=white)
_TITLE: Final = ParagraphStyle("title", parent=_BODY, fontName="Helvetica-Bold", fontSize=17, leading=21)
_H1: Final = ParagraphStyle(
    "h1", parent=_BODY, fontName="Helvetica-Bold", fontSize=13, leading=17, spaceBefore=10, spaceAfter=3
)
_H2: Final = ParagraphStyle(
    "h2", parent=_BODY, fontName="Helvetica-Bold", fontSize=9.5, leading=13, spaceBefore=7, spaceAfter=2
)
_CHARTS: Final = {
    "by_area": "commission",
    "by_llm": "ai_cost",
    "by_assistant": "satisfaction",
    "same_work_for_less": "saving",
    "by_industry": "attributed_commission",
}
"""Figure that is drawn of a breakdown."""


def pdf_bytes(report: BusinessIntelligenceReport) -> bytes:
    """The file. It says when its data was read (snapshots), never when it was made, so that it can be made again."""
    buffer = io.BytesIO()
    document = SimpleDocTemplate(
        buffer, pagesize=A4, leftMargin=_MARGIN, rightMargin=_MARGIN, topMargin=24 * mm, bottomMargin=22 * mm, invariant=1,
        title=f"Business intelligence, {report.tenant_name}", author=f"Aurora for {report.tenant}", subject=f"SHA-256 {report.report_hash}",
        lang="en",
    )  # fmt: skip
    document.build(list(_story(report)), canvasmaker=_canvas_of(report))
    return buffer.getvalue()


def attached_report(content: bytes) -> bytes:
    """The JSON attached to a PDF of ours; `DataError` when there is none."""
    found = _STREAM.search(content)
    if found is None:
        raise DataError(
            "This PDF holds no report of Aurora.",
            field="file",
            rule="attachment",
            next_step="Give a file of `aurora report bi`.",
        )
    return found[1]


def _canvas_of(report: BusinessIntelligenceReport) -> type[Canvas]:
    class Numbered(Canvas):  # type: ignore[misc]
        """Draws header and footer once it knows how many pages there are."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._pages: list[dict[str, Any]] = []

        def showPage(self) -> None:  # noqa: N802 - reportlab's name
            self._pages.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, page in enumerate(self._pages, start=1):
                self.__dict__.update(page)
                _frame(self, report, number, len(self._pages))
                super().showPage()
            _attach(self, report)
            super().save()

    return Numbered


def _frame(canvas: Any, report: BusinessIntelligenceReport, number: int, count: int) -> None:
    width, height = A4
    canvas.saveState()
    canvas.setFillColor(TEAL)
    canvas.setFont("Helvetica-Bold", 11)
    canvas.drawString(_MARGIN, height - 14 * mm, "Aurora")
    canvas.setFillColor(INK)
    draw(canvas, _MARGIN + 18 * mm, height - 14 * mm, report.tenant_name, "Helvetica", 8.5)
    canvas.setFont("Helvetica", 8.5)
    label = "Business intelligence" + (", simulated company" if report.is_simulated else "")
    canvas.drawRightString(width - _MARGIN, height - 14 * mm, label)
    canvas.setStrokeColor(FAINT)
    canvas.line(_MARGIN, height - 17 * mm, width - _MARGIN, height - 17 * mm)
    canvas.line(_MARGIN, 16 * mm, width - _MARGIN, 16 * mm)
    canvas.setFont("Helvetica", 6.8)
    snapshots = f"Snapshots: mart {report.mart_snapshot}, raw {report.raw_snapshot}"
    canvas.drawString(_MARGIN, 12 * mm, f"{snapshots}   SHA-256 {report.report_hash}")
    canvas.drawRightString(width - _MARGIN, 12 * mm, f"Page {number} of {count}")
    canvas.restoreState()


def _attach(canvas: Any, report: BusinessIntelligenceReport) -> None:
    document = canvas._doc  # noqa: SLF001 - reportlab has no other way to attach a file
    content = msgspec.json.encode(msgspec.structs.replace(report, generated_at=None), order="deterministic")
    kind = PDFDictionary(
        {"Type": PDFName("EmbeddedFile"), "Subtype": PDFName("application/json"), "AuroraReport": "true"}
    )
    stream = document.Reference(PDFStream(dictionary=kind, content=content, filters=[]), "auroraReport")
    name = PDFString(ATTACHMENT)
    file = document.Reference(
        PDFDictionary({"Type": PDFName("Filespec"), "F": name, "UF": name, "EF": PDFDictionary({"F": stream})}),
        "auroraReportFile",
    )
    document.Catalog.Names = PDFDictionary({"EmbeddedFiles": PDFDictionary({"Names": PDFArray([name, file])})})


def _text(text: str, style: ParagraphStyle = _SMALL) -> Any:
    return Paragraph(markup(text), style)


def _story(report: BusinessIntelligenceReport) -> Iterator[Any]:
    period = report.period
    yield _text("Business intelligence report", _TITLE)
    industry = f", industry {report.industry_filter}" if report.industry_filter else ""
    yield _text(f"{report.tenant_name}: {period.since} to {period.until} (UTC days){industry}", _BODY)
    yield Spacer(1, 4)
    yield _text(
        "Every figure says whether it was measured here, brought in (input) or reckoned from both (derived), its 95 % interval and n, "
        f"what it rests on. Dirhams at 3.6725 a dollar. Pack {report.pack} {report.pack_version}."
        + (" Records of a simulated company are among what was measured." if report.is_simulated else ""),
        _NOTE,
    )
    for one in report.left_out:
        yield _text(
            f"Left out: {one.section.replace('_', ' ')}. {one.why} It needs the scope {one.needs_scope}.", _NOTE
        )
    lacking = note_on(msgspec.json.encode(report).decode(), "The report as XLSX or JSON, also attached here,")
    if lacking:
        yield _text(lacking, _NOTE)
    if report.recommendations:
        yield _text("Recommendations", _H1)
        for place, advice in enumerate(report.recommendations, start=1):
            yield KeepTogether(list(_advice(place, advice)))
    for section in sections_of(report):
        yield from _section(section)


def _advice(place: int, one: Advice) -> Iterator[Any]:
    yield _text(f"{place}. {one.what}", _H2)
    yield _text(one.why, _BODY)
    yield _text(
        f"Figure: {one.figure.label}: {told(one.figure)}. Expected effect: {told(one.expected_effect)}.", _SMALL
    )
    yield _text(f"From {one.evidence}. Confidence {one.confidence}: {one.confidence_basis}.", _NOTE)


def _section(section: Section) -> Iterator[Any]:
    yield _text(section.title, _H1)
    yield _text(section.summary, _BODY)
    yield Spacer(1, 4)
    if section.figures:
        yield _figures(section.figures)
        correlations = [
            (figure.label, figure)
            for figure in section.figures
            if figure.unit == "correlation" and figure.value is not None
        ]
        if correlations:
            yield KeepTogether([_text("Correlation with the judgement, with intervals", _H2), forest(correlations)])
    for part in section.breakdowns:
        if part.lines:
            yield from _breakdown(part)


def _figures(figures: Sequence[Figure]) -> Any:
    head = [_text(word, _HEAD) for word in ("Figure", "Value", "95 % interval", "n", "Basis", "How, and from where")]
    rows = [
        [
            _text(figure.label),
            _text(amount(figure.value, figure.unit) if figure.value is not None else f"none: {figure.missing}"),
            _text(interval(figure)),
            _text("" if figure.n is None else f"{figure.n:,}"),
            _text(figure.basis),
            _text(f"{figure.how} [{figure.source}]", _NOTE),
        ]
        for figure in figures
    ]
    return _table([head, *rows], [38, 29, 34, 14, 15, 48])


def interval(figure: Figure) -> str:
    """`AED 10 to AED 20`, or a dash."""
    if figure.low is None or figure.high is None:
        return "-"
    return f"{amount(figure.low, figure.unit)} to {amount(figure.high, figure.unit)}"


def _breakdown(part: Breakdown) -> Iterator[Any]:
    names = [figure.label for figure in part.lines[0].figures]
    head = [
        _text(word, _HEAD)
        for word in (part.by, *(f"{figure.label} ({figure.basis})" for figure in part.lines[0].figures))
    ]
    rows = [[_text(line.label), *(_text(told(figure)) for figure in line.figures)] for line in part.lines]
    wide = 46 if len(names) < 5 else 30
    table = _table([head, *rows], [wide, *([(178 - wide) / len(names)] * len(names))])
    drawn = _chart(part)
    yield KeepTogether([_text(part.title, _H2), *([drawn, Spacer(1, 3)] if drawn is not None else [])])
    yield table
    sources = sorted({figure.source for line in part.lines for figure in line.figures if figure.source})
    notes = [f"{line.label}: {note}" for line, note in zip(part.lines, notes_of(part), strict=False)]
    yield _text(f"{' '.join(notes) or part.lines[0].figures[0].how} From {', '.join(sources)}.", _NOTE)


def _chart(part: Breakdown) -> Any:
    wanted = _CHARTS.get(part.name)
    lines = [
        (line.label, figure)
        for line in part.lines
        for figure in line.figures
        if figure.name == wanted and figure.value is not None
    ]
    return bars(lines) if len(lines) > 1 else None


def _table(rows: list[list[Any]], widths_mm: Sequence[float]) -> Any:
    table = Table(rows, colWidths=[width * mm for width in widths_mm], repeatRows=1, hAlign="LEFT")
    table.setStyle(
        TableStyle(
            [
                ("BACKGROUND", (0, 0), (-1, 0), TEAL),
                ("ROWBACKGROUNDS", (0, 1), (-1, -1), [white, _LIGHT]),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LINEBELOW", (0, 0), (-1, -1), 0.25, FAINT),
                ("TOPPADDING", (0, 0), (-1, -1), 2),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
                ("LEFTPADDING", (0, 0), (-1, -1), 3),
                ("RIGHTPADDING", (0, 0), (-1, -1), 3),
            ]
        )
    )
    return table
