"""The page KPI scoreboard: every KPI with where it stands, one number explained, and figures that a person enters."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from apps.streamlit.kpi_acts import enter
from apps.streamlit.reads.kpis import days, entries, explanation, kpi_rules, stands, trend
from apps.streamlit.reads.lake import Pin, current_pin
from apps.streamlit.ui.access import Viewer
from aurora.errors import DataError, PermissionDeniedError
from aurora.ingest.journal import copy_journal
from aurora.insights.kpis import file_stamps
from aurora.store.journal import StateReader
from aurora.store.lake import LakeWriter, write_lake

Open = Callable[[str], AppTest]
OWNER = Viewer("person:amal", "owner")
ANALYST = Viewer("person:noor", "analyst")
TODAY = dt.date(2026, 9, 20)


def _rename(lake: LakeWriter) -> None:
    """The made-up KPIs under the names that the files have."""
    lake.execute("UPDATE mart.kpi_values SET kpi_id = 'kpi_' || kpi_id WHERE kpi_id NOT LIKE 'kpi_%'")


@pytest.fixture
def board(own_pin: Pin) -> Pin:
    """The company with values of real KPIs."""
    write_lake(own_pin.paths, "mart", _rename, author="tests", message="Names of files")
    st.cache_data.clear()  # the newest snapshot is remembered for seconds
    return current_pin()


def _ran(app: AppTest) -> AppTest:
    app.run()
    assert [exception.message for exception in app.exception] == []
    return app


def _said(app: AppTest) -> str:
    blocks = [*app.title, *app.subheader, *app.markdown, *app.caption, *app.info, *app.metric]
    return "\n".join(str(block.value) for block in blocks)


@pytest.mark.usefixtures("board")
def test_the_scoreboard_shows_every_kpi_and_makes_no_figure_up(open_page: Open) -> None:
    app = _ran(open_page("kpis"))
    assert "meet their target" in app.title[0].value
    (table,) = app.dataframe
    shown = table.value
    assert len(shown) == len(kpi_rules())
    of = {row["kpi_name"]: row for row in shown.to_dict("records")}
    assert of["Agent success rate"]["value"] == "93.1 %"
    assert of["Agent success rate"]["status"] in ("○ Missed", "✗ Alert")
    assert of["Counterfactual saving"]["status"] == "✓ Met"
    assert of["Market share"] | {"trend": 0} == of["Market share"] | {
        "trend": 0, "value": "–", "how": "Input, none entered yet", "status": "✎ None entered",
    }  # fmt: skip
    assert of["Counterfactual saving"]["how"] == "Measured, n = 12,400"


@pytest.mark.usefixtures("board")
def test_filters_keep_what_fits(open_page: Open) -> None:
    app = open_page("kpis")
    _ran(app)
    app.selectbox(key="group").set_value("revenue")
    _ran(app)
    names = set(app.dataframe[0].value["group"])
    assert names == {"Revenue"}
    app.selectbox(key="status").set_value("met")
    _ran(app)
    assert not app.dataframe
    assert "No KPI fits" in _said(app)


def test_a_number_is_explained_by_formula_lineage_and_snapshot(board: Pin, open_page: Open) -> None:
    app = open_page("kpis")
    app.query_params["kpi"] = "kpi_counterfactual_saving"
    said = _said(_ran(app))
    assert "Nobody can observe the cost of the road not taken" in said
    assert "decision_figures_daily" in app.code[0].value
    told = explanation(board, "kpi_counterfactual_saving", None, file_stamps())
    assert {"raw", "staging", "mart", "kpi"} <= {step["layer"] for step in told["lineage"]}
    assert f"mart snapshot {told['mart_snapshot_id']}" in said


def test_a_young_company_has_a_scoreboard_without_values(empty_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURORA_DATA_DIR", str(empty_dir))
    pin = current_pin()
    assert {stand.status for stand in stands(pin)} == {"no_data", "no_input"}
    assert days(pin) == {}
    assert trend({}, "kpi_market_share") == []


def test_a_person_enters_a_figure_with_its_source(board: Pin) -> None:
    share = kpi_rules()["kpi_market_share"]
    with pytest.raises(PermissionDeniedError):
        enter(board, share, kind="value", value=0.1, day=TODAY, source="totals", viewer=ANALYST)
    with pytest.raises(DataError):
        enter(board, share, kind="value", value=0.1, day=TODAY, source="", viewer=OWNER)
    enter(board, share, kind="value", value=0.021, day=TODAY, source="DLD totals", viewer=OWNER)
    enter(
        board, kpi_rules()["kpi_agent_success_rate"], kind="target", value=0.9, day=TODAY, source="board", viewer=OWNER
    )
    with StateReader(board.paths) as state:
        assert {entry.actor_id for entry in state.page("kpi_input")} == {"person:amal"}
    copy_journal(board.paths, clock=lambda: dt.datetime.now(dt.UTC))
    fresh = _newest_pin()
    assert entries(fresh, "kpi_market_share")["source_note"].to_list() == ["DLD totals"]
    (stand,) = [one for one in stands(fresh) if one.target_by]
    assert (stand.kpi.kpi_id, stand.target, stand.kpi.target) == ("kpi_agent_success_rate", 0.9, 0.98)
    assert stand.status == "met"


def _newest_pin() -> Pin:
    """The newest snapshot, without waiting for the pages' cache."""
    st.cache_data.clear()
    return current_pin()
