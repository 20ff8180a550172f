"""LiteLLM's spend table as CSV: a dump of `LiteLLM_SpendLogs` with its header, its JSON columns as text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Final

from aurora.ingest import foreign
from aurora.ingest.documents import as_json
from aurora.ingest.foreign import Record
from aurora.ingest.formats import litellm_spend_logs_json as table
from aurora.ingest.portions import ROW, Portion, SourceFile
from aurora.ingest.sample_operations import Operation, sample_operations
from aurora.ingest.tables import csv_header, csv_tables

CONTRACTS: Final = ("usage",)


def matches(head: bytes, file_name: str) -> bool:  # noqa: ARG001 - one signature for all formats
    """A header with the table's own columns."""
    return set(table.COLUMNS) <= set(csv_header(head.lstrip().split(b"\n", 1)[0]))


def read(file: SourceFile) -> Iterator[Portion]:
    """One usage row a row of the table."""
    for _, frame, refused in csv_tables(file):
        rows: list[Record] = []
        for record in frame.iter_rows(named=True):
            position = record.pop(ROW)
            table.add(position, record, as_json(record), rows, refused)
        yield foreign.text_portion("usage", rows, refused)


def write(operations: Sequence[Operation]) -> bytes:
    """Operations as rows of the table."""
    rows = [table.spend_row(call) for call in operations]
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]) if rows else list(table.COLUMNS), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def sample(*, contract: str, row_count: int, seed: int) -> bytes:  # noqa: ARG001 - one signature for all formats
    """Calls of one to four a conversation."""
    return write(sample_operations(row_count, seed=seed))
