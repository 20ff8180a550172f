"""Langfuse's blob exports: enriched and legacy observations, traces alone, scores; in JSON and in CSV."""

from __future__ import annotations

import csv
import io
from typing import Any

import msgspec
import pytest

from aurora.ingest.formats import langfuse_csv

JSON, CSV, SCORES, SCORES_CSV = "langfuse_json", "langfuse_csv", "langfuse_scores_json", "langfuse_scores_csv"


def enriched(**changes: Any) -> dict[str, Any]:
    return {
        "id": "o-1",
        "trace_id": "t-1",
        "project_id": "p",
        "environment": "default",
        "type": "GENERATION",
        "parent_observation_id": "",
        "start_time": "2026-05-04 09:00:00.250000",
        "end_time": "2026-05-04 09:00:01.500000",
        "metadata": {},
        "level": "DEFAULT",
        "status_message": "",
        "provided_model_name": "gpt-4o-mini",
        "usage_details": {"input": 5, "output": 2, "total": 7},
        "cost_details": {"input": 0.001, "total": 0.003},
        "completion_start_time": "2026-05-04 09:00:00.500000",
        "total_cost": 0.003,
        "user_id": "u-1",
        "session_id": "s-1",
        "trace_name": "answer",
    } | changes


def score(**changes: Any) -> dict[str, Any]:
    return {
        "id": "s-1",
        "timestamp": "2026-05-04 09:00:00.000000",
        "project_id": "p",
        "trace_id": "t-1",
        "observation_id": None,
        "session_id": None,
        "name": "accuracy",
        "value": 0.9,
        "source": "EVAL",
        "comment": "well put",
        "data_type": "NUMERIC",
        "string_value": None,
        "created_at": "2026-05-04 09:00:00.000000",
        "updated_at": "2026-05-04 09:00:05.000000",
    } | changes


def as_csv(*rows: dict[str, Any]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]))
    writer.writeheader()
    for row in rows:
        writer.writerow({k: msgspec.json.encode(v).decode() if isinstance(v, dict) else v for k, v in row.items()})
    return out.getvalue().encode()


def test_an_enriched_observation_names_its_user_and_session(stage):
    (row,) = stage(JSON, [enriched()]).usage
    assert (row["conversation_id"], row["user_id"], row["trace_id"]) == ("s-1", "u-1", "t-1")
    assert (row["input_tokens"], row["duration_ms"], row["time_to_first_chunk_ms"]) == (5, 1250, 250)
    assert str(row["reported_cost_usd"]) == "0.003000000"


def test_csv_gives_what_json_gives(read):
    rows = [enriched(), enriched(id="o-2", usage_details={}, total_cost=None, completion_start_time=None)]
    plain, table = read(JSON, rows).usage, read(CSV, as_csv(*rows)).usage
    assert [row | {"row_number": number} for number, row in enumerate(table, start=1)] == plain
    assert [row["row_number"] for row in table] == [2, 3]


@pytest.mark.parametrize("cost", [0, 0.0, None, "0", "0.000"])
def test_a_cost_of_nothing_is_not_known(read, cost):
    (row,) = read(JSON, [enriched(total_cost=cost, cost_details={})]).usage
    assert "reported_cost_usd" not in row
    (row,) = read(CSV, as_csv(enriched(total_cost=cost, cost_details={}))).usage
    assert "reported_cost_usd" not in row


def test_tokens_of_an_enclosing_line_are_those_of_the_inner_one(read):
    outer = enriched(id="outer", type="AGENT")
    found = read(JSON, [outer, enriched(id="inner", parent_observation_id="outer")]).usage
    assert [row.get("input_tokens") for row in found] == [None, "5"]


def test_a_legacy_trace_alone_is_a_conversation_unless_it_has_a_session(read):
    trace = {"id": "t-9", "timestamp": "2026-05-04 09:00:00.000000", "name": "chat", "project_id": "p"}
    lines = [trace | {"session_id": None, "bookmarked": False}, trace | {"session_id": "s", "bookmarked": False}]
    found = read(JSON, lines)
    assert [row["conversation_id"] for row in found.rows["conversation"]] == ["t-9"]
    assert found.refused == []


@pytest.mark.parametrize(
    ("changes", "value", "label", "kind", "note"),
    [
        ({}, "0.9", None, "llm", "well put"),
        ({"source": "ANNOTATION", "data_type": "BOOLEAN", "value": 1}, "1", None, "human", "well put"),
        ({"data_type": "CATEGORICAL", "value": 2, "string_value": "good"}, "2", "good", "llm", "well put"),
        ({"data_type": "TEXT", "value": 0, "string_value": "so so", "comment": None}, None, None, "llm", "so so"),
        ({"source": "API"}, "0.9", None, None, "well put"),
    ],
)
def test_a_score_is_an_evaluation(read, changes, value, label, kind, note):
    for name, content in ((SCORES, [score(**changes)]), (SCORES_CSV, as_csv(score(**changes)))):
        (row,) = read(name, content).rows["evaluation"]
        assert (row.get("score_value"), row.get("score_label"), row.get("evaluator_kind")) == (value, label, kind)
        assert (row["note"], row["evaluation_id"], row["trace_id"]) == (note, "langfuse:s-1", "t-1")


def test_a_score_that_was_changed_is_another_state_of_it(stage):
    found = stage(SCORES, [score(), score(value=0.1, updated_at="2026-05-05 09:00:00.000000")])
    assert [row["score_value"] for row in found.rows["evaluation"]] == [0.9, 0.1]
    assert found.refused == []


def test_scores_of_the_api_are_read_from_its_page(read):
    api = {"id": "s", "traceId": "t", "name": "n", "value": 1, "source": "API", "dataType": "NUMERIC", "timestamp": "x"}
    found = read(SCORES, {"data": [api, None, {"id": "x"}], "meta": {"page": 1}})
    assert [row["row_number"] for row in found.rows["evaluation"]] == [1, 3]
    assert [one["row_number"] for one in found.refused] == [2]


@pytest.mark.parametrize("change", [{"id": None}, {"source": "DREAM"}, {"value": "much"}, {"value": [1]}])
def test_a_score_that_cannot_be_told_is_refused(read, change):
    found = read(SCORES, [score(), score(**change)])
    assert (len(found.rows["evaluation"]), [one["row_number"] for one in found.refused]) == (1, [2])


def test_the_header_tells_what_a_table_is():
    assert langfuse_csv.matches(as_csv(enriched()), "x.csv")
    assert not langfuse_csv.matches(as_csv(score()), "x.csv")
