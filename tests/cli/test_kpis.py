"""`aurora kpi`: list, show, explain, target, and figures that people enter."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aurora.catalogue.dbt_sql import DBT_PROJECT
from aurora.catalogue.kpi_files import read_kpis
from aurora.store.journal import StateReader
from aurora.store.paths import tenant_paths

SOURCE = ("--source", "DLD totals Q3, p. 4")


@pytest.fixture
def entered(made: Path):
    """The figures in the journal, the newest first."""

    def read() -> list[dict[str, object]]:
        with StateReader(tenant_paths(made, "demo")) as state:
            return [json.loads(entry.body) for entry in state.page("kpi_input", limit=500)]

    return read


def test_every_kpi_is_listed_with_where_it_stands(aurora):
    listed = aurora("kpi", "list", "--json").json()["kpis"]
    assert [kpi["kpi_id"] for kpi in listed] == [kpi.kpi_id for kpi in read_kpis(DBT_PROJECT)]
    shown = aurora("kpi", "list", "--kind", "input").out
    assert "none entered yet" in shown
    assert "kpi_agent_success_rate" not in shown


def test_a_kpi_is_explained(aurora):
    told = aurora("kpi", "explain", "counterfactual_saving")
    assert told.code == 0
    for text in ("Nobody can observe the cost of the road not taken", "decision_figures_daily", "raw ", "SQL"):
        assert text in told.out
    assert aurora("kpi", "explain", "luck").code == 5


def test_a_figure_is_entered_and_withdrawn(aurora, entered):
    add = ("kpi", "input", "add", "enterprise_customers", "12", "--as-of", "2026-09-30", *SOURCE)
    before = len(entered())
    assert aurora(*add, "--dry-run", "--json").json()["is_dry_run"]
    assert len(entered()) == before
    assert aurora(*add).code == 0
    assert aurora("kpi", "input", "withdraw", "enterprise_customers", "--as-of", "2026-09-30", *SOURCE).code == 0
    newest, older = entered()[:2]
    assert (newest["kpi_value"], older["kpi_value"], older["source_note"]) == (None, 12.0, "DLD totals Q3, p. 4")


def test_a_measured_kpi_takes_a_target_and_no_value(aurora, entered):
    assert aurora("kpi", "input", "add", "agent_success_rate", "1", "--as-of", "2026-09-30", *SOURCE).code == 3
    assert aurora("kpi", "target", "agent_success_rate", "0.9", *SOURCE).code == 0
    assert (entered()[0]["kind"], entered()[0]["kpi_value"]) == ("target", 0.9)


def test_a_file_is_entered_whole_or_not_at_all(aurora, entered, tmp_path: Path):
    file = tmp_path / "figures.csv"
    head = "kpi_id,as_of_date,kpi_value,source_note,sample_count\n"
    file.write_text(head + "churn_rate,2026-08-31,0.07,books,\ncustomer_satisfaction,2026-08-31,4.6,survey,212\n")
    before = len(entered())
    assert len(aurora("kpi", "input", "import", str(file), "--json").json()["entered"]) == 2
    assert [row["sample_count"] for row in entered()[:2]] == [212, None]
    file.write_text(head + "churn_rate,2026-08-31,0.08,books,\nchurn_rate,yesterday,0.08,books,\n")
    refused = aurora("kpi", "input", "import", str(file))
    assert refused.code == 3
    assert "Line 3" in refused.err
    assert len(entered()) == before + 2
