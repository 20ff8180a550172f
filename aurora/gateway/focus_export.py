"""The tenant's AI usage as charges in FOCUS 1.2: one row a day, assistant, language model and kind of token.

Costs are list prices of the price book times tokens, so that `ListCost = ListUnitPrice x PricingQuantity` holds to the
last digit; there is no discount to tell, so billed, effective and contracted cost are the same. Usage whose cost
was only logged has no unit price: it is charged by the request. Usage that nobody can price is left out and counted:
FOCUS wants a cost in every row, and unpriced is not 0. The file is checked before it is handed over.
"""

from __future__ import annotations

import calendar
import datetime as dt
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import polars as pl

from aurora.errors import DataError, UsageError
from aurora.gateway.focus_check import check_file
from aurora.gateway.focus_columns import COLUMNS, CUSTOM, SPEC
from aurora.store.lake import LakeReader

Grain = Literal["day", "conversation"]
"""`conversation` tells charges of a day apart by conversation and decision, too."""

_MTOK: Final = 1_000_000
_UNIT: Final = f"{_MTOK} Tokens"
_PROVIDERS: Final = {
    "openai": "OpenAI",
    "azure.ai.openai": "Microsoft",
    "azure.ai.inference": "Microsoft",
    "anthropic": "Anthropic",
    "aws.bedrock": "AWS",
    "gcp.gemini": "Google Cloud",
    "gcp.vertex_ai": "Google Cloud",
    "gcp.gen_ai": "Google Cloud",
    "cohere": "Cohere",
    "mistral_ai": "Mistral AI",
    "groq": "Groq",
    "deepseek": "DeepSeek",
    "perplexity": "Perplexity",
    "x_ai": "xAI",
    "ibm.watsonx.ai": "IBM",
}
"""The names that providers send invoices under."""
_UNKNOWN: Final = "Unknown provider"
_KINDS: Final = (
    ("input", "Input Tokens", "uncached_tokens", ("input_usd_per_mtok",)),
    ("cached_input", "Cached Input Tokens", "read_tokens", ("cache_read_usd_per_mtok", "input_usd_per_mtok")),
    ("cache_write", "Cache Write Tokens", "write_tokens", ("cache_write_usd_per_mtok", "input_usd_per_mtok")),
    ("output", "Output Tokens", "output_tokens", ("output_usd_per_mtok",)),
    ("request", "Requests", "request_count", ("request_usd",)),
)
"""Kind of charge: its meter, its quantity, and the price that applies, the first that is there."""
_ROUNDING: Final = Decimal("0.000000001")

_USAGE: Final = """
SELECT
    u.occurred_date,
    u.provider_name,
    coalesce(u.response_model, u.request_model) AS llm,
    u.assistant_id,
    {told} AS conversation_id,
    {decided} AS decision_id,
    u.cost_source,
    u.price_id,
    any_value(p.input_usd_per_mtok) AS input_usd_per_mtok,
    any_value(p.output_usd_per_mtok) AS output_usd_per_mtok,
    any_value(p.cache_read_usd_per_mtok) AS cache_read_usd_per_mtok,
    any_value(p.cache_write_usd_per_mtok) AS cache_write_usd_per_mtok,
    any_value(p.request_usd) AS request_usd,
    any_value(p.tier_start_tokens) AS tier_start_tokens,
    count(*)::BIGINT AS row_count,
    sum(u.request_count)::BIGINT AS request_count,
    sum(coalesce(u.input_tokens, 0) - coalesce(u.cache_read_input_tokens, 0)
        - coalesce(u.cache_creation_input_tokens, 0))::BIGINT AS uncached_tokens,
    sum(coalesce(u.cache_read_input_tokens, 0))::BIGINT AS read_tokens,
    sum(coalesce(u.cache_creation_input_tokens, 0))::BIGINT AS write_tokens,
    sum(coalesce(u.output_tokens, 0))::BIGINT AS output_tokens,
    sum(u.cost_usd)::DECIMAL(38, 9) AS cost_usd
FROM raw.usage AS u
LEFT JOIN raw.price AS p ON u.price_id = p.price_id
WHERE u.occurred_date >= ? AND u.occurred_date < ?
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
ORDER BY 1, 2, 3, 4, 5, 6, 7, 8
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FocusExport:
    """What was written, and what could not be charged."""

    file: Path
    spec: str
    charge_count: int
    operation_count: int
    billed_cost_usd: Decimal
    unpriced_operation_count: int
    unpriced_token_count: int


def export_focus(
    lake: LakeReader, out: Path, *, tenant: str, month: str | None = None, grain: Grain = "day", spec: str = SPEC
) -> FocusExport:
    """Write the usage of a month (`2026-09`), or all of it, as FOCUS charges to a CSV or Parquet file.

    Errors: `UsageError` for another version, month or file suffix; `DataError` where there is nothing to charge, or
    where the file would not conform: then none is left behind.
    """
    if spec != SPEC:
        raise UsageError(f"FOCUS {spec} is not written here.", field="--spec", next_step=f"Use {SPEC}.")
    if out.suffix not in (".csv", ".parquet"):
        raise UsageError(
            f"{out.name} is neither CSV nor Parquet.", field="--out", next_step="End it in .csv or .parquet."
        )
    usage = _usage(lake, month, grain)
    priced = usage.filter(pl.col("cost_source") != "unpriced")
    unpriced = usage.filter(pl.col("cost_source") == "unpriced")
    rows = [charge for group in priced.iter_rows(named=True) for charge in _charges(group, tenant)]
    if not rows:
        raise DataError(
            f"There is no priced usage {f'in {month}' if month else 'yet'}.",
            field="--month",
            rule="usage",
            next_step="Ingest usage first, or name another month.",
        )
    _write_checked(_frame(rows), out)
    tokens = ("uncached_tokens", "read_tokens", "write_tokens", "output_tokens")
    return FocusExport(
        file=out,
        spec=spec,
        charge_count=len(rows),
        operation_count=int(priced["row_count"].sum()),
        billed_cost_usd=sum((row["BilledCost"] for row in rows), Decimal(0)),
        unpriced_operation_count=int(unpriced["row_count"].sum()),
        unpriced_token_count=sum(int(unpriced[name].sum()) for name in tokens),
    )


def _usage(lake: LakeReader, month: str | None, grain: Grain) -> pl.DataFrame:
    first, after = _months(month) if month else (dt.date(1, 1, 1), dt.date(9999, 12, 31))
    is_fine = grain == "conversation"
    sql = _USAGE.format(
        told="u.conversation_id" if is_fine else "NULL::VARCHAR",
        decided="u.decision_id" if is_fine else "NULL::VARCHAR",
    )
    return lake.query(sql, [first, after])


def _months(month: str) -> tuple[dt.date, dt.date]:
    try:
        first = dt.datetime.strptime(month, "%Y-%m").replace(tzinfo=dt.UTC).date()
    except ValueError:
        raise UsageError(f"{month!r} is no month.", field="--month", next_step="Write it as 2026-09.") from None
    return first, _next_month(first)


def _next_month(first: dt.date) -> dt.date:
    return first + dt.timedelta(days=calendar.monthrange(first.year, first.month)[1])


def _charges(group: Mapping[str, Any], tenant: str) -> list[dict[str, Any]]:
    """The charges of one day, assistant, language model and price: one a kind of token."""
    about = _about(group, tenant)
    if group["cost_source"] != "price_book":
        return [about | _logged(group)]
    charges = [about | charge for charge in _priced(group)]
    gap = abs(sum((charge["BilledCost"] for charge in charges), Decimal(0)) - group["cost_usd"])
    if gap > _ROUNDING * group["row_count"]:
        raise DataError(
            f"Charges of {group['llm']} on {group['occurred_date']} differ from the lake's cost by {gap:f} USD.",
            field="BilledCost",
            rule="cost_arithmetic",
            next_step="The price book's price and the rows' cost do not belong together; run `aurora doctor`.",
        )
    return charges


def _about(group: Mapping[str, Any], tenant: str) -> dict[str, Any]:
    day: dt.date = group["occurred_date"]
    provider = _PROVIDERS.get(group["provider_name"] or "", group["provider_name"] or _UNKNOWN)
    first = day.replace(day=1)
    assistant, llm = group["assistant_id"], group["llm"] or "unknown"
    return {
        "BillingAccountId": tenant,
        "BillingAccountName": tenant,
        "BillingAccountType": "Tenant",
        "BillingCurrency": "USD",
        "BillingPeriodStart": _midnight(first),
        "BillingPeriodEnd": _midnight(_next_month(first)),
        "ChargeCategory": "Usage",
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodStart": _midnight(day),
        "ChargePeriodEnd": _midnight(day + dt.timedelta(days=1)),
        "InvoiceIssuerName": provider,
        "PricingCategory": "Standard",
        "PricingCurrency": "USD",
        "ProviderName": provider,
        "PublisherName": provider,
        "ResourceId": llm,
        "ResourceName": llm,
        "ResourceType": "Language model",
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": f"{provider} language models",
        "ServiceSubcategory": "Generative AI",
        "SubAccountId": assistant,
        "SubAccountName": assistant,
        "SubAccountType": "Assistant" if assistant else None,
        "Tags": msgspec.json.encode({"tenant": tenant}).decode(),
        "x_AssistantId": assistant,
        "x_ConversationId": group["conversation_id"],
        "x_DecisionId": group["decision_id"],
    }


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)


def _priced(group: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    llm, provider = group["llm"] or "unknown", group["provider_name"] or _UNKNOWN
    for kind, meter, quantity, prices in _KINDS:
        count = group[quantity]
        price = next((group[name] for name in prices if group[name] is not None), None)
        if not count or (not price and kind == "request"):
            continue
        price = price or Decimal(0)
        is_tokens = kind != "request"
        pricing = Decimal(count) / _MTOK if is_tokens else Decimal(count)
        cost = price * pricing
        details = {"x_TokenKind": kind, "x_TierStartTokens": group["tier_start_tokens"] or 0}
        yield {
            **_costs(cost),
            "ChargeDescription": f"{llm}: {meter.lower()}",
            "ConsumedQuantity": Decimal(count),
            "ConsumedUnit": "Tokens" if is_tokens else "Requests",
            "ContractedUnitPrice": price,
            "ListUnitPrice": price,
            "PricingCurrencyContractedUnitPrice": price,
            "PricingCurrencyListUnitPrice": price,
            "PricingQuantity": pricing,
            "PricingUnit": _UNIT if is_tokens else "Requests",
            "SkuId": f"{provider}/{llm}",
            "SkuMeter": meter,
            "SkuPriceId": f"{provider}/{llm}/{group['price_id']}/{kind}",
            "SkuPriceDetails": msgspec.json.encode(details).decode(),
            "x_InputTokens": count if kind in ("input", "cached_input", "cache_write") else None,
            "x_OutputTokens": count if kind == "output" else None,
            "x_CachedTokens": count if kind == "cached_input" else None,
        }


def _logged(group: Mapping[str, Any]) -> dict[str, Any]:
    """Usage whose cost the exporter logged: what a token cost is not known."""
    llm, provider = group["llm"] or "unknown", group["provider_name"] or _UNKNOWN
    requests = Decimal(group["request_count"])
    return {
        **_costs(group["cost_usd"]),
        "ChargeDescription": f"{llm}: requests at the cost that was logged",
        "ConsumedQuantity": requests,
        "ConsumedUnit": "Requests",
        "PricingQuantity": requests,
        "PricingUnit": "Requests",
        "SkuId": f"{provider}/{llm}",
        "SkuMeter": "Requests",
        "SkuPriceId": f"{provider}/{llm}/{group['cost_source']}",
        "x_InputTokens": group["uncached_tokens"] + group["read_tokens"] + group["write_tokens"],
        "x_OutputTokens": group["output_tokens"],
        "x_CachedTokens": group["read_tokens"],
    }


def _costs(cost: Decimal) -> dict[str, Decimal]:
    names = ("BilledCost", "ContractedCost", "EffectiveCost", "ListCost", "PricingCurrencyEffectiveCost")
    return dict.fromkeys(names, cost)


def _frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    kinds = {"decimal": pl.Decimal(38, 15), "time": pl.Datetime("us", "UTC")}
    return pl.DataFrame(
        {
            column.name: pl.Series([row.get(column.name) for row in rows], dtype=kinds.get(column.kind, pl.String()))
            for column in (*COLUMNS, *CUSTOM)
        }
    )


def _write_checked(frame: pl.DataFrame, out: Path) -> None:
    """Write beside `out`, check what was written, and only then give it its name."""
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        if out.suffix == ".csv":
            _as_text(frame).write_csv(unfinished)
        else:
            frame.write_parquet(unfinished)
        found = check_file(unfinished)
        if found:
            first = found[0]
            raise DataError(
                f"The export breaks FOCUS {SPEC} in {len(found)} ways, first: {first.column}: {first.reason} "
                f"({first.row_count} rows, such as {first.example}).",
                field=first.column,
                rule=first.rule,
                next_step="Nothing was written. This is a fault of the export; report it with this message.",
            )
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)


def _as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Times as FOCUS writes them, numbers without trailing zeros."""
    return frame.with_columns(
        *(pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%SZ") for name, kind in frame.schema.items() if kind.is_temporal()),
        *(
            pl.col(name).cast(pl.String).str.replace(r"(\.[0-9]*?)0+$", "$1").str.strip_suffix(".")
            for name, kind in frame.schema.items()
            if kind.is_decimal()
        ),
    )
