"""Tables of text out of chunks of lines: NDJSON and CSV, the fast way, line by line only where that fails.

Values stay text here; casting is `aurora.ingest.casting`'s. A row that cannot be read is refused with
its position, the rest of the chunk still goes on.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
import polars as pl
import pyarrow as pa
import pyarrow.csv as pa_csv

from aurora.ingest.lines import LineChunk, decoded, read_chunks
from aurora.ingest.portions import ROW, Refusal, SourceFile

_DECODER: Final = msgspec.json.Decoder()
Table = tuple[pl.DataFrame, list[Refusal]]


def json_table(chunk: LineChunk, columns: Sequence[str]) -> Table:
    """The chunk's objects as text columns and `row_number`; keys not in `columns` are left out."""
    schema = dict.fromkeys(columns, pl.String())
    if not chunk.data or chunk.data.isspace():
        return _numbered(pl.DataFrame(schema=schema), []), list(chunk.refused)
    count = chunk.line_count
    try:
        frame = pl.read_ndjson(chunk.data, schema=schema)
    except pl.exceptions.PolarsError:
        frame = None
    if frame is not None and frame.height == count:
        return _numbered(frame, range(chunk.first, chunk.first + count)), list(chunk.refused)
    return _json_by_line(chunk, schema)


def _json_by_line(chunk: LineChunk, schema: dict[str, pl.String]) -> Table:
    refused = list(chunk.refused)
    numbers: list[int] = []
    values: list[dict[str, str | None]] = []
    for number, record, _ in json_records(chunk, refused):
        numbers.append(number)
        values.append({name: _text(record.get(name)) for name in schema})
    return _numbered(pl.DataFrame(values, schema=schema), numbers), refused


def json_records(chunk: LineChunk, refused: list[Refusal]) -> Iterator[tuple[int, dict[str, Any], str]]:
    """Each line's object with its number and text; lines that are none go to `refused`."""
    for number, line in chunk.lines():
        text = decoded(number, line)
        if isinstance(text, Refusal):
            refused.append(text)
            continue
        record = parse_object(number, text)
        if isinstance(record, Refusal):
            refused.append(record)
        else:
            yield number, record, text


def parse_object(number: int, text: str) -> dict[str, Any] | Refusal:
    """The JSON object in `text`, or why there is none."""
    try:
        record = _DECODER.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        reason = f"Line {number} is not JSON: {error}. It may be cut off; export it again."
        return Refusal(number, "json", reason, text)
    if not isinstance(record, dict):
        return Refusal(number, "json", f"Line {number} is JSON but not an object. Write one object a line.", text)
    return record


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def csv_header(line: bytes) -> list[str]:
    """Column names of a header line, without quotes and white space. No name holds a NUL: Arrow ends it there."""
    text = line.decode("utf-8", "replace").replace("\r", " ").replace("\0", "\ufffd")
    return [name.strip() for name in _fields(text)]


def after_header(chunk: LineChunk) -> tuple[LineChunk, list[str]]:
    """The chunk without its first line that is not blank, and that line's names."""
    data, first = chunk.data, chunk.first
    while data:
        line, _, data = data.partition(b"\n")
        first += 1
        if line.strip():
            return LineChunk(data, first, chunk.refused), csv_header(line.rstrip(b"\r"))
    return LineChunk(b"", first, chunk.refused), []


def csv_tables(file: SourceFile) -> Iterator[tuple[list[str], pl.DataFrame, list[Refusal]]]:
    """A CSV file in pieces: the header's names, the rows as `csv_table` gives them, and what could not be read."""
    header: list[str] = []
    for chunk in read_chunks(file, quoted=True):
        body = chunk
        if not header:
            body, header = after_header(chunk)
        yield header, *csv_table(body, header)


def csv_table(chunk: LineChunk, header: Sequence[str]) -> Table:
    """The chunk's records as text columns and `row_number` (the line); empty values are null.

    Of columns of one name the first bears it: a header that was damaged, or lost, may name two alike.
    """
    names = _told_apart(header)
    if not chunk.data or chunk.data.isspace():
        return _numbered(pl.DataFrame(schema=dict.fromkeys(names, pl.String())), []), list(chunk.refused)
    count = chunk.line_count
    table = _arrow_csv(chunk.data, names) if names else None
    if table is None or table.num_rows != count:
        return _csv_by_line(chunk, names)
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a table always becomes a frame
    return _numbered(frame, range(chunk.first, chunk.first + count)), list(chunk.refused)


def _told_apart(header: Sequence[str]) -> list[str]:
    names: dict[str, None] = {}
    for name in header:
        own = name
        while own in names:
            own += " (again)"
        names[own] = None
    return list(names)


def _arrow_csv(data: bytes, names: list[str]) -> pa.Table | None:
    try:
        return pa_csv.read_csv(
            pa.BufferReader(data),
            # one block and one thread: the rest of ingest has the other core (a quarter less CPU, measured)
            read_options=pa_csv.ReadOptions(column_names=names, block_size=len(data) + 1, use_threads=False),
            parse_options=pa_csv.ParseOptions(ignore_empty_lines=False),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                null_values=[""],
            ),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return None


def _csv_by_line(chunk: LineChunk, names: list[str]) -> Table:
    refused = list(chunk.refused)
    numbers: list[int] = []
    rows: list[list[str | None]] = []
    for number, fields in _csv_records(chunk, len(names), refused):
        numbers.append(number)
        rows.append([value or None for value in fields])
    return _numbered(pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String()), orient="row"), numbers), refused


def _csv_records(chunk: LineChunk, width: int, refused: list[Refusal]) -> Iterator[tuple[int, list[str]]]:
    """Records one by one. A quoted value may span lines; if that loses records, lines are taken alone."""
    lines = [(number, decoded(number, line)) for number, line in chunk.lines()]
    refused += [text for _, text in lines if isinstance(text, Refusal)]
    readable = [(number, text) for number, text in lines if isinstance(text, str)]
    alone = [(number, _fields(text)) for number, text in readable]
    spanning = max(list(_spanning(readable)), alone, key=lambda found: sum(len(fields) == width for _, fields in found))
    texts = dict(readable)
    for number, fields in spanning:
        if len(fields) == width:
            yield number, fields
        else:
            reason = (
                f"Line {number} has {len(fields)} values, the header has {width} columns. "
                "It may be cut off or hold an unquoted comma; export it again."
            )
            refused.append(Refusal(number, "column_count", reason, texts[number]))


def _spanning(lines: list[tuple[int, str]]) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO("\n".join(text for _, text in lines)))
    taken = 0
    try:
        for fields in reader:
            yield lines[taken][0], fields
            taken = reader.line_num
    except csv.Error:
        return


def _fields(text: str) -> list[str]:
    try:
        return next(csv.reader([text]), [])
    except csv.Error:
        return []


def _numbered(frame: pl.DataFrame, numbers: Sequence[int] | range) -> pl.DataFrame:
    if isinstance(numbers, range):
        return frame.with_columns(pl.int_range(numbers.start, numbers.stop, dtype=pl.Int64).alias(ROW))
    return frame.with_columns(pl.Series(ROW, list(numbers), dtype=pl.Int64))
