"""The business-intelligence page: every number with its n and basis, filters, what a reader may not see."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from apps.streamlit.ui.access import Viewer
from tests.insights.brokerage import seed_marts


@pytest.fixture(scope="module")
def sales_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seed_marts(tmp_path_factory.mktemp("bi")).data_dir


@pytest.fixture
def page(sales_dir: Path, monkeypatch: pytest.MonkeyPatch, open_page) -> AppTest:
    monkeypatch.setenv("AURORA_DATA_DIR", str(sales_dir))
    return open_page("bi").run()


def said(page: AppTest) -> str:
    return "\n".join(str(one.value) for kind in ("title", "markdown", "caption", "info") for one in page.get(kind))


def test_the_headline_and_the_advice_are_the_reports(page):
    assert not page.exception
    assert page.title[0].value == "Sales brought AED 790,000 of commission; 6 things to look at."
    assert "Let Mary take listing copy from Clara" in said(page)
    assert "Expected effect: **not estimable: a difference between groups is no effect**" in said(page)
    assert "SHA-256 of this report" in said(page)


def test_a_section_shows_value_interval_n_and_basis(page):
    page.query_params["tab"] = "Revenue"
    page.run()
    text = said(page)
    assert "### AED 790,000" in text
    assert "n = 40" in text
    assert "Measured" in text
    assert "95 %: AED" in text


def test_another_industry_has_another_report(page):
    page.selectbox(key="industry").set_value("healthcare").run()
    assert not page.exception
    assert page.title[0].value.startswith("No commission is known of the period; ")


def test_a_viewer_is_told_what_is_left_out(page):
    page.session_state["aurora_viewer"] = Viewer("vera", "viewer")
    page.run()
    assert "Left out: revenue impact." in said(page)
    assert "finance:read" in said(page)


def test_a_company_without_the_marts_is_told_the_next_step(empty_dir, monkeypatch, open_page):
    monkeypatch.setenv("AURORA_DATA_DIR", str(empty_dir))
    page = open_page("bi").run()
    assert not page.exception
