"""The export envelope: written and read in every form, and refused by name when it is wrong."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import jsonschema
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aurora.ingest import envelope
from aurora.ingest.envelope import EnvelopeError

AT = dt.datetime(2026, 10, 1, 8, tzinfo=dt.UTC)
GOOD = envelope.new_envelope("usage", assistant_id="clara", exported_at=AT, row_count=2, cursor="after:{17}")


def _forms() -> dict[str, bytes]:
    inner = envelope.encode(GOOD).decode()
    return {
        "export.ndjson": envelope.ndjson_line(GOOD) + b'{"usage_id": "1"}\n',
        "export.csv": envelope.csv_line(GOOD) + b"usage_id\n1\n",
        "one_line.json": b'{"aurora_export": %s, "rows": []}' % inner.encode(),
        "printed.json": b'\xef\xbb\xbf\n{\n  "aurora_export" : %s,\n "rows": [\n' % inner.encode(),
    }


@pytest.mark.parametrize("name", _forms())
def test_the_envelope_of_a_text_file_is_read_from_its_head(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(_forms()[name])
    assert envelope.of_file(file) == GOOD


def test_the_envelope_of_a_parquet_file_is_in_its_metadata(tmp_path: Path) -> None:
    file = tmp_path / "export.parquet"
    table = pa.table({"usage_id": ["1"]})
    pq.write_table(table, file)
    assert envelope.of_file(file) is None
    pq.write_table(table.replace_schema_metadata({"aurora_export": envelope.encode(GOOD)}), file)
    assert envelope.of_file(file) == GOOD


@pytest.mark.parametrize("content", [b"", b"usage_id\n1\n", b'{"usage_id": "1"}\n', b"PAR1", b'{"aurora_export', b"#a"])
def test_a_file_without_an_envelope_has_none(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "plain"
    file.write_bytes(content)
    assert envelope.of_file(file) is None


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"version": 2}, "version"),
        ({"version": "1"}, "version"),
        ({"contract": "nothing"}, "contract"),
        ({"contract": "price"}, "contract"),
        ({"contract_version": "99.0.0"}, "contract_version"),
        ({"contract_version": "new"}, "contract_version"),
        ({"exported_at": "2026-10-01T08:00:00"}, "exported_at"),
        ({"exported_at": None}, "exported_at"),
        ({"row_count": -1}, "row_count"),
        ({"assistant_id": ""}, "assistant_id"),
        ({"cursor": 7}, "cursor"),
    ],
)
def test_what_is_wrong_with_an_envelope_is_named(change: dict[str, object], named: str) -> None:
    value = msgspec.to_builtins(GOOD) | change
    with pytest.raises(EnvelopeError) as caught:
        envelope.parse(value)
    assert named in f"{caught.value.field} {caught.value.message}"
    assert caught.value.next_step


@pytest.mark.parametrize("missing", ["version", "assistant_id", "contract", "contract_version", "exported_at"])
def test_what_is_missing_from_an_envelope_is_named(missing: str) -> None:
    value = {name: part for name, part in msgspec.to_builtins(GOOD).items() if name != missing}
    with pytest.raises(EnvelopeError, match=missing):
        envelope.parse(value)


@pytest.mark.parametrize(
    "line", [b"#aurora_export", b"#aurora_export {", b"#aurora_export [1]", b'{"aurora_export": 3}']
)
def test_a_first_line_that_wants_to_be_an_envelope_and_is_none_is_refused(line: bytes) -> None:
    with pytest.raises(EnvelopeError, match="envelope"):
        envelope.of_line(line)


def test_a_key_of_a_later_version_is_passed_over() -> None:
    assert envelope.parse(msgspec.to_builtins(GOOD) | {"signature": "abc"}) == GOOD


def test_rows_that_were_promised_and_did_not_come_are_a_refusal() -> None:
    assert envelope.shortfall(GOOD, rows=2, last=2) is None
    assert envelope.shortfall(None, rows=2, last=2) is None
    found = envelope.shortfall(GOOD, rows=1, last=1)
    assert found is not None
    assert (found.row_number, found.rule) == (2, "row_count")


def test_the_json_schema_accepts_what_is_written_and_nothing_else() -> None:
    schema = envelope.json_schema("usage")
    whole = {"aurora_export": msgspec.to_builtins(GOOD), "rows": []}
    jsonschema.validate(whole, schema)
    other = {**whole, "aurora_export": {**whole["aurora_export"], "contract": "task"}}
    with pytest.raises(jsonschema.ValidationError, match="task"):
        jsonschema.validate(other, schema)
