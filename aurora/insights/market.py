"""Market opportunity and competitive positioning: inputs beside what is measured here. Nothing is looked up or made up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from aurora.insights import intervals
from aurora.insights.costs import kpi_figure
from aurora.insights.figures import FigureMaker, breakdown, told
from aurora.insights.intervals import FEWEST_IN_A_GROUP, Estimate
from aurora.insights.reads import Facts
from aurora.insights.revenue import SOURCE as SALES
from aurora.insights.revenue import closed_sales
from aurora.packs.industry import Benchmark
from contracts.messages.insights import Figure, Section

SOURCE: Final = "mart.bi_market"
COMMISSION: Final = "buyer_commission_share"
MONTHS: Final = 3
"""Months that are set beside as many months before."""
_TOP: Final = 10
_KPIS: Final = {
    "ecosystem_uptime_share": "kpi_ecosystem_uptime",
    "handoff_latency_ms": "kpi_cross_assistant_latency_p95",
    "handoff_error_share": "kpi_handoff_error_rate",
    "ai_response_s": "kpi_ai_operation_response_p95",
}
"""KPI that measures here what a benchmark speaks of."""


def market_areas(facts: Facts) -> pl.DataFrame:
    """Registered sales by area: the newest months up to the period's end, and as many before; our own sales there."""
    rows = facts.market.filter(
        (pl.col("figure_kind") == "market")
        & (pl.col("as_of_date") <= facts.period.until)
        & (pl.col("transaction_count") > 0)
    ).with_columns(pl.col("subject_name").str.to_uppercase().alias("area"))
    months = rows["as_of_date"].unique().sort(descending=True)
    newest, earlier = months.head(MONTHS), months.slice(MONTHS, MONTHS)
    parts = rows.filter((pl.col("area") != "ALL") & (pl.col("measure_name") != "ALL"))
    now = parts.filter(pl.col("as_of_date").is_in(newest.implode()))
    weight = pl.col("transaction_count")
    areas = now.group_by("area").agg(
        weight.sum().alias("count"),
        (weight * pl.col("median_price_aed")).sum().alias("value_aed"),
        ((weight * pl.col("off_plan_share")).sum() / weight.sum()).alias("off_plan_share"),
    )
    before = (
        parts.filter(pl.col("as_of_date").is_in(earlier.implode()))
        .group_by("area")
        .agg(weight.sum().alias("count_before"))
    )
    own = facts.within(facts.sales, "enquired_date").with_columns(pl.col("location").str.to_uppercase().alias("area"))
    asked = own.group_by("area").agg(pl.col("enquiry_id").n_unique().alias("enquiry_count"))
    closed = closed_sales(facts.within(facts.sales, "closed_date")).with_columns(
        pl.col("location").str.to_uppercase().alias("area")
    )
    sold = closed.group_by("area").agg(pl.len().alias("own_count"))
    joined = (
        areas.join(before, on="area", how="left").join(asked, on="area", how="left").join(sold, on="area", how="left")
    )
    return joined.with_columns(pl.col("count_before", "enquiry_count", "own_count").fill_null(0)).sort(
        "value_aed", "area", descending=[True, False]
    )


def market_opportunity(facts: Facts, make: FigureMaker, benchmarks: Mapping[str, Benchmark]) -> Section:
    """The section. The registry's figures are inputs; our own sales and enquiries beside them are measured."""
    title = "Market opportunity"
    areas = market_areas(facts)
    if not areas.height:
        return Section(title=title, figures=[], breakdowns=[], summary="No market statistics were brought in up to the period's "
                       "end. Send a land registry's monthly sales (contract market_statistic) and build.")  # fmt: skip
    months = _months(facts)
    share = benchmarks.get(COMMISSION)
    count, count_before = int(areas["count"].sum()), int(areas["count_before"].sum())
    named = f"{months[0]:%Y-%m} to {months[-1]:%Y-%m}"
    figures = [
        make.exact("market_sales", f"Sales registered, {named}", count, "sales", basis="input", n=count, source=SOURCE,
                   how="Sum of the statistics over areas and segments."),
        make.of("market_growth", f"Against the {MONTHS} months before", intervals.count_ratio(count, count_before), "times", basis="derived",
                how="Ratio of the two counts; the interval takes sales as independent arrivals (Poisson).", source=SOURCE,
                missing=f"needs at least {FEWEST_IN_A_GROUP} sales in both; there are {count} and {count_before}"),
        make.exact("market_value", "Their value", float(areas["value_aed"].sum()), "AED", basis="derived", n=count, source=SOURCE,
                   how="Sum of sales times median price by area, segment and month: an approximation, medians are no means."),
        _pool(float(areas["value_aed"].sum()), share, make, count),
        make.exact("own_sales", "Our own closed sales in the period", int(areas["own_count"].sum()), "sales", source=SALES,
                   how=f"In areas of the statistics, {facts.period.since} to {facts.period.until}: other months than the registry's "
                   "where those end earlier, so no share of the market is told.", n=int(areas["own_count"].sum())),
    ]  # fmt: skip
    lines = [(row["area"].title(), _area_figures(row, share, make)) for row in areas.head(_TOP).iter_rows(named=True)]
    summary = (
        f"Registered sales {named}: {told(figures[0])}, {told(figures[1])} those of the months before. A commission of the "
        f"input share on their value would be {told(figures[3])}; it is the whole market's, not a forecast of ours."
    )
    return Section(title=title, summary=summary, figures=figures,
                   breakdowns=[breakdown("by_area", "Largest areas by value", "Area", lines)])  # fmt: skip


def _months(facts: Facts) -> list[object]:
    rows = facts.market.filter((pl.col("figure_kind") == "market") & (pl.col("as_of_date") <= facts.period.until))
    return rows["as_of_date"].unique().sort(descending=True).head(MONTHS).sort().to_list()


def _pool(value: float, share: Benchmark | None, make: FigureMaker, n: int) -> Figure:
    return make.exact(
        "commission_pool",
        "Commission on it",
        None if share is None else value * share.value,
        "AED",
        basis="derived",
        n=n,
        source=f"{SOURCE} and the pack's benchmark {COMMISSION}",
        how="Value times the pack's commission share"
        + ("." if share is None else f" of {share.value:.1%} ({share.source})."),
        missing=f"the pack has no benchmark {COMMISSION}",
    )


def _area_figures(row: dict[str, object], share: Benchmark | None, make: FigureMaker) -> list[Figure]:
    count, before, value = int(str(row["count"])), int(str(row["count_before"])), float(str(row["value_aed"]))
    off_plan = row["off_plan_share"]
    return [
        make.exact("market_sales", "Sales", count, "sales", basis="input", n=count, how="Sum over segments and months.", source=SOURCE),
        make.of("market_growth", "Against before", intervals.count_ratio(count, before), "times", basis="derived", source=SOURCE,
                how="Ratio of counts (Poisson).", missing=f"needs {FEWEST_IN_A_GROUP} in both; {count} and {before}"),
        make.exact("off_plan_share", "Off plan", None if off_plan is None else float(str(off_plan)), "share", basis="input", n=count,
                   how="Mean of the statistics' shares, by sales.", source=SOURCE),
        _pool(value, share, make, count),
        make.exact("own_enquiries", "Our enquiries", int(str(row["enquiry_count"])), "enquiries", how="Enquiries of the period about the area.",
                   source=SALES, n=int(str(row["enquiry_count"]))),
        make.exact("own_sales", "Our sales", int(str(row["own_count"])), "sales", how="Closed in the period.", source=SALES, n=int(str(row["own_count"]))),
    ]  # fmt: skip


def competitive_positioning(facts: Facts, make: FigureMaker, benchmarks: Mapping[str, Benchmark]) -> Section:
    """Inputs only: competitors' figures that a person brought in and the pack's benchmarks, beside our own where measured."""
    figures = [_competitor(row, make) for row in _newest_inputs(facts).iter_rows(named=True)]
    lines = [
        (f"{name.replace('_', ' ')} ({one.basis})", [_input(name, one, make), _own(name, facts, make)])
        for name, one in sorted(benchmarks.items())
    ]
    held = (
        f"{len(figures)} figure{'' if len(figures) == 1 else 's'} of competitors"
        if figures
        else "No figure of a competitor"
    )
    return Section(
        title="Competitive positioning",
        summary=f"{held} and {len(lines)} benchmarks were brought in. All of them are inputs with their source; Aurora looks none "
        "up. Send more with the contract competitor_figure.",
        figures=figures,
        breakdowns=[breakdown("benchmarks", "Benchmarks beside our own figures", "Measure", lines)],
    )


def _newest_inputs(facts: Facts) -> pl.DataFrame:
    rows = facts.market.filter((pl.col("figure_kind") == "competitor") & (pl.col("as_of_date") <= facts.period.until))
    return (
        rows.sort("as_of_date")
        .unique(["subject_name", "measure_name"], keep="last")
        .sort("measure_name", "subject_name")
    )


def _competitor(row: dict[str, object], make: FigureMaker) -> Figure:
    return make.exact(
        f"{row['measure_name']}_of_competitor",
        f"{row['subject_name']}: {str(row['measure_name']).replace('_', ' ')}",
        float(str(row["measure_value"])),
        str(row["measure_unit"]),
        basis="input",
        how=f"{row['source_note']} ({row['as_of_date']}).",
        source=SOURCE,
    )


def _input(name: str, one: Benchmark, make: FigureMaker) -> Figure:
    verified = " Still to be verified." if one.provenance == "K" else ""
    return make.exact(name, "Benchmark", one.value, one.unit, basis="input", source="pack.yaml, benchmarks",
                      how=f"{one.meaning} {one.source}.{verified}")  # fmt: skip


def _own(name: str, facts: Facts, make: FigureMaker) -> Figure:
    label, none = "Ours", "not measured here"
    closed = closed_sales(facts.within(facts.sales, "closed_date")).filter(pl.col("price_aed") > 0)
    if name == COMMISSION:
        found = intervals.ratio(closed["commission_aed"].to_list(), closed["price_aed"].to_list())
        return make.of(
            name,
            label,
            found,
            "share",
            how="Commission over price of closed sales; sales are what varies.",
            source=SALES,
            missing=none,
        )
    if name == "first_response_hours":
        waits = [
            x / 3600 for x in facts.within(facts.sales, "enquired_date")["first_response_s"].drop_nulls().to_list()
        ]
        return make.of(
            name,
            label,
            intervals.mean(waits),
            "hours",
            how="Mean time from an enquiry to its first step.",
            source=SALES,
            missing=none,
        )
    kpi = kpi_figure(facts, make, _KPIS.get(name, ""), name, label, missing=none)
    if name == "ai_response_s" and kpi.unit == "ms" and kpi.value is not None:
        scaled = Estimate(kpi.value, kpi.low, kpi.high, kpi.n or 0)
        return make.of(name, label, scaled, "seconds", how=kpi.how, source=kpi.source, times=0.001)
    return kpi
