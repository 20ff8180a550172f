"""An empty lake to copy, and one with the made-up town and its golden records built."""

import datetime as dt
import shutil
from pathlib import Path

import pytest

from aurora.ingest.sample_brokerage import brokerage
from aurora.store.lake import create_lake
from aurora.store.paths import TenantPaths, create_tenant
from orchestration.dbt_runner import run_dbt
from tests.entities.town import GOLDEN_MODELS, build, land


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Making a lake takes a second, copying it none."""
    made = create_tenant(tmp_path_factory.mktemp("entities"), "demo", "ae-dubai")
    create_lake(made)
    return made.data_dir


@pytest.fixture
def paths(tmp_path: Path, template: Path) -> TenantPaths:
    shutil.copytree(template, tmp_path / "data")
    return TenantPaths(tmp_path / "data", "demo", "ae-dubai")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, template: Path) -> TenantPaths:
    """The town with its golden records, the SQL's unit tests run too: to read, or to copy."""
    folder = tmp_path_factory.mktemp("golden")
    shutil.copytree(template, folder / "data")
    paths = TenantPaths(folder / "data", "demo", "ae-dubai")
    made = brokerage(seed=7, until=dt.datetime(2026, 11, 1, tzinfo=dt.UTC), people=120, units=50)
    for (system, contract), rows in made.rows.items():
        if contract in {"party", "property"}:
            land(paths, f"sample_{system}", contract, rows)
    build(paths)
    run_dbt(paths, select=GOLDEN_MODELS, with_unit_tests=True)
    return paths


@pytest.fixture
def disagreeing(built: TenantPaths, tmp_path: Path) -> TenantPaths:
    """A copy of the town, to change."""
    shutil.copytree(built.data_dir, tmp_path / "data")
    return TenantPaths(tmp_path / "data", built.tenant, built.region)
