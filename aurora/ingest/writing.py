"""Good rows to Parquet files, priced, in a thread of its own while the next rows are gated.

Polars gives the interpreter lock away, so that the machine's other core is used; two frames wait at most.
A small batch is written where it is: a thread would cost more than the rows.
"""

from __future__ import annotations

import uuid
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

import polars as pl

from aurora.gateway.prices import PriceBook
from aurora.ingest.portions import BatchOrigin
from contracts.table import Table

_ROWS_PER_GROUP: Final = 122_880
"""Rows that DuckDB reads as one piece of work."""
_WAITING: Final = 2


class StagedWriter:
    """Writes the files of one batch and contract. Only the thread that made it may call it."""

    def __init__(
        self, declared: Table, origin: BatchOrigin, *, folder: Path, book: PriceBook, is_small: bool = False
    ) -> None:
        self.files: list[Path] = []
        self._declared = declared
        self._origin = origin
        self._folder = folder
        self._book = book
        self._pool = None if is_small else ThreadPoolExecutor(max_workers=1, thread_name_prefix="ingest-writer")
        self._pending: deque[Future[int]] = deque()
        self._unpriced_count = 0

    def write(self, rows: pl.DataFrame, kept: pl.Series | None = None) -> int:
        """Have those of `rows` that are `kept` priced and written; returns how many they are."""
        count = rows.height if kept is None else int(kept.sum())
        if count:
            while len(self._pending) >= _WAITING:
                self._unpriced_count += self._pending.popleft().result()
            self._folder.mkdir(parents=True, exist_ok=True)
            file = self._folder / f"batch-{self._origin.batch_id[:12]}-{uuid.uuid4().hex[:16]}.parquet"
            self.files.append(file)
            if self._pool is None:
                self._unpriced_count += self._write(file, rows, kept)
            else:
                self._pending.append(self._pool.submit(self._write, file, rows, kept))
        return count

    def flush(self) -> int:
        """Wait until all is written; returns how many rows of them are unpriced. Raises what a write raised."""
        while self._pending:
            self._unpriced_count += self._pending.popleft().result()
        return self._unpriced_count

    def close(self) -> None:
        """End the thread; a write that has begun is finished, so that its file can be removed."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _write(self, file: Path, rows: pl.DataFrame, kept: pl.Series | None) -> int:
        unpriced_count = 0
        if self._declared.name == "usage":
            rows = self._book.price(rows)
            unpriced = rows["cost_source"] == "unpriced"
            unpriced_count = int((unpriced if kept is None else unpriced & kept).sum())
        stored = rows.lazy() if kept is None else rows.lazy().filter(kept)
        stored.with_columns(self._stamps(rows)).select(self._declared.stored_columns).sink_parquet(
            file, compression="lz4", row_group_size=_ROWS_PER_GROUP
        )
        return unpriced_count

    def _stamps(self, rows: pl.DataFrame) -> list[pl.Expr]:
        """The batch columns; a text that all rows share is written once, as a dictionary of one."""
        origin = self._origin
        shared = {"batch_id": origin.batch_id}
        for name in ("source", "source_format", "region"):
            if name in rows.columns and (value := rows[name][0]) is not None and (rows[name] == value).all():
                shared[name] = value
        return [
            *(pl.lit(value, dtype=pl.Enum([value])).alias(name) for name, value in shared.items()),
            pl.lit(origin.batch_seq, dtype=pl.Int64).alias("batch_seq"),
            pl.lit(origin.ingested_at).cast(pl.Datetime("us", "UTC")).alias("ingested_at"),
        ]
