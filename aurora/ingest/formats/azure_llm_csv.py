"""Azure's public LLM inference traces: TIMESTAMP, ContextTokens, GeneratedTokens; one request a line.

The traces name no language model, so their rows are unpriced. Times are UTC without saying so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import polars as pl

from aurora.ingest.portions import ROW, Portion, SourceFile, refusals
from aurora.ingest.sample_operations import Operation, sample_operations
from aurora.ingest.tables import csv_header, csv_tables

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
    for header, rows, refused in csv_tables(file):
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


def write(operations: Sequence[Operation]) -> bytes:
    """Operations that have tokens, in the order given."""
    lines = [",".join(_COLUMNS)]
    lines += [
        f"{call.at:%Y-%m-%d %H:%M:%S.%f}0,{call.input_tokens},{call.output_tokens}"
        for call in operations
        if call.input_tokens is not None
    ]
    return ("\n".join(lines) + "\n").encode()


def sample(*, contract: str, row_count: int, seed: int) -> bytes:  # noqa: ARG001 - one signature for all formats
    """Requests of one to four a conversation; failures are not in these traces."""
    calls = sample_operations(row_count, seed=seed)
    return write(
        [replace(call, input_tokens=call.input_tokens or 1, output_tokens=call.output_tokens or 0) for call in calls]
    )
