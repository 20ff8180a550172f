"""The business-intelligence report of the Auterity plan: sections, permissions, canonical JSON and its hash."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from aurora.insights.costs import cost_optimization
from aurora.insights.figures import FigureMaker
from aurora.insights.market import competitive_positioning, market_opportunity
from aurora.insights.periods import DEFAULT
from aurora.insights.reads import Facts, read_facts
from aurora.insights.recommendations import recommend
from aurora.insights.returns import roi_by_industry
from aurora.insights.revenue import revenue_impact
from aurora.insights.satisfaction import customer_satisfaction_correlation
from aurora.packs.industry import Benchmark
from aurora.packs.loading import load_pack
from aurora.store.lake import LakeReader, read_lake
from aurora.store.paths import TenantPaths
from contracts.messages.insights import BusinessIntelligenceReport, LeftOut, Section, SectionName

FINANCE: Final = "finance:read"
RECORDS: Final = "privacy:reveal"
ALL_SCOPES: Final = frozenset({FINANCE, RECORDS})
_MONEY: Final[tuple[SectionName, ...]] = ("revenue_impact", "cost_optimization", "roi_by_industry")
_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What the report takes from the tenant's pack: names and benchmarks, which are inputs."""

    pack: str
    version: str
    tenant_name: str
    benchmarks: Mapping[str, Benchmark]


def packed(packs_dir: Path, pack: str, *, tenant: str) -> Packed:
    """The pack's part. Errors: as `load_pack`."""
    held = load_pack(packs_dir, pack)
    return Packed(
        pack=held.name, version=held.version, tenant_name=f"{tenant}, {held.title}", benchmarks=held.benchmarks
    )


def make_report(
    paths: TenantPaths,
    inputs: Packed,
    *,
    scopes: Collection[str],
    time_period: str = DEFAULT,
    industry: str | None = None,
    now: dt.datetime | None = None,
    raw_at: int | None = None,
    mart_at: int | None = None,
) -> BusinessIntelligenceReport:
    """The report at the newest snapshot, or at the ones asked for, as far as `scopes` allow.

    Errors: `UsageError` for a period, `NotFoundError` for an industry or snapshot, `NotReadyError` before the marts.
    """
    with read_lake(paths, raw_at=raw_at, mart_at=mart_at) as lake:
        return report_of(
            lake, inputs, tenant=paths.tenant, scopes=scopes, time_period=time_period, industry=industry, now=now
        )


def report_of(
    lake: LakeReader,
    inputs: Packed,
    *,
    tenant: str,
    scopes: Collection[str],
    time_period: str = DEFAULT,
    industry: str | None = None,
    now: dt.datetime | None = None,
) -> BusinessIntelligenceReport:
    """As `make_report`, over a lake that is open."""
    facts = read_facts(lake, time_period=time_period, industry=industry)
    make = FigureMaker(facts.mart_snapshot)
    held = _sections(facts, make, inputs, scopes)
    report = BusinessIntelligenceReport(
        tenant=tenant,
        tenant_name=inputs.tenant_name,
        pack=inputs.pack,
        pack_version=inputs.version,
        is_simulated=facts.is_simulated,
        period=facts.period,
        industry_filter=industry,
        **held,
        recommendations=recommend(facts, make, sees_finance=FINANCE in scopes),
        left_out=_left_out(scopes),
        raw_snapshot=facts.raw_snapshot,
        mart_snapshot=facts.mart_snapshot,
        report_hash="",
        generated_at=None,
    )
    return msgspec.structs.replace(report, report_hash=hash_of(report), generated_at=now)


def _sections(facts: Facts, make: FigureMaker, inputs: Packed, scopes: Collection[str]) -> dict[str, Section | None]:
    held: dict[str, Section | None] = dict.fromkeys(_MONEY)
    if FINANCE in scopes:
        held["revenue_impact"] = revenue_impact(facts, make, shows_records=RECORDS in scopes)
        held["cost_optimization"] = cost_optimization(facts, make)
        held["roi_by_industry"] = roi_by_industry(facts, make)
    held["customer_satisfaction_correlation"] = customer_satisfaction_correlation(facts, make)
    held["market_opportunity_analysis"] = market_opportunity(facts, make, inputs.benchmarks)
    held["competitive_positioning"] = competitive_positioning(facts, make, inputs.benchmarks)
    return held


def _left_out(scopes: Collection[str]) -> list[LeftOut]:
    found = []
    if FINANCE not in scopes:
        why = "It tells of the company's money."
        found = [LeftOut(section=name, why=why, needs_scope=FINANCE) for name in _MONEY]
        found.append(LeftOut(section="recommendations about money", why=why, needs_scope=FINANCE))
    if RECORDS not in scopes:
        why = "Single sales tell of the people who bought and sold."
        found.append(LeftOut(section="revenue_impact, largest sales", why=why, needs_scope=RECORDS))
    return found


def canonical_bytes(report: BusinessIntelligenceReport) -> bytes:
    """The report as JSON with sorted keys, without its hash and the moment it was made."""
    return _ENCODER.encode(msgspec.structs.replace(report, report_hash="", generated_at=None))


def hash_of(report: BusinessIntelligenceReport) -> str:
    """SHA-256 of the canonical JSON, hex."""
    return hashlib.sha256(canonical_bytes(report)).hexdigest()


def sections_of(report: BusinessIntelligenceReport) -> list[Section]:
    """The sections that the reader may see, in the plan's order."""
    held = (
        report.revenue_impact,
        report.cost_optimization,
        report.customer_satisfaction_correlation,
        report.market_opportunity_analysis,
        report.competitive_positioning,
        report.roi_by_industry,
    )
    return [section for section in held if section is not None]
