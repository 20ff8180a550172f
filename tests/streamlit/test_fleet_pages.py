"""The pages Assistants and Performance: what they say of a fleet, and what a person does with an assistant."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from apps.streamlit.fleet_acts import command, put_back, switch
from apps.streamlit.reads.assistant import recent_commands, settings_made, spans
from apps.streamlit.reads.fleet import fleet_facts, fleet_now, fleet_pack
from apps.streamlit.reads.kpis import kpi_rules
from apps.streamlit.reads.lake import Pin, current_pin
from apps.streamlit.reads.meanings import raw_tables
from apps.streamlit.reads.performance import KPI_IDS, performance_extent, performance_figures, ranking
from apps.streamlit.ui.access import Viewer
from apps.streamlit.ui.benchmarks import benchmark_rows
from apps.streamlit.ui.fleet_edges import edge_rows
from aurora.audit.verify import verify
from aurora.errors import ComplianceError, ConflictError, DataError, NotReadyError, PermissionDeniedError
from aurora.store.journal import StateReader
from aurora.store.paths import tenant_paths
from tests.streamlit.company import NOW, TODAY
from tests.streamlit.fleet import NAMES, UNSEEN, polled, seed_fleet

Open = Callable[[str], AppTest]
OWNER = Viewer("person:amal", "owner")
ANALYST = Viewer("person:noor", "analyst")


@pytest.fixture(scope="module")
def fleet_dir(company_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Data folder of the company with its fleet, polled; nobody else writes to it."""
    target = tmp_path_factory.mktemp("fleet") / "data"
    shutil.copytree(company_dir, target)
    paths = tenant_paths(target, "demo")
    seed_fleet(paths)
    with polled(paths):
        yield target


@pytest.fixture
def fleet(fleet_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Pin:
    """The fleet at its newest snapshot, and the pages pointed at it."""
    monkeypatch.setenv("AURORA_DATA_DIR", str(fleet_dir))
    return current_pin()


@pytest.fixture
def own(fleet_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pin]:
    """As `fleet`, on a copy that the test may write to."""
    shutil.copytree(fleet_dir, tmp_path / "data", ignore=shutil.ignore_patterns(".fleet.json.*"))
    monkeypatch.setenv("AURORA_DATA_DIR", str(tmp_path / "data"))
    pin = current_pin()
    with polled(pin.paths):
        yield pin


def _ran(app: AppTest) -> AppTest:
    app.run()
    assert [exception.message for exception in app.exception] == []
    return app


def _opened(open_page: Open, name: str, **address: str) -> AppTest:
    app = open_page(name)
    for key, value in address.items():
        app.query_params[key] = value
    return _ran(app)


def _said(app: AppTest) -> str:
    blocks = [
        *app.title,
        *app.subheader,
        *app.markdown,
        *app.caption,
        *app.info,
        *app.warning,
        *app.error,
        *app.success,
    ]
    tiles = [f"{metric.label}: {metric.value}" for metric in app.metric]
    return "\n".join([*[str(block.value) for block in blocks], *tiles])


# Assistants -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("fleet")
def test_the_fleet_is_told_in_a_sentence_and_counted(open_page: Open) -> None:
    app = _opened(open_page, "assistants")
    assert app.title[0].value == f"{len(NAMES) - 3} of 16 assistants are active; 1 down, 1 degraded, 1 not watched."
    tiles = {metric.label: metric.value for metric in app.metric}
    assert (tiles["Active"], tiles["Degraded"], tiles["Down"], tiles["Not watched"]) == ("13", "1", "1", "1")
    assert tiles["Overall health"].endswith("of 100")
    said = _said(app)
    for part in ("Score **82** of 100", "Load **3 of 24 tasks**", "Full orchestration", "High priority", "Simulated"):
        assert part in said, part


@pytest.mark.usefixtures("pin")
def test_nobody_polls_and_the_page_says_what_to_do(open_page: Open) -> None:
    app = _opened(open_page, "assistants")
    assert "none of them is watched now" in app.title[0].value
    assert "aurora assistant connect" in _said(app)
    assert "aurora twin up --connect" in _said(app)


@pytest.mark.usefixtures("fleet")
def test_the_fleet_is_narrowed_by_what_is_asked_for(open_page: Open) -> None:
    app = _opened(open_page, "assistants")
    app.selectbox(key="fleet_state").select("Degraded")
    _ran(app)
    assert [button.label for button in app.button if button.label.startswith("Open ")] == ["Open Mary"]
    app.selectbox(key="fleet_state").select("Any")
    app.text_input(key="fleet_text").input("nobody of that name")
    assert "No assistant fits" in _said(_ran(app))


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("tab", ["Table", "Dependencies", "Communication"])
def test_a_tab_of_the_fleet_opens(tab: str, open_page: Open) -> None:
    app = _opened(open_page, "assistants", tab=tab)
    assert len(app.dataframe) == 1
    if tab == "Table":
        rows = app.dataframe[0].value
        assert set(rows["state"]) == {"Active", "Degraded", "Down", "Not watched"}
        assert rows.set_index("assistant_id").loc["clara", "score_30d"] == 82


@pytest.mark.usefixtures("fleet")
def test_a_card_leads_to_its_assistant(open_page: Open) -> None:
    app = _opened(open_page, "assistants")
    app.button(key="open_clara").click()
    app = _ran(app)
    assert app.title[0].value == "Clara, Sales: active"
    assert app.query_params["assistant"] in ("clara", ["clara"])


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("tab", ["Overview", "Work", "Connections", "Control"])
def test_a_tab_of_an_assistant_opens(tab: str, open_page: Open) -> None:
    app = _opened(open_page, "assistants", assistant="clara", assistant_tab=tab)
    said = _said(app)
    expected = {
        "Overview": ("Accuracy: 80 %", "#### Thresholds", "#### States"),
        "Work": ("#### Skills", "#### Recent tasks"),
        "Connections": ("Who needs whom", "#### Communication"),
        "Control": ("Kill switch", "Send a command", "#### Recent commands"),
    }[tab]
    for part in ("Score now: 91 of 100", *expected):
        assert part in said, part


@pytest.mark.usefixtures("fleet")
def test_an_unknown_assistant_leads_back(open_page: Open) -> None:
    app = _opened(open_page, "assistants", assistant="nobody")
    assert app.title[0].value == "There is no such assistant"
    assert list(app.error) == []


def test_states_of_neighbouring_days_are_one_span() -> None:
    start = NOW.replace(hour=0, minute=0, second=0)
    frame = pl.DataFrame(
        {
            "assistant_state": ["active", "active", "down"],
            "started_at": [start, start.replace(hour=8), start.replace(hour=9)],
            "held_s": [8 * 3600.0, 3600.0, 1800.0],
            "report_count": [32, 4, 2],
        }
    )
    found = spans(frame).select("assistant_state", "held_s").rows()
    assert found == [("down", 1800.0), ("active", 9 * 3600.0)]


@pytest.mark.usefixtures("fleet")
def test_work_over_an_edge_that_is_not_there_is_seen() -> None:
    handed = pl.DataFrame(
        {
            "from_assistant_id": ["clara"], "to_assistant_id": ["nobody"], "handoff_count": [4], "decided_count": [4],
            "handoff_error_count": [1], "breach_count": [4], "latency_p95_ms": [90.0],
        }
    )  # fmt: skip
    rows = edge_rows(handed, {"clara"})
    assert rows.row(0) == ("Clara", "nobody", "✗ Not in the matrix", 4, 0.25, 4, 90.0)
    assert rows.filter(pl.col("edge") == "✓ Allowed").height > 3


# acts -----------------------------------------------------------------------------------------


def test_the_kill_switch_wants_a_reason_and_a_yes_and_is_sealed(own: Pin, open_page: Open) -> None:
    app = _opened(open_page, "assistants", assistant="clara", assistant_tab="Control")
    assert app.button(key="switch_off_clara").disabled
    app.text_input(key="switch_off_clara_reason").input("It sent offers without a permit number.")
    app.checkbox(key="switch_off_clara_sure").check()
    app = _ran(app)
    app.button(key="switch_off_clara").click()
    app = _ran(app)
    assert "Clara is switched off" in _said(app)
    now = fleet_now(own)
    assert now.state("clara") == "disabled"
    assert now.off["clara"].reason == "It sent offers without a permit number."
    assert "Clara, Sales: switched off" in app.title[0].value
    assert app.button(key="switch_on_clara").disabled
    with StateReader(own.paths) as journal:
        assert [entry.actor_id for entry in journal.page("assistant_disabled")] == ["owner"]
    assert (report := verify(own.paths)).is_valid, report.summary


def test_a_switch_goes_back_and_not_twice(own: Pin) -> None:
    switch(own, "clara", is_off=True, reason="It sent offers.", viewer=OWNER)
    with pytest.raises(ConflictError, match="already"):
        switch(own, "clara", is_off=True, reason="It sent offers.", viewer=OWNER)
    switch(own, "clara", is_off=False, reason="It was mended.", viewer=OWNER)
    assert fleet_now(own).state("clara") == "active"


def test_who_may_not_act_does_not(own: Pin, open_page: Open) -> None:
    with pytest.raises(PermissionDeniedError):
        switch(own, "clara", is_off=True, reason="No reason at all.", viewer=ANALYST)
    with pytest.raises(PermissionDeniedError):
        command(own, "clara", "ping", {}, viewer=ANALYST)
    with pytest.raises(DataError, match="reason"):
        switch(own, "clara", is_off=True, reason=" x ", viewer=OWNER)
    assert fleet_now(own).off == {}
    app = open_page("assistants")
    app.session_state["aurora_viewer"] = ANALYST
    app.query_params["assistant"] = "clara"
    app.query_params["assistant_tab"] = "Control"
    app = _ran(app)
    assert "for the role operator; yours is analyst" in _said(app)
    assert [button for button in app.button if button.label.startswith("Switch")] == []


def test_only_what_the_control_level_lets_through_is_offered_and_sent(own: Pin, open_page: Open) -> None:
    app = _opened(open_page, "assistants", assistant="linda", assistant_tab="Control")
    assert app.selectbox(key="kind_linda").options == ["Ping", "Notify", "Set threshold"]
    with pytest.raises(ComplianceError, match="monitoring"):
        command(own, "linda", "pause", {}, viewer=OWNER)
    newest = recent_commands(own, "linda").row(0, named=True)
    assert (newest["command_kind"], newest["command_state"], newest["error_type"]) == (
        "pause",
        "refused",
        "control_level",
    )


def test_a_command_is_sent_from_the_form(own: Pin, open_page: Open) -> None:
    app = _opened(open_page, "assistants", assistant="clara", assistant_tab="Control")
    app.selectbox(key="kind_clara").select("tune")
    app = _ran(app)
    app.number_input(key="tune_clara_value_escalation_confidence").set_value(0.62)
    app.button(key="send_clara").click()
    app = _ran(app)
    assert "Sent as cmd_" in _said(app)
    newest = recent_commands(own, "clara").row(0, named=True)
    assert (newest["command_kind"], newest["command_state"], newest["actor_id"]) == ("tune", "issued", "owner")
    assert "cmd-old" in recent_commands(own, "clara")["command_id"].to_list()


def test_only_a_setting_that_is_done_is_put_back(own: Pin) -> None:
    sent = command(own, "clara", "tune", {"parameter": "temperature", "value": 0.45}, viewer=OWNER)
    assert settings_made(own, "clara") == []
    with pytest.raises(ConflictError, match="nothing that can be put back"):
        put_back(own, sent.command_id, viewer=OWNER)
    with pytest.raises(PermissionDeniedError):
        put_back(own, sent.command_id, viewer=ANALYST)


def test_an_assistant_that_is_not_connected_takes_no_command(own: Pin) -> None:
    with pytest.raises(NotReadyError, match="not connected"):
        command(own, UNSEEN, "ping", {}, viewer=OWNER)


# Performance ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("fleet")
def test_performance_says_what_meets_its_target_and_what_alarms(open_page: Open) -> None:
    app = _opened(open_page, "performance")
    assert (
        app.title[0].value
        == "1 of 3 KPIs meets the target; Ecosystem uptime and Handoff error rate are at alert level."
    )
    said = _said(app)
    for part in ("Target ≥ 99.5 %", "99.1 %", "Handoff success: 90 %", "Cost efficiency: 80 %", "Overall health: "):
        assert part in said, part


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("tab", ["Trends", "Ranking", "Benchmarks"])
@pytest.mark.parametrize("period", ["7 days", "90 days"])
def test_a_tab_of_performance_opens(tab: str, period: str, open_page: Open) -> None:
    app = _opened(open_page, "performance", tab=tab, period=period)
    assert list(app.error) == []
    assert len(app.dataframe) == (0 if tab == "Trends" else 1)


@pytest.mark.usefixtures("fleet")
def test_the_figures_follow_the_chosen_assistants(open_page: Open) -> None:
    app = _opened(open_page, "performance", tab="Ranking")
    app.multiselect(key="chosen").select("clara")
    app = _ran(app)
    assert app.dataframe[0].value["assistant_name"].to_list() == ["Clara"]


def test_an_empty_tenant_has_no_performance_yet(
    empty_dir: Path, monkeypatch: pytest.MonkeyPatch, open_page: Open
) -> None:
    monkeypatch.setenv("AURORA_DATA_DIR", str(empty_dir))
    app = _opened(open_page, "performance")
    assert "aurora ingest" in _said(app)
    assert list(app.error) == []


def test_the_ranking_puts_the_best_score_first(fleet: Pin) -> None:
    extent = performance_extent(fleet)
    assert extent is not None
    assert extent[1] == TODAY
    figures = performance_figures(fleet, *extent)
    rows = ranking(figures, fleet_facts(fleet).scores, 30)
    assert rows["assistant_name"][0] == "Clara"
    assert rows["performance_score"].is_sorted(descending=True)
    assert rows["rank"].to_list() == list(range(1, 17))
    assert rows.filter(pl.col("assistant_id") == "clara")["override_count"].to_list() == [3]


def test_percentiles_of_one_assistant_are_its_own(fleet: Pin) -> None:
    extent = performance_extent(fleet)
    assert extent is not None
    one = performance_figures(fleet, *extent).of(["clara"])
    assert one.latency_by_day("AI operations").height == one.days.height
    newest = one.days.row(-1, named=True)
    shown = one.latency_by_day("AI operations").row(-1, named=True)
    assert shown["duration_p95_ms"] == pytest.approx(newest["duration_p95_ms"])


def test_benchmarks_stand_beside_what_is_measured(fleet: Pin) -> None:
    extent = performance_extent(fleet)
    assert extent is not None
    rows = {row["benchmark"]: row for row in benchmark_rows(performance_figures(fleet, *extent)).to_dicts()}
    assert rows["Ecosystem uptime"]["verdict"] == "✗ Not reached"
    assert rows["Handoff latency"]["verdict"] == "✓ Reached"
    assert rows["First response hours"]["verdict"] == "– Not measured"
    assert len(rows) == len(fleet_pack().benchmarks)


def test_every_kpi_of_the_page_is_declared_and_every_figure_has_a_lineage() -> None:
    assert set(KPI_IDS) <= set(kpi_rules())
    assert {"task", "handoff"} <= raw_tables("assistant_scores")
    assert kpi_rules()["kpi_handoff_error_rate"].is_beyond(0.06)
    assert not kpi_rules()["kpi_ecosystem_uptime"].is_beyond(0.996)
    assert kpi_rules()["kpi_ecosystem_uptime"].is_beyond(0.991)
