"""Reading a document that a test wrote, through a format and on through the gate and the price book."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from aurora.gateway.prices import default_book
from aurora.ingest.portions import BatchOrigin, SourceFile
from aurora.ingest.source_formats import source_format
from aurora.ingest.staging import stage_file
from aurora.settings import Settings


@dataclass(frozen=True)
class Found:
    """What a document gave: rows by contract, without their empty columns, and refusals."""

    rows: dict[str, list[dict[str, Any]]]
    refused: list[dict[str, Any]]

    @property
    def usage(self) -> list[dict[str, Any]]:
        return self.rows.get("usage", [])


Reader = Callable[..., Found]


def written(content: Any) -> bytes:
    """Bytes as they are; anything else as JSON, a list of objects one a line."""
    if isinstance(content, bytes):
        return content
    if isinstance(content, list):
        return b"".join(msgspec.json.encode(line) + b"\n" for line in content)
    return msgspec.json.encode(content)


def _plain(rows: pl.DataFrame) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if value is not None} for row in rows.iter_rows(named=True)]


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    """`read(format, content, limit=)`: the portions of a document as the format hands them on."""

    def read_content(name: str, content: Any, *, limit: int = 2**20) -> Found:
        file = tmp_path / "document"
        file.write_bytes(written(content))
        rows: dict[str, list[dict[str, Any]]] = {}
        refused: list[dict[str, Any]] = []
        for portion in source_format(name).read(SourceFile(path=file, max_line_bytes=limit)):
            rows.setdefault(portion.contract, []).extend(_plain(portion.rows.drop("raw_row", strict=False)))
            refused += _plain(portion.refused)
        return Found(rows, refused)

    return read_content


@pytest.fixture
def stage(tmp_path: Path) -> Reader:
    """`stage(format, content)`: the usage rows of a document as they would land, and what was refused."""

    def stage_content(name: str, content: Any) -> Found:
        file = tmp_path / "document"
        file.write_bytes(written(content))
        origin = BatchOrigin(
            batch_id="c" * 64,
            batch_seq=1,
            source="tests",
            source_format=name,
            file_name=file.name,
            region="ae-dubai",
            ingested_at=dt.datetime(2026, 10, 1, tzinfo=dt.UTC),
        )
        batch = stage_file(SourceFile(path=file), origin, folders=tmp_path / "staged", book=default_book())
        rows = {part.contract: _plain(pl.read_parquet(part.files)) if part.files else [] for part in batch.parts}
        refused = [row for part in batch.parts for frame in part.refused for row in _plain(frame)]
        batch.discard()
        return Found(rows, refused)

    return stage_content


@pytest.fixture
def shared() -> Path:
    """The folder of real data; the test is skipped where it is absent."""
    folder = Settings().shared_data_dir
    if not folder.is_dir():
        pytest.skip("the real data is not on this machine")
    return folder
