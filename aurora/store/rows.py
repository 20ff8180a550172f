"""Handing rows to DuckDB as Arrow: whole tables without a copy, lazy frames batch by batch."""

from __future__ import annotations

from typing import Final, TypeAlias

import polars as pl
import pyarrow as pa

Rows: TypeAlias = pl.DataFrame | pl.LazyFrame | pa.Table | pa.RecordBatchReader
"""What a lake takes rows from."""

_BATCH_ROWS: Final = 122_880
"""One DuckDB row group: the unit in which a lazy frame is streamed."""


def as_arrow(frame: Rows) -> pa.Table | pa.RecordBatchReader:
    """`frame` as Arrow. A lazy frame becomes a stream that is computed while it is read."""
    if isinstance(frame, pl.LazyFrame):
        return _stream(frame)
    return frame.to_arrow() if isinstance(frame, pl.DataFrame) else frame


def _stream(frame: pl.LazyFrame) -> pa.RecordBatchReader:
    schema = pl.DataFrame(schema=frame.collect_schema()).to_arrow().schema
    chunks = frame.collect_batches(chunk_size=_BATCH_ROWS, maintain_order=True, engine="streaming")
    batches = (batch for chunk in chunks for batch in chunk.to_arrow().cast(schema).to_batches())
    return pa.RecordBatchReader.from_batches(schema, batches)
