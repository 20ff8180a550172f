"""A lake that holds the twin's brokerage: rows with planted violations and near misses, put there without the door."""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from aurora.compliance.rulebook import Rulebook, load_rulebook
from aurora.packs import load_pack
from aurora.settings import Settings
from aurora.store.lake import LakeWriter, create_lake, write_lake
from aurora.store.paths import TenantPaths, create_tenant
from contracts import registry
from tests.twin.judging import all_rows
from twin.brokerage.history import brokerage_history
from twin.frame import Frame

UNTIL = dt.datetime(2026, 10, 30, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Brokerage:
    """The lake, and the truth about it."""

    paths: TenantPaths
    planted: pl.DataFrame


@pytest.fixture(scope="session")
def book() -> Rulebook:
    return load_rulebook(Settings().packs_dir)


@pytest.fixture(scope="session")
def brokerage(tmp_path_factory: pytest.TempPathFactory) -> Brokerage:
    """Ninety days of a very small brokerage. Not to be written to."""
    paths = create_tenant(tmp_path_factory.mktemp("brokerage"), "demo", "ae-dubai")
    create_lake(paths)
    pack = load_pack(Settings().packs_dir, "real_estate")
    part = brokerage_history(Frame(pack=pack, seed=11, first_day=dt.date(2026, 8, 1), days=90, scale=0.05))
    fill(paths, all_rows(part))
    return Brokerage(paths, part.truth["planted_cases"])


@pytest.fixture
def own(brokerage: Brokerage, tmp_path: Path) -> TenantPaths:
    """A copy of the lake that a test may write to."""
    shutil.copytree(brokerage.paths.data_dir, tmp_path / "own")
    return TenantPaths(tmp_path / "own", brokerage.paths.tenant, brokerage.paths.region)


def fill(paths: TenantPaths, rows: dict[str, pl.DataFrame]) -> None:
    """Append rows as one batch."""

    def work(lake: LakeWriter) -> None:
        for contract, frame in rows.items():
            lake.append(contract, _stored(contract, frame, paths.region))

    write_lake(paths, "raw", work, author="test", message="rows")


_DEFAULTS = {"text": "none", "bool": True, "int": 1, "date": UNTIL.date(), "timestamp": UNTIL, "json": "[]"}
"""What ingest fills in; rules do not look at it."""


def _stored(contract: str, frame: pl.DataFrame, region: str) -> pl.DataFrame:
    table = registry.table(contract)
    types = registry.polars_schema(table, is_stored=True)
    fields = {field.name: field for field in registry.stored_fields(table)}
    columns = []
    for name, kind in types.items():
        column = (pl.col(name) if name in frame.columns else pl.lit(None)).cast(kind)
        default = region if name == "region" else _DEFAULTS.get(fields[name].type)
        is_filled = table.is_required(name) and default is not None
        columns.append((column.fill_null(pl.lit(default).cast(kind)) if is_filled else column).alias(name))
    return frame.select(columns)
