"""Langfuse's scores as CSV: the blob export's `scores/` with its header."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Final

from aurora.ingest import foreign
from aurora.ingest.foreign import Record
from aurora.ingest.formats import langfuse_scores_json as scores
from aurora.ingest.portions import ROW, Portion, SourceFile
from aurora.ingest.tables import csv_header, csv_tables

CONTRACTS: Final = ("evaluation",)
_COLUMNS: Final = frozenset({"id", "timestamp", "name", "value", "source", "data_type"})


def matches(head: bytes, file_name: str) -> bool:  # noqa: ARG001 - one signature for all formats
    """A header of scores."""
    return frozenset(csv_header(head.lstrip().split(b"\n", 1)[0])) >= _COLUMNS


def read(file: SourceFile) -> Iterator[Portion]:
    """One evaluation a score."""
    for _, frame, refused in csv_tables(file):
        rows: list[Record] = []
        for record in frame.iter_rows(named=True):
            position = record.pop(ROW)
            scores.add(position, record, rows, refused)
        yield foreign.text_portion("evaluation", rows, refused)


def sample(*, contract: str, row_count: int, seed: int) -> bytes:  # noqa: ARG001 - one signature for all formats
    """Scores of people and of a language model, of each kind."""
    rows = list(scores.scores(row_count, seed=seed))
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]) if rows else sorted(_COLUMNS), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()
