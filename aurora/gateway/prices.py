"""The price book: what an operation costs, from dated prices, set-wise.

A frame of usage names few distinct (provider, language model, day); each is resolved once by the
snapshot's matching rules and the prices are joined back. Money is exact: integers of 1e-15 USD, rounded
half up once to DECIMAL(18, 9).

Which cost is used (`cost_source`): the price book where it can price every token of the row, so that all
sources are measured with one list that can be audited and reproduced; else what the exporter logged; else
none, and the row is `unpriced` with a null cost, never 0. What the source reported always stays beside it
in `reported_cost_usd`. A row can be priced when its tokens are known and each kind it used has a price;
cached input without a price of its own costs as uncached.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import polars as pl

from aurora.gateway.price_list import load_overrides, override_rows, price_frame, snapshot_rows

ALIASES: Final[Mapping[str, str]] = {
    "azure.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "gcp.vertex_ai": "google",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "aws.bedrock": "aws",
    "mistral_ai": "mistral",
    "x_ai": "x-ai",
    "moonshot_ai": "moonshotai",
}
"""OpenTelemetry's provider names (and older ones) to the price list's."""

_KEY: Final = ("provider_name", "response_model", "request_model", "occurred_date")
_PRICED_BY: Final = (
    "operation_name",
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "request_count",
    "reported_cost_usd",
)
_AMOUNTS: Final = {
    "input_usd_per_mtok": "_input",
    "output_usd_per_mtok": "_output",
    "cache_read_usd_per_mtok": "_read",
    "cache_write_usd_per_mtok": "_write",
    "request_usd": "_request",
}
_NANO: Final = 10**9
_WITHOUT_OUTPUT: Final = ("embeddings", "rerank", "moderation", "retrieval")
"""Operations that give no output tokens: a source that is silent about them means none."""
COST_COLUMNS: Final = ("cost_usd", "cost_source", "price_id")


@dataclass(frozen=True, slots=True)
class Listed:
    """A language model in the price book."""

    provider_name: str
    request_model: str


class PriceBook:
    """Dated prices and the rules by which a usage row finds its own."""

    def __init__(self, rows: pl.DataFrame) -> None:
        """`rows` are of the contract `price`; earlier ones go before later ones of the same key and day."""
        self.rows = rows
        self._by_key: dict[Listed, list[dict[str, Any]]] = {}
        for row in rows.iter_rows(named=True):
            self._by_key.setdefault(Listed(row["provider_name"], row["request_model"]), []).append(row)
        self._found: dict[tuple[str | None, str | None], Listed | None] = {}
        self._priced: dict[tuple[Any, ...], list[dict[str, Any]]] = {}

    def find(self, provider_name: str | None, llm: str | None) -> Listed | None:
        """The book's entry for what a source called provider and language model; None when there is none."""
        key = (provider_name, llm)
        if key not in self._found:
            self._found[key] = self._look_up(provider_name, llm)
        return self._found[key]

    def _look_up(self, provider_name: str | None, llm: str | None) -> Listed | None:
        if not llm:
            return None
        alias = ALIASES.get(provider_name or "", provider_name)
        for name in (provider_name, alias):
            if Listed(name or "", llm) in self._by_key:
                return Listed(name or "", llm)
        listed = _in_snapshot(alias, llm.rsplit("/models/", 1)[-1])
        return listed if listed in self._by_key else None

    def _tiers(self, key: tuple[Any, ...]) -> list[dict[str, Any]]:
        """Price rows, one a tier from the lowest, that hold for one (provider, answered, asked, day)."""
        if key not in self._priced:
            provider_name, response_model, request_model, day = key
            listed = self.find(provider_name, response_model) or self.find(provider_name, request_model)
            at = None if day is None else dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
            tiers: dict[int, dict[str, Any]] = {}
            for row in self._by_key.get(listed, []) if listed and at else []:
                if row["valid_from"] <= at and (row["valid_to"] is None or at < row["valid_to"]):
                    tiers.setdefault(row["tier_start_tokens"], row)
            self._priced[key] = [tiers[start] for start in sorted(tiers)]
        return self._priced[key]

    def price(self, usage: pl.DataFrame) -> pl.DataFrame:
        """`usage` with `cost_usd`, `cost_source` and `price_id`; order and other columns are kept.

        Wants the contract `usage`'s columns of tokens, names, `occurred_date` and `reported_cost_usd`.
        """
        key_hash = usage.select(_key_hash()).to_series()
        keys = usage.select(*_KEY, key_hash).filter(key_hash.is_first_distinct())
        prices = self._price_table(keys)
        priced = usage.select(*_KEY, *_PRICED_BY, key_hash).join(prices, on="_key", how="left", maintain_order="left")
        if prices["_next_tier"].null_count() < prices.height:
            priced = self._higher_tiers(priced)
        costs = priced.with_columns(_cost()).select(_source())
        return usage.drop(COST_COLUMNS, strict=False).with_columns(costs)

    def _price_table(self, keys: pl.DataFrame) -> pl.DataFrame:
        found = [(key_hash, tiers) for *key, key_hash in keys.iter_rows() if (tiers := self._tiers(tuple(key)))]
        hashes = pl.Series("_key", [key_hash for key_hash, _ in found], dtype=pl.UInt64)
        following = [tiers[1]["tier_start_tokens"] if len(tiers) > 1 else None for _, tiers in found]
        columns = [hashes, pl.Series("_next_tier", following, dtype=pl.Int64)]
        return pl.DataFrame(columns).with_columns(_price_columns([tiers[0] for _, tiers in found]))

    def _higher_tiers(self, priced: pl.DataFrame) -> pl.DataFrame:
        """Rows whose input reaches a higher tier get that tier's prices for all their tokens."""
        over = (priced["input_tokens"] >= priced["_next_tier"]).fill_null(value=False).arg_true()
        if over.is_empty():
            return priced
        rows = priced[over].select(*_KEY, "input_tokens")
        reached = [
            [tier for tier in self._tiers(tuple(key)) if tier["tier_start_tokens"] <= tokens][-1]
            for *key, tokens in rows.iter_rows()
        ]
        return priced.with_columns(priced[column.name].scatter(over, column) for column in _price_columns(reached))


def _key_hash() -> pl.Expr:
    """One number for a row's (provider, answered, asked, day): joining on it costs a quarter."""
    hashes = [pl.col(name).hash(seed=place) for place, name in enumerate(_KEY)]
    return (hashes[0] ^ hashes[1] ^ hashes[2] ^ hashes[3]).alias("_key")


def _price_columns(rows: list[dict[str, Any]]) -> list[pl.Series]:
    """Price ids, and amounts in units of 1e-9 USD."""
    amounts = [
        pl.Series(short, [None if row[name] is None else int(row[name] * _NANO) for row in rows], dtype=pl.Int64)
        for name, short in _AMOUNTS.items()
    ]
    return [pl.Series("price_id", [row["price_id"] for row in rows], dtype=pl.String), *amounts]


def _cost() -> pl.Expr:
    """`_book_usd`: the book's cost of the row, null where it cannot price all of it."""
    read = pl.col("cache_read_input_tokens").fill_null(0)
    write = pl.col("cache_creation_input_tokens").fill_null(0)
    plain = pl.col("input_tokens") - read - write
    output = (
        pl.when(pl.col("operation_name").is_in(_WITHOUT_OUTPUT))
        .then(pl.col("output_tokens").fill_null(0))
        .otherwise(pl.col("output_tokens"))
    )
    femto = (
        _times(plain, pl.col("_input"))
        + _times(read, pl.coalesce("_read", "_input"))
        + _times(write, pl.coalesce("_write", "_input"))
        + _times(output, pl.col("_output"))
    )
    request = pl.col("_request").fill_null(0).cast(pl.Int128) * pl.col("request_count")
    nano = (femto + 500_000) // 1_000_000 + request
    usd = nano.cast(pl.Decimal(38, 0)) * pl.lit("0.000000001").cast(pl.Decimal(18, 9))
    # fewer input tokens than cached ones cannot be: the source counts another way, so its price is unknown
    is_known = pl.col("price_id").is_not_null() & (plain >= 0)
    return pl.when(is_known).then(usd.cast(pl.Decimal(18, 9), strict=False)).alias("_book_usd")


def _times(tokens: pl.Expr, price: pl.Expr) -> pl.Expr:
    """Tokens times price; tokens of a kind without a price make it null, none of them make it 0."""
    return pl.when(tokens == 0).then(pl.lit(0, dtype=pl.Int128)).otherwise(tokens.cast(pl.Int128) * price)


def _source() -> list[pl.Expr]:
    book, logged = pl.col("_book_usd"), pl.col("reported_cost_usd")
    return [
        pl.coalesce(book, logged).alias("cost_usd"),
        pl.when(book.is_not_null())
        .then(pl.lit("price_book"))
        .when(logged.is_not_null())
        .then(pl.lit("logged"))
        .otherwise(pl.lit("unpriced"))
        .alias("cost_source"),
        pl.when(book.is_not_null()).then(pl.col("price_id")).alias("price_id"),
    ]


def _in_snapshot(provider_name: str | None, llm: str) -> Listed | None:
    from genai_prices.data_snapshot import _bundled_snapshot

    try:
        provider, listed = _bundled_snapshot().find_provider_model(llm, None, provider_name, None)
    except LookupError:
        return None
    # a provider may sell another's language models at the other's prices
    if all(one is not listed for one in provider.models):
        owner = next(one for one in _bundled_snapshot().providers if any(own is listed for own in one.models))
        return Listed(owner.id, listed.id)
    return Listed(provider.id, listed.id)


@cache
def default_book() -> PriceBook:
    """Our overrides before genai-prices' snapshot. Made once a process: 0.6 s, mostly the snapshot's import."""
    return PriceBook(price_frame(override_rows(load_overrides()) + snapshot_rows()))
