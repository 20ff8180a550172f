"""Rows of one file that carry the same key: found while streaming, in bounded memory.

A row whose key may have been seen is set aside; the filter errs only towards setting aside. At the end
each one is told apart by its key and content, read back from the staged files where the first of its
kind was written: the first is good, an equal one a duplicate, a different one a conflict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from aurora.ingest.portions import RAW, REFUSED_SCHEMA, ROW
from contracts import registry
from contracts.table import Table

NOT_CONTENT: Final = frozenset({"source_format", "cost_usd", "cost_source", "price_id", "occurred_date"})
"""Columns that ingest derives, or that say how a row travelled: they do not make two rows different."""
_MARKS_PER_ROW: Final = 8
_MAX_MARKS: Final = 2**27
_LINE: Final = 64
"""Both marks of a key lie in one line of the processor's cache: looking them up costs one miss."""

Hashes = np.ndarray[tuple[int], np.dtype[np.uint64]]
Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]


def content_columns(declared: Table) -> list[str]:
    """Columns that must be equal in two rows of the same key for them to be the same row."""
    derived = NOT_CONTENT if declared.name == "usage" else NOT_CONTENT - {"cost_usd"}
    return [name for name in declared.columns if name not in derived and name not in declared.row_key]


@dataclass(frozen=True, slots=True)
class Settled:
    """Rows that were set aside, told apart."""

    good: pl.DataFrame
    duplicate_count: int
    conflicts: pl.DataFrame


class KeyFilter:
    """Keys of one file and contract seen so far."""

    def __init__(self, declared: Table, *, expected_rows: int) -> None:
        size = 2 ** max(12, (expected_rows * _MARKS_PER_ROW).bit_length())
        self._key = list(declared.row_key)
        self._content = content_columns(declared)
        self._types = registry.polars_schema(declared)
        self._marks = np.zeros(min(size, _MAX_MARKS), dtype=np.bool_)
        self._seen: list[pl.Series] = []
        self._aside: list[pl.DataFrame] = []

    def fresh(self, rows: pl.DataFrame) -> pl.Series | None:
        """Which rows have a key that is surely new, None when all have; the others are set aside."""
        key = rows.select(pl.col(self._key[0]) if len(self._key) == 1 else pl.struct(self._key)).to_series()
        hashes = key.hash(seed=1)
        maybe_seen = pl.Series(self._mark(hashes.to_numpy())) | ~hashes.is_first_distinct()
        if not maybe_seen.any():
            self._seen.append(hashes)
            return None
        self._aside.append(rows.filter(maybe_seen).with_columns(hashes.filter(maybe_seen).alias("_hash")))
        fresh = ~maybe_seen
        self._seen.append(hashes.filter(fresh))
        return fresh

    def _mark(self, hashes: Hashes) -> Flags:
        low = (hashes & np.uint64(self._marks.size - 1)).astype(np.int64)
        high = (low & ~(_LINE - 1)) | ((hashes >> np.uint64(40)) & np.uint64(_LINE - 1)).astype(np.int64)
        seen: Flags = self._marks[low] & self._marks[high]
        self._marks[low] = True
        self._marks[high] = True
        return seen

    def settle(self, staged: Sequence[Path]) -> Settled | None:
        """Tell apart what was set aside, given the files that hold the others; None when nothing was."""
        if not self._aside:
            return None
        aside = pl.concat(self._aside)
        first = self._written(aside, staged)
        told = aside.drop("_hash").with_columns(_is_staged=pl.lit(value=False))
        if first.height:
            told = pl.concat([first.with_columns(_is_staged=pl.lit(value=True)), told], how="diagonal")
        is_first = pl.struct(self._key).is_first_distinct()
        firsts = told.filter(is_first).select(*self._key, *self._content)
        rest = told.filter(~is_first)
        is_same = pl.all_horizontal(
            pl.lit(value=True), *(pl.col(name).eq_missing(pl.col(f"{name}_first")) for name in self._content)
        )
        rest = rest.join(firsts, on=self._key, how="left", maintain_order="left", suffix="_first").with_columns(
            _is_same=is_same
        )
        return Settled(
            good=told.filter(is_first & ~pl.col("_is_staged")).select(aside.drop("_hash").columns),
            duplicate_count=int(rest["_is_same"].sum()),
            conflicts=rest.filter(~pl.col("_is_same")).select(aside.drop("_hash").columns),
        )

    def _written(self, aside: pl.DataFrame, staged: Sequence[Path]) -> pl.DataFrame:
        """Rows in the staged files whose key was set aside later: key and content."""
        hashes = aside["_hash"].unique()
        known = pl.concat([seen.filter(seen.is_in(hashes)) for seen in self._seen]) if self._seen else hashes.clear()
        suspects = aside.filter(pl.col("_hash").is_in(known.implode())).select(self._key).unique()
        columns = [*self._key, *self._content]
        if suspects.is_empty() or not staged:
            return aside.select(columns).clear()
        is_suspect = pl.all_horizontal(pl.col(name).is_in(suspects[name].implode()) for name in self._key)
        found = pl.scan_parquet(list(staged)).filter(is_suspect).select(pl.col(n).cast(self._types[n]) for n in columns)
        return found.join(suspects.lazy(), on=self._key, how="semi").collect()


def conflict_refusals(rows: pl.DataFrame, declared: Table, *, where: str) -> pl.DataFrame:
    """Refusals of rows whose key stands for other content; `where` says where that content is."""
    key = declared.key[0]
    named = pl.concat_str([pl.format("{} {}", pl.lit(name), pl.col(name)) for name in declared.row_key], separator=", ")
    cure = (
        f"Give the changed record a later {declared.versioned_by}."
        if declared.versioned_by
        else "Give the row an id of its own, or send the correction as a new row."
    )
    raw = pl.struct(pl.col(declared.columns).cast(pl.String)).struct.json_encode()
    return rows.select(
        ROW,
        pl.lit(key).alias("column_name"),
        pl.lit("unique_key").alias("rule"),
        pl.format("{} stands {} with other content. {}", named, pl.lit(where), pl.lit(cure)).alias("reason"),
        raw.alias(RAW),
    ).cast(dict(REFUSED_SCHEMA))  # type: ignore[arg-type]
