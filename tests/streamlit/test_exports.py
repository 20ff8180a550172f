"""Files that the pages hand out: the same values and types again, their header in view, where they are from."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from apps.streamlit.reads.costs import cost_figures
from apps.streamlit.reads.lake import Pin
from apps.streamlit.ui.export import Provenance, export_bytes, file_name
from tests.streamlit.company import TODAY
from tests.streamlit.workbook import read_workbook

FRAME = pl.DataFrame(
    {
        "assistant_name": ["Clara", "=HYPERLINK(1)", None],
        "cost_usd": [12.5, 0.000012, None],
        "operation_count": [1_200, 3, 0],
        "is_success": [True, False, None],
        "period_date": [dt.date(2026, 11, 25), dt.date(2026, 11, 24), None],
        "decided_at": [dt.datetime(2026, 11, 25, 7, 30, tzinfo=dt.UTC), None, None],
        "skills": [["a", "b"], [], None],
    }
)
FROM = Provenance(
    tenant="demo",
    title="Spend by assistant",
    raw_snapshot=2,
    mart_snapshot=17,
    generated_at=dt.datetime(2026, 11, 25, 8, 0, tzinfo=dt.UTC),
)


def test_a_csv_opens_again_with_the_same_values() -> None:
    content = export_bytes(FRAME, "csv", FROM)
    assert content.startswith(b"\xef\xbb\xbf")  # so that a spreadsheet reads Arabic as UTF-8
    again = pl.read_csv(content, try_parse_dates=True)
    assert again["cost_usd"].to_list() == FRAME["cost_usd"].to_list()
    assert again["operation_count"].to_list() == [1200, 3, 0]
    assert again["period_date"].to_list() == FRAME["period_date"].to_list()
    assert b"2026-11-25T07:30:00Z" in content
    assert again["assistant_name"].to_list() == ["Clara", "'=HYPERLINK(1)", None]
    assert again["skills"].to_list() == ['["a", "b"]', "[]", None]


def test_a_workbook_is_typed_has_its_header_in_view_and_says_where_it_is_from() -> None:
    book = read_workbook(export_bytes(FRAME, "xlsx", FROM))
    data, about = book["Data"], book["About"]
    assert data.frozen_rows == 1
    assert list(data.rows[0].values()) == FRAME.columns
    first = data.rows[1]
    assert (first["A"], first["B"], first["C"], first["D"]) == ("Clara", 12.5, 1200, True)
    assert first["E"] == (dt.date(2026, 11, 25) - dt.date(1899, 12, 30)).days
    assert {"E", "F"} <= data.date_columns
    assert data.rows[2]["A"] == "'=HYPERLINK(1)"
    assert data.rows[2]["B"] == 0.000012
    assert not data.has_formula
    said = {row["A"]: row["B"] for row in about.rows}
    assert said["Tenant"] == "demo"
    assert said["Mart lake snapshot"] == "17"
    assert said["Raw lake snapshot"] == "2"
    assert said["Generated (UTC)"] == "2026-11-25T08:00:00+00:00"
    assert said["Generated (Gulf)"] == "25 Nov 2026, 12:00 GST"


def test_an_export_is_named_after_what_it_holds() -> None:
    assert file_name(FROM, "xlsx") == "aurora_demo_spend-by-assistant_20261125T0800Z.xlsx"


def test_a_table_of_the_lake_survives_both_formats(pin: Pin) -> None:
    figures = cost_figures(pin, TODAY, TODAY).by_llm
    again = pl.read_csv(export_bytes(figures, "csv", FROM))
    assert again["cost_usd"].sum() == pytest.approx(figures["cost_usd"].sum())
    sheet = read_workbook(export_bytes(figures, "xlsx", FROM))["Data"]
    column = next(letter for letter, name in sheet.rows[0].items() if name == "operation_count")
    assert [row[column] for row in sheet.rows[1:]] == figures["operation_count"].to_list()


@pytest.mark.parametrize("export_format", ["csv", "xlsx"])
def test_an_empty_table_can_be_taken_away_too(export_format: str) -> None:
    content = export_bytes(FRAME.clear(), export_format, FROM)  # type: ignore[arg-type]
    assert b"assistant_name" in content if export_format == "csv" else read_workbook(content)["About"].rows
