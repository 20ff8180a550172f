"""A table as a file: typed CSV or XLSX that says which tenant, which snapshot and when.

The one way out for every table of the pages. Who may export is asked by `apps.streamlit.ui.table`.
"""

from __future__ import annotations

import datetime as dt
import io
import json
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from apps.streamlit.ui.wording import gulf_time

ExportFormat = Literal["csv", "xlsx"]
MIME: dict[ExportFormat, str] = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_MAX_SHEET_ROWS = 1_048_575


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where an exported table came from."""

    tenant: str
    title: str
    raw_snapshot: int | None
    mart_snapshot: int | None
    generated_at: dt.datetime

    def rows(self, frame: pl.DataFrame) -> list[tuple[str, str]]:
        """What the metadata sheet says, label and value."""
        return [
            ("Table", self.title),
            ("Tenant", self.tenant),
            ("Rows", str(frame.height)),
            ("Raw lake snapshot", "none" if self.raw_snapshot is None else str(self.raw_snapshot)),
            ("Mart lake snapshot", "none" if self.mart_snapshot is None else str(self.mart_snapshot)),
            ("Generated (UTC)", self.generated_at.astimezone(dt.UTC).isoformat(timespec="seconds")),
            ("Generated (Gulf)", gulf_time(self.generated_at)),
            ("Times in the table", "UTC"),
        ]


def file_name(provenance: Provenance, export_format: ExportFormat) -> str:
    """`aurora_demo_spend-by-assistant_20261121T0312Z.csv`."""
    slug = "-".join("".join(c if c.isalnum() else " " for c in provenance.title.lower()).split())
    moment = provenance.generated_at.astimezone(dt.UTC)
    return f"aurora_{provenance.tenant}_{slug}_{moment:%Y%m%dT%H%MZ}.{export_format}"


def export_bytes(frame: pl.DataFrame, export_format: ExportFormat, provenance: Provenance) -> bytes:
    """`frame` as a file. Text that a spreadsheet would run as a formula is made harmless."""
    flat = frame.with_columns(*_flattened(frame), *_defused(frame)) if frame.width else frame
    return _csv(flat) if export_format == "csv" else _xlsx(flat, provenance)


def _flattened(frame: pl.DataFrame) -> list[pl.Expr]:
    nested = [name for name, kind in frame.schema.items() if isinstance(kind, pl.List | pl.Struct | pl.Array)]
    return [pl.col(name).map_elements(_json, return_dtype=pl.String) for name in nested]


def _json(value: Any) -> str:
    return json.dumps(value.to_list() if isinstance(value, pl.Series) else value, default=str, ensure_ascii=False)


def _defused(frame: pl.DataFrame) -> list[pl.Expr]:
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    risky = {name: pl.any_horizontal(*[pl.col(name).str.starts_with(s) for s in _FORMULA_STARTS]) for name in texts}
    return [pl.when(risky[name]).then("'" + pl.col(name)).otherwise(pl.col(name)).alias(name) for name in texts]


def _csv(frame: pl.DataFrame) -> bytes:
    times = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Datetime)]
    stamped = frame.with_columns(pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%SZ") for name in times)
    return stamped.write_csv(include_bom=True).encode("utf-8")


def _xlsx(frame: pl.DataFrame, provenance: Provenance) -> bytes:
    import xlsxwriter

    buffer = io.BytesIO()
    # A sheet holds no zones: times go in as UTC, and the metadata sheet says so.
    zoned = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Datetime) and kind.time_zone]
    plain = frame.head(_MAX_SHEET_ROWS).with_columns(
        pl.col(name).dt.convert_time_zone("UTC").dt.replace_time_zone(None) for name in zoned
    )
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False}) as book:
        plain.write_excel(
            book,
            worksheet="Data",
            table_style="Table Style Light 1",
            header_format={"bold": True, "bottom": 1},
            freeze_panes=(1, 0),
            autofit=True,
            dtype_formats={pl.Date: "yyyy-mm-dd", pl.Datetime: "yyyy-mm-dd hh:mm:ss"},
            float_precision=4,
        )
        _metadata_sheet(book, provenance.rows(frame))
        book.set_properties({"title": provenance.title, "company": provenance.tenant})
    return buffer.getvalue()


def _metadata_sheet(book: Any, rows: list[tuple[str, str]]) -> None:
    sheet = book.add_worksheet("About")
    bold = book.add_format({"bold": True})
    for index, (label, value) in enumerate(rows):
        sheet.write_string(index, 0, label, bold)
        sheet.write_string(index, 1, value)
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, 1, 60)
