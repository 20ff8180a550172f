"""Figures that people enter for KPIs, each with its source, its day and who entered it. None is made up here.

A figure goes through the journal, so that it is audited, and from there into `raw.kpi_input`; the next build
brings it to `kpi_values`. Files dropped into the landing folder fill the same table.
"""

from __future__ import annotations

import csv
import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from aurora.catalogue.kpi_files import Kpi
from aurora.errors import DataError, UsageError
from aurora.store.journal import JournalRecord
from aurora.store.lake import LakeReader
from contracts.messages.decisions import canonical
from contracts.messages.kpis import KpiInput, KpiInputRequest

KIND: Final = "kpi_input"
"""Kind of the journal record, and name of the table."""
_MAX_ROWS: Final = 10_000
_NUMBERS: Final = ("kpi_value", "value_low", "value_high", "sample_count")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrant:
    """Who enters a figure, when, where, and under which id it is kept."""

    actor_id: str
    now: dt.datetime
    region: str
    input_id: str


def new_input(kpi: Kpi, asked: KpiInputRequest, entrant: Entrant) -> KpiInput:
    """What is kept of a figure. `DataError` for one that the KPI cannot take.

    A measured KPI takes no value: it is computed. Any KPI takes a target of the company's own.
    """
    if asked.kind == "value" and kpi.is_measured:
        raise _wrong("kind", f"{kpi.kpi_id} is measured; nobody enters its value.", "Enter a target, or another KPI.")
    if asked.as_of_date > entrant.now.date():
        raise _wrong("as_of_date", f"{asked.as_of_date} has not come yet.", "Give the day that the figure is about.")
    for name in ("kpi_value", "value_low", "value_high"):
        number = getattr(asked, name)
        if number is not None and not math.isfinite(number):
            raise _wrong(name, f"{name} is no number.", "Give a finite number, or null to take the figure back.")
    _check_interval(asked)
    return KpiInput(
        kpi_input_id=entrant.input_id,
        kpi_id=kpi.kpi_id,
        kind=asked.kind,
        as_of_date=asked.as_of_date,
        kpi_value=asked.kpi_value,
        value_low=asked.value_low,
        value_high=asked.value_high,
        sample_count=asked.sample_count,
        source_note=asked.source_note.strip(),
        note=asked.note,
        actor_id=entrant.actor_id,
        entered_at=entrant.now,
        region=entrant.region,
    )


def _check_interval(asked: KpiInputRequest) -> None:
    ends = (asked.value_low, asked.value_high)
    if (ends[0] is None) != (ends[1] is None):
        raise _wrong("value_low", "An interval has two ends.", "Give value_low and value_high, or neither.")
    low, high = ends
    if (
        low is not None
        and high is not None
        and not low <= (low if asked.kpi_value is None else asked.kpi_value) <= high
    ):
        raise _wrong("value_low", "The value lies outside its interval.", "Give low <= value <= high.")


def _wrong(field: str, message: str, next_step: str) -> DataError:
    return DataError(message, field=field, rule="kpi_input", next_step=next_step)


def input_record(entered: KpiInput) -> JournalRecord:
    """The journal record of a figure."""
    return JournalRecord(
        record_id=entered.kpi_input_id,
        kind=KIND,
        subject_id=entered.kpi_id,
        actor_id=entered.actor_id,
        recorded_at=entered.entered_at,
        body=canonical(entered),
    )


def read_inputs_file(file: Path) -> list[tuple[str, KpiInputRequest]]:
    """The figures of a CSV file: kpi_id and what is asked for, row by row.

    Columns: kpi_id, as_of_date, kpi_value, source_note; and kind, value_low, value_high, sample_count, note where
    given. `DataError` names the line of the first row that cannot be read; nothing is taken from such a file.
    """
    with file.open(encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.DictReader(opened))
    if not rows or len(rows) > _MAX_ROWS:
        raise UsageError(
            f"{file.name} holds {len(rows):,} rows.",
            field="file",
            next_step=f"Give a CSV file with a header line and 1 to {_MAX_ROWS:,} rows.",
        )
    return [_request(row, file.name, line) for line, row in enumerate(rows, start=2)]


def _request(row: dict[str, Any], name: str, line: int) -> tuple[str, KpiInputRequest]:
    given = {key: value.strip() for key, value in row.items() if isinstance(key, str) and (value or "").strip()}
    kpi_id = given.pop("kpi_id", "")
    given.setdefault("kpi_value", None)
    try:
        numbers = {key: float(given[key]) for key in _NUMBERS if given.get(key) is not None}
        return kpi_id, msgspec.convert({**given, **numbers}, KpiInputRequest, strict=False)
    except (msgspec.ValidationError, ValueError) as error:
        raise DataError(
            f"Line {line} of {name} is no figure: {error}.",
            field=f"{name}:{line}",
            rule="kpi_input",
            next_step="Give kpi_id, as_of_date (YYYY-MM-DD), kpi_value and source_note in each row.",
        ) from error


_LISTED: Final = """
    SELECT kpi_id, kpi_input_kind AS kind, as_of_date, kpi_value, value_low, value_high, sample_count, source_note,
        note, actor_id, updated_at AS entered_at, source, kpi_input_id
    FROM raw.kpi_input
    WHERE ($kpi_id IS NULL OR kpi_id = $kpi_id)
    ORDER BY updated_at DESC, kpi_input_id DESC LIMIT $limit
"""


def list_inputs(lake: LakeReader, *, kpi_id: str | None = None, limit: int = 200) -> list[dict[str, Any]]:
    """Figures that were entered, the newest first, with who did and where each was taken from."""
    return lake.query(_LISTED, {"kpi_id": kpi_id, "limit": limit}).to_dicts()


def named(kpis: Sequence[Kpi], kpi_id: str) -> Kpi:
    """The KPI of that id, with or without `kpi_` before it. `NotFoundError` names a way to see all."""
    from aurora.errors import NotFoundError

    for kpi in kpis:
        if kpi_id in (kpi.kpi_id, kpi.kpi_id.removeprefix("kpi_")):
            return kpi
    raise NotFoundError(
        f"There is no KPI {kpi_id[:80]!r}.", field="kpi_id", next_step="`aurora kpi list` names them all."
    )
