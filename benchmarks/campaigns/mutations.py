"""Ways in which an export goes wrong between the assistant that wrote it and the landing folder.

Each is a function from a file's bytes and a seeded random source to other bytes; none knows the format.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

Mutation = Callable[[bytes, random.Random], bytes]

_NUMBER: Final = re.compile(rb"(?<=[:,])\s*-?\d+(?:\.\d+)?(?=[,}\]\n\r])")
_KEY: Final = re.compile(rb'"[A-Za-z_.]+"\s*:')
_WRONG: Final = (b'"many"', b"-1", b"1e400", b"99999999999999999999999999", b"null", b"[]", b'{"a":1}', b"true", b'""')
_GARBAGE: Final = (
    b'{"usage_id": "cut off',
    b"\x00\x00\x00",
    b"\xff\xfe\xfa",
    b"Internal Server Error",
    b"[1, 2",
    b"null",
    b"" + b"[" * 3000,
    b'"a""b,c',
    b"\xef\xbb\xbf",
)


def cut_off(data: bytes, draw: random.Random) -> bytes:
    """The end is missing."""
    return data[: draw.randrange(len(data))]


def bytes_flipped(data: bytes, draw: random.Random) -> bytes:
    """A few bytes are others."""
    changed = bytearray(data)
    for _ in range(draw.randrange(1, 6)):
        changed[draw.randrange(len(changed))] = draw.randrange(256)
    return bytes(changed)


def slice_missing(data: bytes, draw: random.Random) -> bytes:
    """A piece in the middle is missing, as when a block was not written."""
    start = draw.randrange(len(data))
    return data[:start] + data[start + draw.randrange(1, 400) :]


def garbage_line(data: bytes, draw: random.Random) -> bytes:
    """A line that belongs to something else."""
    lines = data.split(b"\n")
    lines.insert(draw.randrange(len(lines) + 1), draw.choice(_GARBAGE))
    return b"\n".join(lines)


def lines_shuffled(data: bytes, draw: random.Random) -> bytes:
    """Two lines changed places."""
    lines = data.split(b"\n")
    one, other = draw.randrange(len(lines)), draw.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def line_twice(data: bytes, draw: random.Random) -> bytes:
    """A line comes again."""
    lines = data.split(b"\n")
    lines.insert(draw.randrange(len(lines) + 1), draw.choice(lines))
    return b"\n".join(lines)


def blank_lines(data: bytes, draw: random.Random) -> bytes:
    """Blank lines and lines of spaces among the others."""
    lines = data.split(b"\n")
    for _ in range(3):
        lines.insert(draw.randrange(len(lines) + 1), draw.choice((b"", b"   ", b"\t", b"\r")))
    return b"\n".join(lines)


def number_replaced(data: bytes, draw: random.Random) -> bytes:
    """A number is something else: a text, too wide, negative, null, an array."""
    return _replaced(data, draw, _NUMBER, lambda _: draw.choice(_WRONG))


def key_renamed(data: bytes, draw: random.Random) -> bytes:
    """A key is spelt otherwise."""
    return _replaced(data, draw, _KEY, lambda key: b'"x_' + key[1:])


def separator_lost(data: bytes, draw: random.Random) -> bytes:
    """A comma, quote or bracket is missing."""
    places = [place for place, byte in enumerate(data) if byte in b',"{}[]:']
    place = draw.choice(places) if places else 0
    return data[:place] + data[place + 1 :]


def other_newlines(data: bytes, draw: random.Random) -> bytes:  # noqa: ARG001 - one signature for all
    """Windows wrote it."""
    return data.replace(b"\n", b"\r\n")


def with_mark(data: bytes, draw: random.Random) -> bytes:  # noqa: ARG001 - one signature for all
    """It begins with a byte order mark."""
    return data if data.startswith(b"\xef\xbb\xbf") else b"\xef\xbb\xbf" + data


def other_encoding(data: bytes, draw: random.Random) -> bytes:
    """One line is Latin-1, or the whole file UTF-16."""
    if draw.random() < 0.2:
        return data.decode("utf-8", "replace").encode("utf-16")
    lines = data.split(b"\n")
    place = draw.randrange(len(lines))
    lines[place] = lines[place].replace(b'"', b'"\xe9', 1)
    return b"\n".join(lines)


def twice_over(data: bytes, draw: random.Random) -> bytes:  # noqa: ARG001 - one signature for all
    """The whole export was written twice into one file."""
    return data + data


def _replaced(data: bytes, draw: random.Random, pattern: re.Pattern[bytes], by: Callable[[bytes], bytes]) -> bytes:
    found = list(pattern.finditer(data))
    if not found:
        return cut_off(data, draw)
    place = draw.choice(found)
    return data[: place.start()] + by(place.group()) + data[place.end() :]


MUTATIONS: Final[Mapping[str, Mutation]] = MappingProxyType(
    {
        mutation.__name__: mutation
        for mutation in (
            cut_off,
            bytes_flipped,
            slice_missing,
            garbage_line,
            lines_shuffled,
            line_twice,
            blank_lines,
            number_replaced,
            key_renamed,
            separator_lost,
            other_newlines,
            with_mark,
            other_encoding,
            twice_over,
        )
    }
)
"""Every mutation by name."""
