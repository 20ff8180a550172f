"""Text becomes the contract's types, and what does not fit is named, not guessed."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest

from aurora.ingest.casting import cast_rows
from contracts import registry

USAGE = registry.table("usage")


def cast(column: str, *values: str | None) -> tuple[list[object], list[tuple[int, str, str]]]:
    result = cast_rows(pl.DataFrame({column: pl.Series(values, dtype=pl.String)}), USAGE)
    faults = result.faults
    return result.rows[column].to_list(), list(zip(faults["index"], faults["rule"], faults["value"], strict=True))


def test_integers_may_be_written_with_white_space_or_a_zero_fraction():
    assert cast("input_tokens", "12", " 7", "12.0", None) == ([12, 7, 12, None], [])


def test_a_fraction_is_not_an_integer():
    assert cast("input_tokens", "12.5", "3", "n/a", "") == (
        [None, 3, None, None],
        [(0, "type", "12.5"), (2, "type", "n/a"), (3, "type", "")],
    )


def test_a_number_beyond_64_bits_is_a_fault():
    assert cast("input_tokens", "9223372036854775807", "9223372036854775808")[1] == [(1, "type", "9223372036854775808")]


def test_amounts_keep_nine_decimals_exactly():
    assert cast("reported_cost_usd", "0.123456789", "1") == ([Decimal("0.123456789"), Decimal(1)], [])
    assert cast("reported_cost_usd", "1e30")[1] == [(0, "type", "1e30")]


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2026-09-01T10:00:00Z", 10),
        ("2026-09-01T10:00:00.123456Z", 10),
        ("2026-09-01T10:00:00+04:00", 6),
        ("2026-09-01 10:00:00", 10),
        ("2026-09-01T10:00:00.5", 10),
    ],
)
def test_times_become_utc(text: str, hour: int):
    values, faults = cast("occurred_at", text, "2026-09-01T00:00:00Z")
    assert faults == []
    assert isinstance(values[0], dt.datetime)
    assert (values[0].hour, values[0].tzinfo is not None) == (hour, True)


def test_a_broken_time_is_named_and_its_neighbours_are_kept():
    values, faults = cast("occurred_at", "2026-09-01T10:00:00Z", "yesterday", "2026-13-01T00:00:00Z")
    assert values[0] == dt.datetime(2026, 9, 1, 10, tzinfo=dt.UTC)
    assert faults == [(1, "type", "yesterday"), (2, "type", "2026-13-01T00:00:00Z")]


def test_truth_has_a_few_spellings_and_no_others():
    assert cast("is_error", "true", "false", None) == ([True, False, None], [])
    assert cast("is_error", "True", "0", "yes", "maybe") == ([True, False, True, None], [(3, "type", "maybe")])


def test_json_must_parse():
    task = registry.table("quarantine")
    result = cast_rows(pl.DataFrame({"raw_row": ['{"a": 1}', "{", "[1,"]}), task)
    assert result.rows["raw_row"].to_list() == ['{"a": 1}', "{", "[1,"]  # text already: checked where it is made
    assert result.faults.is_empty()


def test_a_column_of_nulls_gets_its_type():
    result = cast_rows(pl.DataFrame({"input_tokens": pl.Series([None, None], dtype=pl.String)}), USAGE)
    assert result.rows.schema["input_tokens"] == pl.Int64()
    assert result.faults.is_empty()


def test_infinity_is_no_share():
    result = cast_rows(pl.DataFrame({"quality": ["0.5", "inf", "nan"]}), registry.table("task"))
    assert result.rows["quality"].to_list() == [0.5, None, None]
    assert result.faults["index"].to_list() == [1, 2]
