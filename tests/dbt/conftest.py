"""One small built lake for all tests of this room: it is copied, never changed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from aurora.store.paths import TenantPaths
from orchestration.dbt_runner import DbtReport, run_dbt
from tests.dbt import company


@pytest.fixture(scope="session")
def full_build(tmp_path_factory: pytest.TempPathFactory) -> tuple[TenantPaths, DbtReport]:
    """All rows of the company built at once, with every unit test of the SQL."""
    paths = company.make_tenant(tmp_path_factory.mktemp("full"))
    company.drop(paths, "usage", company.usage_rows(count=400, seed=1) + company.wrong_rows(count=7, seed=2))
    company.drop(paths, "tasks", company.task_rows(count=160, seed=3))
    company.ingest(paths)
    company.journal(paths, company.journal_rows(count=60, seed=4))
    return paths, run_dbt(paths, with_unit_tests=True, with_artifacts=True)


@pytest.fixture(scope="session")
def built(full_build: tuple[TenantPaths, DbtReport]) -> TenantPaths:
    """The tenant of the full build: to read."""
    return full_build[0]


@pytest.fixture
def copied(built: TenantPaths, tmp_path: Path) -> Callable[[], TenantPaths]:
    """Copies of the built tenant, to change."""

    def copy() -> TenantPaths:
        folder = tmp_path / f"copy-{len(list(tmp_path.iterdir()))}"
        shutil.copytree(built.data_dir, folder)
        return TenantPaths(folder, built.tenant, built.region)

    return copy
