"""A real browser before the real pages: start both, open a page, and note whatever goes wrong in it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from aurora.settings import PROJECT_DIR

Scheme = Literal["light", "dark"]
CHROMIUM = shutil.which("chromium") or shutil.which("/usr/bin/chromium")
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
_PROBES = ("/_stcore/health", "/_stcore/host-config")
"""Streamlit looks for itself below the page's own path first, and a miss there is no fault."""
_EXCEPTION = '[data-testid="stException"]'
_READY = '[data-testid="stApp"][data-test-script-state="notRunning"]'


@contextmanager
def serve_pages(data_dir: Path) -> Iterator[str]:
    """The pages of a data folder; gives their address. The socket queues requests until they are up."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.browser.pages_server", str(listener.fileno())],
            cwd=PROJECT_DIR,
            env={**os.environ, "AURORA_DATA_DIR": str(data_dir), "AURORA_HOST": "127.0.0.1"},
            pass_fds=(listener.fileno(),),
        )
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            process.terminate()
            process.wait(timeout=20)


@contextmanager
def start_browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_FLAGS))
        yield browser
        browser.close()


@dataclass
class Window:
    """One browser window at a size and scheme; `faults` is what the page complained of, `strangers` whom it called."""

    context: BrowserContext
    home: str
    page: Page = field(init=False)
    faults: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page = self.context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.faults.append(f"page error: {error}"))
        self.context.on("request", self._asked)

    def _heard(self, message: ConsoleMessage) -> None:
        is_probe = urlsplit(message.location["url"]).path.endswith(_PROBES)
        if message.type == "error" and not is_probe:
            self.faults.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).hostname not in ("127.0.0.1", None):
            self.strangers.append(request.url)

    def open(self, address: str) -> Page:
        """Go to a page and wait until it stands."""
        self.page.goto(f"{self.home}/{address}")
        return self.settle()

    def settle(self) -> Page:
        """Wait until the page has run and its heading is there."""
        self.page.locator("h1").first.wait_for(timeout=60_000)
        self.page.locator(_READY).wait_for(timeout=60_000)
        self.faults += [f"exception: {shown}" for shown in self.page.locator(_EXCEPTION).all_inner_texts()]
        return self.page

    @property
    def overflow(self) -> int:
        """Pixels by which the page is wider than the window."""
        return int(
            self.page.evaluate(
                """() => Math.max(...[document.documentElement, document.querySelector('[data-testid="stMain"]')]
                    .map(e => e.scrollWidth - e.clientWidth))"""
            )
        )


@contextmanager
def open_window(browser: Browser, home: str, *, width: int, height: int, scheme: Scheme) -> Iterator[Window]:
    """A window of its own session."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, accept_downloads=True
    )
    context.set_default_timeout(30_000)
    try:
        yield Window(context, home)
    finally:
        context.close()
