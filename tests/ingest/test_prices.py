"""What a row costs: the price that held on its day, in its tier, for each kind of token; unknown is never 0."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora.gateway.price_list import PriceOverride, override_rows, price_frame, snapshot_rows
from aurora.gateway.prices import ALIASES, PriceBook, default_book
from contracts import registry

AT = dt.datetime(2026, 9, 1, 10, tzinfo=dt.UTC)


def priced(book: PriceBook, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    base = {
        "occurred_at": AT,
        "operation_name": "chat",
        "provider_name": "openai",
        "request_model": "llm",
        "input_tokens": 1_000_000,
        "output_tokens": 0,
        "request_count": 1,
    }
    frame = pl.DataFrame([{**base, **row} for row in rows], schema=registry.polars_schema(registry.table("usage")))
    return book.price(frame.with_columns(occurred_date=pl.col("occurred_at").dt.date())).to_dicts()


def cost(book: PriceBook, **row: Any) -> Decimal | None:
    return priced(book, row)[0]["cost_usd"]


def override(**given: Any) -> PriceOverride:
    base = {"provider_name": "openai", "request_model": "llm", "price_source": "contract"}
    prices = {"input_usd_per_mtok": Decimal(2), "output_usd_per_mtok": Decimal(8)}
    return PriceOverride(**{**base, **prices, **given})


def book(*overrides: PriceOverride, with_snapshot: bool = False) -> PriceBook:
    rows = override_rows(overrides) + (snapshot_rows() if with_snapshot else [])
    return PriceBook(price_frame(rows))


def test_tokens_cost_their_price_a_million():
    assert cost(book(override()), input_tokens=500_000, output_tokens=250_000) == Decimal(3)


def test_the_price_of_the_day_holds():
    own = book(
        override(input_usd_per_mtok=Decimal(5), valid_to=dt.date(2026, 9, 1)),
        override(input_usd_per_mtok=Decimal(3), valid_from=dt.date(2026, 9, 1), valid_to=dt.date(2026, 10, 1)),
    )
    times = ["2026-08-31T23:59:59+00:00", "2026-09-01T00:00:00+00:00", "2026-09-30T23:00:00+00:00"]
    found = [cost(own, occurred_at=dt.datetime.fromisoformat(at)) for at in times]
    assert found == [Decimal(5), Decimal(3), Decimal(3)]
    (late,) = priced(own, {"occurred_at": dt.datetime(2026, 10, 1, tzinfo=dt.UTC)})
    assert (late["cost_usd"], late["cost_source"], late["price_id"]) == (None, "unpriced", None)


def test_a_higher_tier_prices_all_tokens_of_the_row():
    own = book(
        override(), override(tier_start_tokens=200_001, input_usd_per_mtok=Decimal(4), output_usd_per_mtok=Decimal(16))
    )
    assert cost(own, input_tokens=200_000, output_tokens=100_000) == Decimal("1.2")
    assert cost(own, input_tokens=200_001, output_tokens=100_000) == Decimal("2.400004")


def test_cached_tokens_are_part_of_the_input_and_have_their_own_price():
    own = book(override(cache_read_usd_per_mtok=Decimal("0.5"), cache_write_usd_per_mtok=Decimal("2.5")))
    assert cost(own, cache_read_input_tokens=400_000) == Decimal("1.4")
    assert cost(own, cache_creation_input_tokens=400_000) == Decimal("2.2")


def test_cached_tokens_without_a_price_cost_as_uncached():
    assert cost(book(override()), cache_read_input_tokens=400_000) == Decimal(2)


def test_more_cached_than_input_tokens_is_unpriced():
    assert cost(book(override()), input_tokens=10, cache_read_input_tokens=11) is None


def test_a_kind_of_token_without_a_price_makes_the_row_unpriced_unless_there_are_none():
    own = book(override(output_usd_per_mtok=None))
    assert cost(own) == Decimal(2)
    assert cost(own, output_tokens=1) is None


def test_unknown_tokens_are_unpriced_but_embeddings_give_none():
    assert cost(book(override()), output_tokens=None) is None
    assert cost(book(override()), input_tokens=None) is None
    assert cost(book(override()), output_tokens=None, operation_name="embeddings") == Decimal(2)


def test_a_price_a_request_comes_on_top():
    assert cost(book(override(request_usd=Decimal("0.01"))), request_count=3) == Decimal("2.03")


def test_the_logged_cost_is_used_only_where_the_book_has_none():
    logged = {"reported_cost_usd": Decimal("0.7")}
    mine, foreign = priced(book(override()), logged, {**logged, "request_model": "other", "provider_name": "nobody"})
    assert (mine["cost_usd"], mine["cost_source"], mine["reported_cost_usd"]) == (
        Decimal(2),
        "price_book",
        Decimal("0.7"),
    )
    assert (foreign["cost_usd"], foreign["cost_source"], foreign["price_id"]) == (Decimal("0.7"), "logged", None)


def test_an_unknown_language_model_is_unpriced_and_never_zero():
    rows = priced(default_book(), {"request_model": "nobodys-llm"}, {"request_model": None}, {"provider_name": None})
    assert {(row["cost_usd"], row["cost_source"], row["price_id"]) for row in rows} == {(None, "unpriced", None)}


def test_an_override_goes_before_the_snapshot():
    own = override(request_model="gpt-4o", input_usd_per_mtok=Decimal(1))
    assert cost(book(own, with_snapshot=True), request_model="gpt-4o") == Decimal(1)
    assert cost(book(with_snapshot=True), request_model="gpt-4o") not in (None, Decimal(1))


@pytest.mark.parametrize(("alias", "name"), sorted(ALIASES.items()))
def test_a_provider_is_found_under_opentelemetrys_names(alias: str, name: str):
    listed = default_book()
    sold = next(row["request_model"] for row in listed.rows.iter_rows(named=True) if row["provider_name"] == name)
    assert listed.find(alias, sold) == listed.find(name, sold)
    assert listed.find(alias, sold) is not None


def test_the_llm_that_answered_goes_before_the_one_asked_for():
    own = book(override(), override(request_model="llm-mini", input_usd_per_mtok=Decimal(1)))
    assert cost(own, response_model="llm-mini") == Decimal(1)
    assert cost(own, response_model="llm-unlisted") == Decimal(2)


def test_order_and_other_columns_are_kept():
    names = ["llm", "other", "llm"]
    rows = priced(book(override()), *[{"request_model": name, "usage_id": str(at)} for at, name in enumerate(names)])
    assert [(row["usage_id"], row["request_model"]) for row in rows] == [("0", "llm"), ("1", "other"), ("2", "llm")]


@settings(max_examples=60, deadline=None)
@given(
    tokens=st.integers(0, 10**12),
    output=st.integers(0, 10**9),
    read_share=st.integers(0, 100),
    price=st.decimals("0", "1000", places=6),
)
def test_money_is_exact_and_rounded_once(tokens: int, output: int, read_share: int, price: Decimal):
    read = tokens * read_share // 100
    own = book(
        override(input_usd_per_mtok=price, output_usd_per_mtok=Decimal(3), cache_read_usd_per_mtok=price / 4),
    )
    cached = Decimal(int(price / 4 * 10**9)).scaleb(-9)
    exact = ((tokens - read) * price + read * cached + output * Decimal(3)) / 10**6
    nano = int((exact * 10**9 + Decimal("0.5")).to_integral_value(rounding="ROUND_FLOOR"))
    found = cost(own, input_tokens=tokens, output_tokens=output, cache_read_input_tokens=read)
    assert found == (Decimal(nano).scaleb(-9) if nano < 10**18 else None)
