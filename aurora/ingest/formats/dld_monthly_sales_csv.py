"""Sales registered by the Dubai Land Department by month, area and type: `dld_monthly_sales.csv` (CC BY 4.0)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

import polars as pl

from aurora.ingest.mapped_csv import Mapped, has_columns, write_csv
from aurora.ingest.portions import Portion, SourceFile, refusals
from aurora.ingest.tables import csv_tables

CONTRACTS: Final = ("market_statistic",)
_COLUMNS: Final = (
    "month",
    "area",
    "property_type",
    "transactions",
    "median_price_aed",
    "median_aed_per_sqft",
    "offplan_share",
    "ready_share",
)
_PART: Final = Mapped(
    contract="market_statistic",
    columns={
        "month_date": "month_date",
        "market_area": "area",
        "market_segment": "property_type",
        "transaction_count": "transactions",
        "median_price_aed": "median_price_aed",
        "median_aed_per_sqft": "median_aed_per_sqft",
        "off_plan_share": "offplan_share",
        "updated_at": "closed_at",
    },
)
_IMPLIED: Final = "ready_share"
"""One less off_plan_share."""


def matches(head: bytes, file_name: str) -> bool:  # noqa: ARG001 - one signature for all formats
    """A header with the statistics' columns."""
    return has_columns(head, _COLUMNS[:5])


def read(file: SourceFile) -> Iterator[Portion]:
    """A figure a line. The file does not say when it was made: a month's figures hold from the day it ended."""
    for header, rows, refused in csv_tables(file):
        known = {*_PART.columns.values(), "month", _IMPLIED}
        yield Portion(
            contract="market_statistic",
            rows=_PART.rows(_dated(rows)),
            refused=refusals(refused),
            ignored=tuple(name for name in header if name not in known),
        )


def _dated(rows: pl.DataFrame) -> pl.DataFrame:
    if "month" not in rows.columns:
        return rows
    first = pl.col("month") + "-01"
    closed = first.str.to_date(strict=False).dt.offset_by("1mo").dt.strftime("%Y-%m-%dT00:00:00Z")
    return rows.with_columns(first.alias("month_date"), closed.alias("closed_at"))


def sample(*, contract: str, row_count: int, seed: int) -> bytes:  # noqa: ARG001 - one signature for all formats
    """Areas of one month."""
    draw = random.Random(seed)
    rows = []
    for number in range(row_count):
        off_plan = draw.randrange(0, 1001) / 1000
        price, by_area = draw.randrange(400, 9000) * 1000, draw.randrange(600, 4000)
        rows.append((f"2026-{1 + seed % 12:02d}", f"AREA {seed}-{number}", draw.choice(("Unit", "Land", "Building")),
                     draw.randrange(3, 900), price, by_area, off_plan, round(1 - off_plan, 3)))  # fmt: skip
    return write_csv(_COLUMNS, rows)
