"""A tenant with files to bring in, and the whole graph run over it once. Copies are for tests that change things."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from aurora.settings import Settings
from aurora.store.paths import TenantPaths
from orchestration.work import Work
from tests.dbt import company
from tests.orchestration.graph import Ran, environment, execute, fill


@pytest.fixture(scope="session")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The whole graph, from files to bundle."""
    paths = company.make_tenant(tmp_path_factory.mktemp("graph"))
    fill(paths)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(paths.data_dir).items():
            patch.setenv(name, value)
        return Ran(paths, execute(paths))


@pytest.fixture
def tenant(whole_run: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TenantPaths:
    """A copy of the tenant that was built, named by the environment."""
    folder = tmp_path / "moved"
    shutil.copytree(whole_run.paths.data_dir, folder)
    for name, value in environment(folder).items():
        monkeypatch.setenv(name, value)
    return TenantPaths(folder, whole_run.paths.tenant, whole_run.paths.region)


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TenantPaths:
    """A tenant without anything, named by the environment."""
    paths = company.make_tenant(tmp_path / "empty")
    for name, value in environment(paths.data_dir).items():
        monkeypatch.setenv(name, value)
    return paths


@pytest.fixture
def work_of() -> Callable[[TenantPaths], Work]:
    """The work on a tenant, by the tests' clock, silent."""

    def work(paths: TenantPaths) -> Work:
        settings = Settings(data_dir=paths.data_dir, shared_data_dir=paths.data_dir / "no-real-data")
        return Work(settings=settings, paths=paths, clock=lambda: company.NOW, progress=lambda _: None)

    return work
