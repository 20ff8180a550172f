"""CSV in a system's own columns, brought to contracts column by column; what each system calls things is data."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from aurora.ingest.portions import ROW, Portion, SourceFile, refusals
from aurora.ingest.tables import csv_header, csv_tables

_MIDNIGHT: Final = "T00:00:00Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """One contract's rows in the file: our column by theirs, what their words mean in ours, what is always so.

    A word without a meaning stays as it is, so that the gate names it. `dates` are days without a time.
    """

    contract: str
    columns: Mapping[str, str]
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    dates: frozenset[str] = frozenset()
    always: Mapping[str, str] = field(default_factory=dict)

    def rows(self, read: pl.DataFrame) -> pl.DataFrame:
        """Rows of the contract, as text."""
        held = [self._column(ours, theirs) for ours, theirs in self.columns.items() if theirs in read.columns]
        fixed = [pl.lit(value).alias(name) for name, value in self.always.items()]
        return read.select(*held, *fixed, pl.col(ROW))

    def _column(self, ours: str, theirs: str) -> pl.Expr:
        column = pl.col(theirs)
        if ours in self.words:
            column = column.replace(dict(self.words[ours]))
        if ours in self.dates:
            column = column + _MIDNIGHT
        return column.alias(ours)


def has_columns(head: bytes, names: Sequence[str]) -> bool:
    """Whether the first line names all of them."""
    return set(names) <= set(csv_header(head.split(b"\n", 1)[0]))


def read_mapped(file: SourceFile, parts: Sequence[Mapped]) -> Iterator[Portion]:
    """The file's rows, a portion a contract; what cannot be read is refused once, with the first of them."""
    used = {theirs for part in parts for theirs in part.columns.values()}
    for header, read, refused in csv_tables(file):
        ignored = tuple(name for name in header if name not in used)
        for part in parts:
            is_first = part is parts[0]
            yield Portion(
                contract=part.contract,
                rows=part.rows(read),
                refused=refusals(refused if is_first else []),
                ignored=ignored if is_first else (),
            )


def write_csv(names: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    """A header and rows; nulls are empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([["" if value is None else value for value in row] for row in rows])
    return out.getvalue().encode()
