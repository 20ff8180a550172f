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
