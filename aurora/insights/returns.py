"""Return on AI by industry: what was attributed to assistants over what they cost, with the formula shown."""

from __future__ import annotations

import math
from typing import Final

from aurora.insights import intervals
from aurora.insights.costs import COSTS, day_costs
from aurora.insights.figures import AED_PER_USD, FigureMaker, breakdown, told
from aurora.insights.intervals import Estimate, z_of
from aurora.insights.reads import SALES_INDUSTRY, UNASSIGNED, Facts
from aurora.insights.revenue import SOURCE as SALES
from aurora.insights.revenue import attributed, closed_sales
from contracts.messages.insights import Figure, Section

FORMULA: Final = "(attributed commission - AI cost) / AI cost"


def return_of(revenue: list[float], day_costs_aed: list[float]) -> Estimate | None:
    """The return by `FORMULA`; its interval (delta method) is how far another such period may lie. None without cost."""
    cost, count = math.fsum(day_costs_aed), len(revenue)
    if cost <= 0 or not revenue:
        return None
    earned, spent = intervals.total(revenue), intervals.day_total(day_costs_aed)
    value = earned.value / cost - 1
    if earned.high is None or spent.high is None:
        return Estimate(value, None, None, count)
    variance_earned = ((earned.high - earned.value) / z_of()) ** 2
    variance_spent = ((spent.high - spent.value) / z_of()) ** 2
    half = z_of() * math.sqrt(variance_earned / cost**2 + (earned.value / cost**2) ** 2 * variance_spent)
    return Estimate(value, max(-1.0, value - half), value + half, count)


def roi_by_industry(facts: Facts, make: FigureMaker) -> Section:
    """The section: a line an industry of the fleet; what no assistant is named for stands apart."""
    within = facts.within(facts.costs)
    names = [name for name in (*facts.industries, UNASSIGNED) if facts.industry in (None, name)]
    lines = []
    for name in names:
        days = [usd * AED_PER_USD for usd in day_costs(within.filter(within["industry"] == name))]
        if days or name == SALES_INDUSTRY:
            lines.append((name, _figures(name, facts, make, days)))
    named = dict(lines)
    told_return = told(named[SALES_INDUSTRY][-1]) if SALES_INDUSTRY in named else "no industry has sales on record"
    return Section(
        title="Return by industry",
        summary=f"Return = {FORMULA}. {SALES_INDUSTRY.replace('_', ' ').capitalize()}, in times the cost: {told_return}. "
        "Attribution divides by steps taken and proves no effect; people's pay is not in the cost.",
        figures=[],
        breakdowns=[breakdown("by_industry", "Cost and attributed commission by industry", "Industry", lines)],
    )


def _figures(name: str, facts: Facts, make: FigureMaker, days: list[float]) -> list[Figure]:
    has_sales = name == SALES_INDUSTRY
    closed = closed_sales(facts.within(facts.sales, "closed_date"))
    revenue = attributed(closed) if has_sales else []
    none = "no sale was closed in the period" if has_sales else "no sales are recorded for this industry"
    return [
        make.of("ai_cost", "AI cost", intervals.day_total(days) if days else None, "AED", source=COSTS,
                how="Sum over days of the industry's assistants; interval by how the days differ; n is days."),
        make.of("attributed_commission", "Attributed commission", intervals.total(revenue) if revenue else None, "AED", basis="derived",
                how="Commission times assistants' share of steps; n is sales.", source=SALES, missing=none),
        make.of("return", "Return", return_of(revenue, days), "times", basis="derived", how=f"{FORMULA}; interval by the delta method; n is sales.",
                source=f"{SALES}, {COSTS}", missing=none if days else "nothing was spent"),
    ]  # fmt: skip
