"""What the report suggests to do: each with its figure, what it is expected to bring, and where it came from.

A recommendation is never stronger than its evidence; where its effect cannot be told, it says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from aurora.insights import intervals
from aurora.insights.costs import COSTS, SKILLS, find_moves, move_figures
from aurora.insights.figures import FigureMaker, told
from aurora.insights.intervals import FEWEST_PAIRS
from aurora.insights.market import SOURCE as MARKET
from aurora.insights.market import market_areas
from aurora.insights.reads import Facts
from aurora.insights.revenue import QUICK_S, quick_difference
from aurora.insights.revenue import SOURCE as SALES
from aurora.insights.satisfaction import SOURCE as JUDGEMENTS
from aurora.insights.satisfaction import correlations
from contracts.messages.insights import Advice, Confidence, Figure

_MOVES: Final = 2
_LARGE: Final = 5
"""Areas by value in which having sold nothing is worth a look."""


def recommend(facts: Facts, make: FigureMaker, *, sees_finance: bool) -> list[Advice]:
    """Those with an amount first. Without the finance scope those that tell of money are not made."""
    found = [*_unanswered(facts, make), *_quick(facts, make), *_satisfaction(facts, make), *_areas(facts, make)]
    if sees_finance:
        found = [*_moved(facts, make), *_unpriced(facts, make), *found]
    return sorted(found, key=lambda one: -(one.expected_effect.value or 0.0))


def inestimable(make: FigureMaker, why: str, unit: str = "AED") -> Figure:
    """An effect of which nothing honest can be said."""
    return make.exact("expected_effect", "Expected effect", None, unit, basis="derived", how="None is told.", source="",
                      missing=f"not estimable: {why}")  # fmt: skip


def _sure(n: int | None) -> Confidence:
    return "high" if (n or 0) >= 1000 else "medium" if (n or 0) >= 200 else "low"


def _moved(facts: Facts, make: FigureMaker) -> Iterator[Advice]:
    for one in find_moves(facts)[:_MOVES]:
        saving, success = move_figures(one, make)
        yield Advice(
            recommendation_id=f"move-{one.task_type}-{one.from_assistant}".lower().replace(" ", "-"),
            what=f"Let {one.to_assistant} take {one.task_type.replace('_', ' ')} from {one.from_assistant}",
            why=f"It did the same kind of work for less; success differed by {told(success)}. Tasks were not drawn by lot, so theirs may differ in difficulty; capacity is not considered.",
            figure=success,
            expected_effect=saving,
            evidence=f"{SKILLS}: task_type = '{one.task_type}', both assistants, the period's days",
            confidence=_sure(one.task_count),
            confidence_basis=f"{one.task_count:,} priced tasks; the interval holds for all pairs that were looked at",
        )


def _unpriced(facts: Facts, make: FigureMaker) -> Iterator[Advice]:
    rows = facts.within(facts.costs)
    calls, unpriced = int(rows["operation_count"].sum()), int(rows["unpriced_count"].sum())
    if unpriced:
        names = rows.filter(pl.col("unpriced_count") > 0)["model_name"].drop_nulls().unique().sort().to_list()
        yield Advice(
            recommendation_id="price-operations",
            what=f"Give {len(names)} language models a price" if len(names) != 1 else f"Give {names[0]} a price",
            why=f"Their operations are not in the cost: {', '.join(names[:5])}.",
            figure=make.of("unpriced_share", "Operations without a price", intervals.share(unpriced, calls), "share",
                           how="Wilson.", source=COSTS),
            expected_effect=inestimable(make, "what they cost is what is not known"),
            evidence=f"{COSTS}: unpriced_count > 0",
            confidence="high",
            confidence_basis="counted, not estimated",
        )  # fmt: skip


def _unanswered(facts: Facts, make: FigureMaker) -> Iterator[Advice]:
    asked = facts.within(facts.sales, "enquired_date")
    waiting = asked.filter(
        (pl.col("step_count") == 0) & (pl.col("lead_status") == "new") & (pl.col("enquired_date") < facts.period.until)
    )
    if waiting.height:
        yield Advice(
            recommendation_id="answer-enquiries",
            what=f"Answer the {waiting.height} enquiries that nobody has taken up" if waiting.height > 1 else "Answer the enquiry that nobody has taken up",
            why="They came before the period's last day, and no step is recorded.",
            figure=make.of("unanswered_share", "Enquiries without a step", intervals.share(waiting.height, asked.height), "share",
                           how="Of enquiries of the period (Wilson).", source=SALES),
            expected_effect=inestimable(make, "enquiries that were left may differ from those that were answered"),
            evidence=f"{SALES}: step_count = 0 and lead_status = 'new'",
            confidence="high",
            confidence_basis="counted, not estimated",
        )  # fmt: skip


def _quick(facts: Facts, make: FigureMaker) -> Iterator[Advice]:
    gap, quick, slow = quick_difference(facts)
    if gap is not None and gap.low is not None and gap.low > 0:
        yield Advice(
            recommendation_id="answer-quickly",
            what=f"Try answering more enquiries within {QUICK_S // 60} minutes, some by lot, and compare",
            why=f"Those answered so quickly ({quick:,}) were booked more often than the others ({slow:,}). Whether quickness brings it "
            "about is not shown: drawing by lot would show it.",
            figure=make.of("quick_answer_difference", "Booked share, quick less others", gap, "share", how="Newcombe.", source=SALES),
            expected_effect=inestimable(make, "a difference between groups is no effect"),
            evidence=f"{SALES}: first_response_s <= {QUICK_S} against later, enquiries 30 days on",
            confidence=_sure(gap.n),
            confidence_basis=f"{gap.n:,} enquiries, observed and not drawn by lot",
        )  # fmt: skip


def _satisfaction(facts: Facts, make: FigureMaker) -> Iterator[Advice]:
    figures = correlations(facts, make)
    told_ones = [
        one for one in figures if one.low is not None and one.high is not None and not one.low <= 0 <= one.high
    ]
    for one in sorted(told_ones, key=lambda figure: -abs(figure.value or 0))[:1]:
        yield Advice(
            recommendation_id=f"look-at-{one.name.replace('_', '-')}",
            what=f"Read judged answers from both ends: {one.label.lower()} go together",
            why="Read the best and the worst judged before changing anything: what goes together need not be cause and effect.",
            figure=one,
            expected_effect=inestimable(make, "a correlation is no effect", "points"),
            evidence=f"{JUDGEMENTS}: score_value beside the judged operations",
            confidence=_sure(one.n),
            confidence_basis=f"{one.n:,} judgements",
        )
    if all(one.value is None for one in figures):
        yield Advice(
            recommendation_id="ask-for-judgements",
            what="Ask more people what they think of answers",
            why=f"Below {FEWEST_PAIRS} judgements with known operations nothing can be said of satisfaction.",
            figure=figures[0],
            expected_effect=inestimable(make, "it only makes the figure possible", "points"),
            evidence=f"{JUDGEMENTS}: evaluator_kind = 'human'",
            confidence="high",
            confidence_basis="counted, not estimated",
        )


def _areas(facts: Facts, make: FigureMaker) -> Iterator[Advice]:
    areas = market_areas(facts).head(_LARGE)
    empty = areas.filter(pl.col("own_count") == 0).head(1)
    for row in empty.iter_rows(named=True):
        yield Advice(
            recommendation_id=f"look-at-area-{row['area'].lower().replace(' ', '-')}",
            what=f"Look at {row['area'].title()}: one of the market's largest areas, and no sale of ours in the period",
            why=f"The registry counts {row['count']:,} sales there in its newest months; we had {row['enquiry_count']:,} enquiries.",
            figure=make.exact("market_sales", f"Sales registered in {row['area'].title()}", row["count"], "sales", basis="input",
                              n=row["count"], how="Sum over segments and months.", source=MARKET),
            expected_effect=inestimable(make, "what part of a market can be won is not in these figures"),
            evidence=f"{MARKET}: figure_kind = 'market' and subject_name = '{row['area']}'",
            confidence="low",
            confidence_basis="market statistics are inputs, of other months than ours",
        )  # fmt: skip
