"""The export envelope: what an assistant says about an export before its rows.

`{"aurora_export": {"version": 1, "assistant_id": "clara", "contract": "conversation", ...}}`. It stands
where each form has a place for it: in JSON beside `rows`, in NDJSON as the first line, in CSV as a first
line that begins with `#aurora_export `, in Parquet as the key-value metadata `aurora_export`.

Rows of a file that carries an envelope are of the contract it names, whatever their columns look like.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from aurora.errors import DataError
from aurora.ingest.lines import UTF8_BOM
from aurora.ingest.portions import Refusal
from contracts import registry

KEY: Final = "aurora_export"
VERSION: Final = 1
CSV_MARK: Final = b"#aurora_export "
_PARQUET: Final = b"PAR1"
_HEAD_BYTES: Final = 64 * 1024
_NEXT_STEP: Final = "Correct the envelope as docs/how-to/export-with-an-envelope.md shows, and send the export again."

_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_Version = Annotated[str, msgspec.Meta(pattern=r"^\d+\.\d+\.\d+$")]


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What an export says about itself. Keys it does not have are passed over: they may come with a later version."""

    version: Annotated[int, msgspec.Meta(ge=1)]
    """Version of the envelope itself."""
    assistant_id: _Id
    """The assistant that exported: the default of the rows' own `assistant_id`."""
    contract: _Id
    """The contract of every row."""
    contract_version: _Version
    """Version of the contract that the rows were written for."""
    exported_at: dt.datetime
    """When the export was made, with its offset from UTC."""
    cursor: str | None = None
    """Where the next export goes on; opaque, given back as it came."""
    row_count: Annotated[int, msgspec.Meta(ge=0)] | None = None
    """How many rows follow: fewer mean that the export was cut off."""


class EnvelopeError(DataError):
    """The envelope cannot be read, or names what is not there."""


def parse(value: Any) -> Envelope:
    """The envelope in a decoded value. Errors: `EnvelopeError` names the part that is wrong."""
    try:
        found = msgspec.convert(value, Envelope)
    except msgspec.ValidationError as error:
        raise EnvelopeError(
            f"The export envelope is not valid: {error}.", field=KEY, rule="envelope", next_step=_NEXT_STEP
        ) from None
    return _checked(found)


def parse_text(text: bytes | str) -> Envelope:
    """The envelope in JSON text. Errors: `EnvelopeError`."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EnvelopeError(
            f"The export envelope is not JSON: {error}.", field=KEY, rule="envelope", next_step=_NEXT_STEP
        ) from None
    return parse(value)


def _checked(found: Envelope) -> Envelope:
    if found.version != VERSION:
        raise EnvelopeError(
            f"The export envelope has version {found.version}; this Aurora reads version {VERSION}.",
            field="version",
            rule="envelope_version",
            next_step="Export with that version, or update Aurora.",
        )
    declared = registry.tables().get(found.contract)
    if declared is None or not declared.is_ingested:
        raise EnvelopeError(
            f"The export envelope names the contract {found.contract[:80]!r}, which takes no exports.",
            field="contract",
            rule="known_contract",
            next_step="`aurora contract list` names those that do.",
        )
    if _major(found.contract_version) > _major(declared.version):
        raise EnvelopeError(
            f"The rows are written for {found.contract} {found.contract_version}; this Aurora has {declared.version}.",
            field="contract_version",
            rule="contract_version",
            next_step=f"Export {found.contract} {declared.version}, or update Aurora.",
        )
    if found.exported_at.tzinfo is None:
        raise EnvelopeError(
            "exported_at of the export envelope has no offset from UTC.",
            field="exported_at",
            rule="envelope",
            next_step="Write it as RFC 3339, such as 2026-10-01T08:00:00Z.",
        )
    return found


def _major(version: str) -> int:
    return int(version.partition(".")[0])


def new_envelope(
    contract: str,
    *,
    assistant_id: str,
    exported_at: dt.datetime,
    row_count: int | None = None,
    cursor: str | None = None,
) -> Envelope:
    """An envelope for rows of `contract` as it is declared here."""
    return Envelope(
        version=VERSION,
        assistant_id=assistant_id,
        contract=contract,
        contract_version=registry.table(contract).version,
        exported_at=exported_at,
        cursor=cursor,
        row_count=row_count,
    )


def encode(envelope: Envelope) -> bytes:
    """The envelope as JSON text, without its key: what Parquet's metadata holds."""
    return msgspec.json.encode(envelope)


def ndjson_line(envelope: Envelope) -> bytes:
    """The first line of an NDJSON export, with its newline."""
    return msgspec.json.encode({KEY: envelope}) + b"\n"


def csv_line(envelope: Envelope) -> bytes:
    """The first line of a CSV export, with its newline."""
    return CSV_MARK + encode(envelope) + b"\n"


def of_line(line: bytes) -> Envelope | None:
    """The envelope that a file's first line is, None for any other line. Errors: `EnvelopeError`."""
    stripped = line.strip()
    if stripped.startswith(CSV_MARK.rstrip()):
        return parse_text(stripped[len(CSV_MARK.rstrip()) :])
    if not stripped.startswith(b"{") or b'"%s"' % KEY.encode() not in stripped:
        return None
    try:
        value = msgspec.json.decode(stripped)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return parse(value[KEY]) if isinstance(value, dict) and KEY in value else None


def of_metadata(metadata: Mapping[bytes, bytes] | None) -> Envelope | None:
    """The envelope in Parquet's key-value metadata, None where there is none. Errors: `EnvelopeError`."""
    text = (metadata or {}).get(KEY.encode())
    return None if text is None else parse_text(text)


def of_file(path: Path) -> Envelope | None:
    """The envelope of a file in any of the forms, None where it has none. Errors: `EnvelopeError`."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    if head.startswith(_PARQUET):
        return _of_parquet(path)
    return of_head(head)


def of_head(head: bytes) -> Envelope | None:
    """The envelope that a text file of any form begins with, None where there is none. Errors: `EnvelopeError`."""
    head = head.removeprefix(UTF8_BOM).lstrip()
    if head.startswith((CSV_MARK.rstrip(), b"{")):
        return of_line(head.partition(b"\n")[0]) or _of_document(head)
    return None


def _of_parquet(path: Path) -> Envelope | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return of_metadata(pq.read_metadata(path).metadata)
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        return None


def _of_document(head: bytes) -> Envelope | None:
    """The envelope at the beginning of a JSON document that may be longer than `head`."""
    start = head.lstrip()[1:].lstrip()
    mark = b'"%s"' % KEY.encode()
    if not start.startswith(mark):
        return None
    value = start[len(mark) :].lstrip().removeprefix(b":").lstrip()
    end = _object_end(value)
    return None if end is None else parse_text(value[:end])


def _object_end(text: bytes) -> int | None:
    """Where the flat object that `text` begins with ends; strings may hold braces."""
    depth, is_text, is_escaped = 0, False, False
    for place, byte in enumerate(text):
        if is_text:
            is_text = byte != ord('"') or is_escaped
            is_escaped = byte == ord("\\") and not is_escaped
        elif byte == ord('"'):
            is_text = True
        elif byte in b"{[":
            depth += 1
        elif byte in b"}]":
            depth -= 1
            if depth == 0:
                return place + 1
    return None


def shortfall(envelope: Envelope | None, *, rows: int, last: int) -> Refusal | None:
    """The refusal that stands for rows that were promised and did not come; `last` is the last position read."""
    if envelope is None or envelope.row_count is None or envelope.row_count == rows:
        return None
    reason = (
        f"The export envelope promises {envelope.row_count} rows and {rows} came. "
        "What came has landed; send the whole export again, and only what is missing will be added."
    )
    return Refusal(last + 1, "row_count", reason, encode(envelope).decode())


def json_schema(contract: str | None = None) -> dict[str, Any]:
    """JSON Schema (2020-12) of an export as one JSON document: the envelope and its rows."""
    envelope = msgspec.json.schema(Envelope)["$defs"]["Envelope"]
    rows = {"type": "object"} if contract is None else registry.json_schema(registry.table(contract))
    if contract is not None:
        envelope["properties"]["contract"] = {"const": contract}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Aurora export" if contract is None else f"Aurora export of {contract}",
        "type": "object",
        "properties": {KEY: envelope, "rows": {"type": "array", "items": rows}},
        "required": [KEY, "rows"],
    }
