"""FOCUS as Parquet: charges of any provider, read a row group's worth at a time; see `aurora.ingest.focus`."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from aurora.ingest.focus import MARKS, Charges, unknown
from aurora.ingest.formats import focus_csv
from aurora.ingest.portions import ROW, Portion, Refusal, SourceFile, refusals

CONTRACTS: Final = ("focus_charge",)
IS_BINARY: Final = True
_ROWS_AT_ONCE: Final = 50_000
_MAGIC: Final = b"PAR1"


def matches(head: bytes, file_name: str) -> bool:  # noqa: ARG001 - one signature for all formats
    """Parquet whose footer, which comes with the head, names FOCUS's columns."""
    return head.startswith(_MAGIC) and all(mark in head for mark in MARKS)


def read(file: SourceFile) -> Iterator[Portion]:
    """One row a charge; its position is its place in the file."""
    if not file.path.stat().st_size:
        return
    charges, first = Charges(), 1
    try:
        with pq.ParquetFile(file.path) as parquet:
            for batch in parquet.iter_batches(batch_size=_ROWS_AT_ONCE):
                batch.validate(full=True)  # polars trusts Arrow that its texts are UTF-8, and ends the process if not
                rows = _as_text(batch, first)
                first += rows.height
                yield Portion(contract="focus_charge", rows=charges.rows(rows), ignored=unknown(rows.columns))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = f"The file is no whole Parquet file: {str(error)[:200]} It may be cut off; export it again."
        rows = charges.rows(pl.DataFrame(schema={ROW: pl.Int64()}))
        refused = refusals([Refusal(first, "parquet", reason, '"the rest of the file"')])
        yield Portion(contract="focus_charge", rows=rows, refused=refused)


def _as_text(batch: pa.RecordBatch, first: int) -> pl.DataFrame:
    frame = pl.from_arrow(batch)
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a batch of rows always becomes a frame
    columns = [_text(frame[name]) for name in frame.columns]
    return pl.DataFrame(columns).with_columns(pl.int_range(first, first + frame.height, dtype=pl.Int64).alias(ROW))


def _text(column: pl.Series) -> pl.Series:
    """A column as CSV has it: times in UTC, maps as JSON objects."""
    kind = column.dtype
    if isinstance(kind, pl.Datetime):
        return column.dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
    if isinstance(kind, pl.Struct):
        return column.struct.json_encode()
    if isinstance(kind, pl.List):  # Parquet's map: a list of key and value
        return column.map_elements(_object, return_dtype=pl.String)
    return column.cast(pl.String)


def _object(pairs: pl.Series) -> str:
    import msgspec

    known = {pair["key"]: pair["value"] for pair in pairs if isinstance(pair, dict) and "key" in pair}
    return msgspec.json.encode(known).decode()


def sample(*, contract: str, row_count: int, seed: int) -> bytes:  # noqa: ARG001 - one signature for all formats
    """Charges of a cloud provider, costs as decimals and times as times."""
    frame = focus_csv.sample_frame(row_count, seed=seed)
    times = [name for name in frame.columns if "Period" in name]
    costs = [name for name in frame.columns if name.endswith(("Cost", "Price", "Quantity"))]
    out = io.BytesIO()
    frame.with_columns(
        *(pl.col(name).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC") for name in times),
        *(pl.col(name).cast(pl.Decimal(38, 9)) for name in costs),
    ).write_parquet(out)
    return out.getvalue()
