"""Files are read in whole lines, in bounded memory; what cannot be read is refused by number."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from aurora.ingest import lines
from aurora.ingest.lines import LineChunk, read_chunks
from aurora.ingest.portions import SourceFile
from aurora.ingest.tables import csv_header, csv_table, json_table

COLUMNS = ["a", "b"]


def chunks(tmp_path: Path, data: bytes, *, limit: int = 1000, quoted: bool = False) -> list[LineChunk]:
    (tmp_path / "file").write_bytes(data)
    return list(read_chunks(SourceFile(path=tmp_path / "file", max_line_bytes=limit), quoted=quoted))


@pytest.mark.parametrize("size", [7, 64, 1000])
def test_chunks_put_together_are_the_file_and_numbers_follow(tmp_path: Path, monkeypatch, size: int):
    monkeypatch.setattr(lines, "CHUNK_BYTES", size)
    draw = random.Random(size)
    texts = [b"x" * draw.randrange(30) + str(number).encode() for number in range(200)]
    found = chunks(tmp_path, b"\n".join(texts))
    assert b"".join(chunk.data for chunk in found) == b"\n".join(texts)
    assert [line for chunk in found for line in chunk.lines()] == list(enumerate(texts, 1))


@pytest.mark.parametrize("body", [b"1,2,3\n", b'1,2,3\n4,"5\n'])
def test_of_columns_of_one_name_the_first_bears_it(body):
    assert csv_table(LineChunk(body, 2), ["a", "a (again)", "a"])[0].width == 4
    frame, _ = csv_table(LineChunk(body, 2), ["a", "b", "a"])
    assert frame.select("a", "b").rows() == [("1", "2")]


def test_names_that_begin_with_a_nul_stay_apart():
    header = csv_header(b"\0a,\0b\0,c")
    assert csv_table(LineChunk(b"1,2,3\n", 2), header)[0].rows() == [("1", "2", "3", 2)]


def test_lines_without_a_header_are_refused_one_by_one():
    frame, refused = csv_table(LineChunk(b"1,2\n3\n", 2), [])
    assert frame.height == 0
    assert [(one.row_number, one.rule) for one in refused] == [(2, "column_count"), (3, "column_count")]


@pytest.mark.parametrize("size", [16, 100, 5000])
def test_a_line_over_the_limit_is_refused_and_the_others_stay(tmp_path: Path, monkeypatch, size: int):
    monkeypatch.setattr(lines, "CHUNK_BYTES", size)
    found = chunks(tmp_path, b"one\n" + b"y" * 900 + b"\nthree\n" + b"z" * 700, limit=100)
    assert [line for chunk in found for line in chunk.lines()] == [(1, b"one"), (3, b"three")]
    refused = [refusal for chunk in found for refusal in chunk.refused]
    assert [(one.row_number, one.rule) for one in refused] == [(2, "line_length"), (4, "line_length")]
    assert "AURORA_MAX_UPLOAD_MB" in refused[0].reason
    assert max(len(one.raw or "") for one in refused) <= 512


def test_a_chunk_does_not_end_inside_a_quoted_value(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(lines, "CHUNK_BYTES", 40)
    data = b'a,b\n1,"first\nsecond\nthird"\n2,x\n3,"y\nz"\n' * 5
    found = chunks(tmp_path, data, quoted=True)
    assert b"".join(chunk.data for chunk in found) == data
    assert all(chunk.data.count(b'"') % 2 == 0 for chunk in found)


def test_a_bom_is_no_part_of_the_first_line(tmp_path: Path):
    assert chunks(tmp_path, b"\xef\xbb\xbfa,b\n")[0].data == b"a,b\n"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_refused_by_name(tmp_path: Path, encoding: str):
    mark = b"\xff\xfe" if encoding.endswith("le") else b"\xfe\xff"
    (chunk,) = chunks(tmp_path, mark + "a,b\n1,2\n".encode(encoding))
    assert (chunk.data, chunk.refused[0].rule) == (b"", "encoding")
    assert "UTF-16" in chunk.refused[0].reason
    assert "UTF-8" in chunk.refused[0].reason


def test_json_lines_that_do_not_parse_are_refused_and_the_rest_is_read():
    data = b'{"a":"1","b":2}\n{"a":\n[1]\n\n{"a":null,"c":9}\n{"b":{"x":1}}\n'
    table, refused = json_table(LineChunk(data, 10), COLUMNS)
    assert table.rows() == [("1", "2", 10), (None, None, 14), (None, '{"x": 1}', 15)]
    assert [(one.row_number, one.rule) for one in refused] == [(11, "json"), (12, "json")]
    assert "export it again" in refused[0].reason
    assert refused[1].raw == "[1]"


def test_fast_and_slow_json_give_the_same_table():
    good = [b'{"a":"x %d","b":%d}' % (number, number) for number in range(50)]
    fast, _ = json_table(LineChunk(b"\n".join(good), 1), COLUMNS)
    slow, refused = json_table(LineChunk(b"\n".join([*good, b"{"]), 1), COLUMNS)
    assert fast.equals(slow)
    assert len(refused) == 1


def test_bytes_that_are_not_utf_8_refuse_their_line_alone():
    table, refused = json_table(LineChunk(b'{"a":"ok"}\n{"a":"caf\xe9"}\n', 1), COLUMNS)
    assert table.rows() == [("ok", None, 1)]
    assert (refused[0].row_number, refused[0].rule) == (2, "encoding")
    assert "byte" in refused[0].reason


def test_csv_records_with_the_wrong_width_are_refused_and_the_rest_is_read():
    table, refused = csv_table(LineChunk(b"1,2\n3\n4,5,6\n\n7,\n", 2), COLUMNS)
    assert table.rows() == [("1", "2", 2), ("7", None, 6)]
    assert [(one.row_number, one.rule) for one in refused] == [(3, "column_count"), (4, "column_count")]
    assert "header has 2 columns" in refused[0].reason


def test_quoted_newlines_and_crlf_belong_to_csv():
    table, refused = csv_table(LineChunk(b'1,"x\ny"\r\n2,z\r\n', 2), COLUMNS)
    assert refused == []
    assert table.rows() == [("1", "x\ny", 2), ("2", "z", 4)]


def test_an_unclosed_quote_costs_its_own_line_alone():
    table, refused = csv_table(LineChunk(b'1,2\n3,"4\n5,6\n7,8\n', 2), COLUMNS)
    assert table.rows()[0][0] == "1"
    assert ("5", "6", 4) in table.rows()
    assert ("7", "8", 5) in table.rows()
    assert table.height + len(refused) == 4


def test_header_names_lose_quotes_and_white_space():
    assert csv_header(b'"a" , b,"c d"') == ["a", "b", "c d"]


def test_a_chunk_of_nothing_is_an_empty_table():
    assert csv_table(LineChunk(b" \n\n", 1), COLUMNS)[0].columns == ["a", "b", "row_number"]
    assert json_table(LineChunk(b"", 1), COLUMNS)[0].height == 0
