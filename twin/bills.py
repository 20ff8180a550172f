"""What providers say was used and charged, as their APIs and exports have it: OpenAI's pages, FOCUS."""

from __future__ import annotations

import io
from typing import Final

import polars as pl

from aurora.ingest.formats import openai_costs_json, openai_usage_json

_PROJECT: Final = "twin-simulated"


def openai_usage(rows: pl.DataFrame) -> bytes:
    """Pages of OpenAI's usage API."""
    kinds = {"chat": "completions", "embeddings": "embeddings"}
    return openai_usage_json.write(
        [
            (
                row["charge_period_start"],
                {
                    "object": f"organization.usage.{kinds[row['operation_name']]}.result",
                    "input_tokens": row["input_tokens"],
                    "output_tokens": row["output_tokens"],
                    "input_cached_tokens": row["cache_read_input_tokens"],
                    "num_model_requests": row["provider_request_count"],
                    "project_id": _PROJECT,
                    "model": row["request_model"],
                },
            )
            for row in rows.iter_rows(named=True)
        ]
    )


def openai_costs(rows: pl.DataFrame) -> bytes:
    """Pages of OpenAI's costs API."""
    return openai_costs_json.write(
        [
            (
                row["charge_period_start"],
                {
                    "object": "organization.costs.result",
                    "amount": {"value": float(row["billed_cost"]), "currency": "usd"},
                    "line_item": row["line_item"],
                    "project_id": _PROJECT,
                },
            )
            for row in rows.iter_rows(named=True)
        ]
    )


_SELLERS: Final = {"azure.ai.openai": "Microsoft", "gcp.gemini": "Google Cloud"}


def _charges(rows: pl.DataFrame) -> pl.DataFrame:
    """Charges with FOCUS's columns: one a provider, language model and day."""
    written = "%Y-%m-%dT%H:%M:%SZ"
    seller = pl.col("provider_name").replace_strict(_SELLERS)
    day = pl.col("day").cast(pl.Datetime("us", "UTC"))
    cost = pl.col("cost_usd").cast(pl.String)
    tokens = (pl.col("input_tokens") + pl.col("output_tokens")).cast(pl.String)
    return rows.select(
        cost.alias("BilledCost"),
        pl.lit("twin-simulated").alias("BillingAccountId"),
        pl.lit("Simulated brokerage").alias("BillingAccountName"),
        pl.lit("USD").alias("BillingCurrency"),
        day.dt.month_end().dt.offset_by("1d").dt.strftime(written).alias("BillingPeriodEnd"),
        day.dt.month_start().dt.strftime(written).alias("BillingPeriodStart"),
        pl.lit("Usage").alias("ChargeCategory"),
        pl.format("Simulated: {}", "request_model").alias("ChargeDescription"),
        pl.lit("Usage-Based").alias("ChargeFrequency"),
        day.dt.offset_by("1d").dt.strftime(written).alias("ChargePeriodEnd"),
        day.dt.strftime(written).alias("ChargePeriodStart"),
        tokens.alias("ConsumedQuantity"),
        pl.lit("Tokens").alias("ConsumedUnit"),
        cost.alias("ContractedCost"),
        cost.alias("EffectiveCost"),
        seller.alias("InvoiceIssuerName"),
        cost.alias("ListCost"),
        pl.lit("Standard").alias("PricingCategory"),
        tokens.alias("PricingQuantity"),
        pl.lit("Tokens").alias("PricingUnit"),
        seller.alias("ProviderName"),
        seller.alias("PublisherName"),
        pl.lit("AI and Machine Learning").alias("ServiceCategory"),
        pl.lit("Language models").alias("ServiceName"),
        pl.col("request_model").alias("SkuId"),
        pl.lit('{"simulated": "true"}').alias("Tags"),
    )


def focus_table(rows: pl.DataFrame) -> bytes:
    """FOCUS charges as CSV."""
    return _charges(rows).write_csv().encode()


def focus_parquet_bytes(rows: pl.DataFrame) -> bytes:
    """FOCUS charges as Parquet."""
    found = _charges(rows)
    costs = [name for name in found.columns if name.endswith("Cost")]
    out = io.BytesIO()
    found.with_columns(pl.col(name).cast(pl.Decimal(38, 9)) for name in costs).write_parquet(out)
    return out.getvalue()
