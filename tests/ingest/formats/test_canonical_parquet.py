"""Parquet in: the same rows as the same data in NDJSON, other types cast or refused, broken files told."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path

import polars as pl
import pytest

from aurora.ingest import envelope
from aurora.ingest.canonical_sample import sample_rows
from aurora.ingest.formats import canonical_ndjson, canonical_parquet
from aurora.ingest.formats.canonical_parquet import parquet_bytes
from aurora.ingest.portions import SourceFile

AT = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)


def parquet(frame: pl.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.write_parquet(out)
    return out.getvalue()


@pytest.mark.parametrize("contract", ["usage", "conversation", "task"])
def test_parquet_and_ndjson_of_the_same_rows_land_alike(gateway, contract: str):
    first = gateway.ingest(f"{contract}.parquet", canonical_parquet.sample(contract=contract, row_count=40, seed=5))
    assert (first.source_format, first.good, first.contracts) == ("canonical_parquet", 40, (contract,))
    again = gateway.ingest(f"{contract}.ndjson", canonical_ndjson.sample(contract=contract, row_count=40, seed=5))
    assert (again.good, again.duplicates, again.quarantined) == (0, 40, 0)


def test_other_types_are_cast_and_what_does_not_fit_is_refused_with_its_row(gateway):
    rows = pl.DataFrame(
        {
            "usage_id": ["a", "b", "c"],
            "occurred_at": pl.Series(["2026-09-01"] * 3).str.to_datetime(time_unit="ms"),
            "operation_name": pl.Series(["chat"] * 3, dtype=pl.Categorical),
            "input_tokens": [10.0, 10.5, -1.0],
            "request_model": [["gpt-4o"], None, None],
            "of_their_own": [1, 2, 3],
        }
    )
    report = gateway.ingest("usage.parquet", parquet(rows), contract="usage")
    assert (report.good, report.quarantined) == (1, 2)
    told = [(one["row_number"], one["column_name"], one["rule"]) for one in gateway.refused()]
    assert told == [(2, "input_tokens", "type"), (3, "input_tokens", "at_least")]
    landed = gateway.look("SELECT input_tokens, request_model, occurred_at FROM raw.usage").row(0)
    assert landed == (10, '["gpt-4o"]', dt.datetime(2026, 9, 1, tzinfo=dt.UTC))


def test_a_file_that_is_cut_off_is_one_refused_row(gateway):
    whole = canonical_parquet.sample(contract="usage", row_count=50, seed=1)
    report = gateway.ingest("usage.parquet", whole[: len(whole) // 2], contract="usage")
    assert (report.good, report.quarantined) == (0, 1)
    assert gateway.refused()[0]["rule"] == "parquet"


def test_the_envelope_names_contract_and_assistant_and_is_held_to_its_count(gateway):
    said = envelope.new_envelope("usage", assistant_id="clara", exported_at=AT, row_count=3)
    rows = [{**row, "assistant_id": None} for row in sample_rows("usage", row_count=2, seed=3)]
    report = gateway.ingest("export.parquet", parquet_bytes("usage", rows, said))
    assert (report.good, report.quarantined, report.contracts) == (2, 1, ("usage",))
    assert gateway.refused()[0]["rule"] == "row_count"
    assert set(gateway.look("SELECT assistant_id FROM raw.usage")["assistant_id"]) == {"clara"}


@pytest.mark.parametrize("form", ["ndjson", "csv"])
def test_text_forms_take_an_envelope_as_their_first_line(gateway, form: str):
    said = envelope.new_envelope("task", assistant_id="mary", exported_at=AT, row_count=3)
    if form == "ndjson":
        content = envelope.ndjson_line(said) + canonical_ndjson.sample(contract="task", row_count=3, seed=2)
    else:
        from aurora.ingest.formats import canonical_csv

        content = envelope.csv_line(said) + canonical_csv.sample(contract="task", row_count=3, seed=2)
    report = gateway.ingest(f"export.{form}", content)
    assert (report.good, report.quarantined, report.contracts) == (3, 0, ("task",))
    assert gateway.look("SELECT min(row_number) AS first FROM raw.task")["first"][0] == (2 if form == "ndjson" else 3)


def test_an_envelope_that_cannot_be_read_is_refused_and_the_rows_after_it_are_read(tmp_path: Path):
    rows = canonical_ndjson.sample(contract="usage", row_count=2, seed=2)
    (tmp_path / "export.ndjson").write_bytes(b'{"aurora_export": {"version": 9, "assistant_id": "x"}}\n' + rows)
    portions = list(canonical_ndjson.read(SourceFile(path=tmp_path / "export.ndjson")))
    refused = pl.concat(portion.refused for portion in portions)
    assert refused.select("row_number", "rule").rows() == [(1, "envelope")]
    assert [number for portion in portions for number in portion.rows["row_number"]] == [2, 3]
