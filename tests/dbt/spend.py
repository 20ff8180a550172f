"""A truth of AI calls, what a provider says of it, and a log of it with known faults. Seeded."""

import datetime as dt
import random
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import polars as pl

from aurora.gateway.prices import default_book
from contracts import registry

Row = dict[str, Any]
Day = tuple[str, str]
"""Provider and day."""
FIRST_DAY = dt.datetime(2026, 9, 1, tzinfo=dt.UTC)
DAYS = 6
LLMS = (("openai", "gpt-4o"), ("openai", "gpt-4o-mini"), ("anthropic", "claude-sonnet-4-5"))
UNLISTED = ("openai", "own-tuned-llm")
UNLISTED_USD_PER_TOKEN = Decimal("0.000002")
RETRIEVED = "2026-09-20T00:00:00Z"


@dataclass
class Account:
    """Rows of each account, and what was done to the log: counts and USD by provider-day."""

    log: list[Row] = field(default_factory=list)
    usage: list[Row] = field(default_factory=list)
    costs: list[Row] = field(default_factory=list)
    lines: list[Row] = field(default_factory=list)
    faults: dict[tuple[Day, str], tuple[int, Decimal]] = field(
        default_factory=lambda: defaultdict(lambda: (0, Decimal(0)))
    )

    def note(self, day: Day, kind: str, usd: Decimal) -> None:
        """One more fault of that kind."""
        count, total = self.faults[day, kind]
        self.faults[day, kind] = (count + 1, total + usd)


def account(*, seed: int, calls: int = 900, fault_share: float = 0.0, markup: Decimal = Decimal(0)) -> Account:
    """A truth of `calls` calls; on odd days a share of the log is missing, copied or unpriced, and the bill is marked up."""
    draw = random.Random(seed)
    made = Account()
    truth = _priced([_call(draw, seed, number) for number in range(calls)])
    usage: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    costs: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for row in truth:
        day = (row["provider_name"], row["occurred_at"][:10])
        cell = (*day, row["request_model"])
        is_odd = int(day[1][-2:]) % 2 == 1
        for place, name in enumerate(("input_tokens", "cache_read_input_tokens", "output_tokens")):
            usage[cell][place] += row[name]
        usage[cell][3] += 1
        usd = row.pop("usd")
        marked = usd * markup if is_odd and row["request_model"] == "gpt-4o" else Decimal(0)
        costs[cell] += usd + marked
        if marked:
            made.note(day, "price", marked)
        if row["request_model"] == UNLISTED[1]:
            made.note(day, "unpriced", usd)
            made.log.append(row)
            continue
        fault = draw.random() if is_odd else 1.0
        if fault < fault_share:
            made.note(day, "missing", usd)
            continue
        made.log.append(row)
        if fault < 2 * fault_share:
            made.note(day, "duplicate", usd)
            made.log.append(row | {"usage_id": row["usage_id"] + "-again"})
    made.log += _failed(draw, seed)
    for (provider, day, llm), tokens in sorted(usage.items()):
        made.usage.append(_usage(provider, day, llm, tokens))
        made.costs.append(_cost(provider, day, llm, costs[provider, day, llm]))
    made.lines = _invoices(costs)
    return made


def _call(draw: random.Random, seed: int, number: int) -> Row:
    provider, llm = UNLISTED if draw.random() < 0.03 else draw.choice(LLMS)
    tokens = draw.randrange(50, 4000)
    at = FIRST_DAY + dt.timedelta(microseconds=draw.randrange(DAYS * 86_400 * 10**6))
    return {
        "usage_id": f"call-{seed}-{number}",
        "occurred_at": at.isoformat().replace("+00:00", "Z"),
        "operation_name": "chat",
        "provider_name": provider,
        "request_model": llm,
        "input_tokens": tokens,
        "cache_read_input_tokens": draw.choice((0, 0, tokens // 2)),
        "output_tokens": draw.randrange(1, 900),
        "reported_cost_usd": draw.choice(("0", None)) if llm == UNLISTED[1] else None,
    }


def _failed(draw: random.Random, seed: int) -> list[Row]:
    """Calls that failed: the provider neither counts nor charges them."""
    wrong = {"input_tokens": None, "output_tokens": None, "cache_read_input_tokens": None, "is_error": True}
    return [_call(draw, seed, 10**6 + number) | wrong for number in range(20)]


def _priced(rows: list[Row]) -> list[Row]:
    kinds = registry.polars_schema(registry.table("usage"))
    frame = pl.DataFrame(
        [
            {**row, "occurred_date": dt.date.fromisoformat(row["occurred_at"][:10]), "reported_cost_usd": None}
            | {"response_model": None, "cache_creation_input_tokens": 0, "request_count": 1}
            for row in rows
        ],
        schema_overrides={name: kinds[name] for name in ("reported_cost_usd", "response_model")},
    )
    costs = default_book().price(frame)["cost_usd"]
    for row, usd in zip(rows, costs, strict=True):
        row["usd"] = usd if usd is not None else UNLISTED_USD_PER_TOKEN * (row["input_tokens"] + row["output_tokens"])
    return rows


def _usage(provider: str, day: str, llm: str, tokens: list[int]) -> Row:
    return {
        "provider_usage_id": f"{provider}/{day}/{llm}",
        "provider_name": provider,
        "operation_name": "chat",
        "charge_period_start": f"{day}T00:00:00Z",
        "charge_period_end": _next(day),
        "request_model": llm,
        "input_tokens": tokens[0],
        "cache_read_input_tokens": tokens[1],
        "output_tokens": tokens[2],
        "provider_request_count": tokens[3],
        "retrieved_at": RETRIEVED,
    }


def _cost(provider: str, day: str, llm: str, usd: Decimal) -> Row:
    return {
        "provider_cost_id": f"{provider}/{day}/{llm}",
        "provider_name": provider,
        "charge_period_start": f"{day}T00:00:00Z",
        "charge_period_end": _next(day),
        "line_item": f"{llm}, tokens",
        "billed_cost": str(usd),
        "billing_currency": "USD",
        "retrieved_at": RETRIEVED,
    }


def _invoices(costs: dict[tuple[str, str, str], Decimal]) -> list[Row]:
    """One invoice a provider for September, to the cent."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for (provider, _, _), usd in costs.items():
        sums[provider] += usd
    return [
        {
            "invoice_line_id": f"{provider}-2026-09-1",
            "invoice_id": f"{provider}-2026-09",
            "invoice_issuer_name": provider,
            "provider_name": provider,
            "billing_period_start": "2026-09-01T00:00:00Z",
            "billing_period_end": "2026-10-01T00:00:00Z",
            "charge_category": "Usage",
            "billed_cost": str(usd.quantize(Decimal("0.01"))),
            "billing_currency": "USD",
        }
        for provider, usd in sorted(sums.items())
    ]


def _next(day: str) -> str:
    return f"{dt.date.fromisoformat(day) + dt.timedelta(days=1)}T00:00:00Z"
