"""The privacy page: what came in, what was refused, and what the contracts protect."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from apps.streamlit.reads.privacy import protected_columns
from aurora.store.lake import LakeWriter, write_lake
from aurora.store.paths import tenant_paths

Open = Callable[[str], AppTest]
TODAY = dt.date(2026, 11, 21)


def _findings() -> pl.DataFrame:
    found = [
        ("party", "phone", "phone", "encrypted", 120, 0),
        ("usage", "user_id", "emirates_id", "redacted", 7, 2),
        ("evaluation", "note", "health", "flagged", 3, 0),
    ]
    names = ("contract", "column_name", "identifier_class", "privacy_action", "finding_count", "unsure_count")
    return pl.DataFrame(found, schema=names, orient="row").with_columns(source=pl.lit("crm"), period_date=pl.lit(TODAY))


def _refusals() -> pl.DataFrame:
    row = {
        "source": "crm", "contract": "usage", "file_name": "november.ndjson", "refused_region": "us-east-1",
        "reason": "The row says that it belongs to us-east-1.", "period_date": TODAY, "row_count": 5, "first_row_number": 9,
    }  # fmt: skip
    return pl.DataFrame([row])


def test_the_page_counts_what_was_protected_found_and_refused(
    company_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_page: Open
) -> None:
    shutil.copytree(company_dir, tmp_path / "data")

    def work(lake: LakeWriter) -> None:
        for name, frame in (("privacy_findings", _findings()), ("residency_refusals", _refusals())):
            kinds = {"period_date": "DATE"} | {c: "BIGINT" for c in frame.columns if c.endswith(("_count", "_number"))}
            columns = ", ".join(f"{column} {kinds.get(column, 'VARCHAR')}" for column in frame.columns)
            lake.execute(f"CREATE TABLE mart.{name} ({columns})")
            lake.append(name, frame)

    write_lake(tenant_paths(tmp_path / "data", "demo"), "mart", work, author="tests", message="Findings")
    monkeypatch.setenv("AURORA_DATA_DIR", str(tmp_path / "data"))
    app = open_page("privacy").run()
    assert [exception.message for exception in app.exception] == []
    assert app.title[0].value == (
        "120 personal values rest protected, 7 identifiers were taken out of where they did not belong; "
        "5 rows were refused for their region."
    )
    assert {metric.label: metric.value for metric in app.metric} == {
        "Protected": "120",
        "Taken out": "7",
        "To look at": "3",
        "Refused rows": "5",
    }
    tables = [frame.value for frame in app.dataframe]
    assert "emirates id" in set(tables[0]["identifier_class"])
    assert list(tables[1]["refused_region"]) == ["us-east-1"]


@pytest.mark.usefixtures("pin")
def test_a_tenant_without_findings_sees_what_its_contracts_protect(open_page: Open) -> None:
    app = open_page("privacy").run()
    assert [exception.message for exception in app.exception] == []
    assert app.title[0].value == "0 personal values rest protected."
    shown = app.dataframe[0].value
    assert len(shown) == protected_columns().height > 10
    assert {"encrypt", "token of phone"} <= set(shown["protection"])
