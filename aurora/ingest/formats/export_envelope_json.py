"""An assistant's export as one JSON document: `{"aurora_export": {...}, "rows": [...]}`.

The rows are of the contract that the envelope names. A document that was cut off, or has one row that is no JSON,
still gives the rows around it. It is held in memory; one over the limit (AURORA_MAX_UPLOAD_MB) is read line by line,
and must hold one row a line.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from aurora.ingest import envelope
from aurora.ingest.canonical_sample import sample_rows
from aurora.ingest.enveloped import Opening, followed
from aurora.ingest.lines import UTF8_BOM, LineChunk, decoded, read_chunks
from aurora.ingest.portions import Portion, Refusal, SourceFile, refusals
from aurora.ingest.source_formats import ANY
from aurora.ingest.tables import json_table
from contracts import registry

CONTRACTS: Final = ANY
_ROWS_AT_ONCE: Final = 50_000
_SHOWN_CHARS: Final = 4096
_SCANNER: Final = json.JSONDecoder()
_END: Final = b"]}"
_CLOSING: Final = (b"]", b"}", b"]}", b"[")
_FOREIGN_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")


class _Document(msgspec.Struct):
    rows: list[msgspec.Raw]
    aurora_export: msgspec.Raw = msgspec.Raw(b"null")


_DOCUMENTS: Final = msgspec.json.Decoder(_Document)


def matches(head: bytes, file_name: str) -> bool:  # noqa: ARG001 - one signature for all formats
    """A JSON object that begins with an envelope and goes on: the first line of NDJSON ends behind it."""
    start = head.lstrip()
    if not start.startswith(b"{") or b'"%s"' % envelope.KEY.encode() not in start:
        return False
    line = start.partition(b"\n")[0]
    try:
        return "rows" in msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return b'"rows"' in start


def read(file: SourceFile) -> Iterator[Portion]:
    """Rows with the contract's columns as text; a position is the row's place in the array."""
    with file.path.open("rb") as stream:
        data = stream.read(file.max_line_bytes + 1)
    text = data.removeprefix(UTF8_BOM)
    if not text.strip():
        return
    if len(data) > file.max_line_bytes and not text.startswith(_FOREIGN_BOMS):
        begun, rows = _opening(text), _by_line(file)
    else:
        begun, rows = _parts(text)
    yield from followed(file, begun, _portions(file.contract, rows))


def _by_line(file: SourceFile) -> Iterator[msgspec.Raw | Refusal]:
    """The rows of a document that is too large to hold, one a line."""
    is_row = False
    for chunk in read_chunks(file):
        yield from chunk.refused
        for number, line in chunk.lines():
            row = line.strip()
            if not is_row:
                _, mark, row = row.partition(b'"rows"')
                row, is_row = row.lstrip(b": [").strip(), bool(mark)
            row = row.rstrip(b",")
            if row.endswith(_END) and not row.startswith(_END):
                row = row.removesuffix(_END).rstrip()
            if row and row not in _CLOSING:
                text = decoded(number, row)
                yield text if isinstance(text, Refusal) else _row(row)


def _row(text: bytes) -> msgspec.Raw | Refusal:
    try:
        msgspec.json.decode(text)
        return msgspec.Raw(text)
    except (msgspec.DecodeError, RecursionError):
        return Refusal(0, "json", "The row is not JSON. It may be cut off; export it again.", _shown(text))


def _parts(data: bytes) -> tuple[Opening, Iterator[msgspec.Raw | Refusal]]:
    """The envelope, and each row or why it is none."""
    if data.startswith(_FOREIGN_BOMS):
        return Opening(), iter([Refusal(0, "encoding", "The export is UTF-16, not UTF-8. Export it as UTF-8.")])
    text = decoded(1, data)
    if isinstance(text, Refusal):
        return _opening(data), _salvaged(data.decode("utf-8", "replace"))
    try:
        document = _DOCUMENTS.decode(data)
        return _opening(bytes(document.aurora_export)), iter(document.rows)
    except (msgspec.DecodeError, RecursionError):
        return _opening(data), _salvaged(text)


def _opening(data: bytes) -> Opening:
    """The envelope in its own text, or at the beginning of a document that is broken further on."""
    try:
        if data.lstrip().startswith(b'{"%s"' % envelope.KEY.encode()) or b'"rows"' in data:
            return Opening(envelope=envelope.of_head(data))
        return Opening(envelope=envelope.parse_text(data))
    except envelope.EnvelopeError as error:
        return Opening(fault=Refusal(0, error.rule or "envelope", str(error), _shown(data)))


def _salvaged(text: str) -> Iterator[msgspec.Raw | Refusal]:
    """The rows of a document that is no JSON as a whole: each one that is JSON by itself, and what is between them."""
    place = text.find("[", text.find('"rows"')) + 1 if '"rows"' in text else len(text)
    if place == len(text):
        yield Refusal(
            0, "json", "The export is not JSON, or has no rows. It may be cut off; export it again.", _shown(text)
        )
    while place < len(text):
        place += len(text[place:]) - len(text[place:].lstrip(", \r\n\t")) if text[place] in ", \r\n\t" else 0
        if place >= len(text):
            return
        if text[place] in "]}":
            rest = text[place:].lstrip("]} \r\n\t")
            if rest:
                yield Refusal(
                    0, "json", "Behind the export stands what is no part of it. Export it again.", _shown(rest)
                )
            return
        try:
            _, end = _SCANNER.raw_decode(text, place)
            row = text[place:end]
            yield _not_text(row) if "\ufffd" in row else msgspec.Raw(row.encode())
        except (ValueError, RecursionError):
            end = _next_line(text, place)
            yield _broken(text[place:end])
        place = end


def _broken(row: str) -> Refusal:
    if "\ufffd" in row:
        return _not_text(row)
    return Refusal(0, "json", "The row is not JSON. It may be cut off; export it again.", _shown(row))


def _not_text(row: str) -> Refusal:
    return Refusal(0, "encoding", "The row is not UTF-8. Export the file as UTF-8.", _shown(row))


def _next_line(text: str, place: int) -> int:
    end = text.find("\n", place)
    return len(text) if end < 0 else end + 1


def _shown(data: bytes | str) -> str:
    text = data if isinstance(data, str) else data[:_SHOWN_CHARS].decode("utf-8", "replace")
    return text[:_SHOWN_CHARS]


def _portions(contract: str, rows: Iterator[msgspec.Raw | Refusal]) -> Iterator[Portion]:
    lines: list[bytes] = []
    numbers: list[int] = []
    refused: list[Refusal] = []
    number = 0
    for number, row in enumerate(rows, start=1):
        if isinstance(row, Refusal):
            refused.append(Refusal(number, row.rule, row.reason, row.raw, row.column_name))
        else:
            numbers.append(number)
            lines.append(_one_line(bytes(row)))
        if len(lines) + len(refused) >= _ROWS_AT_ONCE:
            yield _portion(contract, lines, numbers, refused)
            lines, numbers, refused = [], [], []
    if lines or refused or not number:
        yield _portion(contract, lines, numbers, refused)


def _one_line(row: bytes) -> bytes:
    return row if b"\n" not in row else msgspec.json.format(row, indent=-1)


def _portion(contract: str, lines: list[bytes], numbers: list[int], refused: list[Refusal]) -> Portion:
    found, unread = json_table(LineChunk(b"\n".join(lines), 1), registry.table(contract).columns)
    places = dict(enumerate(numbers, start=1))
    row_numbers = found["row_number"].replace_strict(places) if found.height else found["row_number"]
    kept = [column for column in found if column.null_count() < found.height or column.name == "row_number"]
    moved = [Refusal(places[one.row_number], one.rule, one.reason, one.raw, one.column_name) for one in unread]
    return Portion(
        contract=contract,
        rows=found.select(kept).with_columns(row_numbers.alias("row_number")),
        refused=refusals([*refused, *moved]),
    )


def write(said: envelope.Envelope, rows: Sequence[Mapping[str, object]]) -> bytes:
    """Rows of the contract as a document, one a line."""
    encoder = msgspec.json.Encoder()
    body = b",\n".join(encoder.encode(row) for row in rows)
    return b'{"%s": %s,\n"rows": [\n%s]}\n' % (envelope.KEY.encode(), envelope.encode(said), body)


def sample(*, contract: str, row_count: int, seed: int) -> bytes:
    """Rows of the contract behind an envelope."""
    at = dt.datetime(2026, 10, 1, 8, tzinfo=dt.UTC)
    said = envelope.new_envelope(contract, assistant_id="clara", exported_at=at)
    return write(said, sample_rows(contract, row_count=row_count, seed=seed))
