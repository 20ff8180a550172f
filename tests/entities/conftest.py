"""An empty lake to copy: making one takes a second, copying it none."""

import shutil
from pathlib import Path

import pytest

from aurora.store.lake import create_lake
from aurora.store.paths import TenantPaths, create_tenant


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = create_tenant(tmp_path_factory.mktemp("entities"), "demo", "ae-dubai")
    create_lake(made)
    return made.data_dir


@pytest.fixture
def paths(tmp_path: Path, template: Path) -> TenantPaths:
    shutil.copytree(template, tmp_path / "data")
    return TenantPaths(tmp_path / "data", "demo", "ae-dubai")
