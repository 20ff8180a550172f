"""Azure's public LLM inference traces: TIMESTAMP, ContextTokens, GeneratedTokens; one request a line.

The traces name no language model, so their rows are unpriced. Times are UTC without saying so.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from typing import Final

import polars as pl

from aurora.ingest.lines import LineChunk, read_chunks
from aurora.ingest.portions import ROW, Portion, SourceFile, refusals
from aurora.ingest.tables import csv_header, csv_table

CONTRACTS: Final = ("usage",)
_COLUMNS: Final = {
    "TIMESTAMP": "occurred_at",
    "ContextTokens": "input_tokens",
    "GeneratedTokens": "output_tokens",
}


def matches(head: bytes, file_name: str) -> bool:  # noqa: ARG001 - one signature for all formats
    """A header with all three columns."""
    return _COLUMNS.keys() <= set(csv_header(head.split(b"\n", 1)[0]))


def read(file: SourceFile) -> Iterator[Portion]:
    """One usage row a request."""
    header: list[str] = []
    for chunk in read_chunks(file, quoted=True):
        if not header and chunk.data:
            line, _, data = chunk.data.partition(b"\n")
            header = csv_header(line.rstrip(b"\r"))
            body = LineChunk(data, chunk.first + 1, chunk.refused)
        else:
            body = chunk
        rows, refused = csv_table(body, header)
        known = [pl.col(theirs).alias(ours) for theirs, ours in _COLUMNS.items() if theirs in rows.columns]
        yield Portion(
            contract="usage",
            rows=rows.select(
                *known,
                pl.lit("chat").alias("operation_name"),
                pl.lit("azure.ai.openai").alias("provider_name"),
                pl.col(ROW),
            ),
            refused=refusals(refused),
            ignored=tuple(name for name in header if name not in _COLUMNS),
        )


def sample(*, contract: str, row_count: int, seed: int) -> bytes:  # noqa: ARG001 - one signature for all formats
    """Requests within an hour."""
    draw = random.Random(seed)
    at = dt.datetime(2026, 9, 1, 18, 15, 46)  # noqa: DTZ001 - the traces write UTC without a zone
    lines = [",".join(_COLUMNS)]
    for _ in range(row_count):
        at += dt.timedelta(milliseconds=draw.randrange(1, 3000))
        lines.append(f"{at:%Y-%m-%d %H:%M:%S.%f}0,{draw.randrange(3, 7000)},{draw.randrange(1, 700)}")
    return ("\n".join(lines) + "\n").encode()
