"""One first start for all end-to-end tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.end_to_end.started import Started, start


@pytest.fixture(scope="session")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """A first start on an empty folder, without Dagster's UI; it stays up for the tests."""
    with start(tmp_path_factory.mktemp("company"), "--no-dagster") as started:
        yield started
