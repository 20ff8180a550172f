"""The brokerage's life in one piece: what every system exports of it, the work it asks for, and the truth behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from aurora.errors import UsageError
from twin.brokerage import asked, market
from twin.brokerage.desk import hand_over_desk
from twin.brokerage.draws import exported
from twin.brokerage.journeys import workflow_cases
from twin.brokerage.life import Life
from twin.brokerage.office import Office
from twin.brokerage.register import hand_over_register
from twin.brokerage.sales import hand_over_sales
from twin.cases.predicates import PREDICATES
from twin.frame import Export, Frame, Part

_ASSISTANTS: Final = frozenset({"clara", "mary", "theodora", "laila", "linda", "nina"})
"""Whose exports the life is told in."""


def brokerage_history(frame: Frame, *, market_statistics: Path | None = None) -> Part:
    """Everything that the brokerage's systems export for `frame`, the work they ask for, and the truth.

    `market_statistics` is the Land Department's `dld_monthly_sales.csv`; without it areas have rounded levels. Truth:
    `party_records` and `property_records` say which records are one, `planted_cases` which break a rule.
    Errors: `UsageError` where the pack is no brokerage's.
    """
    _require_brokerage(frame)
    life = Life(frame, market.areas(market_statistics))
    hand_over_sales(life)
    hand_over_register(life)
    hand_over_desk(life)
    office = Office(frame, life.ledger)
    office.identity(life.deals)
    office.data(life.consents)
    office.machines()
    office.acts(life.register.rows["twin_laila"]["party_id"])
    exports = [
        Export(source=source, contract=contract, rows=exported(contract, rows))
        for source, contract, rows in life.handed
    ]
    tasks = asked.work(
        frame,
        frame.draws("brokerage/work"),
        life.funnel,
        life.deals,
        life.listings,
        party=life.party,
        start=life.start,
        end=life.end,
    )
    journeys = workflow_cases(tasks, life.funnel, life.deals, end=life.end)
    exports.append(Export(source="twin_workflows", contract="workflow_case", rows=exported("workflow_case", journeys)))
    cases = life.ledger.table()
    truth = life.truth | {"planted_cases": cases, "planted_rules": _planted_rules(cases)}
    return Part(exports=[*exports, *office.exports], truth=truth, work=tasks)


def _require_brokerage(frame: Frame) -> None:
    missing = sorted(_ASSISTANTS - {one.assistant_id for one in frame.pack.assistants})
    missing += sorted(asked.TASK_TYPES - set(frame.pack.task_types))
    if missing:
        raise UsageError(
            f"The twin lives as a real-estate brokerage, and pack {frame.pack.name} has no {', '.join(missing[:4])}.",
            field="pack",
            rule="real_estate",
            next_step="Set AURORA_PACK to real_estate, or to a pack with its assistants and task types.",
        )


def _planted_rules(cases: pl.DataFrame) -> pl.DataFrame:
    """Every rule with the exact predicate that its cases were planted against, and how many there are."""
    count = cases.group_by("rule_id").agg(
        (pl.col("expected") == "violation").sum().cast(pl.Int64).alias("violation_count"),
        (pl.col("expected") == "near_miss").sum().cast(pl.Int64).alias("near_miss_count"),
    )
    rules = pl.DataFrame(
        [(one.rule_id, one.contract, one.rows, one.violates, one.note) for one in PREDICATES.values()],
        schema=["rule_id", "contract", "rows", "violates", "note"],
        orient="row",
    )
    return rules.join(count, on="rule_id", how="left", maintain_order="left").with_columns(
        pl.col("violation_count", "near_miss_count").fill_null(0)
    )
