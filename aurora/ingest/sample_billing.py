"""What two providers would say of the sample month: usage, costs, an invoice. Simulated, and labelled so by its source.

The accounts follow from the very calls of the month at the price book's prices, with three known faults, so
that reconciled spend has something to show: calls that went past the log, calls that the provider does not
count, and a price above the list. Other providers give no account, as in life.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import polars as pl

from aurora.gateway.prices import PriceBook
from aurora.ingest.sample_operations import Operation
from contracts import registry

SOURCE: Final = "simulated_billing"
_PROVIDERS: Final = ("openai", "anthropic")
_MISSING_DAYS: Final = (5, 6)
_UNCOUNTED_DAY: Final = 11
_DEARER_DAY: Final = 17
"""Days before the end of the month on which each fault is."""
_FAULT_SHARE: Final = 0.12
_MARKUP: Final = Decimal("0.08")
_INVOICED_DAYS: Final = (28, 14)
"""The invoice covers the days from the first to the second of these before the end."""
_ASKED: Final = dt.timedelta(hours=30)
"""How long after a day has begun its account is asked for."""
Row = dict[str, Any]
Cell = tuple[str, dt.date, str]


def billing(
    operations: Sequence[Operation], *, seed: int, until: dt.datetime, book: PriceBook
) -> Mapping[str, list[Row]]:
    """Rows of `provider_usage`, `provider_cost` and `invoice_line` for the closed days of these operations."""
    draw = random.Random(seed)
    cells: dict[Cell, list[Operation]] = defaultdict(list)
    for call in _charged(operations, until):
        cells[call.provider_name, call.at.date(), call.llm].append(call)
    usage, costs = [], []
    for (provider, day, llm), logged in sorted(cells.items()):
        counted = _counted(logged, draw, days_ago=(until.date() - day).days)
        usd = sum(_prices(counted, book), Decimal(0))
        if (until.date() - day).days == _DEARER_DAY and provider == "anthropic":
            usd *= 1 + _MARKUP
        about = _bucket(provider, day)
        usage.append(about | _usage(provider, day, llm, counted))
        costs.append(about | _cost(provider, day, llm, usd))
    return {"provider_usage": usage, "provider_cost": costs, "invoice_line": _invoice(costs, until.date())}


def _charged(operations: Sequence[Operation], until: dt.datetime) -> list[Operation]:
    """Calls that a provider charges for, of days whose account could be asked for by now."""
    return [
        call
        for call in operations
        if call.provider_name in _PROVIDERS
        and call.error_type is None
        and dt.datetime.combine(call.at.date(), dt.time(), dt.UTC) + _ASKED <= until
    ]


def _counted(logged: list[Operation], draw: random.Random, *, days_ago: int) -> list[Operation]:
    """The calls as the provider counts them: more than we logged on some days, fewer on another."""
    few = max(1, round(len(logged) * _FAULT_SHARE))
    if days_ago in _MISSING_DAYS and logged[0].llm == "gpt-5-mini":
        return [*logged, *draw.sample(logged, few)]
    if days_ago == _UNCOUNTED_DAY and logged[0].llm == "gpt-4o-mini":
        return logged[:-few]
    return logged


def _prices(calls: Sequence[Operation], book: PriceBook) -> list[Decimal]:
    kinds = registry.polars_schema(registry.table("usage"))
    rows = [
        {
            "provider_name": call.provider_name,
            "request_model": call.llm,
            "response_model": call.llm,
            "occurred_date": call.at.date(),
            "operation_name": call.operation_name,
            "input_tokens": call.input_tokens,
            "output_tokens": call.output_tokens,
            "cache_read_input_tokens": call.cache_read_tokens,
            "cache_creation_input_tokens": 0,
            "request_count": 1,
            "reported_cost_usd": None,
        }
        for call in calls
    ]
    priced = book.price(pl.DataFrame(rows, schema={name: kinds[name] for name in rows[0]})) if rows else None
    return [] if priced is None else [usd or Decimal(0) for usd in priced["cost_usd"]]


def _bucket(provider: str, day: dt.date) -> Row:
    start = dt.datetime.combine(day, dt.time(), dt.UTC)
    return {
        "provider_name": provider,
        "charge_period_start": start.isoformat(),
        "charge_period_end": (start + dt.timedelta(days=1)).isoformat(),
        "retrieved_at": (start + _ASKED).isoformat(),
    }


def _usage(provider: str, day: dt.date, llm: str, calls: Sequence[Operation]) -> Row:
    return {
        "provider_usage_id": f"{provider}/{day}/{llm}",
        "operation_name": calls[0].operation_name if calls else "chat",
        "request_model": llm,
        "input_tokens": sum(call.input_tokens or 0 for call in calls),
        "cache_read_input_tokens": sum(call.cache_read_tokens for call in calls),
        "output_tokens": sum(call.output_tokens or 0 for call in calls),
        "provider_request_count": len(calls),
    }


def _cost(provider: str, day: dt.date, llm: str, usd: Decimal) -> Row:
    return {
        "provider_cost_id": f"{provider}/{day}/{llm}",
        "line_item": f"{llm}, tokens",
        "billed_cost": str(usd.quantize(Decimal("0.000000001"))),
        "billing_currency": "USD",
    }


def _invoice(costs: Sequence[Row], today: dt.date) -> list[Row]:
    """One invoice a provider for a fortnight, to the cent."""
    first, end = (today - dt.timedelta(days=days) for days in _INVOICED_DAYS)
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in costs:
        if first.isoformat() <= row["charge_period_start"][:10] < end.isoformat():
            sums[row["provider_name"]] += Decimal(row["billed_cost"])
    return [
        {
            "invoice_line_id": f"{provider}-{end}-1",
            "invoice_id": f"{provider}-{end}",
            "invoice_issuer_name": provider,
            "provider_name": provider,
            "issued_at": dt.datetime.combine(end, dt.time(9), dt.UTC).isoformat(),
            "billing_period_start": f"{first}T00:00:00Z",
            "billing_period_end": f"{end}T00:00:00Z",
            "charge_category": "Usage",
            "charge_description": "Simulated invoice of the sample month",
            "billed_cost": str(usd.quantize(Decimal("0.01"))),
            "billing_currency": "USD",
        }
        for provider, usd in sorted(sums.items())
    ]
