"""JSON documents out of a file, in bounded memory: one document, an array of them, or one a line.

A file up to the limit is read whole; a larger one must hold one document a line. What is not JSON is
refused. Records take their position from a `Positions` that the format keeps: the running number over all
documents of the file, of what lands and what is refused alike.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from aurora.ingest.foreign import Record, text_portion
from aurora.ingest.lines import UTF8_BOM, LineChunk, decoded, read_chunks
from aurora.ingest.portions import Portion, Refusal, SourceFile
from aurora.ingest.tables import json_records

_DECODER: Final = msgspec.json.Decoder()
_SHOWN_CHARS: Final = 4096
_REASON_CHARS: Final = 400
UNPLACED: Final = 0
"""Row number of a refusal that has no position yet."""
Document = dict[str, Any] | Refusal
Quick = msgspec.json.Decoder[Any]
"""Decodes documents that are plain into a struct; it fails for all others."""


@dataclass(frozen=True, slots=True)
class PlainDocument:
    """A document that a quick decoder took, and its text."""

    value: Any
    raw: bytes


Reading = Callable[[dict[str, Any], "Positions", list[Record], list[Refusal]], None]
"""Adds the rows of one document, and refuses what is none."""
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

    def placed(self, refusal: Refusal) -> Refusal:
        """A refusal at the next position. Its reason may name the line, which is another count."""
        return replace(refusal, row_number=self.next())


def read_documents(file: SourceFile, *, is_document: IsDocument) -> Iterator[list[Document]]:
    """The file's documents and refusals in order, some at a time."""
    for documents in read_quickly(file, is_document=is_document, quick=None):
        yield [one for one in documents if not isinstance(one, PlainDocument)]


def read_quickly(
    file: SourceFile, *, is_document: IsDocument, quick: Quick | None
) -> Iterator[list[Document | PlainDocument]]:
    """As `read_documents`; a document that `quick` can decode is not decoded in any other way."""
    limit = file.max_line_bytes
    with file.path.open("rb") as stream:
        head = stream.read(limit + 1).removeprefix(UTF8_BOM)
    if not head.strip():
        return
    if len(head) <= limit:
        plain = quick and _plain(head, quick)
        if plain:
            yield [plain]
            return
        whole = _decoded(head)
        if whole is not None:
            members = whole if isinstance(whole, list) else [whole]
            yield [_document(member, is_document) for member in members]
            return
    if not head.startswith((b"\xff\xfe", b"\xfe\xff")) and not _has_documents_by_line(head, is_document):
        yield [_unreadable(head, limit)]
        return
    del head
    for chunk in read_chunks(file):
        yield _of_lines(chunk, is_document, quick)


def _plain(data: bytes, quick: Quick) -> PlainDocument | None:
    """The document as `quick` decodes it; what it passes over must be UTF-8 as well."""
    try:
        data.decode()
        return PlainDocument(quick.decode(data), data.strip())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def document_portions(file: SourceFile, contract: str, *, is_document: IsDocument, add: Reading) -> Iterator[Portion]:
    """Rows of one contract out of the file's documents, each of which `add` reads."""
    positions = Positions()
    for documents in read_documents(file, is_document=is_document):
        rows: list[Record] = []
        refused: list[Refusal] = []
        for document in documents:
            if isinstance(document, Refusal):
                refused.append(positions.placed(document))
            else:
                add(document, positions, rows, refused)
        yield text_portion(contract, rows, refused)


def _decoded(data: bytes) -> Any:
    """The JSON value in `data`, None where there is none: null is no document either."""
    try:
        return _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def document_of(raw: bytes) -> Any:
    """The JSON value of a document that a quick decoder took, all of it; a `Refusal` where what it skipped is none.

    A quick decoder does not look into what it passes over: a number that no computer holds, say.
    """
    try:
        return _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        shown = raw[:_SHOWN_CHARS].decode("utf-8", "replace")
        reason = f"The document is not JSON that can be read: {error}. Correct the value, or export it again."
        return Refusal(UNPLACED, "json", reason[:_REASON_CHARS], shown)


def _has_documents_by_line(data: bytes, is_document: IsDocument) -> bool:
    """Whether any line is a document of its own. A document printed over many lines has no such line."""
    for line in data.split(b"\n"):
        if line.lstrip().startswith(b"{"):
            value = _decoded(line)
            if isinstance(value, dict) and is_document(value):
                return True
    return False


def _document(value: Any, is_document: IsDocument) -> Document:
    return value if isinstance(value, dict) and is_document(value) else unknown_shape(value, UNPLACED)


def unknown_shape(value: Any, position: int) -> Refusal:
    """Refusal of a JSON value that is not what the format's documents are made of."""
    kind = f"an object with {', '.join(list(value)[:5]) or 'no keys'}" if isinstance(value, dict) else _kind(value)
    reason = f"The record is {kind[:200]}, which this format does not have. Export it again, or name its format."
    return Refusal(position, "known_shape", reason, as_json(value))


def _kind(value: Any) -> str:
    names = {list: "an array", str: "a text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "null")


def as_json(value: Any) -> str:
    """A decoded value as JSON text, for the quarantine."""
    try:
        return msgspec.json.encode(value).decode("utf-8")
    except (RecursionError, OverflowError, msgspec.MsgspecError):  # an integer wider than msgspec writes
        return json.dumps(repr(value)[:_SHOWN_CHARS])


def _unreadable(head: bytes, limit: int) -> Refusal:
    shown = head[:_SHOWN_CHARS].decode("utf-8", "replace")
    if len(head) > limit:
        reason = (
            f"The document is larger than {limit / 2**20:g} MiB (AURORA_MAX_UPLOAD_MB) and does not hold one record "
            "a line. Export it one record a line, or raise the limit."
        )
        return Refusal(UNPLACED, "document_size", reason, shown)
    if isinstance(decoded(1, head), Refusal):
        reason = "The document is not UTF-8. Export it as UTF-8 and drop it again."
        return Refusal(UNPLACED, "encoding", reason, shown)
    return Refusal(UNPLACED, "json", "The document is not JSON. It may be cut off; export it again.", shown)


def _of_lines(chunk: LineChunk, is_document: IsDocument, quick: Quick | None) -> list[Document | PlainDocument]:
    if quick is None or not _is_utf_8(chunk.data):
        return list(_with_care(chunk, is_document))
    found: list[Document | PlainDocument] = list(chunk.refused)
    for number, line in chunk.lines():
        try:
            found.append(PlainDocument(quick.decode(line), line))
        except (msgspec.DecodeError, RecursionError):
            found += _with_care(LineChunk(line, number), is_document)
    return found


def _is_utf_8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _with_care(chunk: LineChunk, is_document: IsDocument) -> list[Document]:
    unread = list(chunk.refused)
    found: list[Document] = []
    taken = 0
    for _, record, _ in json_records(chunk, unread):
        found += unread[taken:]
        taken = len(unread)
        found.append(_document(record, is_document))
    return [*found, *unread[taken:]]
