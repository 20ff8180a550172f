"""What the tests of ingest share: an empty lake to copy, a clock, and ways to drop, ingest and look."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from aurora.ingest.batch import ingest_file
from aurora.ingest.commit import BatchReport
from aurora.store.lake import create_lake, read_lake
from aurora.store.paths import TenantPaths, create_tenant

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty lake: making one takes a second, copying it none."""
    made = create_tenant(tmp_path_factory.mktemp("ingest"), "demo", "ae-dubai")
    create_lake(made)
    return made.data_dir


@pytest.fixture
def paths(tmp_path: Path, template: Path) -> TenantPaths:
    shutil.copytree(template, tmp_path / "data")
    return TenantPaths(tmp_path / "data", "demo", "ae-dubai")


def usage_row(number: int | str, **changed: Any) -> dict[str, Any]:
    """A valid usage row; `changed` values replace its own, None leaves a key out."""
    place = number if isinstance(number, int) else len(number)
    row = {
        "usage_id": f"call-{number}",
        "occurred_at": f"2026-09-{1 + place % 28:02d}T10:00:00Z",
        "operation_name": "chat",
        "provider_name": "openai",
        "request_model": "gpt-4o",
        "input_tokens": 1000 + place,
        "output_tokens": 100,
    }
    return {key: value for key, value in {**row, **changed}.items() if value is not None}


@dataclass(frozen=True)
class Gateway:
    """A source that drops files into the landing folder of one tenant."""

    paths: TenantPaths

    def drop(self, name: str, content: bytes | str | Sequence[Mapping[str, Any]], source: str = "gateway") -> Path:
        """Write a file of the landing folder; rows become NDJSON."""
        folder = self.paths.landing / source
        folder.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            content = content.encode()
        elif not isinstance(content, bytes):
            content = b"".join(json.dumps(row).encode() + b"\n" for row in content)
        (folder / name).write_bytes(content)
        return folder / name

    def ingest(self, name: str, content: Any, source: str = "gateway", **options: Any) -> BatchReport:
        """Drop a file and ingest it."""
        file = self.drop(name, content, source)
        report = ingest_file(self.paths, file, source=source, clock=lambda: NOW, **options)
        assert report.rows == report.good + report.quarantined + report.duplicates
        return report

    def look(self, sql: str, *params: object) -> pl.DataFrame:
        """One SELECT over the lake."""
        with read_lake(self.paths) as lake:
            return lake.query(sql, params)

    def refused(self) -> list[dict[str, Any]]:
        """All quarantine rows, in the source's order."""
        return self.look("SELECT * FROM raw.quarantine ORDER BY file_name, row_number, column_name, rule").to_dicts()


@pytest.fixture
def gateway(paths: TenantPaths) -> Gateway:
    return Gateway(paths)


@pytest.fixture(scope="session")
def row() -> Callable[..., dict[str, Any]]:
    return usage_row
