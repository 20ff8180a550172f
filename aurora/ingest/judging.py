"""Whether rows keep their contract: cast, filled, gated. The one place, for ingest and for handoffs."""

from __future__ import annotations

import polars as pl

from aurora.ingest.casting import cast_rows
from aurora.ingest.completion import ADDED, Completion
from aurora.ingest.gate import explained, gate_faults
from aurora.ingest.portions import RAW, no_refusals
from contracts import registry
from contracts.table import Table

_FILLED = ADDED | {"usage_id"}


def judged(read: pl.DataFrame, declared: Table, completion: Completion) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows that keep the contract, in its types, and the refusals of the others, every fault of each.

    `read` holds contract columns as text or typed, and `row_number`.
    """
    cast = cast_rows(read.drop(RAW, strict=False), declared)
    rows = completion.prepared(cast.rows)
    rows = rows.with_columns(
        pl.lit(None, dtype=kind).alias(name)
        for name, kind in registry.polars_schema(declared).items()
        if name not in rows.columns and declared.is_required(name) and name not in _FILLED
    )
    shown = frozenset(rows.columns) - ({"usage_id"} if declared.name == "usage" else frozenset())
    faults = gate_faults(rows, declared, given=shown)
    faults = faults.join(cast.faults, on=["index", "column_name"], how="anti")
    faults = pl.concat([cast.faults, faults])
    if faults.is_empty():
        return rows, no_refusals()
    return rows.filter(~_marked(faults["index"], rows.height)), explained(faults, read, declared)


def _marked(indices: pl.Series, height: int) -> pl.Series:
    return pl.repeat(value=False, n=height, eager=True).scatter(indices.unique(), True)  # noqa: FBT003
