"""OpenAI's costs API: pages of daily buckets with the amount of each project and line item.

It is what the provider will invoice, before the invoice: amounts may be restated, and may be negative.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from aurora.ingest import foreign
from aurora.ingest.foreign import Values, WrongValueError
from aurora.ingest.formats import openai_usage_json
from aurora.ingest.openai_pages import joined, read_pages
from aurora.ingest.portions import Portion, SourceFile

CONTRACTS: Final = ("provider_cost",)
_OBJECT: Final = "organization.costs.result"


def matches(head: bytes, file_name: str) -> bool:  # noqa: ARG001 - one signature for all formats
    """JSON with results of the costs API."""
    return head.lstrip()[:1] in (b"{", b"[") and b'"organization.costs.result"' in head


def read(file: SourceFile) -> Iterator[Portion]:
    """One row a result of a bucket."""
    return read_pages(file, "provider_cost", _values)


def _values(result: Mapping[str, Any]) -> Values:
    if result.get("object") != _OBJECT:
        raise WrongValueError("line_item", result.get("object"), _OBJECT)
    amount = foreign.mapping(result.get("amount"), "billed_cost")
    project = foreign.text(result.get("project_id"), "project_id")
    key = foreign.text(result.get("api_key_id"), "api_key_id")
    item = foreign.text(result.get("line_item"), "line_item")
    currency = foreign.text(amount.get("currency"), "billing_currency")
    return {
        "provider_cost_id": joined("openai", project, key, item),
        "project_id": project,
        "api_key_id": key,
        "line_item": item,
        "billed_cost": foreign.money(amount.get("value"), "billed_cost"),
        "billing_currency": currency.upper() if currency else None,
        "consumed_quantity": foreign.number(result.get("quantity"), "consumed_quantity"),
    }


def write(results: Sequence[tuple[dt.datetime, Mapping[str, Any]]]) -> bytes:
    """Pages of one day's bucket each, one a line: the day and a result."""
    return openai_usage_json.write(results)


def sample(*, contract: str, row_count: int, seed: int) -> bytes:  # noqa: ARG001 - one signature for all formats
    """Days of several line items."""
    draw = random.Random(seed)
    first = dt.datetime(2026, 9, 1, tzinfo=dt.UTC)
    return write([(first + dt.timedelta(days=number), _result(draw)) for number in range(row_count)])


def _result(draw: random.Random) -> dict[str, Any]:
    return {
        "object": _OBJECT,
        "amount": {"value": round(draw.uniform(0.01, 40), 6), "currency": "usd"},
        "line_item": draw.choice(("gpt-5-mini-2025-08-07, input", "gpt-5-mini-2025-08-07, output", "Image models")),
        "project_id": f"proj_{draw.randrange(3)}",
    }
