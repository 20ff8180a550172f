"""The business-intelligence report and the analysis of one assistant, as doors and files give them.

Names of sections are the Auterity plan's, in snake case. A number never stands alone: it says its unit, interval,
how many observations it rests on, whether it was measured here or brought in, from which table and snapshot.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from msgspec import Meta, Struct

Basis = Literal["measured", "input", "derived"]
"""Measured by Aurora; brought in by a person or a file; reckoned from both."""
Confidence = Literal["high", "medium", "low"]
Standing = Literal["better", "worse", "no difference shown", "too few"]
SectionName = Literal[
    "revenue_impact",
    "cost_optimization",
    "customer_satisfaction_correlation",
    "market_opportunity_analysis",
    "competitive_positioning",
    "roi_by_industry",
]


class Figure(Struct, frozen=True, kw_only=True):
    """One number with all that is needed to believe it; without a value it says why there is none."""

    name: str
    label: str
    value: float | None
    unit: str
    low: float | None
    """Lower end of the 95 % interval; null where a count is exact or nothing can be said."""
    high: float | None
    n: int | None
    """Observations it rests on."""
    basis: Basis
    how: str
    """Formula, and what the interval is about."""
    source: str
    snapshot: int
    """Snapshot of the mart lake."""
    missing: str | None = None


class BreakdownLine(Struct, frozen=True, kw_only=True):
    """One line of a breakdown."""

    label: str
    figures: list[Figure]


class Breakdown(Struct, frozen=True, kw_only=True):
    """Figures by something: channel, area, industry."""

    name: str
    title: str
    by: str
    lines: list[BreakdownLine]


class Section(Struct, frozen=True, kw_only=True):
    """One part of the report."""

    title: str
    summary: str
    figures: list[Figure]
    breakdowns: list[Breakdown]


class Advice(Struct, frozen=True, kw_only=True):
    """One thing to do, with what it rests on. Its effect is null where nothing honest can be said."""

    recommendation_id: str
    what: str
    why: str
    figure: Figure
    expected_effect: Figure
    evidence: str
    """The table and condition, or the KPI, that it came from."""
    confidence: Confidence
    confidence_basis: str


class ReportPeriod(Struct, frozen=True, kw_only=True):
    """What was asked for, and the UTC days that it came to, both included."""

    time_period: str
    since: dt.date
    until: dt.date


class LeftOut(Struct, frozen=True, kw_only=True):
    """What the caller may not see."""

    section: str
    why: str
    needs_scope: str


class BusinessIntelligenceReport(Struct, frozen=True, kw_only=True):
    """Comprehensive business intelligence from AI operations; sections that the caller may not see are null."""

    tenant: str
    tenant_name: str
    pack: str
    pack_version: str
    is_simulated: bool
    """Records of a simulated company are among what was measured."""
    period: ReportPeriod
    industry_filter: str | None
    revenue_impact: Section | None
    cost_optimization: Section | None
    customer_satisfaction_correlation: Section | None
    market_opportunity_analysis: Section | None
    competitive_positioning: Section | None
    roi_by_industry: Section | None
    recommendations: list[Advice]
    left_out: list[LeftOut]
    raw_snapshot: int
    mart_snapshot: int
    report_hash: str
    """SHA-256 of the report's canonical JSON, without this line and generated_at."""
    generated_at: dt.datetime | None


class ReportRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which report. The tenant is the credential's."""

    time_period: Annotated[str, Meta(max_length=32)] = "last_30_days"
    """last_30_days, 30d, month, quarter, 2026-09, 2026-q3 or 2026-09-01..2026-09-30."""
    industry_filter: Annotated[str, Meta(max_length=64)] | None = None


class Comparison(Struct, frozen=True, kw_only=True):
    """One metric of an assistant beside its peers doing the same kinds of work."""

    figure: Figure
    peers: Figure
    difference: Figure
    standing: Standing


class AssistantAnalysis(Struct, frozen=True, kw_only=True):
    """Response time, accuracy, cost and compliance of one assistant, its peers', and what to do (analyzeAssistantPerformance)."""

    tenant: str
    assistant_id: str
    assistant_name: str
    is_simulated: bool
    period: ReportPeriod
    metrics: list[Comparison]
    recommendations: list[Advice]
    left_out: list[LeftOut]
    raw_snapshot: int
    mart_snapshot: int
    generated_at: dt.datetime | None
