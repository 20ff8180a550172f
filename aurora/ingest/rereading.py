"""Refused rows read once more: from what quarantine kept of them, or from the file they came in.

A row of a canonical file stands in quarantine as its columns. A record of another system stands there as
that system wrote it, and means something only in its document, so the file is read again where it still is.
"""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import polars as pl

from aurora.errors import DataError, NotFoundError, UsageError
from aurora.ingest.commit import UNKNOWN_FORMAT
from aurora.ingest.completion import OWN_USAGE_COLUMNS
from aurora.ingest.landing import fingerprint
from aurora.ingest.portions import RAW, ROW, Portion, Refusal, SourceFile, no_refusals, refusals
from aurora.ingest.quarantine import RefusedRow
from aurora.ingest.source_formats import contract_for, detect, source_format
from aurora.store.paths import TenantPaths
from contracts import registry

DECIDED: Final = frozenset({"source", "source_format", "occurred_date", "cost_source", "price_id"})
"""Columns that ingest decides: nobody corrects them."""
Values = Mapping[str, Any]


@dataclass(slots=True)
class Reread:
    """Rows that were read again; `seen` fills while `portions` is worked through."""

    portions: Iterator[Portion]
    source_format: str
    seen: set[tuple[str, int]] = field(default_factory=set)


def batch_file(paths: TenantPaths, *, source: str, file_name: str, batch_id: str) -> Path | None:
    """The batch's file, if it still lies in the landing folder unchanged."""
    folder = paths.landing / source
    for file in sorted(folder.rglob(file_name)) if folder.is_dir() else ():
        if file.is_file() and file.resolve().is_relative_to(paths.landing.resolve()) and fingerprint(file) == batch_id:
            return file
    return None


def reread_file(
    file: Path, contract: str, named: str, *, max_line_mb: int, wanted: Mapping[str, frozenset[int]] | None = None
) -> Reread:
    """The file through today's code; only the `wanted` row numbers of each contract where given."""
    try:
        known = detect(file) if named == UNKNOWN_FORMAT else named
        meant = contract_for(file, known, None if named == UNKNOWN_FORMAT else contract)
    except (DataError, UsageError) as error:
        refused = refusals([Refusal(1, error.rule or "known_format", str(error))])
        nothing = Portion(contract=contract, rows=pl.DataFrame(schema={ROW: pl.Int64()}), refused=refused)
        again = Reread(iter(()), named)
        again.portions = _kept([nothing], again, wanted)
        return again
    source = SourceFile(path=file, contract=meant, max_line_bytes=max_line_mb * 2**20)
    again = Reread(iter(()), known)
    # a file that could not be read at all was refused as one row: now all of it is wanted
    again.portions = _kept(source_format(known).read(source), again, None if named == UNKNOWN_FORMAT else wanted)
    return again


def _kept(
    portions: Iterator[Portion] | list[Portion], again: Reread, wanted: Mapping[str, frozenset[int]] | None
) -> Iterator[Portion]:
    for portion in portions:
        rows, refused = portion.rows, portion.refused
        if wanted is not None:
            numbers = list(wanted.get(portion.contract, ()))
            rows = rows.filter(pl.col(ROW).is_in(numbers))
            refused = refused.filter(pl.col(ROW).is_in(numbers))
        if rows.height or refused.height:
            numbers_seen = [*rows[ROW].to_list(), *refused[ROW].to_list()]
            again.seen.update((portion.contract, number) for number in numbers_seen)
            yield Portion(contract=portion.contract, rows=rows, refused=refused, ignored=portion.ignored)


def without_rows(again: Reread, left_out: Mapping[str, frozenset[int]]) -> Reread:
    """The same without rows that landed before or came to their end."""

    def kept(portions: Iterator[Portion]) -> Iterator[Portion]:
        for portion in portions:
            numbers = list(left_out.get(portion.contract, ()))
            rows = portion.rows.filter(~pl.col(ROW).is_in(numbers))
            refused = portion.refused.filter(~pl.col(ROW).is_in(numbers))
            if rows.height or refused.height:
                yield Portion(contract=portion.contract, rows=rows, refused=refused, ignored=portion.ignored)

    again.portions = kept(again.portions)
    return again


def kept_values(row: RefusedRow) -> dict[str, Any] | None:
    """The row's columns, where quarantine holds them as such; None for a record of another system."""
    try:
        kept = json.loads(row.raw_row or "null")
    except ValueError:
        return None
    columns = registry.table(row.contract).columns
    if not isinstance(kept, dict) or not kept or not set(kept) <= set(columns):
        return None
    if "cost_source" in kept:  # a row that was complete, and in conflict: what ingest decided is decided anew
        kept = {name: value for name, value in kept.items() if name not in OWN_USAGE_COLUMNS}
    return {name: value for name, value in kept.items() if value is not None}


def read_rows(
    paths: TenantPaths, rows: Sequence[RefusedRow], *, max_line_mb: int
) -> tuple[dict[int, dict[str, Any]], dict[int, pl.DataFrame]]:
    """Values, and refusals, of rows of one batch and contract by row number, as today's code reads them."""
    values = {row.row_number: kept for row in rows if (kept := kept_values(row)) is not None}
    rest = [row for row in rows if row.row_number not in values]
    refused: dict[int, pl.DataFrame] = {}
    if not rest:
        return values, refused
    one = rest[0]
    file = batch_file(paths, source=one.source, file_name=one.file_name, batch_id=one.batch_id)
    with ExitStack() as stack:
        if file is not None:
            wanted = {one.contract: frozenset(row.row_number for row in rest)}
            read: list[tuple[int | None, Reread]] = [
                (None, reread_file(file, one.contract, one.source_format, max_line_mb=max_line_mb, wanted=wanted))
            ]
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=paths.directory)))
            read = [(row.row_number, _record(folder, row, max_line_mb=max_line_mb)) for row in rest if row.raw_row]
        for number, again in read:
            for portion in again.portions:
                _gather(portion, one.contract, number, values, refused)
    return values, refused


def _record(folder: Path, row: RefusedRow, *, max_line_mb: int) -> Reread:
    """A record read as a file of its own."""
    if row.source_format == UNKNOWN_FORMAT:
        raise no_file(row.file_name, row.source)
    file = folder / f"{row.row_number}.json"
    text = row.raw_row or ""
    unquoted = json.loads(text)
    file.write_text(unquoted if isinstance(unquoted, str) else text, encoding="utf-8")
    again = Reread(iter(()), row.source_format)
    source = SourceFile(path=file, contract=row.contract, max_line_bytes=max_line_mb * 2**20)
    again.portions = source_format(row.source_format).read(source)
    return again


def _gather(
    portion: Portion,
    contract: str,
    number: int | None,
    values: dict[int, dict[str, Any]],
    refused: dict[int, pl.DataFrame],
) -> None:
    if portion.contract != contract:
        return
    for found in portion.rows.drop(RAW, strict=False).iter_rows(named=True):
        place = number if number is not None else found[ROW]
        values[place] = {name: value for name, value in found.items() if name != ROW and value is not None}
    for (place,), frame in portion.refused.group_by(ROW):
        own = number if number is not None else int(str(place))
        refused[own] = frame.with_columns(pl.lit(own, dtype=pl.Int64).alias(ROW))


def portion_of(contract: str, values: Mapping[int, Values], refused: Mapping[int, pl.DataFrame]) -> Portion:
    """Rows by number as a portion: as text, so that the gate casts them as it casts any file's."""
    names = sorted({name for row in values.values() for name in row})
    numbers = sorted(values)
    columns = {name: [_text(values[number].get(name)) for number in numbers] for name in names}
    rows = pl.DataFrame(columns, schema=dict.fromkeys(names, pl.String())).with_columns(
        pl.Series(ROW, numbers, dtype=pl.Int64)
    )
    return Portion(
        contract=contract, rows=rows, refused=pl.concat(list(refused.values())) if refused else no_refusals()
    )


def corrected(contract: str, base: Values, given: Values) -> dict[str, Any]:
    """`base` with the `given` values in place; an empty one takes the column out.

    Errors: `UsageError` for a column that the contract does not have, or that ingest decides.
    """
    columns = registry.table(contract).columns
    for name in given:
        if name not in columns or name in DECIDED:
            why = "is decided by ingest" if name in columns else f"is no column of {contract}"
            raise UsageError(
                f"{name[:80]} {why}.",
                field=name[:80],
                rule="contract",
                next_step=f"Correct one of {', '.join(one for one in columns if one not in DECIDED)}.",
            )
    merged = {**base, **given}
    return {name: value for name, value in merged.items() if value is not None and value != ""}


def no_file(file_name: str, source: str) -> NotFoundError:
    """The file that is to be read again is gone."""
    return NotFoundError(
        f"{file_name} no longer lies unchanged in the landing folder of {source}.",
        field="batch_id",
        rule="inside_landing",
        next_step="Drop the same file there again, or repair its rows by hand with `aurora quarantine repair --row`.",
    )


def _text(value: Any) -> str | None:
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case dt.datetime() | dt.date():
            return value.isoformat()
        case Decimal():
            return format(value, "f")
        case dict() | list():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)
