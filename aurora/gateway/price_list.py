"""Where prices come from: genai-prices' snapshot, read from disk and never updated, and our own overrides.

Both become dated rows of the contract `price`. A price that holds only at some hours of the day cannot
be said in that contract: such a language model is left out, and its usage is unpriced rather than
priced wrongly. Prices of audio, images, pages and searches are left out as well: usage rows count tokens.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import msgspec
import polars as pl
import yaml

from contracts import registry

EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
"""valid_from of a price that the list gives no start for."""
OVERRIDES_FILE: Final = Path(__file__).with_name("price_overrides.yaml")
_KINDS: Final = {
    "input_usd_per_mtok": "input_mtok",
    "output_usd_per_mtok": "output_mtok",
    "cache_read_usd_per_mtok": "cache_read_mtok",
    "cache_write_usd_per_mtok": "cache_write_mtok",
}


class PriceOverride(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One price of our own, which goes before the snapshot's for the same provider and language model."""

    provider_name: str
    request_model: str
    price_source: str
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    tier_start_tokens: int = 0
    input_usd_per_mtok: Decimal | None = None
    output_usd_per_mtok: Decimal | None = None
    cache_read_usd_per_mtok: Decimal | None = None
    cache_write_usd_per_mtok: Decimal | None = None
    request_usd: Decimal | None = None


def load_overrides(file: Path = OVERRIDES_FILE) -> tuple[PriceOverride, ...]:
    """Our own prices as declared."""
    declared = yaml.safe_load(file.read_text(encoding="utf-8")) or []
    return msgspec.convert(declared, tuple[PriceOverride, ...], strict=False)


@cache
def snapshot_source() -> str:
    """Name and version of the price list in use."""
    return f"genai-prices {version('genai-prices')}"


def override_rows(overrides: tuple[PriceOverride, ...]) -> list[dict[str, Any]]:
    """Our own prices as rows of the contract `price`."""
    return [
        _row(
            {name: getattr(one, name) for name in (*_KINDS, "request_usd")},
            provider_name=one.provider_name,
            request_model=one.request_model,
            valid_from=_midnight(one.valid_from),
            valid_to=None if one.valid_to is None else _midnight(one.valid_to),
            tier_start_tokens=one.tier_start_tokens,
            price_source=one.price_source,
        )
        for one in overrides
    ]


def snapshot_rows() -> list[dict[str, Any]]:
    """The snapshot's token prices as rows of the contract `price`."""
    from genai_prices.data import providers

    return [row for provider in providers for listed in provider.models for row in _model_rows(provider.id, listed)]


def _model_rows(provider_id: str, listed: Any) -> Iterator[dict[str, Any]]:
    periods = _periods(listed.prices)
    for number, (start, prices) in enumerate(periods):
        end = periods[number + 1][0] if number + 1 < len(periods) else None
        for tier_start, tier in _tiers(prices):
            if any(tier[name] is not None for name in (*_KINDS, "request_usd")):
                yield _row(
                    tier,
                    provider_name=provider_id,
                    request_model=listed.id,
                    valid_from=_midnight(start),
                    valid_to=None if end is None else _midnight(end),
                    tier_start_tokens=tier_start,
                    price_source=snapshot_source(),
                )


def _periods(prices: Any) -> list[tuple[dt.date | None, Any]]:
    """(start, prices) in order; empty where the hour of the day decides."""
    if not isinstance(prices, list):
        return [(None, prices)]
    if any(type(one.constraint).__name__ == "TimeOfDateConstraint" for one in prices):
        return []
    dated: dict[dt.date | None, Any] = {}
    for one in prices:
        dated[None if one.constraint is None else one.constraint.start_date] = one.prices
    # before the first start the list's first entry holds, as the list's own code has it
    dated.setdefault(None, prices[0].prices)
    return sorted(dated.items(), key=lambda item: item[0] or dt.date.min)


def _tiers(prices: Any) -> Iterator[tuple[int, dict[str, Decimal | None]]]:
    """(smallest input, prices). The list's tiers hold above their start and then for all tokens."""
    named = {name: getattr(prices, key) for name, key in _KINDS.items()}
    requests = prices.requests_kcount
    per_request = requests / 1000 if isinstance(requests, Decimal) else None
    starts = {tier.start for price in named.values() for tier in getattr(price, "tiers", ())}
    for start in [None, *sorted(starts)]:
        tier = {name: _at(price, start) for name, price in named.items()}
        yield (0 if start is None else start + 1), {**tier, "request_usd": per_request}


def _at(price: Any, start: int | None) -> Decimal | None:
    if price is None or isinstance(price, Decimal):
        return price
    value: Decimal = price.base
    for tier in price.tiers:
        if start is not None and start >= tier.start:
            value = tier.price
    return value


def _row(amounts: Mapping[str, Decimal | None], **about: Any) -> dict[str, Any]:
    parts = [str(about[name]) for name in sorted(about)] + [f"{name}={amounts[name]}" for name in sorted(amounts)]
    digest = hashlib.sha256("|".join(parts).encode()).hexdigest()[:12]
    return {"price_id": f"{about['provider_name']}/{about['request_model']}/{digest}", **about, **amounts}


def _midnight(day: dt.date | None) -> dt.datetime:
    return EPOCH if day is None else dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)


def price_frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows in the contract's types, one a price_id."""
    return pl.DataFrame(rows, schema=registry.polars_schema(registry.table("price"))).unique(
        "price_id", maintain_order=True
    )
