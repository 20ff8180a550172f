"""Every source format: a new file in aurora/ingest/formats/ is held to these without an edit.

A format's name ends in the suffix of its files: `langfuse_json` is written to `.json`.
"""

from __future__ import annotations

import datetime as dt
import json
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aurora.gateway.prices import default_book
from aurora.ingest import lines
from aurora.ingest.portions import ROW, BatchOrigin, SourceFile
from aurora.ingest.source_formats import ANY, SourceFormat, detect, source_formats
from aurora.ingest.staging import StagedBatch, stage_file

SHAPES = ("usage", "task", "enhanced_ai_conversations", "field")
"""One contract of each shape: many nullable columns, states, ids that must be UUIDs, a key of two columns.
That every contract's sample passes the gate is tested with the contracts."""
CASES = [
    pytest.param(name, contract, id=f"{name}-{contract}")
    for name, source_format in source_formats().items()
    for contract in source_format.CONTRACTS
    if source_format.CONTRACTS is not ANY or contract in SHAPES
]
pytestmark = pytest.mark.parametrize(("name", "contract"), CASES)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
MUTATED = settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
def file(tmp_path: Path, name: str) -> Path:
    return tmp_path / f"sample.{name.rpartition('_')[2]}"


def _format(name: str) -> SourceFormat:
    return source_formats()[name]


def _text_only(name: str) -> None:
    if getattr(_format(name), "IS_BINARY", False):
        pytest.skip("the format is not text")


def _read(name: str, file: Path, contract: str, *, limit: int = 2**20) -> tuple[pl.DataFrame, pl.DataFrame]:
    """All rows of the contract, as text, and everything that was refused."""
    source = SourceFile(path=file, contract=contract, max_line_bytes=limit)
    portions = list(_format(name).read(source))
    rows = [portion.rows for portion in portions if portion.contract == contract]
    return (
        pl.concat(rows, how="diagonal_relaxed") if rows else pl.DataFrame({ROW: []}, schema={ROW: pl.Int64}),
        pl.concat([portion.refused for portion in portions]) if portions else pl.DataFrame(schema={"rule": pl.String}),
    )


def _staged(name: str, file: Path, contract: str) -> StagedBatch:
    origin = BatchOrigin(
        batch_id="b" * 64,
        batch_seq=1,
        source="conformance",
        source_format=name,
        file_name=file.name,
        region="ae-dubai",
        ingested_at=dt.datetime(2026, 10, 1, tzinfo=dt.UTC),
    )
    source = SourceFile(path=file, contract=contract, max_line_bytes=2**20)
    return stage_file(source, origin, folders=file.parent / "staged", book=default_book())


def _records(rows: pl.DataFrame) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if value is not None} for row in rows.iter_rows(named=True)]


def test_the_sample_is_detected_as_its_own_format(name, contract, file):
    file.write_bytes(_format(name).sample(contract=contract, row_count=3, seed=1))
    assert detect(file) == name


def test_no_other_format_claims_the_sample(name, contract, file):
    content = _format(name).sample(contract=contract, row_count=3, seed=1)
    others = [other for other in source_formats() if other != name and not other.startswith("canonical_")]
    assert [other for other in others if _format(other).matches(content[:65_536], file.name)] == []


@pytest.mark.parametrize("chunk_bytes", [600, 5000])
def test_positions_do_not_depend_on_how_the_file_is_cut_into_pieces(name, contract, file, monkeypatch, chunk_bytes):
    content = _format(name).sample(contract=contract, row_count=30, seed=14)
    content += b"" if getattr(_format(name), "IS_BINARY", False) else b'{"cut": \n'
    file.write_bytes(content)
    rows, refused = _read(name, file, contract)
    monkeypatch.setattr(lines, "CHUNK_BYTES", chunk_bytes)
    rows_again, refused_again = _read(name, file, contract)
    assert _records(rows_again) == _records(rows)
    assert refused_again.rows() == refused.rows()


@pytest.mark.parametrize("row_count", [1, 7])
def test_the_sample_reads_back_as_many_rows_as_were_asked_for(name, contract, file, row_count):
    file.write_bytes(_format(name).sample(contract=contract, row_count=row_count, seed=2))
    rows, refused = _read(name, file, contract)
    assert rows.height == row_count
    assert refused.is_empty()
    assert rows[ROW].n_unique() == row_count
    assert rows[ROW].min() >= 1


def test_the_sample_passes_the_gate_completely(name, contract, file):
    file.write_bytes(_format(name).sample(contract=contract, row_count=40, seed=3))
    parts = {part.contract: part for part in _staged(name, file, contract).parts}
    assert (parts[contract].good_count, parts[contract].quarantined_count) == (40, 0)
    assert sum(part.quarantined_count + part.duplicate_count for part in parts.values()) == 0


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(name, contract):
    samples = [_format(name).sample(contract=contract, row_count=5, seed=seed) for seed in (4, 4, 5)]
    assert samples[0] == samples[1]
    assert samples[0] != samples[2]


def test_a_file_cut_off_anywhere_loses_only_what_was_cut(name, contract, file):
    _text_only(name)
    content = _format(name).sample(contract=contract, row_count=3, seed=6)
    file.write_bytes(content)
    whole = _records(_read(name, file, contract)[0])
    drawn = random.Random(6).sample(range(len(content)), k=min(16, len(content)))
    kept_of: dict[int, list[dict[str, Any]]] = {}
    for cut in [*drawn, *range(len(content) - 4, len(content))]:
        file.write_bytes(content[:cut])
        rows, _ = _read(name, file, contract)
        finished = content.rfind(b"\n", 0, cut) + 1
        if finished not in kept_of:
            file.write_bytes(content[:finished])
            kept_of[finished] = _records(_read(name, file, contract)[0])
        kept = kept_of[finished]
        assert kept == whole[: len(kept)]
        assert _records(rows)[: len(kept)] == kept, f"cut at byte {cut}"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_a_file_in_another_encoding_is_refused_as_such(name, contract, file, encoding):
    _text_only(name)
    content = _format(name).sample(contract=contract, row_count=3, seed=7).decode()
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    file.write_bytes((mark + content).encode(encoding))
    rows, refused = _read(name, file, contract)
    assert rows.is_empty()
    assert refused["rule"].unique().to_list() == ["encoding"]


def test_a_byte_order_mark_of_utf_8_changes_nothing(name, contract, file):
    _text_only(name)
    content = _format(name).sample(contract=contract, row_count=3, seed=8)
    file.write_bytes(content)
    plain = _read(name, file, contract)[0]
    file.write_bytes(b"\xef\xbb\xbf" + content)
    assert detect(file) == name
    assert _records(_read(name, file, contract)[0]) == _records(plain)


def test_a_line_that_is_not_utf_8_is_refused_and_the_lines_before_it_land(name, contract, file):
    _text_only(name)
    content = _format(name).sample(contract=contract, row_count=6, seed=9)
    last = content.rstrip(b"\n").rfind(b"\n") + 1
    file.write_bytes(content[:last])
    before = _records(_read(name, file, contract)[0])
    file.write_bytes(content[: last + 9] + b"\xff" + content[last + 10 :])
    rows, refused = _read(name, file, contract)
    assert refused["rule"].to_list() == ["encoding"]
    assert _records(rows) == before


def test_a_binary_file_cut_off_anywhere_gives_the_rows_before_the_cut(name, contract, file):
    if not getattr(_format(name), "IS_BINARY", False):
        pytest.skip("the format is text")
    content = _format(name).sample(contract=contract, row_count=5, seed=6)
    file.write_bytes(content)
    whole = _records(_read(name, file, contract)[0])
    for cut in range(1, len(content), max(1, len(content) // 40)):
        file.write_bytes(content[:cut])
        rows, refused = _read(name, file, contract)
        assert _records(rows) == whole[: rows.height], f"cut at byte {cut}"
        assert rows.height < len(whole)
        assert refused.height or rows.height


@pytest.mark.parametrize("content", [b"", b"\n", b"\r\n \n", b"\xef\xbb\xbf"])
def test_a_file_without_anything_gives_nothing(name, contract, file, content):
    if content:
        _text_only(name)
    file.write_bytes(content)
    rows, refused = _read(name, file, contract)
    assert (rows.height, refused.height) == (0, 0)


def test_a_line_over_the_limit_is_refused_and_the_rest_lands(name, contract, file):
    _text_only(name)
    content = _format(name).sample(contract=contract, row_count=6, seed=10)
    limit = max(len(line) for line in content.splitlines()) + 20
    file.write_bytes(content + b"9" * (limit * 2) + b"\n")
    rows, refused = _read(name, file, contract, limit=limit)
    assert refused["rule"].to_list() == ["line_length"]
    assert rows.height == 6


def test_every_refusal_says_where_and_why(name, contract, file):
    _text_only(name)
    content = _format(name).sample(contract=contract, row_count=3, seed=11)
    file.write_bytes(content + b'{"cut": \n' + b'"only, a text\n')
    rows, refused = _read(name, file, contract)
    assert rows.height == 3
    assert refused.height >= 1
    assert refused[ROW].min() > 0
    assert refused["reason"].str.len_chars().min() > 20
    assert all(json.loads(raw) is not None for raw in refused["raw_row"])


@MUTATED
@given(data=st.data())
def test_no_splice_of_bytes_stops_a_format(name, contract, file, data):
    content = bytearray(_format(name).sample(contract=contract, row_count=4, seed=12))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content)))
        content[at : at + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=12))
    file.write_bytes(content)
    taken: dict[str, set[int]] = {}
    for portion in _format(name).read(SourceFile(path=file, contract=contract, max_line_bytes=2**20)):
        landed, refused = portion.rows[ROW].to_list(), set(portion.refused.filter(pl.col("rule") != "header")[ROW])
        seen = taken.setdefault(portion.contract, set())
        assert len(set(landed)) == len(landed)
        assert not seen & {*landed, *refused}
        assert not set(landed) & refused
        seen |= {*landed, *refused}


@MUTATED
@given(value=JSON, seed=st.integers(0, 10**6))
def test_any_value_anywhere_is_a_row_or_a_refusal_and_the_counts_add_up(name, contract, file, value, seed):
    _text_only(name)
    lines = _format(name).sample(contract=contract, row_count=6, seed=13).splitlines()
    draw = random.Random(seed)
    place = draw.randrange(len(lines))
    lines[place] = _with_value(lines[place], value, draw)
    file.write_bytes(b"\n".join(lines))
    batch = _staged(name, file, contract)
    for part in batch.parts:
        assert part.row_count == part.good_count + part.quarantined_count + part.duplicate_count
        assert part.quarantined_count == (pl.concat(part.refused)[ROW].n_unique() if part.refused else 0)
    batch.discard()


def _with_value(line: bytes, value: Any, draw: random.Random) -> bytes:
    """The line with one value of it, wherever it stands, replaced."""
    try:
        record = json.loads(line)
    except ValueError:
        fields = line.decode().split(",")
        fields[draw.randrange(len(fields))] = json.dumps(value)
        return ",".join(fields).encode()
    holders = [holder for holder in _holders(record) if holder]
    holder = draw.choice(holders)
    holder[draw.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))] = value
    return json.dumps(record).encode()


def _holders(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    found = [value] if isinstance(value, dict | list) else []
    return [*found, *(holder for part in inner for holder in _holders(part))]
