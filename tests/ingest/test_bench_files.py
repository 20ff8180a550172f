"""The bench's files are what they say: the same rows in both kinds, with known shares of faults and repeats."""

from __future__ import annotations

from pathlib import Path

from benchmarks.usage_files import write_usage_file

ROWS = 12_000


def test_both_kinds_hold_the_same_rows_so_that_the_second_lands_nothing(gateway, tmp_path: Path):
    for kind in ("ndjson", "csv"):
        write_usage_file(tmp_path / f"usage.{kind}", kind, row_count=ROWS)
    first = gateway.ingest("usage.ndjson", (tmp_path / "usage.ndjson").read_bytes())
    second = gateway.ingest("usage.csv", (tmp_path / "usage.csv").read_bytes())
    assert first.rows == second.rows == ROWS
    assert (second.good, second.duplicates) == (0, first.good + first.duplicates)
    assert first.quarantined == second.quarantined
    assert ROWS // 100 <= first.quarantined <= ROWS // 100 + 3
    assert first.duplicates > 0
    assert first.unpriced > 0
    rules = {one["rule"] for one in gateway.refused()}
    assert rules == {"type", "not_null", "not_before", "one_of", "at_least", "unique_key"}


def test_parquet_holds_the_same_rows_but_for_values_that_are_no_numbers(gateway, tmp_path: Path):
    for kind in ("csv", "parquet"):
        write_usage_file(tmp_path / f"usage.{kind}", kind, row_count=ROWS)
    first = gateway.ingest("usage.csv", (tmp_path / "usage.csv").read_bytes())
    second = gateway.ingest("usage.parquet", (tmp_path / "usage.parquet").read_bytes(), contract="usage")
    assert (second.good, second.duplicates) == (0, first.good + first.duplicates)
    assert first.quarantined == second.quarantined
