"""The price book for SQL: which prices hold when for a few names, and a row's cost as an expression.

The same arithmetic as `aurora.gateway.prices`, in 64-bit integers: it holds for rows of at most `MAX_TOKENS`
of a kind and prices up to `_MAX_PRICE`, which callers must see to; a property test compares the two.
"""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass
from typing import Any, Final

from aurora.gateway.prices import WITHOUT_OUTPUT, PriceBook

MAX_TOKENS: Final = 9_999_999
_MAX_PRICE: Final = 10**11
"""In 1e-9 USD a million tokens: with `MAX_TOKENS` four such products fit 64 bits."""
_NANO: Final = 10**9
FIRST_DAY: Final = dt.date(1, 1, 1)
LAST_DAY: Final = dt.date(9999, 12, 31)

Names = tuple[str | None, str | None, str | None]
"""What a source calls provider, the language model that answered, and the one that was asked for."""


@dataclass(frozen=True, slots=True)
class Period:
    """Prices of one choice of names from `first_day` up to, not including, `end_day`; amounts in 1e-9 USD."""

    first_day: dt.date
    end_day: dt.date
    price_id: str | None
    input_nano: int | None = None
    output_nano: int | None = None
    read_nano: int | None = None
    write_nano: int | None = None
    request_nano: int | None = None
    next_tier_tokens: int | None = None
    """From this many input tokens on another price holds, which is not told here."""


def price_periods(book: PriceBook, names: Names) -> tuple[Period, ...]:
    """All periods of these names, without a gap; none where a price is too high for 64-bit arithmetic."""
    provider, answered, asked = names
    days = [FIRST_DAY, *book.turning_days(provider, answered, asked), LAST_DAY]
    found = []
    for first, end in itertools.pairwise(days):
        period = _period(first, end, book.tiers(provider, answered, asked, first))
        if period is None:
            return ()
        found.append(period)
    return tuple(found)


def _period(first: dt.date, end: dt.date, tiers: list[dict[str, Any]]) -> Period | None:
    if not tiers:
        return Period(first, end, None)
    base = tiers[0]
    period = Period(
        first,
        end,
        base["price_id"],
        input_nano=_nano(base["input_usd_per_mtok"]),
        output_nano=_nano(base["output_usd_per_mtok"]),
        read_nano=_nano(base["cache_read_usd_per_mtok"]),
        write_nano=_nano(base["cache_write_usd_per_mtok"]),
        request_nano=_nano(base["request_usd"]),
        next_tier_tokens=tiers[1]["tier_start_tokens"] if len(tiers) > 1 else None,
    )
    amounts = (period.input_nano, period.output_nano, period.read_nano, period.write_nano, period.request_nano)
    return None if any(amount is not None and amount > _MAX_PRICE for amount in amounts) else period


def _nano(amount: Any) -> int | None:
    return None if amount is None else int(amount * _NANO)


def cost_sql(columns: dict[str, str]) -> str:
    """The book's cost of a row in 1e-9 USD, null where it cannot price all of it.

    `columns` gives the SQL of each token column, of operation_name, request_count and of a `Period`'s fields.
    """
    told = dict(columns)
    read, write = (f"coalesce({told[name]}, 0)" for name in ("cache_read_input_tokens", "cache_creation_input_tokens"))
    plain = f"({told['input_tokens']} - {read} - {write})"
    silent = ", ".join(f"'{name}'" for name in WITHOUT_OUTPUT)
    output = (
        f"CASE WHEN {told['operation_name']} IN ({silent}) THEN coalesce({told['output_tokens']}, 0) "
        f"ELSE {told['output_tokens']} END"
    )
    input_price = told["input_nano"]
    femto = " + ".join(
        (
            _times(plain, input_price),
            _times(read, f"coalesce({told['read_nano']}, {input_price})"),
            _times(write, f"coalesce({told['write_nano']}, {input_price})"),
            _times(output, told["output_nano"]),
        )
    )
    nano = f"({femto} + 500000) // 1000000 + coalesce({told['request_nano']}, 0) * {told['request_count']}"
    return f"CASE WHEN {told['price_id']} IS NOT NULL AND {plain} >= 0 THEN {nano} END"


def _times(tokens: str, price: str) -> str:
    return f"CASE WHEN {tokens} = 0 THEN 0 ELSE {tokens} * {price} END"
