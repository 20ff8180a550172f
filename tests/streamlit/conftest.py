"""The made-up company for the pages, built once; a copy of it for tests that write."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from apps.streamlit.reads.lake import Pin, current_pin
from aurora.settings import PROJECT_DIR
from tests.streamlit.company import empty_company, seed_company

Open = Callable[[str], AppTest]


@pytest.fixture(scope="session")
def company_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data folder of the company; nobody writes to it."""
    return seed_company(tmp_path_factory.mktemp("company")).data_dir


@pytest.fixture(scope="session")
def empty_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data folder of a tenant just made."""
    return empty_company(tmp_path_factory.mktemp("empty")).data_dir


@pytest.fixture
def pin(company_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Pin:
    """The company at its newest snapshot, and the pages pointed at it."""
    monkeypatch.setenv("AURORA_DATA_DIR", str(company_dir))
    return current_pin()


@pytest.fixture
def own_pin(company_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pin:
    """As `pin`, on a copy that the test may write to."""
    shutil.copytree(company_dir, tmp_path / "data")
    monkeypatch.setenv("AURORA_DATA_DIR", str(tmp_path / "data"))
    return current_pin()


@pytest.fixture
def open_page() -> Open:
    """Open a page by the name of its file, as a reader would from the menu."""

    def opened(name: str) -> AppTest:
        app = AppTest.from_file(str(PROJECT_DIR / "apps" / "streamlit" / "app.py"), default_timeout=60)
        return app.switch_page(f"app_pages/{name}.py")

    return opened
