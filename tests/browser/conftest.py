"""One server and one browser for the browser tests.

They end with their module: while Playwright runs, its event loop is the thread's, and no other test could run one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, expect

from aurora.store.paths import TenantPaths
from tests.browser.browsing import CHROMIUM, Scheme, Window, open_window, serve_pages, start_browser
from tests.streamlit.company import seed_company

HEIGHT = 1400
Open = Callable[..., Window]


@dataclass(frozen=True, slots=True)
class Pages:
    """The served company: where it answers and where it lies."""

    home: str
    paths: TenantPaths


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """The made-up company's pages, served."""
    paths = seed_company(tmp_path_factory.mktemp("browser"))
    with serve_pages(paths.data_dir) as home:
        yield Pages(home, paths)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, or a skip that says how to get it."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: `apt-get install chromium` brings it")
    expect.set_options(timeout=30_000)  # a busy machine is no fault of the page
    with start_browser() as started:
        yield started


@pytest.fixture(scope="module")
def window(browser: Browser, pages: Pages) -> Iterator[Open]:
    """A window of a width and scheme; the same one again for the same wish."""
    opened: dict[tuple[int, Scheme], Window] = {}
    with ExitStack() as stack:

        def of(width: int = 1440, scheme: Scheme = "light") -> Window:
            wish = (width, scheme)
            if wish not in opened:
                wanted = open_window(browser, pages.home, width=width, height=HEIGHT, scheme=scheme)
                opened[wish] = stack.enter_context(wanted)
            found = opened[wish]
            found.faults.clear()
            found.strangers.clear()
            return found

        yield of
