"""CSV whose header names a contract's columns, in any order; empty values are null."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from aurora.ingest.canonical_sample import sample_rows
from aurora.ingest.envelope import CSV_MARK
from aurora.ingest.enveloped import Opening, followed, opening
from aurora.ingest.lines import LineChunk, read_chunks, read_from
from aurora.ingest.portions import ROW, Portion, Refusal, SourceFile, refusals
from aurora.ingest.source_formats import ANY
from aurora.ingest.tables import after_header, csv_header, csv_table
from contracts import registry

CONTRACTS: Final = ANY


def matches(head: bytes, file_name: str) -> bool:
    """A first line of which at least half the names are columns of one contract."""
    if not file_name.endswith(".csv"):
        return False
    lines = head.split(b"\n", 2)
    names = set(csv_header(lines[1] if lines[0].startswith(CSV_MARK.rstrip()) and len(lines) > 1 else lines[0]))
    known = max(len(names & set(registry.table(contract).columns)) for contract in ANY)
    return known * 2 >= len(names) > 0


def read(file: SourceFile) -> Iterator[Portion]:
    """Rows with the contract's columns as text; columns the contract does not know are named, not kept."""
    begun = opening(file)
    return followed(file, begun, _portions(file, begun))


def _portions(file: SourceFile, begun: Opening) -> Iterator[Portion]:
    chunks = (
        read_chunks(file, quoted=True)
        if begun.is_bare
        else read_from(file, start=begun.start, first=begun.first, quoted=True)
    )
    header: list[str] = []
    for chunk in chunks:
        body, header_now = (chunk, header) if header else after_header(chunk)
        if not header and header_now:
            header = header_now
            fault = _header_fault(header)
            if fault:
                columns = registry.table(file.contract).columns
                rows = csv_table(replace(body, data=b""), columns)[0]
                yield Portion(contract=file.contract, rows=rows, refused=refusals([fault]))
                return
        yield _portion(body, header, file.contract)


def _portion(body: LineChunk, header: Sequence[str], contract: str) -> Portion:
    columns = registry.table(contract).columns
    rows, refused = csv_table(body, header)
    ignored = tuple(name for name in header if name not in columns)
    # chosen by what is known: polars gives a column without a name one of its own
    rows = rows.select(name for name in rows.columns if name in columns or name == ROW)
    return Portion(contract=contract, rows=rows, refused=refusals(refused), ignored=ignored)


def _header_fault(header: list[str]) -> Refusal | None:
    twice = sorted({name for name in header if header.count(name) > 1})
    if not twice:
        return None
    return Refusal(
        1, "header", f"The header names {', '.join(twice)} twice. Keep one column of each name.", ",".join(header)
    )


def sample(*, contract: str, row_count: int, seed: int) -> bytes:
    """Rows of the contract under a header."""
    rows = sample_rows(contract, row_count=row_count, seed=seed)
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]) if rows else ["usage_id"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()
