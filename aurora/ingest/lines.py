"""Reading text files in pieces of whole lines, in bounded memory, whatever the file holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

import numpy as np

from aurora.ingest.portions import Refusal, SourceFile

CHUNK_BYTES: Final = 8 * 2**20
"""Eight MiB parse fastest: more misses the processor's cache and the allocator's (measured)."""
_HEAD_BYTES: Final = 512
_COUNTED_BYTES: Final = 2**18
_NEWLINE: Final = 10
UTF8_BOM: Final = b"\xef\xbb\xbf"
_FOREIGN_BOMS: Final = ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))


@dataclass(frozen=True, slots=True)
class LineChunk:
    """Whole lines, the last with or without its newline; `first` is the number of the first, from 1."""

    data: bytes
    first: int
    refused: tuple[Refusal, ...] = ()

    @property
    def line_count(self) -> int:
        """Lines in the chunk, blank ones and one without its newline at the end included."""
        return newline_count(self.data) + (not self.data.endswith(b"\n") and bool(self.data))

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Each line with its number, blank ones left out."""
        for offset, line in enumerate(self.data.split(b"\n")):
            stripped = line.rstrip(b"\r")
            if stripped.strip():
                yield self.first + offset, stripped


def newline_count(data: bytes) -> int:
    """As `data.count`, four times as fast: every byte of every file passes here."""
    values = np.frombuffer(data, dtype=np.uint8)
    return sum(
        int(np.count_nonzero(values[start : start + _COUNTED_BYTES] == _NEWLINE))
        for start in range(0, len(data), _COUNTED_BYTES)
    )


def read_chunks(file: SourceFile, *, quoted: bool = False) -> Iterator[LineChunk]:
    """The file in chunks of whole lines; a line over the limit is refused and never held in memory.

    With `quoted` a chunk does not end inside a CSV value in quotes that spans lines.
    """
    with file.path.open("rb") as stream:
        foreign = _foreign_encoding(stream)
        if foreign:
            yield LineChunk(b"", 1, (foreign,))
            return
        yield from _chunks(stream, limit=file.max_line_bytes, quoted=quoted)


def _foreign_encoding(stream: BinaryIO) -> Refusal | None:
    head = stream.read(3)
    if head != UTF8_BOM:
        stream.seek(0)
    for mark, name in _FOREIGN_BOMS:
        if head.startswith(mark):
            return Refusal(1, "encoding", f"The file is {name}, not UTF-8. Export it as UTF-8 and drop it again.")
    return None


def read_from(file: SourceFile, *, start: int, first: int, quoted: bool = False) -> Iterator[LineChunk]:
    """The lines from byte `start` on, which begins line `first`."""
    with file.path.open("rb") as stream:
        stream.seek(start)
        yield from _chunks(stream, limit=file.max_line_bytes, quoted=quoted, first=first)


def _chunks(stream: BinaryIO, *, limit: int, quoted: bool, first: int = 1) -> Iterator[LineChunk]:
    size, kept = min(CHUNK_BYTES, limit), 0
    # one buffer for the whole file: fresh memory costs more than reading into it
    buffer = bytearray(2 * size)
    while True:
        if len(buffer) < kept + size:
            buffer.extend(bytes(kept + size - len(buffer)))
        with memoryview(buffer) as view:
            count = stream.readinto(view[kept : kept + size])  # type: ignore[attr-defined]
        if not count:
            break
        kept += count
        cut = _cut(buffer, kept, quoted=quoted and kept < limit)
        if cut == 0 and kept > limit:
            refusal, rest = _skip_line(stream, bytes(buffer[:_HEAD_BYTES]), first, limit)
            yield LineChunk(b"", first, (refusal,))
            first += 1
            buffer[: len(rest)] = rest
            kept = len(rest)
            continue
        if cut:
            with memoryview(buffer) as view:
                data = bytes(view[:cut])
            yield from _bounded(data, first, limit)
            first += newline_count(data)
            buffer[: kept - cut] = buffer[cut:kept]
            kept -= cut
    if kept:
        yield from _bounded(bytes(buffer[:kept]), first, limit)


def _cut(data: bytearray, size: int, *, quoted: bool) -> int:
    """Where the last whole line of the first `size` bytes ends."""
    cut = data.rfind(b"\n", 0, size) + 1
    if not quoted or data.find(b'"', 0, size) < 0:
        return cut
    end = cut
    while end and data.count(b'"', 0, end) % 2:
        end = data.rfind(b"\n", 0, data.rfind(b'"', 0, end)) + 1
    return end or cut


def _bounded(data: bytes, first: int, limit: int) -> Iterator[LineChunk]:
    """The chunk, with single lines over the limit taken out."""
    if len(data) <= limit:
        yield LineChunk(data, first)
        return
    for offset, line in enumerate(data.splitlines(keepends=True)):
        number = first + offset
        if len(line) > limit:
            yield LineChunk(b"", number, (_too_long(line, number, limit),))
        else:
            yield LineChunk(line, number)


def _skip_line(stream: BinaryIO, head: bytes, number: int, limit: int) -> tuple[Refusal, bytes]:
    """Read on to the next newline without keeping anything; what follows it is the new rest."""
    while block := stream.read(CHUNK_BYTES):
        end = block.find(b"\n")
        if end >= 0:
            return _too_long(head, number, limit), block[end + 1 :]
    return _too_long(head, number, limit), b""


def _too_long(head: bytes, number: int, limit: int) -> Refusal:
    return Refusal(
        number,
        "line_length",
        f"Line {number} is longer than {limit / 2**20:g} MiB (AURORA_MAX_UPLOAD_MB). "
        "Split the record, or raise the limit if it is meant to be that long.",
        head[:_HEAD_BYTES].decode("utf-8", "replace"),
    )


def decoded(number: int, line: bytes) -> str | Refusal:
    """A line as text, or why it is none."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        return Refusal(
            number,
            "encoding",
            f"Line {number} is not UTF-8 at byte {error.start + 1}. Export the file as UTF-8.",
            line.decode("utf-8", "replace")[:4096],
        )
