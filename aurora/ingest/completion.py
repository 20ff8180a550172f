"""What ingest adds to a row that passed the gate: who sent it, defaults, the day, an id where it has none."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from contracts import registry
from contracts.table import Table

DEFAULTS: Final[dict[str, Any]] = {"request_count": 1, "is_error": False, "is_sample": False}
"""What a source that is silent means: one request, no failure, not a sample."""

ADDED: Final = frozenset({"source", "source_format", "region", "occurred_date", "cost_source", "price_id", *DEFAULTS})
"""Required columns that ingest can always fill, so that the gate need not ask the source for them."""

_TO_COME: Final = ("expires_at", "due_at", "starts_at", "ends_at")
"""Times that a record names ahead: they say nothing about when it changed."""

OWN_USAGE_COLUMNS: Final = ("occurred_date", "cost_usd", "cost_source", "price_id")
"""Columns of usage that ingest decides: a source's own cost goes to reported_cost_usd."""


@dataclass(slots=True)
class Completion:
    """Fills the rows of one file. It counts rows without an id, so it must see them in order, once."""

    declared: Table
    source: str
    source_format: str
    region: str
    _seen: Counter[bytes] = field(default_factory=Counter)

    def prepared(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Before the gate: the exporter's cost in its column, defaults where the source is silent."""
        if self.declared.name == "usage":
            rows = _own_columns(rows)
        if self.declared.versioned_by:
            rows = _with_state_time(rows, self.declared.versioned_by)
        fills = [
            pl.col(name).fill_null(value)
            for name, value in DEFAULTS.items()
            if name in rows.columns and rows[name].null_count()
        ]
        return rows.with_columns(fills) if fills else rows

    def completed(self, rows: pl.DataFrame) -> pl.DataFrame:
        """All declared columns in their types, with `row_number`."""
        types = registry.polars_schema(self.declared)
        rows = rows.with_columns(
            pl.lit(value, dtype=types[name]).alias(name)
            for name, value in DEFAULTS.items()
            if name in types and name not in rows.columns
        )
        rows = rows.with_columns(
            pl.lit(None, dtype=kind).alias(name) for name, kind in types.items() if name not in rows.columns
        )
        rows = rows.with_columns(pl.lit(value).alias(name) for name, value in self._origin().items() if name in types)
        rows = rows.with_columns(pl.col("region").fill_null(self.region))
        if "occurred_date" in types:
            rows = rows.with_columns(pl.col("occurred_at").dt.date().alias("occurred_date"))
        if self.declared.name == "usage":
            rows = self._identified(rows)
        return rows.select(*types, "row_number")

    def _origin(self) -> dict[str, str]:
        return {"source": self.source, "source_format": self.source_format}

    def _identified(self, rows: pl.DataFrame) -> pl.DataFrame:
        """usage_id: as given, else the source and its own id, else the content and which one of equals it is."""
        if not rows["usage_id"].null_count():
            return rows
        rows = rows.with_columns(
            pl.coalesce("usage_id", pl.format("{}:{}", pl.lit(self.source), "source_record_id")).alias("usage_id")
        )
        nameless = rows["usage_id"].is_null().arg_true()
        if nameless.is_empty():
            return rows
        ids = [self._content_id(text) for text in _content(rows[nameless])]
        return rows.with_columns(rows["usage_id"].scatter(nameless, pl.Series(ids, dtype=pl.String)))

    def _content_id(self, text: str) -> str:
        digest = hashlib.blake2b(text.encode(), digest_size=16)
        self._seen[digest.digest()] += 1
        return f"{self.source}:{digest.hexdigest()}-{self._seen[digest.digest()]}"


def _with_state_time(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """The time of the state, where the source is silent: the last thing that the row says has happened."""
    happened = [
        name
        for name, kind in rows.schema.items()
        if name.endswith("_at") and not name.endswith(_TO_COME) and name != column and isinstance(kind, pl.Datetime)
    ]
    given = [column] if column in rows.columns else []
    if not happened:
        return rows
    return rows.with_columns(pl.coalesce(*given, pl.max_horizontal(happened)).alias(column))


def _own_columns(rows: pl.DataFrame) -> pl.DataFrame:
    if "cost_usd" in rows.columns:
        given = [name for name in ("reported_cost_usd", "cost_usd") if name in rows.columns]
        rows = rows.with_columns(pl.coalesce(given).alias("reported_cost_usd"))
    return rows.drop(OWN_USAGE_COLUMNS, strict=False)


def _content(rows: pl.DataFrame) -> list[str]:
    """Each row as text that does not depend on which empty columns there are."""
    facts = rows.drop("row_number", "source", "source_format", "usage_id", *OWN_USAGE_COLUMNS, strict=False)
    texts = [
        pl.format("{}={}", pl.lit(name), _as_text(name, facts.schema[name])).fill_null("")
        for name in sorted(facts.columns)
    ]
    return facts.select(pl.concat_str(texts, separator="\x1f")).to_series().str.replace_all("\x1f+", "\x1f").to_list()


def _as_text(name: str, kind: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    return (column.dt.epoch("us") if isinstance(kind, pl.Datetime) else column).cast(pl.String)
