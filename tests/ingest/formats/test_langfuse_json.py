"""Langfuse exports: shapes, names old and new, nested tokens, and what is no operation."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aurora.ingest.portions import SourceFile
from aurora.ingest.source_formats import detect, source_format

FORMAT = "langfuse_json"


def observation(**changes: Any) -> dict[str, Any]:
    return {
        "id": "obs-1",
        "traceId": "trace-1",
        "type": "GENERATION",
        "startTime": "2026-05-04T09:00:00.250Z",
        "endTime": "2026-05-04T09:00:01.500Z",
        "model": "gpt-4o-mini",
        "usageDetails": {"input": 100, "output": 20, "total": 120},
        "level": "DEFAULT",
    } | changes


def trace(*observations: Any, **about: Any) -> dict[str, Any]:
    details = {"id": "trace-1", "timestamp": "2026-05-04T09:00:00.000Z", "projectId": "p"} | about
    return {"trace": details, "observations": list(observations)}


def test_a_generation_becomes_a_priced_chat(stage):
    (row,) = stage(FORMAT, trace(observation(), userId="client-7")).usage
    assert row["operation_name"] == "chat"
    assert (row["input_tokens"], row["output_tokens"], row["duration_ms"]) == (100, 20, 1250)
    assert (row["usage_id"], row["trace_id"], row["user_id"]) == ("tests:obs-1", "trace-1", "client-7")
    assert (row["cost_source"], row["cost_usd"]) == ("price_book", Decimal("0.000027"))


def test_names_of_old_exports_are_read_as_well(stage):
    old = observation(
        usageDetails=None,
        usage={"input": 7, "output": 3, "total": 10, "unit": "TOKENS"},
        startTime="2026-05-04 09:00:00.250000",
        endTime="2026-05-04 09:00:01.500000",
        model="house-model",
        calculatedTotalCost=0.00123,
        timeToFirstToken=0.4,
    )
    (row,) = stage(FORMAT, trace(old)).usage
    assert (row["input_tokens"], row["output_tokens"]) == (7, 3)
    assert (row["duration_ms"], row["time_to_first_chunk_ms"]) == (1250, 400)
    assert (row["cost_source"], row["cost_usd"]) == ("logged", Decimal("0.00123"))


def test_blob_exports_are_one_observation_a_line_in_snake_case(read):
    line = {
        "id": "o-9",
        "trace_id": "t-9",
        "type": "GENERATION",
        "start_time": "2026-05-04 09:00:00.000000",
        "provided_model_name": "gpt-4o-mini",
        "usage_details": {"input": 5, "output": 2},
        "session_id": "s-1",
    }
    found = read(FORMAT, [line, line | {"id": "o-10"}])
    assert [row["source_record_id"] for row in found.usage] == ["o-9", "o-10"]
    assert found.usage[0] | {"request_model": "gpt-4o-mini", "conversation_id": "s-1"} == found.usage[0]


@pytest.mark.parametrize(
    ("details", "inputs", "outputs", "read_tokens", "reasoning"),
    [
        ({"input": 9, "output": 5, "total": 14, "prompt_details.cache_read": 4}, 9, 5, 4, None),
        ({"input": 9, "output": 5, "total": 18, "input_cache_read": 4}, 13, 5, 4, None),
        ({"input": 9, "output": 5, "total": 20, "output_reasoning": 6}, 9, 11, None, 6),
        ({"input": 9, "output": 5, "cache_read_input_tokens": 4}, 13, 5, 4, None),
        ({"input": 9, "output": 5, "total": 14, "completion_details.reasoning": 2}, 9, 5, None, 2),
        ({"input": 0, "output": 0, "total": 0}, None, None, None, None),
        ({"input": 9, "total": 9}, 9, None, None, None),
    ],
)
def test_details_beside_the_counts_are_added_and_those_inside_are_not(
    read, details, inputs, outputs, read_tokens, reasoning
):
    (row,) = read(FORMAT, trace(observation(usageDetails=details))).usage
    counted = [
        row.get(name)
        for name in ("input_tokens", "output_tokens", "cache_read_input_tokens", "reasoning_output_tokens")
    ]
    assert counted == [None if one is None else str(one) for one in (inputs, outputs, read_tokens, reasoning)]


def test_types_become_operations_and_steps_of_the_program_are_no_rows(read):
    kinds = ["AGENT", "TOOL", "EMBEDDING", "RETRIEVER", "GUARDRAIL", "SPAN", "CHAIN", "EVENT"]
    members = [observation(id=kind, type=kind, model=None, usageDetails={}) for kind in kinds]
    found = read(FORMAT, trace(*members))
    assert [(row["row_number"], row["operation_name"]) for row in found.usage] == [
        (1, "invoke_agent"),
        (2, "execute_tool"),
        (3, "embeddings"),
        (4, "retrieval"),
        (5, "moderation"),
    ]
    assert found.refused == []


def test_a_span_that_names_a_language_model_and_tokens_is_an_operation(read):
    found = read(FORMAT, trace(observation(type="SPAN"), observation(id="obs-2", type="SPAN", usageDetails={})))
    assert [row["source_record_id"] for row in found.usage] == ["obs-1"]


def test_tokens_of_what_encloses_others_are_not_counted_again(read):
    agent = observation(id="agent", type="AGENT")
    outer = observation(id="outer", parentObservationId="agent")
    inner = observation(id="inner", parentObservationId="outer")
    rows = {row["source_record_id"]: row for row in read(FORMAT, trace(agent, outer, inner)).usage}
    assert {name: row.get("input_tokens") for name, row in rows.items()} == {
        "agent": None,
        "outer": None,
        "inner": "100",
    }
    assert rows["outer"]["operation_name"] == "invoke_agent"


def test_what_a_tool_spends_is_its_own(read):
    outer = observation(id="outer")
    tool = observation(id="tool", type="TOOL", parentObservationId="outer", model=None, usageDetails={})
    inner = observation(id="inner", parentObservationId="tool")
    rows = {row["source_record_id"]: row for row in read(FORMAT, trace(outer, tool, inner)).usage}
    assert (rows["outer"]["input_tokens"], rows["inner"]["input_tokens"]) == ("100", "100")


def test_parents_in_a_circle_come_to_an_end(read):
    one = observation(id="one", parentObservationId="two")
    two = observation(id="two", parentObservationId="one")
    assert len(read(FORMAT, trace(one, two, observation(id="self", parentObservationId="self"))).usage) == 3


def test_a_trace_without_a_session_is_a_conversation(stage):
    found = stage(FORMAT, [trace(observation()), trace(observation(id="b", traceId="t2"), id="t2", sessionId="s")])
    (talk,) = found.rows["conversation"]
    assert talk["conversation_id"] == "trace-1"
    assert talk["ended_at"].isoformat() == "2026-05-04T09:00:01.500000+00:00"
    assert [row["conversation_id"] for row in found.usage] == ["trace-1", "s"]


def test_an_error_keeps_its_message_and_its_row(read):
    (row,) = read(FORMAT, trace(observation(level="ERROR", statusMessage="rate limit"))).usage
    assert (row["is_error"], row["error_type"]) == ("true", "rate limit")


def test_provider_and_agent_are_taken_from_the_metadata(read):
    attributes = {"gen_ai.system": "openai", "gen_ai.agent.id": "clara"}
    members = [
        observation(metadata={"attributes": attributes}),
        observation(id="b", metadata='{"ls_provider": "google_vertexai"}'),
        observation(id="c", metadata=["free"]),
    ]
    rows = read(FORMAT, trace(*members)).usage
    assert [row.get("provider_name") for row in rows] == ["openai", "gcp.vertex_ai", None]
    assert rows[0]["assistant_id"] == "clara"


@pytest.mark.parametrize(
    ("member", "rule", "column"),
    [
        (7, "known_shape", None),
        (observation(id=None), "type", "source_record_id"),
        (observation(type="POEM"), "type", "operation_name"),
        (observation(usageDetails=[1]), "type", "usageDetails"),
        (observation(usageDetails={"input": "many"}), "type", "input_tokens"),
        (observation(usageDetails={"input": 1.5}), "type", "input_tokens"),
        (observation(model={"name": "x"}), "type", "request_model"),
    ],
)
def test_a_malformed_observation_is_refused_by_itself(read, member, rule, column):
    found = read(FORMAT, trace(observation(id="a"), member, observation(id="z")))
    assert [row["row_number"] for row in found.usage] == [1, 3]
    (refusal,) = found.refused
    assert (refusal["row_number"], refusal["rule"], refusal.get("column_name")) == (2, rule, column)


@pytest.mark.parametrize(
    ("change", "rule", "column"),
    [
        ({"usageDetails": {"input": -5, "output": 2}}, "at_least", "input_tokens"),
        ({"startTime": "yesterday"}, "type", "occurred_at"),
        ({"startTime": None}, "not_null", "occurred_at"),
        ({"startTime": "1970-01-01T00:00:00Z", "endTime": None}, "not_before", "occurred_at"),
        ({"endTime": "2026-05-04T08:00:00Z"}, "at_least", "duration_ms"),
    ],
)
def test_the_gate_names_the_column_that_is_wrong(stage, change, rule, column):
    found = stage(FORMAT, trace(observation(**change), observation(id="z"), sessionId="s"))
    assert [(one["row_number"], one["rule"], one["column_name"]) for one in found.refused] == [(1, rule, column)]
    assert len(found.usage) == 1


def test_a_document_over_the_limit_is_refused_and_lines_under_it_are_read(read):
    document = trace(*(observation(id=f"o{number}") for number in range(20)))
    found = read(FORMAT, document, limit=1000)
    assert [one["rule"] for one in found.refused] == ["document_size"]
    assert found.usage == []
    lines = [trace(observation(id=f"o{number}")) for number in range(20)]
    assert len(read(FORMAT, lines, limit=1000).usage) == 20


def test_a_document_that_is_cut_off_is_refused_with_one_reason(read):
    found = read(FORMAT, b'{"trace": {"id": "t"},\n "observations": [\n {"id": "a"},\n {"id"')
    assert [(one["row_number"], one["rule"]) for one in found.refused] == [(1, "json")]


def test_an_array_of_traces_is_read_and_strangers_in_it_are_refused(read):
    document = msgspec.json.encode([trace(observation()), {"name": "no trace"}, None])
    found = read(FORMAT, document)
    assert len(found.usage) == 1
    assert [(one["row_number"], one["rule"]) for one in found.refused] == [(2, "known_shape"), (3, "known_shape")]


@pytest.mark.parametrize(
    ("head", "is_ours"),
    [
        (b'{"trace": {"id": "t", "input": "a long text', True),
        (b'[\n {\n "trace": {', True),
        (b'{"id": "t", "projectId": "p", "sessionId": null, "input": "a long text', True),
        (b'{"id": "o", "trace_id": "t", "start_time": "2026-05-04 09:00:00"}', True),
        (b'{"resourceSpans": [{"spans": [{"traceId": "t", "projectId": "p"}]}]}', False),
        (b'{"usage_id": "u", "trace_id": "t", "occurred_at": "2026-05-04T09:00:00Z"}', False),
        (b"trace,observations", False),
    ],
)
def test_a_document_is_told_by_its_first_keys(head, is_ours):
    assert source_format(FORMAT).matches(head, "export.json") is is_ours


VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
)
ANY = VALUES | st.lists(VALUES, max_size=2) | st.dictionaries(st.text(max_size=5), VALUES, max_size=2)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(field=st.sampled_from(sorted(observation())), value=ANY, member=ANY)
def test_every_operation_is_a_row_or_a_refusal_whatever_it_holds(read, field, value, member):
    changed = copy.deepcopy(observation(id="b")) | {field: value}
    found = read(FORMAT, trace(observation(id="a"), changed, member, observation(id="z")))
    landed, refused = [row["row_number"] for row in found.usage], [one["row_number"] for one in found.refused]
    places = {1, 2, 3, 4}
    # an object that names no type is refused; no type drawn here is a step's name
    assert sorted([*landed, *refused]) == sorted(places)
    assert {1, 4} <= set(landed)


def test_the_real_traces_land_whole(shared):
    files = sorted((shared / "usage" / "langfuse_traces").glob("*.json"))
    assert files
    counts: dict[str, int] = {}
    for file in files:
        assert detect(file) == FORMAT
        for portion in source_format(FORMAT).read(SourceFile(path=file)):
            counts["refused"] = counts.get("refused", 0) + portion.refused.height
            counts[portion.contract] = counts.get(portion.contract, 0) + portion.rows.height
    documents = [msgspec.json.decode(file.read_bytes()) for file in files]
    kinds = [member["type"] for document in documents for member in document["observations"]]
    sessions = [document["trace"]["sessionId"] for document in documents]
    operations = sum(kind in {"GENERATION", "TOOL", "AGENT"} for kind in kinds)
    assert counts == {"usage": operations, "conversation": sessions.count(None), "refused": 0}
