"""Reads a workbook back, so that tests see what a spreadsheet sees. Only what our own exports contain."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from xml.etree import ElementTree as ET

_NS = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
_LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
Cell = str | float | bool | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: its rows by column letters, how many rows stay in view, which columns are shown as dates."""

    rows: list[dict[str, Cell]]
    frozen_rows: int
    date_columns: frozenset[str]
    has_formula: bool


def read_workbook(content: bytes) -> dict[str, Sheet]:
    """Every sheet by its name."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        texts = ["".join(node.itertext()) for node in _xml(archive, "xl/sharedStrings.xml").findall("m:si", _NS)]
        dates = _date_styles(_xml(archive, "xl/styles.xml"))
        links = {link.get("Id"): link.get("Target") for link in _xml(archive, "xl/_rels/workbook.xml.rels")}
        return {
            str(sheet.get("name")): _sheet(_xml(archive, f"xl/{links[sheet.get(_LINK)]}"), texts, dates)
            for sheet in _xml(archive, "xl/workbook.xml").findall("m:sheets/m:sheet", _NS)
        }


def _xml(archive: zipfile.ZipFile, name: str) -> ET.Element:
    return ET.fromstring(archive.read(name))  # noqa: S314 - our own file, just written


def _date_styles(styles: ET.Element) -> set[str]:
    formats = {
        f.get("numFmtId") for f in styles.findall("m:numFmts/m:numFmt", _NS) if "yyyy" in f.get("formatCode", "")
    }
    kinds = styles.findall("m:cellXfs/m:xf", _NS)
    return {str(index) for index, kind in enumerate(kinds) if kind.get("numFmtId") in formats}


def _sheet(root: ET.Element, texts: list[str], dates: set[str]) -> Sheet:
    pane = root.find("m:sheetViews/m:sheetView/m:pane", _NS)
    cells = root.findall("m:sheetData/m:row/m:c", _NS)
    rows: list[dict[str, Cell]] = [
        {_column(cell): _value(cell, texts) for cell in row.findall("m:c", _NS)}
        for row in root.findall("m:sheetData/m:row", _NS)
    ]
    return Sheet(
        rows=rows,
        frozen_rows=0 if pane is None or pane.get("state") != "frozen" else int(float(pane.get("ySplit", "0"))),
        date_columns=frozenset(_column(cell) for cell in cells if cell.get("s") in dates),
        has_formula=any(cell.find("m:f", _NS) is not None for cell in cells),
    )


def _column(cell: ET.Element) -> str:
    return str(cell.get("r")).rstrip("0123456789")


def _value(cell: ET.Element, texts: list[str]) -> Cell:
    value = cell.findtext("m:v", namespaces=_NS)
    match cell.get("t"):
        case _ if value is None:
            return None
        case "s":
            return texts[int(value)]
        case "b":
            return value == "1"
        case "str":
            return value
        case _:
            return float(value)
