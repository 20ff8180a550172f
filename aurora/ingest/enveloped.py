"""What the canonical formats do with an export envelope: take it off, fill what it says, count what came."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from aurora.ingest import envelope as envelopes
from aurora.ingest.lines import UTF8_BOM
from aurora.ingest.portions import ROW, Portion, Refusal, SourceFile, refusals
from contracts import registry

_HEAD_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Opening:
    """How a file of lines begins: its rows are from byte `start` on, which is line `first`."""

    start: int = 0
    first: int = 1
    envelope: envelopes.Envelope | None = None
    fault: Refusal | None = None
    """Why the envelope that is there cannot be read; the rows still can."""

    @property
    def is_bare(self) -> bool:
        """There is no envelope."""
        return self.envelope is None and self.fault is None


def opening(file: SourceFile) -> Opening:
    """The envelope in the first line, or none."""
    with file.path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    start = len(UTF8_BOM) if head.startswith(UTF8_BOM) else 0
    line = head[start:].partition(b"\n")[0]
    after = start + len(line) + 1
    try:
        found = envelopes.of_line(line)
    except envelopes.EnvelopeError as error:
        return Opening(
            after, 2, fault=Refusal(1, error.rule or "envelope", str(error), line.decode("utf-8", "replace"))
        )
    return Opening(start) if found is None else Opening(after, 2, found)


def followed(file: SourceFile, begun: Opening, portions: Iterator[Portion]) -> Iterator[Portion]:
    """The portions with what the envelope says of every row, and at the end what it promised and did not come."""
    if begun.is_bare:
        yield from portions
        return
    if begun.fault is not None:
        yield _refusal(file, begun.fault)
    rows, last = 0, begun.first - 1
    for portion in portions:
        rows += portion.rows.height + portion.refused[ROW].n_unique()
        last = max(last, _last(portion.rows), _last(portion.refused))
        yield portion if begun.envelope is None else _filled(portion, begun.envelope.assistant_id)
    short = envelopes.shortfall(begun.envelope, rows=rows, last=last)
    if short is not None:
        yield _refusal(file, short)


def _refusal(file: SourceFile, refusal: Refusal) -> Portion:
    rows = pl.DataFrame(schema={ROW: pl.Int64()})
    return Portion(contract=file.contract, rows=rows, refused=refusals([refusal]))


def _last(rows: pl.DataFrame) -> int:
    return int(rows[ROW].max() or 0)  # type: ignore[arg-type]


def _filled(portion: Portion, assistant_id: str) -> Portion:
    if "assistant_id" not in registry.table(portion.contract).columns or portion.rows.is_empty():
        return portion
    given = pl.col("assistant_id") if "assistant_id" in portion.rows.columns else pl.lit(None, dtype=pl.String())
    return replace(portion, rows=portion.rows.with_columns(given.fill_null(pl.lit(assistant_id)).alias("assistant_id")))
