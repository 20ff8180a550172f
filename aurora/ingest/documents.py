"""JSON documents out of a file, in bounded memory: one document, an array of them, or one a line.

A file up to the limit is read whole; a larger one must hold one document a line. What is not JSON is
refused with its position. Records take their position from a `Positions` that the format keeps: the
running number over all documents of the file, of what lands and what is refused alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec

from aurora.ingest.lines import UTF8_BOM, decoded, read_chunks
from aurora.ingest.portions import Refusal, SourceFile
from aurora.ingest.tables import json_records

_DECODER: Final = msgspec.json.Decoder()
_SHOWN_CHARS: Final = 4096
IsDocument = Callable[[dict[str, Any]], bool]
"""Whether an object is a document of the format, by the keys it must have."""


@dataclass(slots=True)
class Positions:
    """Counts the records of one file, from 1."""

    last: int = 0

    def next(self) -> int:
        """The position of one more record."""
        self.last += 1
        return self.last


@dataclass(frozen=True, slots=True)
class Documents:
    """Some documents of a file, and what could not be read among them."""

    objects: list[dict[str, Any]] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


def read_documents(file: SourceFile, positions: Positions, *, is_document: IsDocument) -> Iterator[Documents]:
    """The file's documents in order; refused ones carry a position from `positions`."""
    limit = file.max_line_bytes
    with file.path.open("rb") as stream:
        head = stream.read(limit + 1).removeprefix(UTF8_BOM)
    if len(head) <= limit:
        whole = _decoded(head)
        if whole is not None:
            yield _members(whole, positions, is_document)
            return
    if head and not head.startswith((b"\xff\xfe", b"\xfe\xff")) and not _has_documents_by_line(head, is_document):
        yield Documents(refused=[_unreadable(head, positions, limit)])
        return
    del head
    yield from _by_line(file, positions, is_document)


def _decoded(data: bytes) -> Any:
    """The JSON value in `data`, None where there is none: null is no document either."""
    try:
        return _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _has_documents_by_line(data: bytes, is_document: IsDocument) -> bool:
    """Whether any line is a document of its own. A document printed over many lines has no such line."""
    for line in data.split(b"\n"):
        if line.lstrip().startswith(b"{"):
            value = _decoded(line)
            if isinstance(value, dict) and is_document(value):
                return True
    return False


def _members(value: Any, positions: Positions, is_document: IsDocument) -> Documents:
    found = Documents()
    for member in value if isinstance(value, list) else [value]:
        if isinstance(member, dict) and is_document(member):
            found.objects.append(member)
        else:
            found.refused.append(unknown_shape(member, positions))
    return found


def unknown_shape(value: Any, positions: Positions) -> Refusal:
    """Refusal of a JSON value that is not what the format's documents are made of."""
    number = positions.next()
    kind = f"an object with {', '.join(list(value)[:5]) or 'no keys'}" if isinstance(value, dict) else _kind(value)
    reason = f"Record {number} is {kind[:200]}, which this format does not have. Export it again, or name its format."
    return Refusal(number, "known_shape", reason, as_json(value))


def _kind(value: Any) -> str:
    names = {list: "an array", str: "a text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "null")


def as_json(value: Any) -> str:
    """A decoded value as JSON text, for the quarantine."""
    try:
        return msgspec.json.encode(value).decode("utf-8")
    except (RecursionError, OverflowError, msgspec.MsgspecError):  # an integer wider than msgspec writes
        return repr(value)[:_SHOWN_CHARS]


def _unreadable(head: bytes, positions: Positions, limit: int) -> Refusal:
    number = positions.next()
    shown = head[:_SHOWN_CHARS].decode("utf-8", "replace")
    if len(head) > limit:
        reason = (
            f"The document is larger than {limit / 2**20:g} MiB (AURORA_MAX_UPLOAD_MB) and does not hold one record "
            "a line. Export it one record a line, or raise the limit."
        )
        return Refusal(number, "document_size", reason, shown)
    text = decoded(number, head)
    if isinstance(text, Refusal):
        return replace(text, reason="The document is not UTF-8. Export it as UTF-8 and drop it again.")
    return Refusal(number, "json", "The document is not JSON. It may be cut off; export it again.", shown)


def _by_line(file: SourceFile, positions: Positions, is_document: IsDocument) -> Iterator[Documents]:
    for chunk in read_chunks(file):
        unread = list(chunk.refused)
        found = Documents()
        for _, record, _ in json_records(chunk, unread):
            if is_document(record):
                found.objects.append(record)
            else:
                found.refused.append(unknown_shape(record, positions))
        # the reason names the line; the position is the record's, so that no two records share one
        found.refused.extend(replace(one, row_number=positions.next()) for one in unread)
        yield found
