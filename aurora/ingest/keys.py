"""Rows of one file that carry the same key: found while streaming, in bounded memory.

A row whose key may have been seen is set aside; the filter errs only towards setting aside. At the end
each one is told apart by two 64-bit hashes of its key and one of its content: the first of its kind is
good, an equal one a duplicate, a different one a conflict.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from contracts.table import Table

NOT_CONTENT: Final = frozenset({"source_format", "cost_usd", "cost_source", "price_id", "occurred_date"})
"""Columns that ingest derives, or that say how a row travelled: they do not make two rows different."""
_BYTES_PER_ROW: Final = 16
_MAX_FILTER_BYTES: Final = 2**28
_TELL: Final = ("_key", "_key_too", "_content")


def content_columns(declared: Table) -> list[str]:
    """Columns that must be equal in two rows of the same key for them to be the same row."""
    derived = NOT_CONTENT if declared.name == "usage" else NOT_CONTENT - {"cost_usd"}
    return [name for name in declared.columns if name not in derived and name not in declared.key]


@dataclass(frozen=True, slots=True)
class Settled:
    """Rows that were set aside, told apart."""

    good: pl.DataFrame
    duplicate_count: int
    conflicts: pl.DataFrame


class KeyFilter:
    """Keys of one file and contract seen so far."""

    def __init__(self, declared: Table, *, expected_rows: int) -> None:
        size = 2 ** max(12, (expected_rows * _BYTES_PER_ROW).bit_length())
        self._key = list(declared.key)
        self._content = content_columns(declared)
        self._marks = np.zeros(min(size, _MAX_FILTER_BYTES), dtype=np.bool_)
        self._seen: list[pl.DataFrame] = []
        self._aside: list[pl.DataFrame] = []

    def fresh(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows whose key is surely new; the others are set aside."""
        told = rows.select(
            pl.struct(self._key).hash(seed=1).alias("_key")
            if len(self._key) > 1
            else pl.col(self._key[0]).hash(seed=1).alias("_key"),
            pl.struct(self._key).hash(seed=2).alias("_key_too")
            if len(self._key) > 1
            else pl.col(self._key[0]).hash(seed=2).alias("_key_too"),
        )
        maybe_seen = self._mark(told["_key"].to_numpy()) | ~told["_key"].is_first_distinct().to_numpy()
        told = told.with_columns(_content=rows.select(self._content).hash_rows(seed=3))
        if not maybe_seen.any():
            self._seen.append(told)
            return rows
        mask = pl.Series(maybe_seen)
        self._aside.append(rows.filter(mask).with_columns(told.filter(mask)))
        self._seen.append(told.filter(~mask))
        return rows.filter(~mask)

    def _mark(self, hashes: np.ndarray[tuple[int], np.dtype[np.uint64]]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        mask = np.uint64(self._marks.size - 1)
        low = (hashes & mask).astype(np.int64)
        high = ((hashes >> np.uint64(32)) & mask).astype(np.int64)
        seen = self._marks[low] & self._marks[high]
        self._marks[low] = True
        self._marks[high] = True
        return seen

    def settle(self) -> Settled | None:
        """Tell apart what was set aside; None when nothing was."""
        if not self._aside:
            return None
        aside = pl.concat(self._aside)
        keys = aside.select("_key", "_key_too").unique()
        first = (
            pl.concat([*self._seen, aside.select(_TELL)])
            .lazy()
            .join(keys.lazy(), on=["_key", "_key_too"], how="semi", maintain_order="left")
            .group_by("_key", "_key_too", maintain_order=True)
            .agg(pl.col("_content").first().alias("_first"))
            .collect()
        )
        staged = pl.concat(self._seen).join(keys, on=["_key", "_key_too"], how="semi").select("_key", "_key_too")
        told = (
            aside.join(first, on=["_key", "_key_too"], how="left", maintain_order="left")
            .join(staged.with_columns(_is_staged=True), on=["_key", "_key_too"], how="left", maintain_order="left")
            .with_columns(
                _is_good=pl.struct("_key", "_key_too").is_first_distinct() & pl.col("_is_staged").is_null(),
                _is_same=pl.col("_content") == pl.col("_first"),
            )
        )
        rest = told.filter(~pl.col("_is_good"))
        return Settled(
            good=told.filter("_is_good").drop("^_.*$"),
            duplicate_count=int(rest["_is_same"].sum()),
            conflicts=rest.filter(~pl.col("_is_same")).drop("^_.*$"),
        )
