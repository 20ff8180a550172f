"""What providers would say was used and charged, from the very calls; with errors that are known here.

Each planted error is one row of the truth: which provider, language model and day, what was done to the account,
and by how much. Everything else agrees with the calls to the token and to the nano-dollar.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import numpy as np
import polars as pl

from twin.fleet.llms import REGIONAL
from twin.frame import Export, Frame, Part

OPENAI, ANTHROPIC, AZURE, GEMINI = "openai", "anthropic", "azure.ai.openai", "gcp.gemini"
BILLED: Final = (OPENAI, ANTHROPIC, REGIONAL)
"""Providers that give an account by day."""
CHARGED: Final = (AZURE, GEMINI)
"""Providers that charge in FOCUS."""
_ASKED: Final = dt.timedelta(hours=30)
_ERRORS: Final = ("counts_more", "counts_less", "charges_more", "day_missing")
_ERROR_DAYS: Final = 12
"""Of 90 days."""
_SHARE: Final = 0.12
_DECIMAL: Final = pl.Decimal(18, 9)


def billing(frame: Frame, rows: pl.DataFrame) -> Part:
    """Accounts, invoices and charges for all days of the frame but the last, which is still open."""
    closed = rows.filter(
        ~pl.col("is_error"), pl.col("occurred_at") < frame.until - dt.timedelta(days=1),
        pl.col("provider_name").is_in([*BILLED, *CHARGED]),
    )  # fmt: skip
    cells = (
        closed.group_by(
            "provider_name", "request_model", "operation_name", pl.col("occurred_at").dt.date().alias("day")
        )
        .agg(
            pl.len().cast(pl.Int64).alias("provider_request_count"),
            pl.col("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens").sum(),
            pl.col("cost_usd").sum().cast(_DECIMAL),
        )
        .sort("provider_name", "day", "request_model")
    )
    told, errors = _with_errors(frame, cells)
    accounts = told.filter(pl.col("provider_name").is_in(BILLED))
    invoices, wrong = _invoices(frame, accounts)
    exports = [
        Export(
            source=f"twin_{_short(provider)}_billing",
            contract=contract,
            rows=of(accounts.filter(pl.col("provider_name") == provider)),
        )
        for provider in BILLED
        for contract, of in (("provider_usage", _usage), ("provider_cost", _cost))
    ]
    exports += [
        Export(
            source=f"twin_{_short(provider)}_focus",
            contract="focus_charge",
            rows=told.filter(pl.col("provider_name") == provider),
        )
        for provider in CHARGED
    ]
    exports.append(Export(source="twin_invoices", contract="invoice_line", rows=invoices))
    return Part(exports=exports, truth={"billing_errors": pl.concat([errors, wrong])})


def _short(provider: str) -> str:
    return {AZURE: "azure", GEMINI: "gemini"}.get(provider, provider)


def _with_errors(frame: Frame, cells: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The cells as the providers tell them, and what is wrong with which of them."""
    draw = frame.draws("billing errors")
    may = cells.with_row_index("cell").filter(
        pl.col("provider_name").is_in([OPENAI, ANTHROPIC]), pl.col("provider_request_count") > 8
    )
    count = min(may.height, max(1, round(_ERROR_DAYS * frame.days / 90))) if may.height else 0
    picked = may[np.sort(draw.choice(may.height, size=count, replace=False))] if count else may.clear()
    kinds = [_ERRORS[number % len(_ERRORS)] for number in range(picked.height)]
    factor = {"counts_more": 1 + _SHARE, "counts_less": 1 - _SHARE, "charges_more": 1.0, "day_missing": 1.0}
    planned = pl.DataFrame(
        {
            "cell": picked["cell"],
            "error_kind": pl.Series(kinds, dtype=pl.String),
            "_count": pl.Series([factor[kind] for kind in kinds], dtype=pl.Float64),
            "_money": pl.Series(
                [1 + _SHARE if kind == "charges_more" else factor[kind] for kind in kinds], dtype=pl.Float64
            ),
        }
    )
    told = cells.with_row_index("cell").join(planned, on="cell", how="left", maintain_order="left")
    counted = pl.col(
        "input_tokens",
        "output_tokens",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
        "provider_request_count",
    )
    nano = (pl.col("cost_usd").cast(pl.Float64) * pl.col("_money") * 1e9).round().cast(pl.Int64)
    changed = told.with_columns(
        (counted * pl.col("_count").fill_null(1.0)).round().cast(pl.Int64),
        pl.when(pl.col("_money").is_not_null() & (pl.col("_money") != 1.0))
        .then((nano.cast(pl.Decimal(38, 0)) * pl.lit("0.000000001").cast(_DECIMAL)).cast(_DECIMAL))
        .otherwise("cost_usd").alias("cost_usd"),
    )  # fmt: skip
    errors = told.filter(pl.col("error_kind").is_not_null()).select(
        "provider_name", "request_model", "day", "error_kind",
        pl.when(pl.col("_money") != 1.0).then("_money").otherwise("_count").alias("factor"),
    )  # fmt: skip
    kept = changed.filter((pl.col("error_kind") != "day_missing").fill_null(value=True))
    return kept.drop("cell", "error_kind", "_count", "_money"), errors


def _bucket() -> list[pl.Expr]:
    start = pl.col("day").cast(pl.Datetime("us", "UTC"))
    return [
        start.alias("charge_period_start"),
        (start + pl.duration(days=1)).alias("charge_period_end"),
        (start + _ASKED).alias("retrieved_at"),
    ]


def _id() -> pl.Expr:
    return pl.format("twin/{}/{}/{}", "provider_name", "day", "request_model")


def _usage(cells: pl.DataFrame) -> pl.DataFrame:
    return cells.select(
        _id().alias("provider_usage_id"), "provider_name", "operation_name", "request_model", *_bucket(),
        "input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens", "provider_request_count",
    )  # fmt: skip


def _cost(cells: pl.DataFrame) -> pl.DataFrame:
    return cells.select(
        _id().alias("provider_cost_id"), "provider_name", *_bucket(),
        pl.format("{}, tokens", "request_model").alias("line_item"),
        pl.col("cost_usd").alias("billed_cost"), pl.lit("USD").alias("billing_currency"),
    )  # fmt: skip


def _invoices(frame: Frame, cells: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """An invoice a provider for each whole 30 days, to the cent; one of them has a line too much."""
    months = cells.with_columns(((pl.col("day") - frame.first_day).dt.total_days() // 30).alias("month"))
    months = months.filter((pl.col("month") + 1) * 30 < frame.days)
    lines = months.group_by("provider_name", "month").agg(pl.col("cost_usd").sum()).sort("provider_name", "month")
    extra = lines.filter(pl.col("provider_name") == ANTHROPIC).head(1).with_columns(
        (pl.col("cost_usd") / 20).cast(pl.Decimal(38, 2)).cast(pl.Decimal(38, 9)).alias("cost_usd")
    )  # fmt: skip
    begin = pl.lit(frame.start) + pl.duration(days=pl.col("month") * 30)
    end = begin + pl.duration(days=30)
    rows = pl.concat(
        [lines.with_columns(line=pl.lit(1)), extra.with_columns(line=pl.lit(2))], how="vertical_relaxed"
    ).select(
        pl.format("{}-{}-{}", "provider_name", pl.col("month") + 1, "line").alias("invoice_line_id"),
        pl.format("{}-{}", "provider_name", pl.col("month") + 1).alias("invoice_id"),
        pl.col("provider_name").alias("invoice_issuer_name"),
        "provider_name",
        (end + pl.duration(hours=9)).alias("issued_at"),
        begin.alias("billing_period_start"),
        end.alias("billing_period_end"),
        pl.lit("Usage").alias("charge_category"),
        pl.lit("Simulated invoice of the twin").alias("charge_description"),
        pl.col("cost_usd").cast(pl.Decimal(38, 2)).cast(_DECIMAL).alias("billed_cost"),
        pl.lit("USD").alias("billing_currency"),
    )
    wrong = extra.select(
        "provider_name", pl.lit("*").alias("request_model"),
        (pl.lit(frame.first_day) + pl.duration(days=pl.col("month") * 30)).cast(pl.Date).alias("day"),
        pl.lit("invoice_line_too_much").alias("error_kind"), pl.lit(1.05).alias("factor"),
    )  # fmt: skip
    return rows, wrong
