"""Every page in a real browser: it opens without a fault, fits a telephone, hands out files, takes a change."""

from __future__ import annotations

from http.client import HTTPConnection
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Page, expect

from apps.streamlit.reads.decisions import DecisionFilter, list_decisions
from apps.streamlit.reads.lake import current_pin
from aurora.audit.verify import verify
from aurora.store.journal import StateReader
from aurora.store.lake import read_lake
from tests.browser.browsing import Scheme
from tests.browser.conftest import Open, Pages
from tests.streamlit.workbook import read_workbook

pytestmark = pytest.mark.browser

ADDRESSES = {
    "": "AI cost AED",
    "costs": "AI cost AED",
    "decisions": "wait for you",
    "policies": "kinds of decisions may act",
    "data": "rows are in quarantine",
    "contracts?tab=Lineage": "contracts declare",
}
_CONTRAST = """(element) => {
    const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
    const ground = (node) => {
        for (; node; node = node.parentElement) {
            const colour = parse(getComputedStyle(node).backgroundColor);
            if (colour.length && (colour.length < 4 || colour[3] === 1)) return colour.slice(0, 3);
        }
    };
    const back = ground(element);
    const [r, g, b, alpha = 1] = parse(getComputedStyle(element).color);
    const front = [r, g, b].map((value, i) => value * alpha + back[i] * (1 - alpha));
    const light = (colour) => colour.map((value) => value / 255)
        .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const [low, high] = [light(front), light(back)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("address", ADDRESSES, ids=lambda address: address or "home")
def test_a_page_opens_without_a_fault(address: str, width: int, scheme: Scheme, window: Open) -> None:
    seen = window(width, scheme)
    page = seen.open(address)
    expect(page.locator("h1").first).to_contain_text(ADDRESSES[address])
    assert page.locator('[data-testid="stAlertContentError"]').count() == 0
    assert seen.overflow <= 0
    assert seen.faults == []
    assert seen.strangers == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_small_print_can_be_read_on_its_ground(scheme: Scheme, window: Open) -> None:
    page = window(1440, scheme).open("")
    for small in page.locator('[data-testid="stCaptionContainer"] p').all():
        assert small.evaluate(_CONTRAST) >= 4.5, small.inner_text()


@pytest.mark.parametrize("tab", ["Contracts", "Batches", "Quarantine", "Snapshots"])
def test_a_tab_of_the_data_page_fits_a_telephone(tab: str, window: Open) -> None:
    seen = window(390)
    page = seen.open(f"data?tab={tab}")
    expect(page.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")
    expect(page.locator('[data-testid="stDataFrame"]').last).to_be_visible()
    assert seen.overflow <= 0
    assert seen.faults == []


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 101), ("localhost", 101), ("evil.example", 403)])
def test_a_name_of_another_site_does_not_reach_the_pages_socket(host: str, status: int, pages: Pages) -> None:
    upgrade = {
        "Host": host, "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }  # fmt: skip
    connection = HTTPConnection(pages.home.removeprefix("http://"), timeout=30)
    connection.request("GET", "/_stcore/stream", headers=upgrade)
    assert connection.getresponse().status == status
    connection.close()


def test_the_charts_of_the_costs_page_are_drawn(window: Open) -> None:
    seen = window(1440)
    page = seen.open("costs")
    charts = page.locator('[data-testid="stVegaLiteChart"]')
    expect(charts).to_have_count(3)
    for chart in charts.all():
        chart.scroll_into_view_if_needed()
        drawn = chart.locator("canvas, svg").first
        expect(drawn).to_be_visible()
        box = drawn.bounding_box()
        assert box is not None
        assert box["height"] > 200
    assert seen.faults == []


def test_a_table_is_taken_away_as_csv_and_as_xlsx(window: Open, pages: Pages, tmp_path: Path) -> None:
    seen = window(1440)
    page = seen.open("costs?period=All")
    csv = _download(page, "CSV", tmp_path)
    xlsx = _download(page, "XLSX", tmp_path)
    with read_lake(pages.paths) as lake:
        spent = float(lake.query("SELECT CAST(sum(cost_usd) AS DOUBLE) AS usd FROM mart.usage_daily")["usd"][0])
        snapshot = lake.snapshot_id("mart")
    frame = pl.read_csv(csv)
    assert csv.name.startswith("aurora_demo_spend-by-assistant_")
    assert frame["cost_usd"].sum() == pytest.approx(spent)
    book = read_workbook(xlsx.read_bytes())
    names = list(book["Data"].rows[0].values())
    letter = list(book["Data"].rows[0])[names.index("cost_usd")]
    assert sum(float(row[letter] or 0) for row in book["Data"].rows[1:]) == pytest.approx(spent)
    assert {"Mart lake snapshot", str(snapshot)} <= {value for row in book["About"].rows for value in row.values()}
    assert seen.faults == []


def _download(page: Page, button: str, folder: Path) -> Path:
    with page.expect_download() as waited:
        page.get_by_role("button", name=button, exact=True).or_(
            page.locator('[data-testid="stDownloadButton"] button', has_text=button)
        ).first.click()
    target = folder / waited.value.suggested_filename
    waited.value.save_as(target)
    return target


def test_a_waiting_decision_is_found_answered_and_gone_from_the_list(
    window: Open, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AURORA_DATA_DIR", str(pages.paths.data_dir))
    before = list_decisions(current_pin(), DecisionFilter(show="waiting"))
    seen = window(1440)
    page = seen.open("")
    page.get_by_role("link", name="Open").first.click()
    expect(page.locator("h1").first).to_contain_text(f"{before.height} decisions wait for you.")
    seen.settle()

    table = page.locator('[data-testid="stDataFrame"]').first
    expect(table.locator("canvas").first).to_be_visible()
    table.click(position={"x": 18, "y": 35 + 17})  # the box before the first row
    expect(page.locator("h1").first).to_contain_text("Nobody was chosen")
    seen.settle()
    _choose(page, "A person")
    page.get_by_role("textbox", name="Why").fill("I shall do it myself.")
    page.get_by_role("button", name="Change it").click()
    expect(page.locator("h1").first).to_contain_text("the decision was changed")
    expect(page.get_by_text("“I shall do it myself.”")).to_be_visible()
    seen.settle()

    page.get_by_role("button", name="All decisions").click()
    expect(page.locator("h1").first).to_contain_text(f"{before.height - 1} decisions wait for you.")
    seen.open("")
    expect(page.get_by_text("· Decisions left to you")).to_contain_text(str(before.height - 1))
    with StateReader(pages.paths) as journal:
        change = journal.page("override", limit=1)[0]
    assert change.subject_id == before["decision_id"][0]
    assert verify(pages.paths).is_valid
    assert seen.faults == []


def _choose(page: Page, name: str) -> None:
    """Choose who instead, with room below for the list of names."""
    page.get_by_text("What a rule forbids stays forbidden.").evaluate("note => note.scrollIntoView({block: 'center'})")
    page.get_by_role("combobox").first.fill(name)
    page.get_by_role("option", name=name).first.click()


def test_what_a_rule_forbids_is_refused_on_the_page(window: Open, pages: Pages) -> None:
    with StateReader(pages.paths) as journal:
        decision_id = journal.page("decision", limit=50)[-1].record_id
    seen = window(390)
    page = seen.open(f"decisions?decision={decision_id}")
    assert seen.overflow <= 0
    _choose(page, "(forbidden)")
    page.get_by_role("textbox", name="Why").fill("I want it so.")
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_text("The rule residency_dubai forbids")).to_be_visible()
    expect(page.get_by_text("Personal data of clients stays").first).to_be_visible()
    assert seen.faults == []
