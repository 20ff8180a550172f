"""What a format hands on: rows of one contract in bounded pieces, and the rows it could not read.

A format never drops anything. What it cannot read it names in `refused`, with the position and the
reason; everything else goes on as text or typed columns and is checked by the gate.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

ROW: Final = "row_number"
RAW: Final = "raw_row"
MAX_RAW_CHARS: Final = 65_536
"""Of one refused row; a longer one is cut there and its reason says where it stands in the source."""

REFUSED_SCHEMA: Final[Mapping[str, pl.DataType]] = {
    ROW: pl.Int64(),
    "column_name": pl.String(),
    "rule": pl.String(),
    "reason": pl.String(),
    RAW: pl.String(),
}
"""One row a refused row and failed check."""


def no_refusals() -> pl.DataFrame:
    """An empty frame of refusals."""
    return pl.DataFrame(schema=dict(REFUSED_SCHEMA))


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file to read: what it is called, which contract its rows are meant for, how long a line may be."""

    path: Path
    contract: str = "usage"
    max_line_bytes: int = 64 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOrigin:
    """Where a batch comes from and where it goes."""

    batch_id: str
    batch_seq: int
    source: str
    source_format: str
    file_name: str
    region: str
    ingested_at: dt.datetime
    source_cursor: str | None = None
    """Where the next pull from the source begins, when a pull brought the batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """Some rows of a file for one contract.

    `rows` holds contract columns by name, as text or already typed, and `row_number`; where the source
    is not itself a table it also holds `raw_row`, the record as it came. `ignored` are columns that the
    contract does not know.
    """

    contract: str
    rows: pl.DataFrame
    refused: pl.DataFrame = field(default_factory=no_refusals)
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing that could not be read, and why."""

    row_number: int
    rule: str
    reason: str
    raw: str | None = None
    column_name: str | None = None


def refusals(found: Iterable[Refusal]) -> pl.DataFrame:
    """Refusals as a frame; raw text is stored as JSON, so that the column always parses."""
    rows = [(one.row_number, one.column_name, one.rule, one.reason, raw_json(one.raw)) for one in found]
    return pl.DataFrame(rows, schema=dict(REFUSED_SCHEMA), orient="row")


def raw_json(text: str | None) -> str | None:
    """Text as a JSON value: itself where it already is one and short enough, a JSON string otherwise."""
    if text is None:
        return None
    if len(text) <= MAX_RAW_CHARS:
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return json.dumps(text, ensure_ascii=False)
        return text
    return json.dumps(text[:MAX_RAW_CHARS], ensure_ascii=False)


def raw_texts(raws: Sequence[str] | Sequence[bytes]) -> pl.Series:
    """Records as they came, known to be JSON; one that is too long is cut."""
    kind = pl.Binary if raws and isinstance(raws[0], bytes) else pl.String
    texts = pl.Series(RAW, raws, dtype=kind).cast(pl.String)
    if any(size > MAX_RAW_CHARS for size in (texts.str.len_bytes().max(),) if isinstance(size, int)):
        return pl.Series(RAW, [raw_json(text) for text in texts], dtype=pl.String)
    return texts
