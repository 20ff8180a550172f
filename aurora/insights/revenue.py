"""Revenue impact: what sales brought in, which of it assistants took part in, and what goes with a quick answer.

An assistant that took a step on a sale did not thereby cause it: shares of steps are a rule of division, and
differences between groups are told as differences.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import polars as pl

from aurora.insights import intervals
from aurora.insights.figures import FigureMaker, breakdown, told
from aurora.insights.intervals import FEWEST_IN_A_GROUP, Estimate
from aurora.insights.reads import SALES_INDUSTRY, Facts
from contracts.messages.insights import Breakdown, Figure, Section

SOURCE: Final = "mart.bi_sales"
QUICK_S: Final = 900
"""An enquiry answered within this is answered quickly: a quarter of an hour."""
MATURITY_DAYS: Final = 30
"""What became of an enquiry is looked at so many days after it came."""
_BOOKED: Final = ("booked", "won")
_ARRIVALS: Final = "The interval is how far the sum of another such period may lie, sales arriving independently."


def revenue_impact(facts: Facts, make: FigureMaker, *, shows_records: bool) -> Section:
    """The section; sales one by one only for those who may see records about people."""
    closed, earlier = (
        closed_sales(facts.within(facts.sales, "closed_date")),
        closed_sales(facts.earlier(facts.sales, "closed_date")),
    )
    figures = [*_sums(closed, make), _change(closed, earlier, make), *_assisted(closed, make), *_quick(facts, make)]
    parts = [_by_channel(facts, make), _by_area(closed, make)]
    if shows_records:
        parts.append(_largest(closed, make))
    return Section(title="Revenue impact", summary=_summary(facts, figures), figures=figures, breakdowns=parts)


def closed_sales(sales: pl.DataFrame) -> pl.DataFrame:
    """Sales that were closed and have a commission."""
    return sales.filter((pl.col("deal_stage") == "closed") & pl.col("commission_aed").is_not_null())


def attributed(closed: pl.DataFrame) -> list[float]:
    """Commission of each sale times the share of its steps that assistants took; 0 where no step is known."""
    share = pl.col("assistant_step_count") / pl.col("step_count")
    amount = pl.when(pl.col("step_count") > 0).then(pl.col("commission_aed") * share).otherwise(0.0)
    return closed.select(amount.alias("amount"))["amount"].to_list()


def _sums(closed: pl.DataFrame, make: FigureMaker) -> list[Figure]:
    prices = closed["price_aed"].drop_nulls().to_list()
    return [
        make.exact("sales_closed", "Sales closed", closed.height, "sales", how="Sales whose stage is closed, by the day of closing.",
                   source=SOURCE, n=closed.height),
        make.of("sales_value", "Value of sales closed", intervals.total(prices) if prices else None, "AED",
                how=f"Sum of prices. {_ARRIVALS}", source=SOURCE, missing="no sale was closed in the period"),
        make.of("commission", "Commission of sales closed", _sum(closed["commission_aed"].to_list()), "AED",
                how=f"Sum of commissions. {_ARRIVALS}", source=SOURCE, missing="no sale was closed in the period"),
    ]  # fmt: skip


def _sum(amounts: list[float]) -> Estimate | None:
    return intervals.total(amounts) if amounts else None


def _change(closed: pl.DataFrame, earlier: pl.DataFrame, make: FigureMaker) -> Figure:
    return make.of(
        "commission_change",
        "Commission against the period before",
        intervals.total_difference(closed["commission_aed"].to_list(), earlier["commission_aed"].to_list()),
        "AED",
        how="Commission of the period less commission of as many days before, both as independent arrivals.",
        source=SOURCE,
        missing=f"needs at least {FEWEST_IN_A_GROUP} sales in each period; there are {closed.height} and {earlier.height}",
    )


def _assisted(closed: pl.DataFrame, make: FigureMaker) -> list[Figure]:
    touched = closed.filter(pl.col("assistant_step_count") > 0)
    none = "no sale was closed in the period"
    return [
        make.of("assisted_sales_share", "Sales in which assistants took a step", intervals.share(touched.height, closed.height),
                "share", how="Sales with at least one step of an assistant over all closed sales (Wilson).", source=SOURCE, missing=none),
        make.of("assisted_commission", "Commission of these sales", _sum(touched["commission_aed"].to_list()), "AED",
                how=f"Sum of their commissions, persons' part included. {_ARRIVALS}", source=SOURCE,
                missing="assistants took no step on a closed sale"),
        make.of("attributed_commission", "Commission attributed to assistants", _sum(attributed(closed)), "AED",
                how="Each sale's commission times assistants' steps over all its steps: a rule of division, no proof of effect. "
                f"{_ARRIVALS}", source=SOURCE, basis="derived", missing=none),
    ]  # fmt: skip


def matured(facts: Facts) -> pl.DataFrame:
    """Enquiries of the period as it was `MATURITY_DAYS` earlier, so that each had as long to come to something."""
    shift = dt.timedelta(days=MATURITY_DAYS)
    asked = pl.col("enquired_date").is_between(facts.period.since - shift, facts.period.until - shift)
    return facts.sales.filter(asked).unique("enquiry_id", keep="first", maintain_order=True)


def quick_difference(facts: Facts) -> tuple[Estimate | None, int, int]:
    """Booked share of enquiries answered quickly less that of the others, and how many there were of each."""
    answered = matured(facts).filter(pl.col("first_response_s").is_not_null())
    quick = answered.filter(pl.col("first_response_s") <= QUICK_S)
    slow = answered.filter(pl.col("first_response_s") > QUICK_S)
    counts = [(float(_booked(one)), one.height) for one in (quick, slow)]
    return intervals.share_difference(counts[0], counts[1]), quick.height, slow.height


def _booked(rows: pl.DataFrame) -> int:
    return rows.filter(pl.col("lead_status").is_in(_BOOKED)).height


def _quick(facts: Facts, make: FigureMaker) -> list[Figure]:
    rows = matured(facts)
    gap, quick, slow = quick_difference(facts)
    shift = f"of enquiries that came {MATURITY_DAYS} days before the period's days"
    return [
        make.of("booked_share", "Enquiries that came to a booking",
                intervals.share(_booked(rows), rows.height), "share",
                how=f"Booked or won, {shift} (Wilson).", source=SOURCE, missing="there is no enquiry old enough"),
        make.of("quick_answer_difference", "Bookings of quickly answered enquiries less those of others", gap, "share",
                how=f"Booked share {shift}, first step within {QUICK_S // 60} minutes less later (Newcombe). "
                "The two go together or not; that one brings the other about is not shown.", source=SOURCE,
                missing=f"needs at least {FEWEST_IN_A_GROUP} enquiries on each side; there are {quick} and {slow}"),
    ]  # fmt: skip


def _by_channel(facts: Facts, make: FigureMaker) -> Breakdown:
    rows = matured(facts).with_columns(pl.col("channel").fill_null("not said"))
    lines = []
    for (channel,), held in sorted(rows.group_by("channel"), key=lambda item: (-item[1].height, str(item[0][0]))):
        cost = held["marketing_cost_aed"].drop_nulls().to_list()
        lines.append((str(channel), [
            make.exact("enquiries", "Enquiries", held.height, "enquiries", how="Enquiries by channel.", source=SOURCE, n=held.height),
            make.of("booked_share", "Came to a booking", intervals.share(_booked(held), held.height),
                    "share", how="Booked or won (Wilson).", source=SOURCE),
            make.of("marketing_cost", "Marketing cost of one", intervals.mean(cost), "AED", how="Mean of what is recorded.",
                    source=SOURCE, missing="no cost is recorded"),
        ]))  # fmt: skip
    return breakdown("by_channel", f"Enquiries by channel, {MATURITY_DAYS} days on", "Channel", lines)


def _by_area(closed: pl.DataFrame, make: FigureMaker) -> Breakdown:
    rows = closed.with_columns(pl.col("location").fill_null("not said"))
    groups = [(str(key[0]), held) for key, held in rows.group_by("location", maintain_order=True)]
    groups.sort(key=lambda item: (-float(item[1]["commission_aed"].sum()), item[0]))
    lines = [(area, [
        make.exact("sales_closed", "Sales", held.height, "sales", how="Closed sales by area of the property.", source=SOURCE, n=held.height),
        make.of("commission", "Commission", _sum(held["commission_aed"].to_list()), "AED", how=f"Sum. {_ARRIVALS}", source=SOURCE),
    ]) for area, held in groups[:8]]  # fmt: skip
    return breakdown("by_area", "Commission by area", "Area", lines)


def _largest(closed: pl.DataFrame, make: FigureMaker) -> Breakdown:
    top = closed.sort("commission_aed", "deal_id", descending=[True, False]).head(5)
    lines = [(f"{row['deal_id']}, {row['location'] or 'area not said'}, {row['closed_date']}", [
        make.exact("price", "Price", row["price_aed"], "AED", how="As recorded.", source=SOURCE, n=1),
        make.exact("commission", "Commission", row["commission_aed"], "AED", how="As recorded.", source=SOURCE, n=1),
    ]) for row in top.iter_rows(named=True)]  # fmt: skip
    return breakdown("largest_sales", "Largest sales", "Sale", lines)


def _summary(facts: Facts, figures: list[Figure]) -> str:
    named = {figure.name: figure for figure in figures}
    if not facts.has_sales():
        return f"Sales are recorded for {SALES_INDUSTRY} only, so none belong to {facts.industry}."
    return (
        f"Sales closed: {told(named['sales_closed'])}; their commission: {told(named['commission'])}. Attributed to assistants by "
        f"their share of the steps: {told(named['attributed_commission'])}."
    )
