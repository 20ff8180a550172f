"""Which contract the rows of a file are for, where nobody said: the envelope's, else the one its columns fit.

Of the contracts that know most of the columns the file names, the one wins whose own required columns and
key are there; between equals the file's name decides, and when that does not either, nobody guesses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from aurora.errors import DataError
from aurora.ingest import envelope
from aurora.ingest.completion import ADDED
from aurora.ingest.lines import UTF8_BOM
from aurora.ingest.tables import csv_header
from contracts import registry

HEAD_BYTES: Final = 64 * 1024
_LINES_LOOKED_AT: Final = 200
_PARQUET: Final = b"PAR1"
_LINES_SKIPPED: Final = 3
_OPENING: Final = (b"{", b"[")
_NEAR: Final = 0.8
_GENERATED: Final = frozenset({"usage_id"})
"""Keys that ingest makes where the source has none."""


@dataclass(frozen=True, slots=True, order=True)
class _Fit:
    """How well a contract fits, the better the greater."""

    is_near: bool
    """It knows nearly as many of the file's columns as the contract that knows most."""
    is_complete: bool
    """The file names every column that it must have."""
    has_key: bool
    known: int
    """Columns of the file that it has."""
    required: float
    """Share of the columns it must have that the file names; without the key it says nothing."""
    is_named: bool
    """The file is called after it."""


def guess_contract(path: Path, offered: Sequence[str]) -> str:
    """The contract of the file's rows, one of `offered`.

    Errors: `DataError` where the file names columns of none of them, or of several alike.
    """
    said = envelope.of_file(path)
    if said is not None:
        return said.contract
    if _is_wide(path):
        return offered[0]  # the format says of every row what is wrong with the file
    names = column_names(path)
    most = max(len(names & _shape(contract)[0]) for contract in offered)
    fits = {contract: _fit(contract, names, most, path.stem) for contract in offered}
    best = max(fits.values())
    chosen = [contract for contract, fit in fits.items() if fit == best]
    if best.known * 2 < len(names) or not best.known:
        called = [contract for contract in offered if contract in _called(path.stem, offered)]
        if len(called) == 1:
            return called[0]
        raise DataError(
            f"{path.name} names columns that fit no contract: {', '.join(sorted(names)[:6]) or 'none at all'}.",
            field="contract",
            rule="known_contract",
            next_step="Name the contract (`aurora contract list`), or export with an envelope.",
        )
    if len(chosen) > 1:
        raise DataError(
            f"{path.name} may hold rows of {' or '.join(chosen[:5])}: its columns fit them alike.",
            field="contract",
            rule="one_contract",
            next_step="Name the contract, call the file after it, or export with an envelope.",
        )
    return chosen[0]


def _fit(contract: str, names: frozenset[str], most: int, stem: str) -> _Fit:
    columns, required, key = _shape(contract)
    known = len(names & columns)
    has_key = key <= names if key else required <= names
    return _Fit(
        is_near=known >= most * _NEAR,
        is_complete=required <= names,
        has_key=has_key,
        known=known,
        required=len(names & required) / max(1, len(required)) if has_key else 0,
        is_named=contract in _called(stem, (contract,)),
    )


@cache
def _shape(contract: str) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """All columns, those that a source must give, and those of them that make the key."""
    declared = registry.table(contract)
    required = frozenset(name for name in declared.columns if declared.is_required(name)) - ADDED - _GENERATED
    return frozenset(declared.columns), required, frozenset(declared.key) - ADDED - _GENERATED


def _called(stem: str, contracts: Iterable[str]) -> set[str]:
    """Contracts that the file's name begins with, in the singular or the plural."""
    words = re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_")
    return {
        contract
        for contract in contracts
        if any(words == form or words.startswith(f"{form}_") for form in (contract, *_plurals(contract)))
    }


def _plurals(word: str) -> tuple[str, ...]:
    return (f"{word}s", f"{word}es", f"{word[:-1]}ies") if word.endswith("y") else (f"{word}s", f"{word}es")


def column_names(path: Path) -> frozenset[str]:
    """Names that the head of a file gives its columns, whatever form it is in; empty where it gives none."""
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES).removeprefix(UTF8_BOM)
    if head.startswith(_PARQUET):
        return _parquet_names(path)
    lines = [line for line in head.split(b"\n") if line.strip()]
    if lines and lines[0].startswith(envelope.CSV_MARK.rstrip()):
        lines = lines[1:]
    elif lines and not lines[0].lstrip().startswith(_OPENING):
        lines = next((later.split(b"\n") for later in behind_first_lines(head)), lines)
    if lines and not lines[0].lstrip().startswith(_OPENING):
        return frozenset(csv_header(lines[0].rstrip(b"\r"))) - {""}
    return frozenset(name for line in lines[:_LINES_LOOKED_AT] for name in _keys(line)) - {envelope.KEY, "rows"}


def behind_first_lines(head: bytes) -> Iterator[bytes]:
    """The head without its first line, its first two, its first three, wherever JSON begins there.

    A line may be damaged, or stand before an export that it is no part of. A CSV file goes by its header, and says
    nothing without it.
    """
    for _ in range(_LINES_SKIPPED):
        _, _, head = head.lstrip().partition(b"\n")
        if head.lstrip().startswith(_OPENING):
            yield head


def _keys(line: bytes) -> Iterable[str]:
    """The keys of an object that stands alone in a line; of a line that is none or cut off, what looks like keys."""
    try:
        value: Any = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return re.findall(r'"([a-z][a-z0-9_]*)"\s*:', line.decode("utf-8", "replace"))
    return value if isinstance(value, Mapping) else ()


def _is_wide(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(2) in (b"\xff\xfe", b"\xfe\xff")


def _parquet_names(path: Path) -> frozenset[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return frozenset(pq.read_schema(path).names)
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        return frozenset()
