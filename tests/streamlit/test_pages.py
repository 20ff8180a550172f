"""Each page as a reader meets it: with a company, with an empty tenant, with none; and the change of a decision."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from apps.streamlit.reads.decisions import DecisionFilter, list_decisions
from apps.streamlit.reads.lake import Pin
from apps.streamlit.ui.access import Viewer, is_loopback
from apps.streamlit.ui.wording import aed
from aurora.audit.verify import verify
from aurora.settings import PROJECT_DIR
from aurora.store.journal import StateReader
from aurora.store.lake import read_lake
from contracts.messages.decisions import Decision
from tests.streamlit.company import DAYS, STAGES, seed_builds

Open = Callable[[str], AppTest]
NAMES = sorted(file.stem for file in (PROJECT_DIR / "apps" / "streamlit" / "app_pages").glob("*.py"))


def _said(app: AppTest) -> str:
    """All text of a page."""
    blocks = [*app.title, *app.subheader, *app.markdown, *app.caption, *app.info, *app.error, *app.success]
    tiles = [f"{metric.label}: {metric.value}" for metric in app.metric]
    return "\n".join([*[str(block.value) for block in blocks], *tiles])


def _ran(app: AppTest) -> AppTest:
    app.run()
    assert [exception.message for exception in app.exception] == []
    return app


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("home", "AI cost AED"),
        ("costs", "AI cost AED"),
        ("decisions", "wait for you. The engine decided 400 times."),
        ("data", "70 rows are in quarantine"),
        ("contracts", "hold rows."),
    ],
)
def test_a_page_says_in_its_headline_what_matters(name: str, sentence: str, pin: Pin, open_page: Open) -> None:
    app = _ran(open_page(name))
    assert sentence in app.title[0].value
    assert list(app.error) == []
    assert f"snapshot {pin.mart_snapshot}" in _said(app)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_follows_the_first_start_while_there_is_no_tenant(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_page: Open
) -> None:
    monkeypatch.setenv("AURORA_DATA_DIR", str(tmp_path))
    app = _ran(open_page(name))
    said = _said(app)
    assert app.title[0].value == "Aurora is getting ready"
    assert "**Company made** · Next" in said
    assert "`make run` starts the build" in said


@pytest.mark.parametrize("name", ["home", "costs"])
def test_pages_of_figures_wait_for_the_first_build(
    name: str, empty_dir: Path, monkeypatch: pytest.MonkeyPatch, open_page: Open
) -> None:
    monkeypatch.setenv("AURORA_DATA_DIR", str(empty_dir))
    said = _said(_ran(open_page(name)))
    assert "**Company made** · Done" in said
    assert "**Figures computed** · To come" in said


def test_an_empty_tenant_says_what_to_do_next(
    empty_dir: Path, monkeypatch: pytest.MonkeyPatch, open_page: Open
) -> None:
    monkeypatch.setenv("AURORA_DATA_DIR", str(empty_dir))
    decisions, data = _ran(open_page("decisions")), _ran(open_page("data"))
    assert decisions.title[0].value == "No decision has been made yet."
    assert "POST /api/v1/decisions" in _said(decisions)
    assert "hold 0 rows; nothing is in quarantine" in data.title[0].value
    assert "holds no row yet" in _said(data)


def test_a_failed_stage_is_told_while_the_pages_wait(
    empty_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_page: Open
) -> None:
    shutil.copytree(empty_dir, tmp_path / "data")
    builds = tmp_path / "data" / "tenants" / "demo" / "builds"
    builds.mkdir()
    (builds / "marts.json").write_text(
        '{"stage": "marts", "state": "failed", "inputs": "", "seconds": 1.0, "ended_at": "2026-11-25T10:00:00+00:00",'
        ' "message": "The table usage is not there."}'
    )
    monkeypatch.setenv("AURORA_DATA_DIR", str(tmp_path / "data"))
    app = _ran(open_page("home"))
    assert "**marts** failed: The table usage is not there" in app.error[0].value
    assert "aurora build" in app.error[0].value


def test_home_shows_spend_needs_health_recommendations_and_kpis(pin: Pin, open_page: Open) -> None:
    app = _ran(open_page("home"))
    said = _said(app)
    with read_lake(pin.paths) as lake:
        month = lake.query(
            "SELECT CAST(sum(cost_usd) AS DOUBLE) AS usd, CAST(sum(unpriced_count) AS BIGINT) AS unpriced FROM mart.usage_daily "
            "WHERE period_date > (SELECT max(period_date) FROM mart.usage_daily) - INTERVAL 30 DAY"
        ).row(0, named=True)
        refused = int(lake.query("SELECT sum(row_count) AS refused FROM mart.quarantine_reasons")["refused"][0])
    spend = {metric.label: metric.value for metric in app.metric}
    assert spend["Spend · Last 30 days"] == aed(month["usd"])
    assert {"Spend · Today so far", "Spend · Last 7 days"} <= set(spend)
    waiting = list_decisions(pin, DecisionFilter(show="waiting")).height
    assert f"**{waiting}** · Decisions left to you" in said
    assert f"**{refused}** · Refused rows" in said
    assert f"**{month['unpriced']:,}** · Calls without a price" in said
    assert f"{len(STAGES)} stages built" in said
    assert "2 of 8 not: Laila (degraded), Support assistant (down)." in said
    assert "Computed " in said
    assert said.count("Rests on: ") == 3
    assert "KPIs: 5 of 8 meet their target" in said
    assert {"Met", "Missed", "No data", "Sample data"} <= set(_badges(app))


def _badges(app: AppTest) -> list[str]:
    """Words of the badges: Streamlit writes them as Markdown directives."""
    found = [str(block.value) for block in app.markdown if "-badge[" in str(block.value)]
    return [text[text.index("[") + 1 : -1].split(": ")[-1] for text in found]


@pytest.mark.usefixtures("pin")
def test_a_period_that_is_not_covered_before_is_not_compared(open_page: Open) -> None:
    assert DAYS < 60
    app = _ran(open_page("home"))
    month = next(metric for metric in app.metric if metric.label == "Spend · Last 30 days")
    assert month.delta == "nothing to compare with yet"


def test_calls_without_a_price_are_counted_not_added_as_nothing(pin: Pin, open_page: Open) -> None:
    app = _ran(open_page("costs"))
    tiles = {metric.label: metric.value for metric in app.metric}
    with read_lake(pin.paths) as lake:
        unpriced, calls, usd = lake.query(
            "SELECT CAST(sum(unpriced_count) AS BIGINT), CAST(sum(operation_count) AS BIGINT), "
            "CAST(sum(cost_usd) AS DOUBLE) FROM mart.usage_daily "
            "WHERE period_date > (SELECT max(period_date) FROM mart.usage_daily) - INTERVAL 30 DAY"
        ).row(0)
    assert tiles["Without price"] == f"{unpriced:,}"
    assert tiles["Calls"] == f"{calls:,}"
    assert tiles["1,000 priced calls"] == aed(usd / (calls - unpriced) * 1000)
    assert f"{unpriced:,} calls have no price yet." in app.title[0].value


@pytest.mark.usefixtures("pin")
def test_another_period_gives_other_figures(open_page: Open) -> None:
    app = _ran(open_page("costs"))
    before = {metric.label: metric.value for metric in app.metric}
    week = open_page("costs")
    week.query_params["period"] = "7 days"
    after = {metric.label: metric.value for metric in _ran(week).metric}
    assert after["Spend"] != before["Spend"]


@pytest.mark.parametrize("tab", ["Contracts", "Batches", "Quarantine", "Snapshots"])
@pytest.mark.usefixtures("pin")
def test_a_tab_of_the_data_page_opens(tab: str, open_page: Open) -> None:
    app = open_page("data")
    app.query_params["tab"] = tab
    said = _said(_ran(app))
    expected = {
        "Contracts": "Columns of ",
        "Batches": "Rows in = landed + refused + seen before",
        "Quarantine": "Why rows were refused",
        "Snapshots": "Snapshots of mart",
    }
    assert expected[tab] in said


@pytest.mark.usefixtures("pin")
def test_quarantine_tells_the_reason_and_covers_the_row(open_page: Open) -> None:
    app = open_page("data")
    app.query_params["tab"] = "Quarantine"
    refused = _ran(app).dataframe[-1].value
    assert all("it must be at least 0" in reason for reason in refused["reason"])
    assert set(refused["raw_row"]) == {"•••"}
    app.toggle(key="refused_personal").set_value(True)
    shown = _ran(app).dataframe[-1].value
    assert all("input_tokens" in row for row in shown["raw_row"])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("pin")
def test_no_page_opens_when_others_could_reach_it(name: str, monkeypatch: pytest.MonkeyPatch, open_page: Open) -> None:
    monkeypatch.setenv("AURORA_HOST", "0.0.0.0")  # noqa: S104 - what must be refused
    app = _ran(open_page(name))
    assert "AURORA_HOST=127.0.0.1" in app.error[0].value
    assert list(app.metric) == []
    assert list(app.dataframe) == []


def test_loopback_is_told_from_the_rest() -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "[::1]", "localhost", "127.9.9.9")] == [True] * 5
    assert [is_loopback(host) for host in ("0.0.0.0", "::", "192.168.1.4", "aurora.example")] == [False] * 4  # noqa: S104


@pytest.mark.usefixtures("pin")
def test_a_viewer_sees_figures_but_neither_rows_nor_exports(open_page: Open) -> None:
    data, home = open_page("data"), open_page("home")
    for app in (data, home):
        app.session_state["aurora_viewer"] = Viewer("lea", "viewer")
        _ran(app)
    assert "This page is for the role analyst" in data.error[0].value
    assert list(data.dataframe) == []
    assert home.metric
    assert list(home.get("download_button")) == []


def test_an_analyst_may_export_but_not_change_a_decision(pin: Pin, open_page: Open) -> None:
    app = open_page("decisions")
    app.session_state["aurora_viewer"] = Viewer("ana", "analyst")
    app.query_params["decision"] = _chosen(pin).decision_id
    _ran(app)
    assert app.get("download_button")
    assert "Change this decision" not in _said(app)


def _chosen(pin: Pin) -> Decision:
    """The newest decision that someone was chosen in and nobody changed."""
    listed = list_decisions(pin, DecisionFilter()).filter(
        (pl.col("decision_status") == "chosen") & pl.col("is_overridden").not_()
    )
    with StateReader(pin.paths) as journal:
        entry = journal.get(listed["decision_id"][0])
    assert entry is not None
    return msgspec.json.decode(entry.body, type=Decision)


def test_a_decision_tells_who_why_and_what_was_forbidden(pin: Pin, open_page: Open) -> None:
    decision = _chosen(pin)
    app = open_page("decisions")
    app.query_params["decision"] = decision.decision_id
    said = _said(_ran(app))
    assert "was chosen to" in app.title[0].value
    assert "Good enough at the lowest expected cost" in said
    assert "Rules forbade 1 of them" in said
    assert decision.decision_id in said
    candidates, rules = (table.value for table in app.dataframe)
    assert len(candidates) == len(decision.candidates)
    assert candidates["verdict"][0] == "✓ Chosen"
    assert "Personal data of clients stays in ae-dubai." in list(candidates["why_not"])
    assert list(rules["verdict"]) == ["✗ Forbids 1", "✓ Passes", "✓ Passes", "✓ Passes"]


def test_a_change_is_sealed_and_seen_at_once(own_pin: Pin, open_page: Open) -> None:
    decision = _chosen(own_pin)
    target = next(c for c in decision.candidates if c.is_eligible and c.candidate_id != decision.action)
    app = open_page("decisions")
    app.query_params["decision"] = decision.decision_id
    _ran(app)
    app.selectbox[0].set_value(target.candidate_id)
    app.text_area[0].set_value("The client asked for it.")
    next(button for button in app.button if button.label == "Change it").click()
    _ran(app)
    assert "the decision was changed" in app.title[0].value
    assert "The client asked for it." in "\n".join(str(text.value) for text in app.get("text"))
    with StateReader(own_pin.paths) as journal:
        last = journal.page("override", limit=1)[0]
    assert last.subject_id == decision.decision_id
    assert last.actor_id == "owner"
    listed = list_decisions(own_pin, DecisionFilter(show="overridden"))
    row = listed.filter(pl.col("decision_id") == decision.decision_id).row(0, named=True)
    assert row["override_action"] == target.candidate_id
    assert (report := verify(own_pin.paths)).is_valid
    assert report.record_count == last.seq


def test_what_a_rule_forbids_is_refused_with_its_reason(own_pin: Pin, open_page: Open) -> None:
    decision = _chosen(own_pin)
    forbidden = next(c for c in decision.candidates if any(veto.source == "rule" for veto in c.vetoes))
    with StateReader(own_pin.paths) as journal:
        before = journal.last_seq()
    app = open_page("decisions")
    app.query_params["decision"] = decision.decision_id
    _ran(app)
    app.selectbox[0].set_value(forbidden.candidate_id)
    app.text_area[0].set_value("I want it so.")
    next(button for button in app.button if button.label == "Change it").click()
    _ran(app)
    assert "residency" in app.error[0].value
    assert "Personal data of clients stays" in app.error[0].value
    with StateReader(own_pin.paths) as journal:
        assert journal.last_seq() == before


def test_a_change_without_a_reason_is_refused(own_pin: Pin, open_page: Open) -> None:
    app = open_page("decisions")
    app.query_params["decision"] = _chosen(own_pin).decision_id
    _ran(app)
    app.selectbox[0].set_value("human")
    next(button for button in app.button if button.label == "Change it").click()
    _ran(app)
    assert "say why in at least three letters" in app.error[0].value


@pytest.mark.usefixtures("pin")
def test_an_unknown_decision_leads_back_to_the_list(open_page: Open) -> None:
    app = open_page("decisions")
    app.query_params["decision"] = "dec_<script>alert(1)</script>"
    assert _ran(app).title[0].value == "There is no such decision"
    app.button[0].click()
    assert "The engine decided" in _ran(app).title[0].value


@pytest.mark.usefixtures("pin")
def test_the_list_is_narrowed_by_what_is_searched_for_literally(open_page: Open) -> None:
    app = _ran(open_page("decisions"))
    app.text_input[0].set_value("100%_")
    assert _ran(app).title[0].value == "0 decisions fit the filter."
    app.text_input[0].set_value("Clara")
    narrowed = int(_ran(app).title[0].value.split()[0])
    assert 0 < narrowed < 400


def test_home_says_that_a_stage_failed(own_pin: Pin, open_page: Open) -> None:
    seed_builds(own_pin.paths)
    record = own_pin.paths.directory / "builds" / "marts.json"
    record.write_text(record.read_text().replace('"built"', '"failed"'))
    assert "Failed: marts." in _said(_ran(open_page("home")))
