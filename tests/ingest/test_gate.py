"""The gate finds every fault and only faults; the silent traps of pandera each have a test."""

from __future__ import annotations

import datetime as dt
import random

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aurora.errors import DataError
from aurora.ingest.casting import FAULTS_SCHEMA
from aurora.ingest.gate import explained, gate_faults, rule_in_words
from aurora.ingest.portions import ROW
from contracts import registry
from contracts.fields import FIELDS

USAGE = registry.table("usage")
GIVEN = frozenset({"occurred_at", "operation_name", "input_tokens", "output_tokens", "request_count"})
AT = dt.datetime(2026, 9, 1, tzinfo=dt.UTC)


def usage(count: int) -> pl.DataFrame:
    types = registry.polars_schema(USAGE)
    good = {"occurred_at": AT, "operation_name": "chat", "input_tokens": 10, "output_tokens": 2, "request_count": 1}
    return pl.DataFrame([good] * count, schema={name: types[name] for name in good})


def plant(rows: pl.DataFrame, index: int, column: str, value: object) -> pl.DataFrame:
    values = rows[column].to_list()
    values[index] = value
    return rows.with_columns(pl.Series(column, values, dtype=rows.schema[column]))


def found(rows: pl.DataFrame) -> set[tuple[int, str, str]]:
    faults = gate_faults(rows, USAGE, given=GIVEN)
    return set(faults.select("index", "column_name", "rule").rows())


WAYS = {
    "occurred_at": [(dt.datetime(1970, 1, 20, tzinfo=dt.UTC), "not_before"), (None, "not_null")],
    "operation_name": [("chitchat", "one_of"), (None, "not_null")],
    "input_tokens": [(-1, "at_least")],
    "output_tokens": [(-900, "at_least")],
    "request_count": [(0, "at_least"), (None, "not_null")],
}


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(count=st.integers(1, 300), seed=st.integers(0, 2**32), fault_count=st.integers(0, 30))
def test_planted_faults_are_found_and_nothing_else(count: int, seed: int, fault_count: int):
    draw = random.Random(seed)
    planted: dict[tuple[int, str], tuple[object, str]] = {}
    for _ in range(fault_count):
        column = draw.choice(list(WAYS))
        planted[draw.randrange(count), column] = draw.choice(WAYS[column])
    rows = usage(count)
    for (index, column), (value, _) in planted.items():
        rows = plant(rows, index, column, value)
    assert found(rows) == {(index, column, rule) for (index, column), (_, rule) in planted.items()}


def test_data_is_checked_not_only_the_schema():
    # pandera looks at a LazyFrame's schema alone, and at data only when told to
    assert found(plant(usage(2), 1, "input_tokens", -5)) == {(1, "input_tokens", "at_least")}


def test_both_faults_of_one_row_are_told():
    rows = plant(plant(usage(1), 0, "input_tokens", -5), 0, "operation_name", "chitchat")
    assert found(rows) == {(0, "input_tokens", "at_least"), (0, "operation_name", "one_of")}


def test_one_bad_value_does_not_blame_its_neighbours():
    # a coercion that fails inside pandera would blame every row: types are cast before
    assert found(plant(usage(1000), 500, "request_count", None)) == {(500, "request_count", "not_null")}


def test_a_missing_column_fails_the_whole_file_and_is_not_passed():
    # drop_invalid_rows would let a missing column pass
    with pytest.raises(DataError) as caught:
        gate_faults(usage(3).cast({"input_tokens": pl.Int32}), USAGE, given=GIVEN)
    assert caught.value.field == "input_tokens"
    assert "reader" in caught.value.next_step


def test_nulls_pass_where_the_contract_lets_them():
    assert found(plant(usage(2), 0, "input_tokens", None)) == set()


def test_an_empty_frame_has_no_faults():
    assert found(usage(0)) == set()


def test_times_in_utc_are_compared_in_utc():
    before = dt.datetime(2014, 12, 31, 23, 59, 59, tzinfo=dt.UTC)
    rows = plant(plant(usage(3), 0, "occurred_at", before), 1, "occurred_at", before + dt.timedelta(seconds=1))
    assert found(rows) == {(0, "occurred_at", "not_before")}


def test_a_refusal_names_field_rule_value_and_next_step():
    source = pl.DataFrame({"input_tokens": ["10", "-4"], ROW: [7, 8]})
    faults = pl.DataFrame([(1, "input_tokens", "at_least", "-4")], schema=FAULTS_SCHEMA, orient="row")
    (refusal,) = explained(faults, source, USAGE).to_dicts()
    assert (refusal[ROW], refusal["column_name"], refusal["rule"]) == (8, "input_tokens", "at_least")
    assert refusal["reason"].startswith("input_tokens is -4. It must be at least 0.")
    assert "send the row again" in refusal["reason"]
    assert refusal["raw_row"] == '{"input_tokens":"-4"}'


def test_every_rule_of_every_ingested_column_has_words():
    for name in ("usage", "conversation", "task"):
        declared = registry.table(name)
        for column in declared.columns:
            rules = ["not_null", "type", *(check.rule for check in FIELDS[column].checks)]
            assert all(rule_in_words(column, rule, declared).endswith("send the row again.") for rule in rules)
