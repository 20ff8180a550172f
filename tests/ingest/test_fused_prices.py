"""Prices in SQL are the price book's, to the last of nine decimals."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aurora.gateway.price_periods import MAX_TOKENS, Names, Period, cost_sql, price_periods
from aurora.gateway.prices import PriceBook, default_book
from contracts import registry
from contracts.vocabulary import OPERATIONS

NAMES: list[Names] = [
    ("openai", "gpt-4o", "gpt-4o"),
    ("openai", None, "gpt-4o-mini"),
    ("anthropic", "claude-3-5-sonnet-latest", None),
    ("gcp.gemini", "gemini-2.5-pro", "gemini-2.5-pro"),
    ("deepseek", "deepseek-chat", "deepseek-chat"),
    ("own", "own-falcon", "own-falcon"),
    (None, None, None),
]
TOKENS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


def usage(draw: random.Random, count: int) -> list[dict[str, Any]]:
    rows = []
    for _ in range(count):
        provider, answered, asked = draw.choice(NAMES)
        row: dict[str, Any] = {"provider_name": provider, "response_model": answered, "request_model": asked}
        row["occurred_date"] = dt.date(2023, 1, 1) + dt.timedelta(days=draw.randrange(1500))
        row["operation_name"] = draw.choice(OPERATIONS)
        row["request_count"] = draw.choice([1, 3])
        for name in TOKENS:
            row[name] = draw.choice([None, 0, draw.randrange(100), draw.randrange(400_000), MAX_TOKENS])
        row["reported_cost_usd"] = draw.choice([None, Decimal("0.25")])
        rows.append(row)
    return rows


def by_sql(row: dict[str, Any], period: Period) -> Decimal | None:
    kinds = {name: f"CAST(${name} AS BIGINT)" for name in (*TOKENS, "request_count")}
    fields = [name for name in Period.__dataclass_fields__ if name.endswith("_nano")]
    columns = kinds | {name: f"CAST(${name} AS BIGINT)" for name in fields}
    columns |= {"operation_name": "$operation_name", "price_id": "CAST($price_id AS VARCHAR)"}
    given_values = {name: row[name] for name in (*kinds, "operation_name")}
    given_values |= {name: getattr(period, name) for name in (*fields, "price_id")}
    with duckdb.connect() as connection:
        (nano,) = connection.execute(f"SELECT {cost_sql(columns)}", given_values).fetchone() or (None,)
    return None if nano is None else Decimal(nano).scaleb(-9)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_sql_and_the_book_agree_on_every_row(seed: int):
    book = default_book()
    rows = usage(random.Random(seed), 12)
    types = registry.polars_schema(registry.table("usage"))
    priced = book.price(pl.DataFrame(rows, schema={name: types[name] for name in rows[0]}))
    for row, wanted in zip(rows, priced.iter_rows(named=True), strict=True):
        names = (row["provider_name"], row["response_model"], row["request_model"])
        (period,) = [one for one in price_periods(book, names) if one.first_day <= row["occurred_date"] < one.end_day]
        if period.next_tier_tokens is not None and (row["input_tokens"] or 0) >= period.next_tier_tokens:
            continue
        cost = by_sql(row, period)
        assert (cost if cost is not None else row["reported_cost_usd"]) == wanted["cost_usd"]
        assert (period.price_id if cost is not None else None) == wanted["price_id"]


def test_periods_follow_each_other_without_a_gap():
    book = default_book()
    for names in NAMES:
        periods = price_periods(book, names)
        assert all(one.end_day == other.first_day for one, other in itertools.pairwise(periods))
    assert any(len(price_periods(book, names)) > 1 for names in NAMES)


def test_a_price_beyond_64_bits_is_not_told():
    row = dict.fromkeys(registry.table("price").columns)
    row |= {
        "price_id": "p",
        "provider_name": "x",
        "request_model": "dear",
        "valid_from": dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
    }
    row |= {"tier_start_tokens": 0, "input_usd_per_mtok": Decimal(500), "price_source": "test"}
    schema = registry.polars_schema(registry.table("price"))
    assert price_periods(PriceBook(pl.DataFrame([row], schema=schema)), ("x", "dear", None)) == ()
