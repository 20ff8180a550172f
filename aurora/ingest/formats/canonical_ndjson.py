"""NDJSON whose keys are a contract's columns: one object a line, times in RFC 3339, decimals as text or number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from aurora.ingest.canonical_sample import sample_rows
from aurora.ingest.enveloped import followed, opening
from aurora.ingest.lines import LineChunk, read_chunks, read_from
from aurora.ingest.portions import ROW, Portion, SourceFile, refusals
from aurora.ingest.source_formats import ANY
from aurora.ingest.tables import json_table
from contracts import registry

CONTRACTS: Final = ANY


def matches(head: bytes, file_name: str) -> bool:
    """An object in the first line, whatever its keys: any other JSON format is more particular."""
    return head.lstrip().startswith(b"{") and file_name.endswith((".ndjson", ".jsonl", ".json"))


def read(file: SourceFile) -> Iterator[Portion]:
    """Rows with the contract's columns as text."""
    begun = opening(file)
    chunks = read_chunks(file) if begun.is_bare else read_from(file, start=begun.start, first=begun.first)
    return followed(file, begun, (_portion(chunk, file.contract) for chunk in chunks))


def _portion(chunk: LineChunk, contract: str) -> Portion:
    rows, refused = json_table(chunk, registry.table(contract).columns)
    rows = rows.select([series for series in rows if series.null_count() < rows.height or series.name == ROW])
    return Portion(contract=contract, rows=rows, refused=refusals(refused))


def sample(*, contract: str, row_count: int, seed: int) -> bytes:
    """Rows of the contract, one object a line."""
    rows = sample_rows(contract, row_count=row_count, seed=seed)
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
