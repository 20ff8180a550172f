"""What the figures suggest to do: each with its evidence, its worth where it can be counted, and how sure it is.

Pure functions of the first page's figures. A recommendation is never stronger than its evidence:
what the figures cannot show (answer quality, for one) is said.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import polars as pl

from apps.streamlit.reads.home import HomeFigures
from apps.streamlit.ui.wording import both, code_words, count, day, measured, plural, share

Confidence = Literal["high", "medium", "low"]
_MIN_OPERATIONS = 50
_MIN_SAVING_SHARE = 0.02
_MIN_DECISIONS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """One thing to do."""

    title: str
    because: str
    confidence: Confidence
    basis: str
    """What the confidence rests on."""
    evidence: pl.DataFrame
    page: str
    monthly_usd: float | None = None
    """What it is worth in 30 days, where the figures can say."""


def recommend(figures: HomeFigures, waiting: pl.DataFrame, *, limit: int = 3) -> list[Recommendation]:
    """The most valuable ones first: those with an amount by amount, then the rest in order of urgency."""
    found = [*_waiting(waiting), *_cheaper_llm(figures), *_route_more(figures), *_failing_assistant(figures),
             *_unpriced(figures), *_missed_kpi(figures), *_refused(figures)]  # fmt: skip
    worth = sorted((r for r in found if r.monthly_usd), key=lambda r: -(r.monthly_usd or 0))
    urgent = [r for r in found if not r.monthly_usd]
    # One place is kept for something that is not about money.
    return ([*worth[: limit - 1], *urgent, *worth[limit - 1 :]] if urgent else worth)[:limit]


def wilson_low(successes: float, trials: float) -> float:
    """Lower end of the 95 % Wilson interval of a share."""
    if trials <= 0:
        return 0.0
    z, rate = 1.96, successes / trials
    spread = z * math.sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
    return max(0.0, (rate + z * z / (2 * trials) - spread) / (1 + z * z / trials))


def _cheaper_llm(figures: HomeFigures) -> Iterator[Recommendation]:
    use = figures.llm_use.filter(
        (pl.col("operation_count") >= _MIN_OPERATIONS) & (pl.col("token_count") > 0) & (pl.col("unpriced_count") == 0)
    ).with_columns(
        usd_per_mtok=pl.col("cost_usd") / pl.col("token_count") * 1e6,
        error_share=pl.col("error_count") / pl.col("operation_count"),
    )
    pairs = (
        use.join(use, on="operation_name", suffix="_other")
        .filter(
            (pl.col("usd_per_mtok_other") < pl.col("usd_per_mtok"))
            & (pl.col("error_share_other") <= pl.col("error_share"))
        )
        .with_columns(saving_usd=(pl.col("usd_per_mtok") - pl.col("usd_per_mtok_other")) * pl.col("token_count") / 1e6)
        .sort("cost_usd", "usd_per_mtok_other", descending=[True, True])
    )
    total = float(figures.llm_use["cost_usd"].sum())
    if not pairs.height or float(pairs["saving_usd"][0]) < total * _MIN_SAVING_SHARE:
        return
    best = pairs.row(0, named=True)
    yield Recommendation(
        title=f"Try {best['model_name_other']} where {best['model_name']} answers today",
        because=(
            f"For {code_words(best['operation_name'])} it costs {both(best['usd_per_mtok_other'])} a million tokens "
            f"against {both(best['usd_per_mtok'])}, and fails no more often ({share(best['error_share_other'])} "
            f"against {share(best['error_share'])}). How good its answers are is not in these figures: let the "
            "route llm decision choose question by question."
        ),
        confidence="medium" if best["operation_count_other"] >= 1000 else "low",
        basis=f"{plural(best['operation_count'], 'call')} against {plural(best['operation_count_other'], 'call')} "
        "in 30 days; the worth is if all of it moved",
        evidence=use.filter(pl.col("operation_name") == best["operation_name"]).select(
            "provider_name", "model_name", "operation_count", "error_share", "token_count", "usd_per_mtok", "cost_usd"
        ),
        page="costs",
        monthly_usd=float(best["saving_usd"]),
    )


def _route_more(figures: HomeFigures) -> Iterator[Recommendation]:
    routed = figures.decisions.filter((pl.col("decision_kind") == "route_llm") & (pl.col("baseline_cost_usd") > 0))
    decided = int(routed["decision_count"].sum())
    expected, baseline = float(routed["expected_cost_usd"].sum()), float(routed["baseline_cost_usd"].sum())
    operations, spent = int(figures.llm_use["operation_count"].sum()), float(figures.llm_use["cost_usd"].sum())
    if decided < _MIN_DECISIONS or expected >= baseline or decided >= operations:
        return
    saving, unrouted = 1 - expected / baseline, 1 - decided / operations
    yield Recommendation(
        title="Let the engine route more of the questions",
        because=(
            f"{plural(decided, 'question')} went through it and were expected to cost {share(saving)} less than the "
            f"best single language model would. Of all calls, {share(unrouted)} did not go through it."
        ),
        confidence="medium" if decided >= 1000 else "low",
        basis=f"{plural(decided, 'decision')} in 30 days; expected cost, not yet billed cost",
        evidence=pl.DataFrame(
            {
                "measure": ["Expected cost, routed", "Best single language model", "Calls in 30 days", "Routed"],
                "value": [both(expected), both(baseline), count(operations), count(decided)],
            }
        ),
        page="decisions",
        monthly_usd=saving * unrouted * spent,
    )


def _failing_assistant(figures: HomeFigures) -> Iterator[Recommendation]:
    fleet = figures.assistants.filter(pl.col("operation_count_30d") > 0)
    operations = int(fleet["operation_count_30d"].sum())
    if not operations:
        return
    fleet_share = float((fleet["operation_count_30d"] * fleet["error_share_30d"]).sum()) / operations
    for row in fleet.sort("error_share_30d", descending=True, nulls_last=True).head(1).iter_rows(named=True):
        failed = (row["error_share_30d"] or 0.0) * row["operation_count_30d"]
        low = wilson_low(failed, row["operation_count_30d"])
        if low <= fleet_share * 1.2:
            return
        yield Recommendation(
            title=f"Look at why {row['assistant_name']} fails",
            because=(
                f"{share(row['error_share_30d'])} of its calls failed in 30 days, {share(fleet_share)} across the "
                "fleet. What it spent on failed calls bought nothing."
            ),
            confidence="high" if row["operation_count_30d"] >= 1000 else "medium",
            basis=f"{plural(row['operation_count_30d'], 'call')}; its true share is above {share(low)} (95 %)",
            evidence=fleet.sort("error_share_30d", descending=True, nulls_last=True)
            .head(8)
            .select("assistant_name", "operation_count_30d", "error_share_30d", "cost_usd_30d", "duration_p95_ms_30d"),
            page="costs",
            monthly_usd=(row["cost_usd_30d"] or 0.0) * (row["error_share_30d"] or 0.0),
        )


def _unpriced(figures: HomeFigures) -> Iterator[Recommendation]:
    unpriced = figures.unpriced
    if not unpriced.height:
        return
    calls = int(unpriced["unpriced_count"].sum())
    yield Recommendation(
        title=f"Give {plural(unpriced.height, 'language model')} a price",
        because=(
            f"{plural(calls, 'call')} of the last 30 days of data have no price, so the spend above is too low by an "
            "unknown amount. Add the price to the price book; the next build prices them."
        ),
        confidence="high",
        basis="counted, not estimated",
        evidence=unpriced.select("provider_name", "model_name", "operation_count", "unpriced_count", "token_count"),
        page="costs",
    )


def _waiting(waiting: pl.DataFrame) -> Iterator[Recommendation]:
    if waiting.height:
        yield Recommendation(
            title=f"Answer {plural(waiting.height, 'decision')} that the engine left to you",
            because="It was not sure enough, or every candidate was forbidden. What you choose is what it learns from.",
            confidence="high",
            basis="counted, not estimated",
            evidence=waiting.select("decision_id", "decision_kind", "decided_at", "reason"),
            page="decisions",
        )


def _missed_kpi(figures: HomeFigures) -> Iterator[Recommendation]:
    missed = figures.missed_kpis.with_columns(
        gap=((pl.col("kpi_value") - pl.col("target")).abs() / pl.max_horizontal(pl.col("target").abs(), 1e-9))
    ).sort("gap", descending=True)
    for row in missed.head(1).iter_rows(named=True):
        yield Recommendation(
            title=f"Bring “{row['kpi_name']}” to its target",
            because=f"It stands at {measured(row['kpi_value'], row['unit'])} on {day(row['period_date'])}; the target is "
            f"{'at least' if row['direction'] == 'up' else 'at most'} {measured(row['target'], row['unit'])}.",
            confidence="high" if (row["sample_count"] or 0) >= 1000 else "medium",
            basis=plural(row["sample_count"] or 0, "observation"),
            evidence=missed.select("kpi_name", "kpi_value", "unit", "target", "sample_count"),
            page="home",
        )


def _refused(figures: HomeFigures) -> Iterator[Recommendation]:
    for row in figures.refused.head(1).iter_rows(named=True):
        yield Recommendation(
            title=f"Repair what {row['source']} exports",
            because=(
                f"{plural(row['row_count'], 'row')} failed the rule {code_words(row['rule'])}"
                f"{' on ' + row['column_name'] if row['column_name'] else ''} and wait in quarantine."
            ),
            confidence="high",
            basis="counted, not estimated",
            evidence=figures.refused.head(10),
            page="data",
        )
