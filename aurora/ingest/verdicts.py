"""What became of each row of a batch, read from the lake after its commit: never a guess.

A row with its batch and number in the contract's table has landed; one in the quarantine was refused; any
other was there before. Lines come in the order of rows, a bounded number at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import polars as pl

from aurora.ingest.commit import UNKNOWN_FORMAT, BatchReport
from aurora.ingest.portions import ROW, SourceFile
from aurora.ingest.source_formats import source_format
from aurora.store.lake import LakeReader

Wanted = Literal["all", "errors", "none"]
_ROWS_AT_ONCE: Final = 100_000
_ENCODER: Final = msgspec.json.Encoder()


def verdict_lines(
    lake: LakeReader, report: BatchReport, file: Path, *, wanted: Wanted, max_line_mb: int
) -> Iterator[bytes]:
    """NDJSON lines of the batch's rows, some thousands at once.

    `file` is the body itself, read again only where rows were duplicates: the lake has no trace of them.
    """
    if not needs_lake(report, wanted):
        return
    for contract in report.contracts:
        numbers = _all_rows(report, contract, file, max_line_mb) if wanted == "all" and report.duplicates else None
        marked = contract if len(report.contracts) > 1 else None
        if max(file.stat().st_size, report.rows) < _ROWS_AT_ONCE:  # no row number is larger: one look
            yield _lines(lake, report, contract, numbers, start=0, wanted=wanted, marked=marked)
            continue
        last = _last_row(lake, report, contract, numbers)
        for start in range(0, last + 1, _ROWS_AT_ONCE):
            yield _lines(lake, report, contract, numbers, start=start, wanted=wanted, marked=marked)


def needs_lake(report: BatchReport, wanted: Wanted) -> bool:
    """Whether there is anything to read for these verdicts."""
    return wanted == "all" or (wanted == "errors" and report.quarantined > 0)


def summary(report: BatchReport) -> dict[str, Any]:
    """The counts of a batch: `rows` = `landed` + `quarantined` + `duplicates`."""
    return {
        "batch_id": report.batch_id,
        "contracts": list(report.contracts),
        "source": report.source,
        "source_format": report.source_format,
        "rows": report.rows,
        "landed": report.good,
        "quarantined": report.quarantined,
        "duplicates": report.duplicates,
        "unpriced": report.unpriced,
        "is_known": report.is_known,
    }


def _last_row(lake: LakeReader, report: BatchReport, contract: str, numbers: pl.Series | None) -> int:
    found = lake.query(
        f"""
        SELECT greatest(
            (SELECT coalesce(max(row_number), -1) FROM raw.{contract} WHERE batch_id = $batch AND batch_seq = $seq),
            (SELECT coalesce(max(row_number), -1) FROM raw.quarantine WHERE batch_id = $batch AND contract = $contract)
        ) AS last
        """,
        {"batch": report.batch_id, "seq": report.batch_seq, "contract": contract},
    ).item()
    largest = numbers.max() if numbers is not None and len(numbers) else -1
    return max(int(found), int(str(largest)))


def _lines(
    lake: LakeReader,
    report: BatchReport,
    contract: str,
    numbers: pl.Series | None,
    *,
    start: int,
    wanted: Wanted,
    marked: str | None,
) -> bytes:
    end = start + _ROWS_AT_ONCE
    refused = _refused(lake, report, contract, start, end, marked)
    if wanted == "errors":
        return _joined([refused])
    landed = lake.query(
        f"SELECT row_number FROM raw.{contract}"
        " WHERE batch_id = ? AND batch_seq = ? AND row_number >= ? AND row_number < ?",
        [report.batch_id, report.batch_seq, start, end],
    )[ROW]
    parts = [refused, _plain(landed, "landed", marked)]
    if numbers is not None:
        here = numbers.filter((numbers >= start) & (numbers < end))
        accounted = pl.concat([landed, refused[ROW]])
        parts.append(_plain(here.filter(~here.is_in(accounted.implode())), "duplicate", marked))
    return _joined(parts)


def _refused(
    lake: LakeReader, report: BatchReport, contract: str, start: int, end: int, marked: str | None
) -> pl.DataFrame:
    if not report.quarantined:
        return _frame([], [])
    found = lake.query(
        "SELECT row_number, column_name, rule, reason FROM raw.quarantine"
        " WHERE batch_id = ? AND contract = ? AND row_number >= ? AND row_number < ?"
        " ORDER BY row_number, column_name, rule",
        [report.batch_id, contract, start, end],
    )
    faults: dict[int, list[dict[str, str | None]]] = {}
    for number, field, rule, message in found.iter_rows():
        faults.setdefault(number, []).append({"field": field, "rule": rule, "message": message})
    about = {"contract": marked} if marked else {}
    lines = [
        _ENCODER.encode({"row": number, **about, "verdict": "quarantined", "errors": errors}).decode()
        for number, errors in faults.items()
    ]
    return _frame(list(faults), lines)


def _plain(numbers: pl.Series, verdict: str, marked: str | None) -> pl.DataFrame:
    about = f',"contract":"{marked}"' if marked else ""
    text = pl.concat_str(pl.lit('{"row":'), pl.col(ROW).cast(pl.String), pl.lit(about + f',"verdict":"{verdict}"}}'))
    return numbers.cast(pl.Int64).alias(ROW).to_frame().with_columns(text.alias("line"))


def _frame(numbers: list[int], lines: list[str]) -> pl.DataFrame:
    return pl.DataFrame({ROW: numbers, "line": lines}, schema={ROW: pl.Int64, "line": pl.String})


def _joined(parts: list[pl.DataFrame]) -> bytes:
    lines = pl.concat(parts).sort(ROW)["line"].to_list()
    return "".join(f"{line}\n" for line in lines).encode()


def _all_rows(report: BatchReport, contract: str, file: Path, max_line_mb: int) -> pl.Series:
    """The number of every row that the format's reader finds in the body."""
    if report.source_format == UNKNOWN_FORMAT:
        return pl.Series(ROW, [], dtype=pl.Int64)
    body = SourceFile(path=file, contract=contract, max_line_bytes=max_line_mb * 2**20)
    found = [
        part
        for portion in source_format(report.source_format).read(body)
        if portion.contract == contract
        for part in (portion.rows[ROW], portion.refused[ROW])
    ]
    return pl.concat(found).unique().sort() if found else pl.Series(ROW, [], dtype=pl.Int64)
