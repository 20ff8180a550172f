"""Parquet whose columns are a contract's, in any order: typed as the contract says, or so that no value is lost.

Columns of another type are cast value by value, and a value that does not fit is refused with its row. The
export envelope is the file's key-value metadata `aurora_export`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from aurora.ingest import envelope
from aurora.ingest.canonical_sample import sample_rows
from aurora.ingest.casting import cast_rows
from aurora.ingest.enveloped import Opening, followed
from aurora.ingest.portions import ROW, Portion, Refusal, SourceFile, refusals
from aurora.ingest.source_formats import ANY
from contracts import registry

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

CONTRACTS: Final = ANY
IS_BINARY: Final = True
_MARK: Final = b"PAR1"
_ROWS_AT_ONCE: Final = 65_536


def matches(head: bytes, file_name: str) -> bool:  # noqa: ARG001 - one signature for all formats
    """The four bytes that every Parquet file begins with."""
    return head.startswith(_MARK)


def read(file: SourceFile) -> Iterator[Portion]:
    """Rows with the contract's columns, in the types they have in the file; numbered from 1."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not file.path.stat().st_size:
        return iter(())
    try:
        source = pq.ParquetFile(file.path)
        _ = source.schema_arrow.names  # names that are not UTF-8 fail here
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        return iter([_unreadable(file, 1, error)])
    with_envelope = _opening(source)
    return followed(file, with_envelope, _portions(file, source))


def _opening(source: pq.ParquetFile) -> Opening:
    try:
        return Opening(envelope=envelope.of_metadata(source.metadata.metadata))
    except envelope.EnvelopeError as error:
        return Opening(fault=Refusal(1, error.rule or "envelope", str(error)))


def _portions(file: SourceFile, source: pq.ParquetFile) -> Iterator[Portion]:
    import pyarrow as pa

    with source:
        names = source.schema_arrow.names
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            reason = f"The file has {', '.join(twice)} twice. Keep one column of each name."
            yield _refused(file, Refusal(1, "header", reason, ",".join(names)))
            return
        columns = registry.table(file.contract).columns
        known = [name for name in names if name in columns]
        ignored = tuple(name for name in names if name not in columns)
        first = 1
        try:
            for batch in source.iter_batches(batch_size=_ROWS_AT_ONCE, columns=known):
                batch.validate(full=True)  # polars trusts Arrow that its texts are UTF-8, and ends the process if not
                yield Portion(contract=file.contract, rows=_rows(batch, first), ignored=ignored)
                first += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            yield _unreadable(file, first, error)


def _rows(batch: pa.RecordBatch, first: int) -> pl.DataFrame:
    numbers = pl.int_range(first, first + batch.num_rows, dtype=pl.Int64, eager=True).alias(ROW)
    columns = [_column(name, batch.column(place)) for place, name in enumerate(batch.schema.names)]
    return pl.DataFrame([*columns, numbers])


def _column(name: str, values: pa.Array) -> pl.Series:
    """The column; lists and structures as JSON text, bytes as the text that they are, or null where they are none."""
    column = pl.Series(name, values)
    if column.dtype.is_nested():
        texts = [
            None if value is None else json.dumps(value, default=str, ensure_ascii=False)
            for value in values.to_pylist()
        ]
        return pl.Series(name, texts, dtype=pl.String)
    if column.dtype in (pl.Categorical, pl.Enum):
        return column.cast(pl.String)
    return column


def _unreadable(file: SourceFile, row: int, error: BaseException) -> Portion:
    reason = (
        f"The Parquet file cannot be read from row {row} on: {str(error).splitlines()[0]}. "
        "It may be cut off; export it again."
    )
    return _refused(file, Refusal(row, "parquet", reason))


def _refused(file: SourceFile, refusal: Refusal) -> Portion:
    return Portion(contract=file.contract, rows=pl.DataFrame(schema={ROW: pl.Int64()}), refused=refusals([refusal]))


def sample(*, contract: str, row_count: int, seed: int) -> bytes:
    """Rows of the contract in its own types."""
    return parquet_bytes(contract, sample_rows(contract, row_count=row_count, seed=seed))


def parquet_bytes(contract: str, rows: list[dict[str, Any]], said: envelope.Envelope | None = None) -> bytes:
    """Rows of the contract, given as in NDJSON, as a Parquet file, with an envelope where one is given."""
    declared = registry.table(contract)
    names = list(dict.fromkeys(name for row in rows for name in row))
    texts = {name: [None if row.get(name) is None else _text(row[name]) for row in rows] for name in names}
    frame = pl.DataFrame(texts, schema=dict.fromkeys(names, pl.String()))
    out = io.BytesIO()
    metadata = {} if said is None else {envelope.KEY: envelope.encode(said).decode()}
    cast_rows(frame, declared).rows.write_parquet(out, metadata=metadata)
    return out.getvalue()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
