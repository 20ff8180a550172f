"""Ids of millions of rows at once: the same numbers give the same ids, and no two numbers share one."""

from __future__ import annotations

import zlib
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

Numbers = npt.NDArray[np.uint64]
_HEX: Final = np.frombuffer(b"".join(f"{byte:02x}".encode() for byte in range(256)), dtype=np.uint16)


def mixed(numbers: npt.ArrayLike, *, salt: str) -> Numbers:
    """Numbers that look random, one to one with those given (splitmix64); another salt gives others."""
    found = np.asarray(numbers, dtype=np.uint64) + np.uint64(zlib.crc32(salt.encode()) << 32)
    with np.errstate(over="ignore"):
        found = (found ^ (found >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        found = (found ^ (found >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(found ^ (found >> np.uint64(31)), dtype=np.uint64)


def hex_texts(*words: Numbers) -> pl.Series:
    """Each row's words as hexadecimal text, 16 digits a word: a span id of one, a trace id of two."""
    import pyarrow as pa

    if not len(words[0]):
        return pl.Series(dtype=pl.String)
    size = 16 * len(words)
    given = np.stack([word.astype(">u8") for word in words], axis=1)
    digits = _HEX[given.view(np.uint8)].tobytes()
    ends = np.arange(len(given) + 1, dtype=np.int64) * size
    texts = pa.LargeStringArray.from_buffers(len(given), pa.py_buffer(ends), pa.py_buffer(digits))
    return pl.Series(texts)


def texts(prefix: str, numbers: npt.ArrayLike) -> pl.Series:
    """`<prefix><number>` for each number."""
    return pl.select(pl.format(prefix + "{}", pl.Series(np.asarray(numbers)))).to_series()


def times(us: npt.ArrayLike) -> pl.Series:
    """Microseconds since 1970 as moments in UTC."""
    return pl.Series(np.asarray(us, dtype=np.int64)).cast(pl.Datetime("us", "UTC"))


def of_list(words: list[str], places: npt.ArrayLike) -> pl.Series:
    """The word at each place."""
    return pl.Series(words, dtype=pl.String).gather(pl.Series(np.asarray(places, dtype=np.uint32)))
