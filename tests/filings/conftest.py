"""The sale by hand in a lake, built once; a copy of it, with its state, for each test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from aurora.compliance.rulebook import Rulebook, load_rulebook
from aurora.filings.book import submit
from aurora.filings.company import read_company
from aurora.filings.drafting import derive, fill_draft, make_draft
from aurora.settings import Settings
from aurora.store.lake import read_lake
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.state import StateStore
from contracts.messages.filings import FilingContent, FilingDetail
from tests.filings.sale import NOW, build_sale, who

Make = Callable[..., FilingDetail]
Derive = Callable[..., FilingContent]


@pytest.fixture(scope="session")
def book() -> Rulebook:
    return load_rulebook(Settings().packs_dir)


@pytest.fixture(scope="session")
def sale(tmp_path_factory: pytest.TempPathFactory, book: Rulebook) -> TenantPaths:
    """Not to be written to."""
    paths = create_tenant(tmp_path_factory.mktemp("sale"), "demo", "ae-dubai")
    build_sale(paths, book)
    return paths


@pytest.fixture(scope="session")
def derived(sale: TenantPaths, book: Rulebook) -> Derive:
    """What a draft says, by kind and record; each is derived once and kept nowhere."""
    company = read_company(sale)

    @cache
    def content(kind: str, about_id: str, **filled: str) -> FilingContent:
        with read_lake(sale) as lake:
            return derive(
                lake,
                company,
                book,
                kind=kind,
                about_id=about_id,
                record_source=None,
                filing_id="fil_1",
                now=NOW,
                filled=filled,
            )

    return content


@pytest.fixture(scope="session")
def reviewed(sale: TenantPaths, book: Rulebook, tmp_path_factory: pytest.TempPathFactory) -> tuple[TenantPaths, str]:
    """The sale with a complete REAR by the owner in review, and its id. Not to be written to."""
    paths = _copied(sale, tmp_path_factory.mktemp("reviewed"))
    with StateStore.open(paths, clock=lambda: NOW) as store:
        made = make_draft(store, paths, book, kind="rear", about_id="D-1", identity=who(), now=NOW)
        submit(store, made.filing.filing_id, identity=who(), now=NOW)
    return paths, made.filing.filing_id


@pytest.fixture
def paths(sale: TenantPaths, tmp_path: Path, request: pytest.FixtureRequest) -> TenantPaths:
    """A copy of the sale; with the draft in review for a test that asks for `in_review`."""
    is_reviewed = "in_review" in request.fixturenames
    return _copied(request.getfixturevalue("reviewed")[0] if is_reviewed else sale, tmp_path)


def _copied(paths: TenantPaths, to: Path) -> TenantPaths:
    shutil.copytree(paths.data_dir, to / "own")
    return TenantPaths(to / "own", paths.tenant, paths.region)


@pytest.fixture
def store(paths: TenantPaths) -> Iterator[StateStore]:
    with StateStore.open(paths, clock=lambda: NOW) as store:
        yield store


@pytest.fixture
def make(store: StateStore, paths: TenantPaths, book: Rulebook) -> Make:
    """Drafts a report by the owner, and fills what is named."""

    def made(kind: str, about_id: str, filled: dict[str, str] | None = None, **changed: object) -> FilingDetail:
        found = make_draft(
            store, paths, book, kind=kind, about_id=about_id, **{"identity": who(), "now": NOW, **changed}
        )
        if not filled:
            return found
        return fill_draft(store, paths, book, found.filing.filing_id, filled, identity=who(), now=NOW)

    return made
