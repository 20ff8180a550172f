"""The small company, built once; nobody writes to it."""

from __future__ import annotations

import pytest

from aurora.insights.report import ALL_SCOPES, Packed, make_report, packed
from aurora.settings import Settings
from aurora.store.paths import TenantPaths
from contracts.messages.insights import BusinessIntelligenceReport
from tests.insights.brokerage import seed_marts


@pytest.fixture(scope="session")
def paths(tmp_path_factory: pytest.TempPathFactory) -> TenantPaths:
    return seed_marts(tmp_path_factory.mktemp("insights"))


@pytest.fixture(scope="session")
def inputs() -> Packed:
    return packed(Settings().packs_dir, "real_estate", tenant="demo")


@pytest.fixture(scope="session")
def report(paths: TenantPaths, inputs: Packed) -> BusinessIntelligenceReport:
    """November with every section."""
    return make_report(paths, inputs, scopes=ALL_SCOPES, time_period="month")
