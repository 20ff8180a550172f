"""An export as one JSON document: what the envelope says of every row, and what a broken document still gives."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from aurora.ingest import envelope
from aurora.ingest.formats import export_envelope_json as export
from aurora.ingest.portions import SourceFile
from aurora.ingest.source_formats import detect, guess_contract

SAID = envelope.new_envelope(
    "conversation", assistant_id="clara", exported_at=dt.datetime(2026, 10, 1, tzinfo=dt.UTC), row_count=2
)
ROWS = [
    {"conversation_id": "c-1", "started_at": "2026-09-01T00:00:00Z"},
    {"conversation_id": "c-2", "started_at": "2026-09-01T00:00:00Z", "assistant_id": "omar"},
]


def _read(path: Path, content: bytes, **limits: Any) -> tuple[pl.DataFrame, list[tuple[int, str]]]:
    path.write_bytes(content)
    portions = list(export.read(SourceFile(path=path, contract="conversation", **limits)))
    rows = pl.concat([one.rows for one in portions], how="diagonal")
    refused = pl.concat([one.refused for one in portions])
    return rows, list(zip(refused["row_number"], refused["rule"], strict=True))


def test_the_envelope_names_contract_and_assistant(tmp_path: Path) -> None:
    file = tmp_path / "export.json"
    rows, refused = _read(file, export.write(SAID, ROWS))
    assert (detect(file), guess_contract(file, "export_envelope_json")) == ("export_envelope_json", "conversation")
    assert rows["assistant_id"].to_list() == ["clara", "omar"]
    assert (rows["row_number"].to_list(), refused) == ([1, 2], [])


def test_a_printed_document_is_read_as_well(tmp_path: Path) -> None:
    printed = msgspec.json.format(export.write(SAID, ROWS), indent=2)
    rows, refused = _read(tmp_path / "export.json", printed)
    assert detect(tmp_path / "export.json") == "export_envelope_json"
    assert (rows["conversation_id"].to_list(), refused) == (["c-1", "c-2"], [])


def test_rows_before_and_behind_a_broken_one_land(tmp_path: Path) -> None:
    content = export.write(SAID, ROWS).replace(b'"rows": [\n', b'"rows": [\n{"conversation_id": "c-0", \n')
    rows, refused = _read(tmp_path / "export.json", content)
    assert rows["row_number"].to_list() == [2, 3]
    assert refused[0] == (1, "json")


def test_a_document_cut_off_says_how_many_rows_are_missing(tmp_path: Path) -> None:
    content = export.write(SAID, ROWS)
    rows, refused = _read(tmp_path / "export.json", content[: content.index(b",\n{")])
    assert rows["conversation_id"].to_list() == ["c-1"]
    assert refused == [(2, "row_count")]


def test_a_wrong_envelope_is_refused_and_the_rows_still_read(tmp_path: Path) -> None:
    content = export.write(SAID, ROWS).replace(b'"version":1', b'"version":9')
    rows, refused = _read(tmp_path / "export.json", content)
    assert (rows.height, [rule for _, rule in refused]) == (2, ["envelope_version"])


def test_a_document_over_the_limit_is_read_line_by_line(tmp_path: Path) -> None:
    content = export.write(SAID, ROWS)
    rows, refused = _read(tmp_path / "export.json", content, max_line_bytes=len(content) - 40)
    assert (rows["conversation_id"].to_list(), refused) == (["c-1", "c-2"], [])


def test_ndjson_with_an_envelope_is_another_format(tmp_path: Path) -> None:
    file = tmp_path / "export.json"
    file.write_bytes(envelope.ndjson_line(SAID) + msgspec.json.encode(ROWS[0]) + b"\n")
    assert detect(file) == "canonical_ndjson"
