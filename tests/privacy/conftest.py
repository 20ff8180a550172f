"""What the tests of privacy share: a tenant with a lake, its vault and state, ways to bring rows in and to look."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from aurora.identity.keys import Identity
from aurora.ingest.batch import ingest_file
from aurora.ingest.commit import BatchReport
from aurora.store.lake import create_lake, read_lake
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.state import StateStore
from aurora.store.vault import Vault

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty lake: making one takes a second, copying it none."""
    made = create_tenant(tmp_path_factory.mktemp("privacy"), "demo", "ae-dubai")
    create_lake(made)
    return made.data_dir


@pytest.fixture
def paths(tmp_path: Path, template: Path) -> TenantPaths:
    shutil.copytree(template, tmp_path / "data")
    return TenantPaths(tmp_path / "data", "demo", "ae-dubai")


@pytest.fixture
def vault(paths: TenantPaths) -> Iterator[Vault]:
    with Vault.open(paths) as opened:
        yield opened


@pytest.fixture
def store(paths: TenantPaths) -> Iterator[StateStore]:
    with StateStore.open(paths, clock=lambda: NOW) as opened:
        yield opened


@pytest.fixture
def officer() -> Identity:
    """A person who may reveal and erase."""
    return Identity(
        tenant="demo",
        actor_id="person:amal",
        prefix="demo.0123456789ab",
        scopes=frozenset({"privacy:reveal", "admin"}),
        rate_per_s=10,
    )


@dataclass(frozen=True)
class Crm:
    """A source that drops files into the landing folder."""

    paths: TenantPaths

    def bring(self, contract: str, rows: Sequence[Mapping[str, Any]], name: str = "rows.ndjson") -> BatchReport:
        """Ingest rows of one contract."""
        folder = self.paths.landing / "crm"
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / name
        file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        report = ingest_file(
            self.paths, file, source="crm", clock=lambda: NOW, contract=contract, source_format="canonical_ndjson"
        )
        assert report.rows == report.good + report.quarantined + report.duplicates
        return report

    def look(self, sql: str) -> pl.DataFrame:
        """One SELECT over the lake."""
        with read_lake(self.paths) as lake:
            return lake.query(sql)

    def bytes_at_rest(self) -> bytes:
        """Everything in the tenant's folder: lake files, catalogues, state, vault, staged files; not the landing folder."""
        return b"\n".join(file.read_bytes() for file in sorted(self.paths.directory.rglob("*")) if file.is_file())


@pytest.fixture
def crm(paths: TenantPaths) -> Crm:
    return Crm(paths)
