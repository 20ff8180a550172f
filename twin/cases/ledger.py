"""Planted cases: rows that break a rule on purpose, rows at its edge that do not, and the book of both.

A case changes rows that were compliant; a row is changed for one case only. What it breaks beside the rule it was
planted for is said in the case. The book is truth: it is never exported.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import polars as pl

from contracts import registry
from twin.frame import Frame

VIOLATION: Final = "violation"
NEAR_MISS: Final = "near_miss"
CASES_SCHEMA: Final[dict[str, pl.DataType]] = {
    "case_id": pl.String(),
    "rule_id": pl.String(),
    "contract": pl.String(),
    "source": pl.String(),
    "record_key": pl.String(),
    "expected": pl.String(),
    "violates_from": pl.Datetime("us", "UTC"),
    "note": pl.String(),
}
"""`record_key` are the values of the contract's key without the source, joined by `|`. `violates_from` is the first
moment at which the predicate is true; the rule's clock, where it has one that the predicate does not hold, runs
from there."""
KEY_SEPARATOR: Final = "|"
_MANY: Final = 3
"""Rows of a case at scale 1; at least one at any scale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Rows to change: `where` says which may be, `change` what is set; `since` is when the rule is first broken."""

    rule_ids: tuple[str, ...]
    where: pl.Expr
    note: str
    change: Mapping[str, Any] = field(default_factory=dict)
    since: pl.Expr | None = None

    @property
    def expected(self) -> str:
        """The verdict that the rule must give."""
        return NEAR_MISS if self.since is None else VIOLATION


def breaks(*rule_ids: str, where: pl.Expr, since: pl.Expr, note: str, change: Mapping[str, Any]) -> Case:
    """Rows that break every one of the rules."""
    return Case(rule_ids=rule_ids, where=where, since=since, note=note, change=change)


def keeps(*rule_ids: str, where: pl.Expr, note: str, change: Mapping[str, Any] | None = None) -> Case:
    """Rows that come near to breaking the rules, and keep them."""
    return Case(rule_ids=rule_ids, where=where, note=note, change=change or {})


@dataclass(slots=True)
class Ledger:
    """The book of cases while it is filled."""

    frame: Frame
    entries: list[pl.DataFrame] = field(default_factory=list)
    count: int = 0

    @property
    def many(self) -> int:
        """Rows of each case."""
        return max(1, min(_MANY, round(_MANY * self.frame.scale)))

    def ago(self, **before: float) -> pl.Expr:
        """The moment so long before the end."""
        return pl.lit(self.frame.until - dt.timedelta(**before)).cast(pl.Datetime("us", "UTC"))

    def day(self, days: int) -> pl.Expr:
        """The UTC day so many days after the end's own (before it, where negative)."""
        return pl.lit(self.frame.until.date() + dt.timedelta(days=days))

    def plant(self, rows: pl.DataFrame, source: str, contract: str, cases: Sequence[Case]) -> pl.DataFrame:
        """The rows with the cases in them; `_case` marks the changed ones.

        Errors: `ValueError` where too few rows could take a case.
        """
        if "_case" not in rows.columns:
            rows = rows.with_columns(pl.lit(value=False).alias("_case"))
        draw = self.frame.draws(f"cases/{source}/{contract}")
        for case in cases:
            free = rows.select(case.where.fill_null(value=False) & ~pl.col("_case")).to_series().arg_true()
            if len(free) < self.many:
                raise ValueError(
                    f"Only {len(free)} rows of {contract} can take a case of {case.rule_ids[0]} ({case.note}); "
                    f"{self.many} are needed. Make more of them in twin/brokerage."
                )
            places = np.sort(draw.choice(free.to_numpy(), self.many, replace=False))
            rows = _changed(rows, places, case.change)
            self.enter(rows[places], source, contract, case)
        return rows

    def enter(self, rows: pl.DataFrame, source: str, contract: str, case: Case) -> None:
        """Write `rows` into the book, as they are now."""
        key = [name for name in registry.table(contract).key if name != "source"]
        since = pl.lit(None) if case.since is None else case.since
        entry = rows.select(
            pl.concat_str(key, separator=KEY_SEPARATOR).alias("record_key"),
            since.cast(pl.Datetime("us", "UTC")).alias("violates_from"),
        ).with_row_index("place")
        ids = pl.format("case-{}", (pl.col("place") + self.count + 1).cast(pl.String).str.zfill(4))
        self.count += rows.height
        self.entries.extend(
            entry.select(
                ids.alias("case_id"),
                pl.lit(rule_id).alias("rule_id"),
                pl.lit(contract).alias("contract"),
                pl.lit(source).alias("source"),
                "record_key",
                pl.lit(case.expected).alias("expected"),
                "violates_from",
                pl.lit(case.note).alias("note"),
            )
            for rule_id in case.rule_ids
        )

    def table(self) -> pl.DataFrame:
        """The book, one row a rule and record."""
        return pl.concat([pl.DataFrame(schema=CASES_SCHEMA), *self.entries])


def _changed(rows: pl.DataFrame, places: np.ndarray[Any, Any], change: Mapping[str, Any]) -> pl.DataFrame:
    mask = pl.Series("_mask", np.isin(np.arange(rows.height), places))
    said = {name: value if isinstance(value, pl.Expr) else pl.lit(value) for name, value in change.items()}
    return rows.with_columns(
        pl.when(mask).then(value.cast(rows.schema[name])).otherwise(pl.col(name)).alias(name)
        for name, value in said.items()
    ).with_columns((pl.col("_case") | mask).alias("_case"))
