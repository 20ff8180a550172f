"""FOCUS files of any provider, versions 1.0 to 1.2 and the names of later ones, as charges.

A charge has no id in FOCUS: it is known by its content, and by which of several equal ones in the file it is. The same
file twice changes nothing; a restated period comes with rows that say `Correction`, or as a new file whose old
one has to be discarded first. Columns that begin with `x_` are kept where they are Aurora's own.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from aurora.ingest.portions import ROW
from contracts import registry

MARKS: Final = (b"BilledCost", b"ChargePeriodStart", b"ChargeCategory")
"""Columns that every version has, as they stand in a header or a Parquet footer."""

NAMES: Final = {
    "charge_id": (),
    "service_provider_name": ("ProviderName", "ServiceProviderName", "Provider"),
    "publisher_name": ("PublisherName", "HostProviderName", "Publisher"),
    "invoice_issuer_name": ("InvoiceIssuerName", "InvoiceIssuer"),
    "region_id": ("RegionId", "Region"),
    "input_tokens": ("x_InputTokens",),
    "output_tokens": ("x_OutputTokens",),
    "cache_read_input_tokens": ("x_CachedTokens",),
    "assistant_id": ("x_AssistantId",),
    "conversation_id": ("x_ConversationId",),
    "decision_id": ("x_DecisionId",),
}
"""Columns whose FOCUS name is not their own in PascalCase, each with the names of several versions."""

_OWN: Final = frozenset({"source", "source_format", "region", "provider_name", "request_model"})
_PROVIDERS: Final = {
    "openai": "openai",
    "anthropic": "anthropic",
    "cohere": "cohere",
    "mistral ai": "mistral_ai",
    "groq": "groq",
    "deepseek": "deepseek",
    "perplexity": "perplexity",
    "xai": "x_ai",
}
_SERVICES: Final = {
    "amazon bedrock": "aws.bedrock",
    "azure openai": "azure.ai.openai",
    "azure openai service": "azure.ai.openai",
    "vertex ai": "gcp.vertex_ai",
    "gemini api": "gcp.gemini",
}
"""OpenTelemetry's names of who serves language models, by FOCUS's provider and service."""
_LLM: Final = "language model"


def names_of(column: str) -> tuple[str, ...]:
    """What FOCUS calls a column of the contract `focus_charge`."""
    if column in _OWN:
        return ()
    return NAMES.get(column, ("".join(part.capitalize() for part in column.split("_")),))


@dataclass(slots=True)
class Charges:
    """Turns tables of a FOCUS file into rows of the contract; it counts equal ones, so it sees them once, in order."""

    _seen: Counter[bytes] = field(default_factory=Counter)

    def rows(self, frame: pl.DataFrame) -> pl.DataFrame:
        """`frame` has FOCUS's columns as text, and `row_number`."""
        found: list[pl.Expr] = []
        for column in registry.table("focus_charge").columns:
            given = [name for name in names_of(column) if name in frame.columns]
            if given:
                found.append(pl.coalesce(given).alias(column))
        rows = frame.select(pl.col(ROW), *found)
        return rows.with_columns(self._ids(frame), *_told(rows))

    def _ids(self, frame: pl.DataFrame) -> pl.Series:
        names = sorted(name for name in frame.columns if name != ROW)
        if frame.is_empty() or not names:
            return pl.Series("charge_id", [], dtype=pl.String)
        parts = [pl.format("{}={}", pl.lit(name), pl.col(name).cast(pl.String)).fill_null("") for name in names]
        texts = frame.select(pl.concat_str(parts, separator="\x1f")).to_series()
        return pl.Series("charge_id", [self._id(text) for text in texts], dtype=pl.String)

    def _id(self, text: str) -> str:
        digest = hashlib.blake2b(text.encode(), digest_size=16)
        self._seen[digest.digest()] += 1
        return f"{digest.hexdigest()}-{self._seen[digest.digest()]}"


def _told(rows: pl.DataFrame) -> list[pl.Expr]:
    """Who served it in OpenTelemetry's words, and which language model it was, where the charge says so."""
    found: list[pl.Expr] = []
    names = [
        pl.col(name).str.to_lowercase().replace_strict(known, default=None, return_dtype=pl.String())
        for name, known in (("service_name", _SERVICES), ("service_provider_name", _PROVIDERS))
        if name in rows.columns
    ]
    if names:
        found.append(pl.coalesce(names).alias("provider_name"))
    if {"resource_type", "resource_id"} <= set(rows.columns):
        is_llm = pl.col("resource_type").str.to_lowercase() == _LLM
        found.append(pl.when(is_llm).then(pl.col("resource_id")).alias("request_model"))
    return found


def unknown(columns: list[str]) -> tuple[str, ...]:
    """Columns of a file that the contract has no place for."""
    known = {name for column in registry.table("focus_charge").columns for name in names_of(column)}
    return tuple(name for name in columns if name not in known and name != ROW)
