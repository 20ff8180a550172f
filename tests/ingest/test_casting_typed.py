"""Columns that come typed: the same value in the contract's type, or a fault; never another value."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from aurora.ingest.casting import cast_rows
from contracts import registry

USAGE = registry.table("usage")
UTC_DAY = dt.datetime(2026, 9, 1, 10, tzinfo=dt.UTC)
DAY = UTC_DAY.replace(tzinfo=None)


def cast(column: str, values: list[Any], kind: pl.DataType | type[pl.DataType]) -> tuple[list[Any], list[int]]:
    found = cast_rows(pl.DataFrame({column: pl.Series(values, dtype=kind)}), USAGE)
    assert found.rows.schema[column] == registry.polars_schema(USAGE)[column]
    return found.rows[column].to_list(), found.faults["index"].to_list()


@pytest.mark.parametrize(
    ("column", "values", "kind", "wanted", "faults"),
    [
        ("input_tokens", [1, None, 2**31 - 1], pl.Int32, [1, None, 2**31 - 1], []),
        ("input_tokens", [2**64 - 1, 5], pl.UInt64, [None, 5], [0]),
        ("input_tokens", [12.0, 12.5, float("nan"), None], pl.Float64, [12, None, None, None], [1, 2]),
        ("input_tokens", [Decimal("12.00"), Decimal("12.50")], pl.Decimal(10, 2), [12, None], [1]),
        ("input_tokens", ["12", "n/a"], pl.String, [12, None], [1]),
        ("reported_cost_usd", [0.5, float("inf")], pl.Float64, [Decimal("0.5"), None], [1]),
        ("reported_cost_usd", [Decimal("1.25")], pl.Decimal(10, 2), [Decimal("1.25")], []),
        (
            "reported_cost_usd",
            [Decimal("0.0000000001"), Decimal("0.25")],
            pl.Decimal(38, 10),
            [None, Decimal("0.25")],
            [0],
        ),
        ("reported_cost_usd", [3], pl.Int64, [Decimal(3)], []),
        ("is_error", [1, 0, 7], pl.Int64, [True, False, None], [2]),
        ("quality", [0.5, float("nan")], pl.Float32, [0.5, None], [1]),
        ("request_model", [4, None], pl.Int64, ["4", None], []),
        ("occurred_at", [1_788_256_800], pl.Int64, [None], [0]),
        ("occurred_at", [dt.date(2026, 9, 1)], pl.Date, [dt.datetime(2026, 9, 1, tzinfo=dt.UTC)], []),
        ("occurred_at", [DAY], pl.Datetime("ns"), [UTC_DAY], []),
    ],
)
def test_a_typed_value_stays_the_same_value_or_is_a_fault(column, values, kind, wanted, faults):
    assert cast(column, values, kind) == (wanted, faults)


def test_a_time_of_another_zone_is_brought_to_utc():
    given = pl.Series([DAY], dtype=pl.Datetime("ms")).dt.replace_time_zone("Asia/Dubai")
    found = cast_rows(pl.DataFrame({"occurred_at": given}), USAGE)
    assert found.rows["occurred_at"].to_list() == [dt.datetime(2026, 9, 1, 6, tzinfo=dt.UTC)]
