"""Assistants and Performance in a real browser: they open, fit a telephone, follow the fleet, and switch one off."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from aurora.store.journal import StateReader
from tests.browser.browsing import Scheme, serve_pages
from tests.browser.conftest import Open, Pages
from tests.streamlit.company import seed_company
from tests.streamlit.fleet import polled, seed_fleet

pytestmark = pytest.mark.browser

FLEET = "assistants are active"
ADDRESSES = {
    "assistants": FLEET,
    "assistants?tab=Table": FLEET,
    "assistants?tab=Dependencies": FLEET,
    "assistants?tab=Communication": FLEET,
    "assistants?assistant=clara": "Clara, Sales",
    "assistants?assistant=clara&assistant_tab=Work": "Clara, Sales",
    "assistants?assistant=clara&assistant_tab=Connections": "Clara, Sales",
    "assistants?assistant=clara&assistant_tab=Control": "Clara, Sales",
    "performance": "KPIs meet",
    "performance?tab=Trends": "KPIs meet",
    "performance?tab=Ranking": "KPIs meet",
    "performance?tab=Benchmarks": "KPIs meet",
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """The made-up company with a fleet that is polled, served."""
    paths = seed_company(tmp_path_factory.mktemp("fleet-browser"))
    seed_fleet(paths)
    with polled(paths), serve_pages(paths.data_dir) as home:
        yield Pages(home, paths)


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
@pytest.mark.parametrize("address", ADDRESSES)
def test_a_page_opens_without_a_fault(address: str, width: int, scheme: Scheme, window: Open) -> None:
    seen = window(width, scheme)
    page = seen.open(address)
    expect(page.locator("h1").first).to_contain_text(ADDRESSES[address])
    assert page.locator('[data-testid="stAlertContentError"]').count() == 0
    assert seen.overflow <= 0
    assert seen.faults == []
    assert seen.strangers == []


def test_who_needs_whom_is_drawn_without_the_internet(window: Open) -> None:
    seen = window()
    page = seen.open("assistants?tab=Dependencies")
    graph = page.locator('[data-testid="stGraphVizChart"] svg')
    expect(graph.get_by_text("Clara", exact=True)).to_be_visible()
    expect(graph.get_by_text("backup").first).to_be_visible()
    assert seen.strangers == []


@pytest.mark.parametrize("word", ["Active", "Degraded", "Down", "Not watched", "Simulated", "Sample"])
def test_a_card_says_its_state_in_a_word_and_an_icon(word: str, window: Open) -> None:
    badge = window().open("assistants").locator(".stMarkdownBadge", has_text=word).first
    expect(badge).to_be_visible()
    expect(badge.get_by_role("img")).to_be_visible()


def test_an_assistant_is_switched_off_with_a_reason_and_on_again(window: Open, pages: Pages) -> None:
    seen = window()
    page = seen.open("assistants?assistant=nina&assistant_tab=Control")
    for verb, state in (("Switch off", "switched off"), ("Switch on", "active")):
        act = page.get_by_role("button", name=f"{verb} Nina")
        expect(act).to_be_disabled()
        page.get_by_label("Why").fill("She answered in the wrong language.")
        page.get_by_label("Why").press("Enter")
        page.get_by_text(f"Yes, {verb.lower()} Nina").click()
        expect(act).to_be_enabled()
        act.click()
        expect(page.locator("h1").first).to_contain_text(state)
    with StateReader(pages.paths) as journal:
        acts = [kind for kind in ("assistant_disabled", "assistant_enabled") if journal.page(kind)]
    assert acts == ["assistant_disabled", "assistant_enabled"]
    assert seen.faults == []
