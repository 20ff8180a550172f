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
_MAX_IN_MEMORY: Final = 2**30
"""Bytes of a file that is read by polars: a tenth of Arrow's cost, but the whole file must be in memory, since a
file that is mapped and shrinks meanwhile ends the process."""


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
        for rows in _quick(file, source, known):
            yield Portion(contract=file.contract, rows=rows.with_columns(_numbers(first, rows.height)), ignored=ignored)
            first += rows.height
        if first > source.metadata.num_rows > 0:
            return
        try:
            for batch in _from_row(source, known, first - 1):
                batch.validate(full=True)  # polars trusts Arrow that its texts are UTF-8, and ends the process if not
                yield Portion(contract=file.contract, rows=_rows(batch, first), ignored=ignored)
                first += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            yield _unreadable(file, first, error)


def _quick(file: SourceFile, source: pq.ParquetFile, known: list[str]) -> Iterator[pl.DataFrame]:
    """The rows up to where polars meets something that it cannot read; none where Arrow must look at the columns."""
    types = {name: source.schema_arrow.field(name).type for name in known}
    if not known or file.path.stat().st_size > _MAX_IN_MEMORY or not all(map(_is_plain, types.values())):
        return
    try:
        scan = pl.scan_parquet(io.BytesIO(file.path.read_bytes())).select(known)
        for rows in scan.collect_batches(chunk_size=_ROWS_AT_ONCE, maintain_order=True):
            if rows.height:
                yield rows
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
        return  # Arrow goes on from here, and says what is wrong


def _is_plain(kind: pa.DataType) -> bool:
    """Whether polars reads a column of the type as Arrow does."""
    from pyarrow import types

    is_number = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal128(kind)
    is_text = types.is_string(kind) or types.is_large_string(kind)
    return bool(is_number or is_text or types.is_boolean(kind) or types.is_timestamp(kind) or types.is_date32(kind))


def _from_row(source: pq.ParquetFile, known: list[str], row: int) -> Iterator[pa.RecordBatch]:
    """Batches of the rows from `row` on, counted from 0."""
    for batch in source.iter_batches(batch_size=_ROWS_AT_ONCE, columns=known):
        if row < batch.num_rows:
            yield batch.slice(row)
        row = max(0, row - batch.num_rows)


def _numbers(first: int, count: int) -> pl.Series:
    return pl.int_range(first, first + count, dtype=pl.Int64, eager=True).alias(ROW)


def _rows(batch: pa.RecordBatch, first: int) -> pl.DataFrame:
    columns = [_column(name, batch.column(place)) for place, name in enumerate(batch.schema.names)]
    return pl.DataFrame([*columns, _numbers(first, batch.num_rows)])


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
