"""The Compliance page on a small real company: the sale of the drafts' tests, swept, its clocks, findings and reports."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from apps.streamlit.reads.compliance import clocks, drafts, standing
from apps.streamlit.reads.lake import Pin, current_pin
from apps.streamlit.ui.access import LOCAL_OWNER, Viewer
from aurora.compliance.rulebook import load_rulebook
from aurora.filings.book import approve, submit
from aurora.filings.drafting import make_draft
from aurora.settings import Settings
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.state import StateStore
from tests.filings.sale import NOW, build_sale, who

Open = Callable[[str], AppTest]


@pytest.fixture(scope="session")
def sale(tmp_path_factory: pytest.TempPathFactory) -> TenantPaths:
    """The company with its sale, a REAR in review and an STR. Not to be written to."""
    paths = create_tenant(tmp_path_factory.mktemp("page"), "demo", "ae-dubai")
    book = load_rulebook(Settings().packs_dir)
    build_sale(paths, book)
    with StateStore.open(paths, clock=lambda: NOW) as store:
        for kind, about in (("rear", "D-1"), ("str", "S-1")):
            now = NOW + dt.timedelta(minutes=kind == "str")  # the newest is shown first
            made = make_draft(store, paths, book, kind=kind, about_id=about, identity=who(), now=now)
            if kind == "rear":
                submit(store, made.filing.filing_id, identity=who(), now=NOW)
    return paths


@pytest.fixture
def sale_pin(sale: TenantPaths, monkeypatch: pytest.MonkeyPatch) -> Pin:
    monkeypatch.setenv("AURORA_DATA_DIR", str(sale.data_dir))
    return current_pin()


@pytest.fixture
def own_sale(sale: TenantPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pin:
    """A copy that a test may write to."""
    shutil.copytree(sale.data_dir, tmp_path / "data")
    monkeypatch.setenv("AURORA_DATA_DIR", str(tmp_path / "data"))
    return current_pin()


@pytest.fixture
def open_tab(open_page: Open) -> Callable[[str], AppTest]:
    def opened(tab: str) -> AppTest:
        app = open_page("compliance")
        app.query_params["tab"] = tab
        app.run()
        assert [one.message for one in app.exception] == []
        return app

    return opened


def words(app: AppTest) -> str:
    return "\n".join(
        str(one.value) for kind in ("markdown", "caption", "info", "error", "success") for one in app.get(kind)
    )


def click(app: AppTest, label: str) -> AppTest:
    next(one for one in app.button if one.label == label).click()
    return app.run()


@pytest.mark.usefixtures("sale_pin")
def test_the_page_says_where_the_company_stands_and_what_is_late(open_tab):
    app = open_tab("Clocks")
    assert "would find us not compliant" in app.title[0].value
    assert "1 report waits for a second person" in app.title[0].value
    figures = {one.label: one.value for one in app.metric}
    assert figures["Open findings"] == "5"
    assert figures["Reports under way"] == "2"
    shown = app.dataframe[0].value
    assert list(shown["due_at"]) == sorted(shown["due_at"])
    assert {"AML-002", "PDPL-007", "draft"} <= set(shown["rule_id"])


def test_clocks_hold_findings_and_reports_by_due_time(sale_pin):
    found = standing(sale_pin, LOCAL_OWNER)
    frame = clocks(found, drafts(sale_pin, LOCAL_OWNER), [])
    assert frame["due_at"].is_sorted()
    assert frame.height == len(found.open) + 2


def test_who_may_not_know_of_suspicions_sees_none(sale_pin):
    analyst = Viewer("person:bea", "analyst")
    seen = {one["rule_id"] for one in standing(sale_pin, analyst).findings}
    assert seen.isdisjoint({"AML-007", "AML-008", "AML-011"})
    assert seen
    assert [one.kind for one in drafts(sale_pin, analyst)] == ["rear"]
    assert {one.kind for one in drafts(sale_pin, LOCAL_OWNER)} == {"rear", "str"}


@pytest.mark.usefixtures("sale_pin")
def test_posture_is_said_in_words_for_each_authority(open_tab):
    text = words(open_tab("Posture"))
    assert "Anti-money-laundering" in text
    assert "Not compliant" in text
    assert "UAE Data Office" in text or "PDPL" in text


@pytest.mark.usefixtures("sale_pin")
def test_a_finding_shows_evidence_rule_source_and_what_is_to_be_verified(open_tab):
    app = open_tab("Findings")
    app.text_input(key="finding_text").set_value("pdpl-007").run()
    text = words(app)
    assert "Federal Decree\\-Law 45/2021" in text
    assert "Source to be verified" in text
    assert "jurisdiction: **AE**" in text
    assert "jurisdiction = 'AE'" in app.code[0].value


@pytest.mark.usefixtures("own_sale")
def test_a_false_alarm_is_labelled_by_a_person_and_stands_there(open_tab):
    app = open_tab("Findings")
    app.text_input(key="finding_text").set_value("rera-005").run()
    refused = click(app, "It is a false alarm")
    assert "at least three letters" in words(refused)
    next(one for one in app.text_input if one.label == "Why").set_value("Form F is on paper.")
    done = click(app, "It is a false alarm")
    assert "Kept: false alarm." in words(done)
    (labelled,) = [one for one in standing(current_pin_fresh(), LOCAL_OWNER).findings if one["rule_id"] == "RERA-005"]
    assert (labelled["finding_state"], labelled["actor_id"], labelled["note"]) == (
        "false_positive",
        "owner",
        "Form F is on paper.",
    )


def current_pin_fresh() -> Pin:
    import streamlit as st

    st.cache_data.clear()
    return current_pin()


def test_a_report_is_drafted_from_its_finding(own_sale, open_tab):
    app = open_tab("Findings")
    app.text_input(key="finding_text").set_value("aml-011").run()
    done = click(app, "Draft: Partial name match report (PNMR)")
    assert "it stands under Reports" in words(done)
    assert "pnmr" in {one.kind for one in drafts(own_sale, LOCAL_OWNER)}


@pytest.mark.usefixtures("sale_pin")
def test_reports_show_gaps_approvals_and_that_nothing_is_filed(open_tab):
    app = open_tab("Reports")
    text = words(app)
    assert "Aurora never files this by itself" in text
    assert "**Action taken**: What the company did" in text  # the STR misses what was done
    assert "Put it in by a person, with" in text
    assert "Confidential" in text
    assert "lake snapshot" in text


def test_the_preparer_is_sent_to_another_person_and_that_one_may_approve(own_sale, open_tab):
    app = open_tab("Reports")
    rear = next(one for one in drafts(own_sale, LOCAL_OWNER) if one.kind == "rear")
    with StateStore.open(own_sale.paths, clock=lambda: NOW) as store:
        done = approve(store, own_sale.paths, rear.filing_id, content_hash=rear.content_hash, identity=who("person:amal"), now=NOW + dt.timedelta(hours=1))  # fmt: skip
    assert done.state == "approved"
    app.run()
    assert "I filed it" in {one.label for one in app.button}
    refused = click(app, "I filed it")
    assert "number is missing" in words(refused)
    next(one for one in app.text_input if one.label == "The authority's number").set_value("GOAML-5")
    assert "Kept: you filed it." in words(click(app, "I filed it"))
    assert drafts(own_sale, LOCAL_OWNER)[0].authority_reference == "GOAML-5"


@pytest.mark.usefixtures("own_sale")
def test_an_evidence_pack_is_made_by_a_button(open_tab):
    app = open_tab("Evidence")
    done = click(app, "Make the pack")
    assert "journal record" in words(done)
    assert done.session_state["evidence_pack"].file_name.endswith(".zip")
    assert done.session_state["evidence_seconds"] < 60


@pytest.mark.usefixtures("sale_pin")
@pytest.mark.parametrize("tab", ["Breaches", "Rules"])
def test_the_other_tabs_open(open_tab, tab):
    app = open_tab(tab)
    assert app.dataframe or app.info


def test_a_company_without_rows_is_told_the_next_step(empty_dir, monkeypatch, open_tab):
    monkeypatch.setenv("AURORA_DATA_DIR", str(empty_dir))
    app = open_tab("Clocks")
    assert app.title[0].value == "No record was judged by a rule yet."
    assert "aurora rules sweep" in words(app)


@pytest.mark.usefixtures("sale_pin")
def test_below_analyst_the_page_is_closed(open_page):
    app = open_page("compliance")
    app.session_state["aurora_viewer"] = Viewer("guest", "viewer")
    app.run()
    assert "for the role analyst" in app.error[0].value
