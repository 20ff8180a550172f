"""The gate for a Parquet file whose columns are already of the contract's types: good rows from refused ones.

In bounded memory whatever the file's size: the contract's predicate is asked of the whole file in a stream,
and only the rows that fail are held, shown to pandera and explained.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from aurora.errors import DataError
from aurora.ingest.gate import explained, gate_faults
from aurora.ingest.portions import ROW, no_refusals
from aurora.ingest.predicates import judged_columns, polars_passes
from contracts import registry
from contracts.table import Table

_EXPLAINED_AT_ONCE: Final = 32_768


@dataclass(frozen=True, slots=True)
class Sifted:
    """What became of a file: `row_count` = good rows + the distinct `row_number`s in `refused`."""

    row_count: int
    refused: pl.DataFrame
    """A frame of REFUSED_SCHEMA: one row a refused row and failed check, `row_number` from 1."""


def file_refusals(file: Path, declared: Table) -> Sifted:
    """Check every row of the file; nothing is written. Errors: as `sift_file`."""
    scan, passes = _scan(file, declared)
    return Sifted(_row_count(scan), _refused(_failing(scan, passes), declared))


def sift_file(file: Path, declared: Table, *, good: Path) -> Sifted:
    """Write the file's good rows to `good`, in their order, and return the refusals of the others.

    Errors: `DataError` for a required column that is missing and a column that is not of its declared type.
    """
    scan, passes = _scan(file, declared)
    # two passes over the predicate's columns: one plan with two ends holds rows back, and twice the memory
    failing = _failing(scan, passes)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="sifting") as pool:
        refused = pool.submit(_refused, failing, declared)
        scan.filter(passes).sink_parquet(good, compression="lz4")
        return Sifted(_row_count(scan), refused.result())


def _scan(file: Path, declared: Table) -> tuple[pl.LazyFrame, pl.Expr]:
    scan = pl.scan_parquet(file)
    schema = scan.collect_schema()
    _require_shape(file, schema, declared)
    columns = [name for name in schema.names() if name in declared.columns]
    return scan, polars_passes(declared, judged_columns(declared, columns))


def _failing(scan: pl.LazyFrame, passes: pl.Expr) -> pl.DataFrame:
    numbered = scan.with_row_index(ROW, offset=1).filter(~passes).with_columns(pl.col(ROW).cast(pl.Int64))
    return numbered.collect(engine="streaming")


def _row_count(scan: pl.LazyFrame) -> int:
    return int(scan.select(pl.len()).collect().item())


def _refused(failing: pl.DataFrame, declared: Table) -> pl.DataFrame:
    given = frozenset(failing.columns) & frozenset(declared.columns)
    # a slice at a time: what explains a row is many times the row
    slices = [failing[start : start + _EXPLAINED_AT_ONCE] for start in range(0, failing.height, _EXPLAINED_AT_ONCE)]
    told = [explained(gate_faults(rows, declared, given=given), rows, declared) for rows in slices]
    return pl.concat([no_refusals(), *told])


def _require_shape(file: Path, schema: pl.Schema, declared: Table) -> None:
    missing = [name for name in declared.columns if declared.is_required(name) and name not in schema]
    if missing:
        raise _shape_error(file, missing, declared, "is missing and required")
    types = registry.polars_schema(declared)
    wrong = [name for name, kind in schema.items() if name in types and kind != types[name]]
    if wrong:
        raise _shape_error(file, wrong, declared, f"is {schema[wrong[0]]} and must be {types[wrong[0]]}")


def _shape_error(file: Path, names: Iterable[str], declared: Table, why: str) -> DataError:
    first = next(iter(names))
    return DataError(
        f"{file.name} does not have the shape of {declared.name}: {first} {why}.",
        field=first,
        rule="shape",
        next_step="Write it with contracts.registry.arrow_schema, or ingest it: ingest casts what can be cast.",
    )
