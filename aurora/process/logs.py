"""Event logs from files: CSV, Parquet and XES, with the columns that tools usually give them."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element, ParseError

import polars as pl

from aurora.errors import DataError, UsageError

_NAMES: Final = {
    "case_id": ("case_id", "case:concept:name", "case", "Case ID"),
    "activity": ("activity", "concept:name", "Activity"),
    "timestamp": ("timestamp", "time:timestamp", "occurred_at", "Complete Timestamp"),
}
_SUFFIXES: Final = (".csv", ".parquet", ".xes")


def read_log(file: Path) -> pl.DataFrame:
    """`case_id`, `activity`, `timestamp` (UTC) of an event log, in the file's order.

    Errors: `UsageError` for a kind of file that is not known, `DataError` for one that does not read or lacks a column.
    """
    if file.suffix not in _SUFFIXES:
        raise UsageError(
            f"{file.name} is no event log that can be read.",
            field="file",
            rule="one of " + ", ".join(_SUFFIXES),
            next_step="Export it as CSV with case_id, activity and timestamp.",
        )
    try:
        frame = _xes(file) if file.suffix == ".xes" else _table(file)
    except (OSError, pl.exceptions.PolarsError, ParseError, ValueError) as error:
        raise DataError(
            f"{file.name} does not read as {file.suffix[1:]}: {str(error).splitlines()[0]}.",
            field="file",
            rule=file.suffix[1:],
            next_step="Export it again.",
        ) from error
    return _named(frame)


def _table(file: Path) -> pl.DataFrame:
    if file.suffix == ".parquet":
        return pl.read_parquet(file)
    return pl.read_csv(file, try_parse_dates=True, infer_schema_length=10_000)


def _named(frame: pl.DataFrame) -> pl.DataFrame:
    found = {}
    for name, known in _NAMES.items():
        column = next((one for one in known if one in frame.columns), None)
        if column is not None:
            found[name] = pl.col(column).alias(name)
    rows = frame.select(**found)
    if "timestamp" in rows.columns and rows.schema["timestamp"] == pl.String:
        rows = rows.with_columns(pl.col("timestamp").str.to_datetime(time_zone="UTC", time_unit="us", strict=False))
    return rows


def _xes(file: Path) -> pl.DataFrame:
    from xml.etree.ElementTree import iterparse

    rows: list[tuple[str | None, str | None, str | None]] = []
    for _, element in iterparse(file):  # noqa: S314 - entities are not expanded by ElementTree's parser
        if _tag(element) == "trace":
            case = _value(element, "concept:name")
            rows += [
                (case, _value(event, "concept:name"), _value(event, "time:timestamp"))
                for event in element
                if _tag(event) == "event"
            ]
            element.clear()
    return pl.DataFrame(rows, schema=dict.fromkeys(_NAMES, pl.String), orient="row")


def _tag(element: Element) -> str:
    return element.tag.rsplit("}", 1)[-1]


def _value(element: Element, key: str) -> str | None:
    return next((child.get("value") for child in element if child.get("key") == key), None)
