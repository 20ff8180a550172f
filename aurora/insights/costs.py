"""Cost optimisation: what AI costs, what of it bought nothing, and where the same work is done for less."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from aurora.insights import intervals
from aurora.insights.figures import AED_PER_USD, FigureMaker, breakdown, told
from aurora.insights.intervals import FEWEST_DAYS, Estimate
from aurora.insights.reads import Facts
from contracts.messages.insights import Breakdown, Figure, Section

COSTS: Final = "mart.cost_daily"
SKILLS: Final = "mart.assistant_skills_daily"
FEWEST_TASKS: Final = 100
"""Settled tasks below which an assistant is neither moved from nor to."""
WORST_LOSS: Final = 0.05
"""Work is moved only where the success share is shown to fall by less than this."""
_DAYS: Final = "The interval is how far the sum of as many such days may lie, by how the days differ."


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Tasks of one kind that another assistant does for less, without a shown loss of success."""

    task_type: str
    from_assistant: str
    to_assistant: str
    task_count: int
    saving_usd: Estimate
    success_change: Estimate


def cost_optimization(facts: Facts, make: FigureMaker) -> Section:
    """The section."""
    figures = [*_spend(facts, make), *_wasted(facts, make), *_per_success(facts, make), _counterfactual(facts, make)]
    parts = [_by_llm(facts, make), _by_assistant(facts, make), _moves(facts, make)]
    named = {figure.name: figure for figure in figures}
    summary = (
        f"AI cost {told(named['ai_cost'])}; {told(named['failed_task_cost'])} of it went into tasks that failed. "
        f"Against the best single language model the engine's choices saved: {told(named['counterfactual_saving'])}."
    )
    return Section(title="Cost optimisation", summary=summary, figures=figures, breakdowns=parts)


def day_costs(costs: pl.DataFrame) -> list[float]:
    """Cost of each day in USD, days in order."""
    return costs.group_by("period_date").agg(pl.col("cost_usd").sum()).sort("period_date")["cost_usd"].to_list()


def _spend(facts: Facts, make: FigureMaker) -> list[Figure]:
    now, earlier = facts.within(facts.costs), facts.earlier(facts.costs)
    spent, spent_before = intervals.day_total(day_costs(now)), intervals.day_total(day_costs(earlier))
    calls, unpriced = int(now["operation_count"].sum()), int(now["unpriced_count"].sum())
    return [
        make.of("ai_cost", "AI cost", spent if now.height else None, "AED", times=AED_PER_USD,
                how=f"Sum of priced operations at {AED_PER_USD} dirhams a dollar; n is days. {_DAYS}", source=COSTS),
        make.of("ai_cost_change", "AI cost against the period before", _gap(spent, spent_before), "AED", times=AED_PER_USD,
                how="Cost of the period less that of as many days before; n is days.", source=COSTS,
                missing=f"needs {FEWEST_DAYS} days with cost in each period; there are {spent.n} and {spent_before.n}"),
        make.exact("ai_operations", "AI operations", calls, "operations", how="Requests to language models.", source=COSTS, n=calls),
        make.of("unpriced_share", "Operations without a price", intervals.share(unpriced, calls), "share",
                how="They are not in the cost, which is too low by an unknown amount (Wilson).", source=COSTS,
                missing="there are no operations"),
    ]  # fmt: skip


def _gap(now: Estimate, earlier: Estimate) -> Estimate | None:
    if now.high is None or earlier.high is None:
        return None
    half = ((now.high - now.value) ** 2 + (earlier.high - earlier.value) ** 2) ** 0.5
    gap = now.value - earlier.value
    return Estimate(gap, gap - half, gap + half, now.n + earlier.n)


def _task_days(facts: Facts) -> pl.DataFrame:
    sums = [pl.col(name).fill_null(0).sum() for name in ("settled_cost_usd", "success_cost_usd", "success_count")]
    return facts.skills.group_by("period_date").agg(sums).sort("period_date")


def _wasted(facts: Facts, make: FigureMaker) -> list[Figure]:
    days = _task_days(facts)
    lost = (days["settled_cost_usd"] - days["success_cost_usd"]).to_list()
    return [
        make.of("failed_task_cost", "Cost of tasks that failed", intervals.day_total(lost) if lost else None, "AED",
                times=AED_PER_USD, how=f"Cost of settled tasks less cost of those that succeeded; n is days. {_DAYS}", source=SKILLS),
        make.of("failed_cost_share", "Part of the task cost that failed", intervals.ratio(lost, days["settled_cost_usd"].to_list()),
                "share", how="The same over the cost of settled tasks; days are what varies.", source=SKILLS),
    ]  # fmt: skip


def _per_success(facts: Facts, make: FigureMaker) -> list[Figure]:
    days = _task_days(facts)
    each = intervals.ratio(days["settled_cost_usd"].to_list(), days["success_count"].to_list())
    return [
        make.of("cost_per_success", "Cost of one successful task", each, "AED", times=AED_PER_USD,
                how="Cost of settled tasks over tasks that succeeded; days are what varies.", source=SKILLS),
    ]  # fmt: skip


def kpi_figure(facts: Facts, make: FigureMaker, kpi_id: str, name: str, label: str, *, missing: str) -> Figure:
    """The newest day of a KPI in the period."""
    for row in facts.kpis.filter(pl.col("kpi_id") == kpi_id).iter_rows(named=True):
        found = Estimate(row["kpi_value"], row["value_low"], row["value_high"], int(row["sample_count"] or 0))
        how = f"KPI {kpi_id} of {row['period_date']}, its own interval."
        return make.of(name, label, found, row["unit"], how=how, source="mart.kpi_values")
    return make.of(name, label, None, "share", how=f"KPI {kpi_id}.", source="mart.kpi_values", missing=missing)


def _counterfactual(facts: Facts, make: FigureMaker) -> Figure:
    return kpi_figure(
        facts,
        make,
        "kpi_counterfactual_saving",
        "counterfactual_saving",
        "Saving of routed questions",
        missing="the engine routed no question to a language model in the period",
    )


def _by_llm(facts: Facts, make: FigureMaker) -> Breakdown:
    return _cost_lines(facts, make, "model_name", "by_llm", "Cost by language model", "Language model")


def _by_assistant(facts: Facts, make: FigureMaker) -> Breakdown:
    return _cost_lines(facts, make, "assistant_name", "by_assistant", "Cost by assistant", "Assistant")


def _cost_lines(facts: Facts, make: FigureMaker, column: str, name: str, title: str, by: str) -> Breakdown:
    rows = facts.within(facts.costs).with_columns(pl.col(column).fill_null("not said"))
    groups = [(str(key[0]), held) for key, held in rows.group_by(column, maintain_order=True)]
    groups.sort(key=lambda item: (-float(item[1]["cost_usd"].sum()), item[0]))
    lines = [(key, [
        make.of("ai_cost", "AI cost", intervals.day_total(day_costs(held)), "AED", times=AED_PER_USD,
                how=f"n is days with operations. {_DAYS}", source=COSTS),
        make.exact("ai_operations", "Operations", int(held["operation_count"].sum()), "operations", how="Requests.", source=COSTS,
                   n=int(held["operation_count"].sum())),
    ]) for key, held in groups[:10]]  # fmt: skip
    return breakdown(name, title, by, lines)


def find_moves(facts: Facts) -> list[Move]:
    """Kinds of work that one assistant does for less than another, the largest saving first.

    Told only where cost is shown to be lower and success is shown not to be `WORST_LOSS` lower, with intervals that
    hold for all pairs that were looked at together.
    """
    rows = facts.skills.filter((pl.col("settled_count") > 0) & (pl.col("priced_count") > 0))
    sides = rows.group_by("task_type", "assistant_id", "assistant_name").agg(
        pl.col("settled_count", "success_count", "priced_count", "task_count").sum(),
        pl.col("period_date", "cost_usd", "priced_count").name.suffix("_by_day"),
    )
    sides = sides.filter(
        (pl.col("settled_count") >= FEWEST_TASKS) & (pl.col("period_date_by_day").list.len() >= FEWEST_DAYS)
    )
    pairs = sides.join(sides, on="task_type", suffix="_other").filter(
        pl.col("assistant_id") != pl.col("assistant_id_other")
    )
    pairs = pairs.sort("task_type", "assistant_id", "assistant_id_other")
    found = [_move(row, comparisons=max(1, pairs.height)) for row in pairs.iter_rows(named=True)]
    best: dict[tuple[str, str], Move] = {}
    for one in sorted((move for move in found if move), key=lambda move: (-move.saving_usd.value, move.to_assistant)):
        best.setdefault((one.task_type, one.from_assistant), one)
    return list(best.values())


def _move(row: dict[str, object], *, comparisons: int) -> Move | None:
    dear, cheap = (
        intervals.ratio(row[f"cost_usd_by_day{end}"], row[f"priced_count_by_day{end}"], comparisons=comparisons)  # type: ignore[arg-type]
        for end in ("", "_other")
    )
    success = intervals.share_difference(
        (float(row["success_count_other"]), int(row["settled_count_other"])),  # type: ignore[arg-type,call-overload]
        (float(row["success_count"]), int(row["settled_count"])),  # type: ignore[arg-type,call-overload]
        comparisons=comparisons,
    )
    if not (dear and cheap and success and dear.high and cheap.high and success.low is not None):
        return None
    gap = dear.value - cheap.value
    half = ((dear.high - dear.value) ** 2 + (cheap.high - cheap.value) ** 2) ** 0.5
    if gap - half <= 0 or success.low <= -WORST_LOSS:
        return None
    count = int(row["priced_count"])  # type: ignore[call-overload]
    return Move(
        task_type=str(row["task_type"]),
        from_assistant=str(row["assistant_name"]),
        to_assistant=str(row["assistant_name_other"]),
        task_count=count,
        saving_usd=Estimate(gap * count, (gap - half) * count, (gap + half) * count, count),
        success_change=success,
    )


def _moves(facts: Facts, make: FigureMaker) -> Breakdown:
    lines = [
        (f"{one.task_type}: {one.from_assistant} to {one.to_assistant}", move_figures(one, make))
        for one in find_moves(facts)[:8]
    ]
    return breakdown("same_work_for_less", "The same kind of work for less", "Kind of work", lines)


def move_figures(one: Move, make: FigureMaker) -> list[Figure]:
    """What a move would save in a period like this one, and what is known of success."""
    return [
        make.of("saving", "Saving if all of it moved", one.saving_usd, "AED", times=AED_PER_USD, basis="derived",
                how="Tasks times the difference in cost of one; interval holds for all pairs looked at. Capacity is not considered.",
                source=SKILLS),
        make.of("success_change", "Success share, other less this", one.success_change, "share", source=SKILLS,
                how=f"Newcombe, for all pairs looked at; told only where a loss of {WORST_LOSS:.0%} is ruled out."),
    ]  # fmt: skip
