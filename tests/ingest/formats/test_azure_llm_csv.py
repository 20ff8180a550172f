"""Azure's traces: three columns, UTC without saying so, no language model named."""

from __future__ import annotations

import pytest

from aurora.ingest.portions import SourceFile
from aurora.ingest.source_formats import detect, source_format

FORMAT = "azure_llm_csv"
HEADER = b"TIMESTAMP,ContextTokens,GeneratedTokens\n"


def test_a_request_becomes_an_unpriced_row(stage):
    (row,) = stage(FORMAT, HEADER + b"2026-05-05 16:53:20.1234560,374,44\n").usage
    assert row["occurred_at"].isoformat() == "2026-05-05T16:53:20.123456+00:00"
    assert (row["input_tokens"], row["output_tokens"]) == (374, 44)
    assert (row["provider_name"], row["cost_source"]) == ("azure.ai.openai", "unpriced")
    assert "cost_usd" not in row


def test_columns_may_come_in_any_order(read):
    swapped = b"GeneratedTokens,TIMESTAMP,ContextTokens\n44,2026-05-05 16:53:20.1,374\n"
    (row,) = read(FORMAT, swapped).usage
    assert (row["input_tokens"], row["output_tokens"]) == ("374", "44")


def test_equal_requests_are_rows_of_their_own(stage):
    rows = stage(FORMAT, HEADER + b"2026-05-05 16:53:20.1,3,4\n" * 2).usage
    assert len({row["usage_id"] for row in rows}) == 2


@pytest.mark.parametrize(
    ("line", "rule", "column"),
    [
        (b"2026-05-05 16:53:20.1,-3,4", "at_least", "input_tokens"),
        (b"374,2026-05-05 16:53:20.1,44", "type", "input_tokens"),
        (b"2026-05-05 16:53:20.1,3,lots", "type", "output_tokens"),
        (b"1970-05-05 16:53:20.1,3,4", "not_before", "occurred_at"),
        (b"2026-05-05 16:53:20.1,3", "column_count", None),
    ],
)
def test_a_wrong_line_is_refused_and_the_rest_lands(stage, line, rule, column):
    good = b"2026-05-05 16:53:20.1,3,4\n"
    found = stage(FORMAT, HEADER + good + line + b"\n" + good)
    assert len(found.usage) == 2
    assert (3, rule, column) in [(one["row_number"], one["rule"], one.get("column_name")) for one in found.refused]


def test_the_real_traces_are_read_whole(shared):
    files = sorted((shared / "azure_llm_2023").glob("*.csv"))
    assert [detect(file) for file in files] == [FORMAT, FORMAT]
    for file in files:
        portions = list(source_format(FORMAT).read(SourceFile(path=file)))
        requests = [line for line in file.read_bytes().splitlines()[1:] if line.strip()]
        assert sum(portion.rows.height for portion in portions) == len(requests)
        assert sum(portion.refused.height for portion in portions) == 0
