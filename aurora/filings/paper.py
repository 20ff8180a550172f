"""A draft on paper: HTML that stands alone, and PDF, with state, snapshot and hash on every page.

Values that rest encrypted are covered unless the caller opens them. Nothing that a record says is taken as markup.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from aurora.filings.goaml import covered
from aurora.filings.kind import as_text
from aurora.filings.letters import draw, markup, note_on
from contracts.messages.filings import FilingDetail, FilingTable

if TYPE_CHECKING:
    from reportlab.platypus import Flowable  # type: ignore[import-untyped]

Shown = Callable[[str], str]
STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2733}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{border-bottom:1px solid #d5dce3;padding:.35rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
th{background:#f2f5f8}.meta,.note{color:#4a5a68}.missing{color:#a3261c;font-weight:600}.letter{white-space:pre-wrap;
border:1px solid #d5dce3;padding:1rem}
"""
_GAP = "missing"


def state_line(detail: FilingDetail) -> str:
    """What the draft is, in a line."""
    filing = detail.filing
    match filing.state:
        case "approved":
            said = f"approved by {filing.approved_by} on {as_text(filing.approved_at)}, not filed yet"
        case "handed_over":
            said = f"filed by a person as {filing.authority_reference}; approved by {filing.approved_by}"
        case state:
            said = f"{state.replace('_', ' ')}: not approved, not filed"
    changed = "" if detail.is_intact else "; THE CONTENT WAS CHANGED since, approvals are void"
    return said + changed


def tables_of(detail: FilingDetail) -> list[FilingTable]:
    """Fields, the draft's own tables, records and acts, as tables."""
    content, filing = detail.content, detail.filing
    fields = tuple(
        (one.label, one.value if one.value is not None or not one.is_mandatory else _GAP, one.origin, one.path)
        for one in content.fields
        if one.value is not None or one.is_mandatory
    )
    missing = tuple((one.label, one.why, one.where) for one in detail.missing)
    records = tuple(
        (one.contract, one.record_source, one.record_id, as_text(one.updated_at), one.row_hash[:16])
        for one in content.records
    )
    acts = tuple((as_text(one.occurred_at), one.act.replace("_", " "), one.actor_id, one.note) for one in filing.events)
    return [
        FilingTable(title="Fields", columns=("Field", "Value", "From", "Path"), rows=fields),
        *content.tables,
        FilingTable(title="Missing", columns=("Field", "Why it is needed", "Where to put it"), rows=missing),
        FilingTable(title="Records", columns=("Record", "Source", "Id", "State of", "Row's SHA-256"), rows=records),
        FilingTable(title="Who did what", columns=("At (UTC)", "Act", "Who", "Said"), rows=acts),
    ]


def about_lines(detail: FilingDetail) -> list[str]:
    """What stands below the title."""
    filing, content = detail.filing, detail.content
    due = "" if content.due_at is None else f"Due {as_text(content.due_at)} ({content.due_because}). "
    sample = "The records are made up (sample data). " if content.is_sample else ""
    return [
        f"For: {content.authority}. State: {state_line(detail)}.",
        f"{due}About {content.about_contract} {content.about_id} at {content.record_source}. {sample}",
        f"Draft {filing.filing_id}, lake snapshot {content.raw_snapshot_id}, content SHA-256 {filing.content_hash}.",
    ]


def html(detail: FilingDetail, shown: Shown = covered) -> bytes:
    """The draft as one HTML document."""
    content = detail.content
    parts = [f"<p class=meta>{escape(shown(line))}</p>" for line in about_lines(detail)]
    parts += [
        f"<h2>{escape(table.title)}</h2>{html_table(table.columns, table.rows, shown)}"
        for table in tables_of(detail)
        if table.rows
    ]
    parts += [
        f"<h2>{escape(text.title)}</h2><div class=letter>{escape(shown(text.body))}</div>" for text in content.texts
    ]
    parts += [f"<p class=note>{escape(note)}</p>" for note in content.notes]
    return html_page(content.title, parts)


def html_page(title: str, parts: Sequence[str]) -> bytes:
    """A document of these parts, which are HTML already."""
    head = f'<meta charset="utf-8"><meta name=viewport content="width=device-width"><title>{escape(title)}</title>'
    return f"<!doctype html><html lang=en><head>{head}<style>{STYLE}</style></head><body><h1>{escape(title)}</h1>{''.join(parts)}</body></html>\n".encode()


def html_table(columns: Sequence[str], rows: Sequence[Sequence[str | None]], shown: Shown = covered) -> str:
    """A table; everything in it is text."""
    head = "".join(f"<th>{escape(one)}</th>" for one in columns)
    body = "".join("<tr>" + "".join(_cell(one, shown) for one in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: str | None, shown: Shown) -> str:
    mark = " class=missing" if value == _GAP else ""
    return f"<td{mark}>{escape(shown(value or '–'))}</td>"


def pdf(detail: FilingDetail, *, tenant: str, shown: Shown = covered) -> bytes:
    """The draft as PDF, A4, with tenant, snapshot, hash and page number at the foot of every page.

    Arabic is joined and set from right to left (`aurora.filings.letters`); what no font has is `?`, and a note says so.
    """
    from reportlab.lib.pagesizes import A4  # type: ignore[import-untyped]
    from reportlab.lib.units import mm  # type: ignore[import-untyped]
    from reportlab.platypus import SimpleDocTemplate

    buffer = io.BytesIO()
    foot = (
        f"{tenant} · {detail.filing.state.replace('_', ' ')} · snapshot {detail.content.raw_snapshot_id} · "
        f"SHA-256 {detail.filing.content_hash[:32]}"
    )

    def footed(canvas: Any, document: Any) -> None:
        draw(canvas, 18 * mm, 10 * mm, foot, "Helvetica", 7.5)
        canvas.setFont("Helvetica", 7.5)
        canvas.drawRightString(A4[0] - 18 * mm, 10 * mm, f"page {document.page}")

    document = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=18 * mm,
        rightMargin=18 * mm,
        topMargin=16 * mm,
        bottomMargin=18 * mm,
        title=detail.content.title,
        author=tenant,
        invariant=1,
    )
    document.build(_story(detail, document.width, shown), onFirstPage=footed, onLaterPages=footed)
    return buffer.getvalue()


def _story(detail: FilingDetail, width: float, shown: Shown) -> list[Flowable]:
    from reportlab.lib.styles import getSampleStyleSheet  # type: ignore[import-untyped]
    from reportlab.platypus import Paragraph

    style = getSampleStyleSheet()

    def said(text: str, name: str = "BodyText") -> Paragraph:
        return Paragraph(markup(shown(text)), style[name])

    story: list[Flowable] = [said(detail.content.title, "Title")]
    story += [said(line) for line in about_lines(detail)]
    for table in tables_of(detail):
        if table.rows:
            story += [said(table.title, "Heading2"), _grid(table, width, shown)]
    for text in detail.content.texts:
        story += [said(text.title, "Heading2"), said(text.body)]
    tables = [cell or "" for table in tables_of(detail) for row in table.rows for cell in row]
    texts = [detail.content.title, *about_lines(detail), *tables, *(one.body for one in detail.content.texts)]
    lacking = note_on("".join(shown(one) for one in texts), "The draft as HTML or JSON")
    notes = [*detail.content.notes, *([lacking] if lacking else [])]
    return story + [said(note, "Italic") for note in notes]


def _grid(table: FilingTable, width: float, shown: Shown) -> Flowable:
    from reportlab.lib import colors  # type: ignore[import-untyped]
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Paragraph, Table, TableStyle

    small = ParagraphStyle("small", fontName="Helvetica", fontSize=7.5, leading=9.5, splitLongWords=1)
    bold = ParagraphStyle("bold", parent=small, fontName="Helvetica-Bold")
    cells = [[Paragraph(markup(one), bold) for one in table.columns]]
    cells += [[Paragraph(markup(shown(one or "-")), small) for one in row] for row in table.rows]
    grid = Table(cells, colWidths=[width / len(table.columns)] * len(table.columns), repeatRows=1)
    line = ("LINEBELOW", (0, 0), (-1, -1), 0.4, colors.HexColor("#c5ced6"))
    grid.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), line]))
    return grid
