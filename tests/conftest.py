"""What holds for every test: what never changes between tests is looked up once a process."""

import functools
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

# dbt's parse of the project is kept between builds of throw-away tenants
os.environ.setdefault("AURORA_PARSE_DIR", str(Path(tempfile.gettempdir()) / "aurora-tests-parse"))

LONG = ("dbt", "orchestration", "end_to_end", "browser", "store", "ml", "twin")
"""Rooms whose files take longest."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long begin first, else in the order drawn: no worker is left with one at the end."""
    room = {item.nodeid: item.nodeid.split("/", 2)[1] for item in items if item.nodeid.startswith("tests/")}
    items.sort(key=lambda item: LONG.index(room[item.nodeid]) if room.get(item.nodeid) in LONG else len(LONG))


@pytest.fixture(autouse=True, scope="session")
def packages_are_searched_once() -> Iterator[None]:
    """Streamlit reads the metadata of every installed package when an app starts: a second of each page's test."""
    if "streamlit.testing.v1" not in sys.modules:
        yield
        return
    from streamlit.components.v2 import manifest_scanner

    with pytest.MonkeyPatch.context() as patch:
        found = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", found)
        yield
