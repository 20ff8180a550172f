"""Which contract a file's rows are for: the envelope, the columns, the file's name, or an error."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from aurora.errors import DataError, UsageError
from aurora.ingest import envelope
from aurora.ingest.canonical_sample import sample_rows
from aurora.ingest.contract_guess import column_names
from aurora.ingest.source_formats import ANY, contract_for, detect, guess_contract, source_format
from contracts import registry

AT = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
CANONICAL = [("canonical_ndjson", "x.ndjson"), ("canonical_csv", "x.csv")]


@pytest.mark.parametrize(("name", "file_name"), CANONICAL)
@pytest.mark.parametrize("contract", ANY)
def test_a_full_export_of_any_contract_is_told_by_its_columns(tmp_path: Path, name, file_name, contract) -> None:
    file = tmp_path / file_name
    file.write_bytes(source_format(name).sample(contract=contract, row_count=2, seed=1))
    assert detect(file) == name
    assert guess_contract(file, name) == contract


@pytest.mark.parametrize("contract", ANY)
def test_the_required_columns_and_a_file_name_are_enough(tmp_path: Path, contract) -> None:
    declared = registry.table(contract)
    row = sample_rows(contract, row_count=1, seed=2)[0]
    names = [name for name in row if declared.is_required(name)]
    file = tmp_path / f"{contract}s_2026.csv"
    file.write_text(",".join(names) + "\n" + ",".join(f'"{row[name]}"' for name in names) + "\n")
    assert guess_contract(file, "canonical_csv") == contract


def test_the_envelope_is_believed_before_the_columns(tmp_path: Path) -> None:
    file = tmp_path / "conversation.ndjson"
    said = envelope.new_envelope("task", assistant_id="clara", exported_at=AT)
    file.write_bytes(envelope.ndjson_line(said) + b'{"conversation_id": "c", "started_at": "2026-10-01T00:00:00Z"}\n')
    assert guess_contract(file, "canonical_ndjson") == "task"
    assert contract_for(file, "canonical_ndjson", "task") == "task"
    with pytest.raises(UsageError, match="conversation"):
        contract_for(file, "canonical_ndjson", "conversation")


def test_columns_that_fit_several_contracts_alike_are_not_guessed(tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text("region,source\nae-dubai,crm\n")
    with pytest.raises(DataError, match=" or ") as caught:
        guess_contract(file, "canonical_csv")
    assert caught.value.rule == "one_contract"


def test_columns_that_fit_no_contract_are_an_error_unless_the_file_is_called_after_one(tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text("colour,shape,size\nred,round,3\n")
    with pytest.raises(DataError, match="colour"):
        guess_contract(file, "canonical_csv")
    named = file.rename(tmp_path / "Conversations 2026-10.csv")
    assert guess_contract(named, "canonical_csv") == "conversation"


def test_a_first_line_that_is_broken_does_not_hide_the_others(tmp_path: Path) -> None:
    file = tmp_path / "export.ndjson"
    good = source_format("canonical_ndjson").sample(contract="task", row_count=3, seed=3)
    file.write_bytes(b'{"task_id": "cut\n\xff\xfe{}\n' + good)
    assert guess_contract(file, "canonical_ndjson") == "task"


def test_names_are_read_from_a_header_behind_an_envelope(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    said = envelope.new_envelope("task", assistant_id="clara", exported_at=AT)
    file.write_bytes(envelope.csv_line(said) + b"task_id, task_state\r\n1,working\r\n")
    assert column_names(file) == {"task_id", "task_state"}


STRAY = [b"Internal Server Error", b"\xff\xfa{", b"null", b"[[[[", b'{"host": "cut off', b"\n\none\ntwo\nthree"]


@pytest.mark.parametrize("stray", STRAY)
@pytest.mark.parametrize(
    "name", ["provider_responses_jsonl", "otlp_json", "langfuse_json", "litellm_standard_logging_jsonl"]
)
def test_a_damaged_first_line_hides_no_foreign_format(tmp_path: Path, name: str, stray: bytes) -> None:
    file = tmp_path / f"x.{name.rpartition('_')[2]}"
    file.write_bytes(stray + b"\n" + source_format(name).sample(contract="usage", row_count=3, seed=1))
    assert detect(file) == name


@pytest.mark.parametrize("stray", STRAY)
@pytest.mark.parametrize("contract", ["usage", "task", "case_event"])
def test_a_damaged_first_line_hides_no_contract(tmp_path: Path, contract: str, stray: bytes) -> None:
    file = tmp_path / "x.ndjson"
    file.write_bytes(stray + b"\n" + source_format("canonical_ndjson").sample(contract=contract, row_count=3, seed=1))
    assert detect(file) == "canonical_ndjson"
    assert guess_contract(file, "canonical_ndjson") == contract


def test_four_stray_lines_are_too_many(tmp_path: Path) -> None:
    file = tmp_path / "x.ndjson"
    file.write_bytes(b"stray\n" * 4 + b'{"usage_id": "a"}\n')
    with pytest.raises(DataError):
        detect(file)


def test_an_envelope_keeps_its_rows_from_foreign_formats(tmp_path: Path) -> None:
    said = b'{"aurora_export": {"version": 1, "contract": "usage", "source": "x"}}\n'
    file = tmp_path / "x.ndjson"
    file.write_bytes(said + b'{"host": "h", "path": "p", "response": {}}\n')
    assert detect(file) == "canonical_ndjson"
