"""The report as text for a terminal: every figure with interval, n and basis on a line of its own."""

from __future__ import annotations

from collections.abc import Iterator

from aurora.insights.figures import told
from aurora.insights.report import sections_of
from contracts.messages.insights import Advice, BusinessIntelligenceReport, Section


def plain_text(report: BusinessIntelligenceReport) -> str:
    """The whole report."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: BusinessIntelligenceReport) -> Iterator[str]:
    simulated = ", simulated company" if report.is_simulated else ""
    yield f"Business intelligence of {report.tenant_name}{simulated}: {report.period.since} to {report.period.until}"
    yield f"Snapshots: mart {report.mart_snapshot}, raw {report.raw_snapshot}. SHA-256 {report.report_hash}"
    for one in report.left_out:
        yield f"Left out: {one.section.replace('_', ' ')}. {one.why} It needs the scope {one.needs_scope}."
    for section in sections_of(report):
        yield from _section(section)
    if report.recommendations:
        yield "\nRECOMMENDATIONS"
    for place, advice in enumerate(report.recommendations, start=1):
        yield from _advice(place, advice)


def _section(section: Section) -> Iterator[str]:
    yield f"\n{section.title.upper()}"
    yield section.summary
    for figure in section.figures:
        yield f"  {figure.label}: {told(figure)} [{figure.basis}, {figure.source}]"
    for part in section.breakdowns:
        if part.lines:
            yield f"  {part.title}"
        for line in part.lines:
            yield f"    {line.label}: " + "; ".join(f"{figure.label} {told(figure)}" for figure in line.figures)


def _advice(place: int, one: Advice) -> Iterator[str]:
    yield f"{place}. {one.what}. {one.why}"
    yield f"   {one.figure.label}: {told(one.figure)}. Expected effect: {told(one.expected_effect)}."
    yield f"   From {one.evidence}. Confidence {one.confidence}: {one.confidence_basis}."
