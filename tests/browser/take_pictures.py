"""The pictures of the README and the docs, taken anew: `python -m tests.browser.take_pictures [FOLDER]`.

They show the demo company as a first start makes it, with two weeks of decisions by the real engine; its data
is labelled as a sample.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page

from aurora.audit.records import read_decision
from aurora.settings import PROJECT_DIR
from aurora.store.journal import StateReader
from aurora.store.paths import TenantPaths
from tests.browser.browsing import CHROMIUM, Scheme, open_window, serve_pages, start_browser
from tests.browser.demo_company import make_demo_company

FOLDER = PROJECT_DIR / "docs" / "images"


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: the page's address, the window it is seen in."""

    name: str
    address: str
    width: int = 1440
    height: int = 1090
    scheme: Scheme = "light"


PICTURES = (
    Picture("home", ""),
    Picture("costs", "costs"),
    Picture("decisions", "decisions"),
    Picture("decision", "decisions?decision={decision_id}"),
    Picture("data", "data?tab=Quarantine"),
    Picture("quality", "quality"),
    Picture("golden-records", "golden_records"),
    Picture("spend", "spend"),
    Picture("contracts", "contracts?tab=Lineage"),
    Picture("privacy", "privacy"),
    Picture("assistants", "assistants"),
    Picture("assistants-dependencies", "assistants?tab=Dependencies", height=1500),
    Picture("assistant", "assistants?assistant=clara"),
    Picture("performance", "performance"),
    Picture("performance-ranking", "performance?tab=Ranking"),
    Picture("assistants-390", "assistants", width=390, height=1300),
    Picture("compliance", "compliance"),
    Picture("alerts", "alerts"),
    Picture("bi", "bi"),
    Picture("kpis", "kpis"),
    Picture("process", "process"),
    Picture("scaling", "scaling"),
    Picture("policies", "policies"),
    Picture("home-dark", "", scheme="dark"),
    Picture("home-390", "", width=390, height=1300),
)


def main(folder: Path) -> None:
    """Take every picture into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        paths = make_demo_company(Path(made))
        with serve_pages(paths.data_dir) as home, start_browser() as browser:
            for picture in PICTURES:
                _take(browser, home, picture, paths, folder / f"{picture.name}.png")


def _take(browser: Browser, home: str, picture: Picture, paths: TenantPaths, target: Path) -> None:
    with open_window(browser, home, width=picture.width, height=picture.height, scheme=picture.scheme) as window:
        page = window.open(picture.address.format(decision_id=_telling_decision(paths)))
        _stand_still(page)
        page.screenshot(path=target, animations="disabled")
        if window.faults:
            raise SystemExit(f"{picture.name}: {window.faults}")
    print(f"{target.name}: {target.stat().st_size // 1024} kB")  # noqa: T201 - a command's answer


def _stand_still(page: Page) -> None:
    """Wait until fonts are there and what is drawn late, charts and tables, has its final size."""
    page.evaluate("document.fonts.ready")
    page.wait_for_load_state("networkidle")
    page.wait_for_function(
        """() => {
            const now = JSON.stringify([...document.querySelectorAll('canvas, svg')].map(e => e.getBoundingClientRect()));
            const before = window.auroraStood;
            window.auroraStood = now;
            return before === now;
        }""",
        polling=400,
    )


def _telling_decision(paths: TenantPaths) -> str:
    """A decision in which rules forbade some candidates and others were possible."""
    with StateReader(paths) as journal:
        for entry in journal.page("outcome", limit=200):
            decision = read_decision(journal, entry.subject_id)
            is_split = {candidate.is_eligible for candidate in decision.candidates} == {True, False}
            if decision.kind == "route_llm" and is_split:
                return decision.decision_id
    raise SystemExit("No decision shows both possible and forbidden candidates.")


if __name__ == "__main__":
    if CHROMIUM is None:
        raise SystemExit("Chromium is not installed: `apt-get install chromium` brings it.")
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
