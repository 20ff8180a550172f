"""What ingest adds to a row that passed: defaults, origin, the day, an id of its own."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import polars as pl

from aurora.ingest.completion import Completion
from contracts import registry

USAGE = registry.table("usage")
AT = dt.datetime(2026, 9, 1, 23, 59, tzinfo=dt.UTC)


def completed(*rows: dict[str, object], source: str = "gateway", own: Completion | None = None) -> pl.DataFrame:
    types = {**registry.polars_schema(USAGE), "row_number": pl.Int64()}
    given = [{"occurred_at": AT, "operation_name": "chat", "row_number": at, **row} for at, row in enumerate(rows, 1)]
    names = {name for row in given for name in row}
    frame = pl.DataFrame(given, schema={name: kind for name, kind in types.items() if name in names})
    own = own or Completion(USAGE, source, "canonical_csv", "ae-dubai")
    return own.completed(own.prepared(frame))


def test_a_silent_source_means_one_request_that_did_not_fail():
    row = completed({"usage_id": "a"}).row(0, named=True)
    assert (row["request_count"], row["is_error"]) == (1, False)
    assert (row["source"], row["source_format"], row["region"]) == ("gateway", "canonical_csv", "ae-dubai")
    assert row["occurred_date"] == dt.date(2026, 9, 1)


def test_a_null_among_values_gets_the_default_too():
    rows = completed({"usage_id": "a", "request_count": 3}, {"usage_id": "b", "request_count": None})
    assert rows["request_count"].to_list() == [3, 1]


def test_the_region_of_the_row_goes_before_the_tenants():
    rows = completed({"usage_id": "a", "region": "ae-abudhabi"}, {"usage_id": "b", "region": None})
    assert rows["region"].to_list() == ["ae-abudhabi", "ae-dubai"]


def test_the_exporters_cost_is_reported_and_never_in_use():
    row = completed({"usage_id": "a", "cost_usd": Decimal("0.5")}).row(0, named=True)
    assert (row["reported_cost_usd"], row["cost_usd"]) == (Decimal("0.5"), None)


def test_an_id_is_made_from_the_source_and_its_own():
    assert completed({"source_record_id": "r1"})["usage_id"].to_list() == ["gateway:r1"]


def test_rows_without_any_id_are_known_by_content_and_by_which_of_equals_they_are():
    rows = completed({"input_tokens": 1}, {"input_tokens": 1}, {"input_tokens": 2})["usage_id"]
    assert rows.n_unique() == 3
    assert [name[-2:] for name in rows] == ["-1", "-2", "-1"]
    assert completed({"input_tokens": 2})["usage_id"][0] == rows[2]


def test_content_ids_go_on_counting_over_the_batches_of_a_file():
    own = Completion(USAGE, "gateway", "canonical_csv", "ae-dubai")
    first = completed({"input_tokens": 1}, own=own)["usage_id"][0]
    second = completed({"input_tokens": 1}, own=own)["usage_id"][0]
    assert (first[:-2], first[-2:], second[-2:]) == (second[:-2], "-1", "-2")


def test_a_content_id_does_not_depend_on_which_empty_columns_there_are():
    assert (
        completed({"input_tokens": 1})["usage_id"][0] == completed({"input_tokens": 1, "user_id": None})["usage_id"][0]
    )


def test_a_conversation_needs_no_day_and_gets_its_origin():
    table = registry.table("conversation")
    types = {**registry.polars_schema(table), "row_number": pl.Int64()}
    given = {"conversation_id": "c", "started_at": AT, "row_number": 1}
    frame = pl.DataFrame([given], schema={name: types[name] for name in given})
    row = Completion(table, "crm", "canonical_ndjson", "ae-dubai").completed(frame).row(0, named=True)
    assert (row["source"], row["region"], row["is_error"]) == ("crm", "ae-dubai", False)
