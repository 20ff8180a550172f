"""Satisfaction and what goes with it: judgements of people beside what the judged answers took.

A correlation is told with its interval and n, never below 30 pairs, and never as a cause.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from aurora.insights import intervals
from aurora.insights.figures import FigureMaker, breakdown, told
from aurora.insights.intervals import FEWEST_PAIRS
from aurora.insights.reads import Facts
from contracts.messages.insights import Breakdown, Figure, Section

SOURCE: Final = "mart.bi_judgements"
FEWEST_JUDGEMENTS: Final = 5
"""Judgements below which no mean is told: it would say what a single person said."""
FACTORS: Final = (
    ("duration_sum_ms", "response_time", "Judgement and time of the answers", "ms"),
    ("cost_usd", "cost", "Judgement and cost of the answers", "USD"),
    ("output_tokens", "output_tokens", "Judgement and length of the answers", "tokens"),
    ("operation_count", "operation_count", "Judgement and operations behind the answers", "operations"),
    ("error_count", "error_count", "Judgement and failed operations", "operations"),
)


def customer_satisfaction_correlation(facts: Facts, make: FigureMaker) -> Section:
    """The section: the kind of judgement that most people gave, and what goes with it."""
    kinds = facts.judgements.group_by("evaluation_name").len().sort("len", "evaluation_name", descending=[True, False])
    name = str(kinds["evaluation_name"][0]) if kinds.height else None
    rows = facts.judgements.filter(pl.col("evaluation_name") == name) if name else facts.judgements
    figures = [_level(rows, make, name), *correlations(facts, make)]
    named = {figure.name: figure for figure in figures}
    shown = [f for f in figures[1:] if f.low is not None and f.high is not None and not f.low <= 0 <= f.high]
    together = ", ".join(f"{f.label.lower()} ({told(f)})" for f in shown)
    summary = (
        f"People judged {name or 'nothing'}: mean {told(named['satisfaction'])}. "
        + (f"Shown to go together: {together}." if together else "Nothing that was looked at is shown to go with it.")
        + " What goes together need not be cause and effect."
    )
    return Section(
        title="Satisfaction and what goes with it",
        summary=summary,
        figures=figures,
        breakdowns=[_by_kind(facts, make), _by_assistant(rows, make)],
    )


def _level(rows: pl.DataFrame, make: FigureMaker, name: str | None) -> Figure:
    label = f"Mean judgement ({name})" if name else "Mean judgement"
    scores = rows["score_value"].to_list()
    few = f"needs at least {FEWEST_JUDGEMENTS} judgements; there are {len(scores)}"
    return make.of(
        "satisfaction",
        label,
        intervals.mean(scores) if len(scores) >= FEWEST_JUDGEMENTS else None,
        "points",
        how="Mean of people's judgements, in their own scale.",
        source=SOURCE,
        missing=few if scores else "nobody judged an answer in the period",
    )


def correlations(facts: Facts, make: FigureMaker) -> list[Figure]:
    """Spearman's correlation of the commonest kind of judgement with each factor."""
    kinds = facts.judgements.group_by("evaluation_name").len().sort("len", "evaluation_name", descending=[True, False])
    rows = (
        facts.judgements.filter(pl.col("evaluation_name") == kinds["evaluation_name"][0])
        if kinds.height
        else facts.judgements
    )
    return [_correlation(rows, make, column, name, label) for column, name, label, _ in FACTORS]


def _correlation(rows: pl.DataFrame, make: FigureMaker, column: str, name: str, label: str) -> Figure:
    pairs = rows.filter((pl.col("operation_count") > 0) & pl.col(column).is_not_null())
    found = intervals.rank_correlation(
        pairs["score_value"].to_list(), pairs[column].to_list(), comparisons=len(FACTORS)
    )
    why = (
        f"needs at least {FEWEST_PAIRS} pairs; there are {pairs.height}"
        if pairs.height < FEWEST_PAIRS
        else f"the {pairs.height} pairs do not differ in it"
    )
    return make.of(
        f"correlation_{name}",
        label,
        found,
        "correlation",
        how=f"Spearman's rank correlation with the judgement; the interval (Bonett and Wright) holds for all {len(FACTORS)} together.",
        source=SOURCE,
        missing=why,
    )


def _by_kind(facts: Facts, make: FigureMaker) -> Breakdown:
    groups = sorted(facts.judgements.group_by("evaluation_name"), key=lambda item: (-item[1].height, str(item[0][0])))
    return breakdown("by_kind", "Kinds of judgement by people", "Judgement",
                     [(str(key[0]), [_level(held, make, None)]) for key, held in groups])  # fmt: skip


def _by_assistant(rows: pl.DataFrame, make: FigureMaker) -> Breakdown:
    groups = sorted(rows.group_by("assistant_name"), key=lambda item: (-item[1].height, str(item[0][0])))
    return breakdown("by_assistant", "The commonest judgement by assistant", "Assistant",
                     [(str(key[0]), [_level(held, make, None)]) for key, held in groups[:16]])  # fmt: skip
