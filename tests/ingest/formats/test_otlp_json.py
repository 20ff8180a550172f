"""OTLP/JSON: names present and older, ids and times, nested tokens, and spans that are no GenAI."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FORMAT = "otlp_json"
TRACE = "5b8efff798038103d269b633813fc60c"
START = 1_778_000_000_000_000_000


def attribute(key: str, value: Any) -> dict[str, Any]:
    kind = {bool: "boolValue", int: "intValue", float: "doubleValue"}.get(type(value), "stringValue")
    return {"key": key, "value": {kind: str(value) if kind == "intValue" else value}}


def span(number: int = 1, attributes: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    named = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
    } | (attributes or {})
    return {
        "traceId": TRACE,
        "spanId": f"{number:016x}",
        "name": "chat",
        "startTimeUnixNano": str(START),
        "endTimeUnixNano": str(START + 1_250_000_000),
        "attributes": [attribute(key, value) for key, value in named.items() if value is not None],
    } | changes


def request(*spans: Any, resource: dict[str, Any] | None = None) -> dict[str, Any]:
    about = {"attributes": [attribute(key, value) for key, value in (resource or {}).items()]}
    return {"resourceSpans": [{"resource": about, "scopeSpans": [{"scope": {"name": "s"}, "spans": list(spans)}]}]}


def test_a_genai_span_becomes_a_priced_row(stage):
    attributes = {
        "gen_ai.agent.id": "clara",
        "gen_ai.conversation.id": "c-1",
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.usage.cache_read.input_tokens": 40,
        "gen_ai.response.time_to_first_chunk": 0.31,
        "user.id": "u-1",
    }
    (row,) = stage(FORMAT, request(span(attributes=attributes))).usage
    assert row["usage_id"] == f"tests:{TRACE}/{1:016x}"
    assert (row["assistant_id"], row["conversation_id"], row["user_id"]) == ("clara", "c-1", "u-1")
    assert (row["input_tokens"], row["cache_read_input_tokens"]) == (100, 40)
    assert (row["duration_ms"], row["time_to_first_chunk_ms"]) == (1250, 310)
    assert row["occurred_at"].isoformat() == "2026-05-05T16:53:20+00:00"
    assert (row["cost_source"], row["cost_usd"]) == ("price_book", Decimal("0.000024"))


def test_older_names_are_read_and_present_ones_go_first(read):
    old = {
        "gen_ai.operation.name": None,
        "gen_ai.provider.name": None,
        "gen_ai.usage.input_tokens": None,
        "gen_ai.usage.output_tokens": None,
        "gen_ai.system": "anthropic",
        "llm.request.type": "completion",
        "gen_ai.usage.prompt_tokens": 11,
        "gen_ai.usage.completion_tokens": 12,
    }
    both = {"gen_ai.usage.prompt_tokens": 999, "gen_ai.system": "old"}
    first, second = read(FORMAT, request(span(1, old), span(2, both))).usage
    assert (first["provider_name"], first["operation_name"]) == ("anthropic", "text_completion")
    assert (first["input_tokens"], first["output_tokens"]) == ("11", "12")
    assert (second["provider_name"], second["input_tokens"]) == ("openai", "100")


def test_times_and_counts_may_be_numbers_or_texts(read):
    plain = span(1, startTimeUnixNano=START, endTimeUnixNano=START + 2_000_000)
    plain["attributes"].append({"key": "gen_ai.usage.reasoning.output_tokens", "value": {"intValue": 5}})
    (row,) = read(FORMAT, request(plain)).usage
    assert (row["duration_ms"], row["reasoning_output_tokens"]) == ("2", "5")


def test_other_spans_are_no_rows_and_keep_their_place_in_the_count(read):
    http = span(1)
    http["attributes"] = [attribute("http.request.method", "POST")]
    found = read(FORMAT, request(http, span(2)))
    assert [row["row_number"] for row in found.usage] == [2]
    assert found.refused == []


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"status": {"code": 2}}, "error"),
        ({"status": {"code": "STATUS_CODE_ERROR"}}, "error"),
        ({"status": {"code": 1}}, None),
        ({}, None),
    ],
)
def test_a_failed_span_is_an_error(read, change, error):
    (row,) = read(FORMAT, request(span(**change))).usage
    assert (row["is_error"], row.get("error_type")) == ("true" if error else "false", error)


def test_the_error_type_goes_before_the_status(read):
    (row,) = read(FORMAT, request(span(attributes={"error.type": "timeout"}))).usage
    assert (row["is_error"], row["error_type"]) == ("true", "timeout")


def test_an_agent_may_be_named_by_the_resource(read):
    (row,) = read(FORMAT, request(span(), resource={"gen_ai.agent.name": "omar"})).usage
    assert row["assistant_id"] == "omar"


def test_tokens_of_an_agent_span_are_those_of_its_calls(read):
    agent = span(1, {"gen_ai.operation.name": "invoke_agent"})
    found = read(FORMAT, request(agent, span(2, parentSpanId=f"{1:016x}"))).usage
    assert [row.get("input_tokens") for row in found] == [None, "100"]
    (alone,) = read(FORMAT, request(agent)).usage
    assert alone["input_tokens"] == "100"


@pytest.mark.parametrize(
    ("member", "rule", "column"),
    [
        (None, "known_shape", None),
        (span(9, traceId="abc"), "type", "source_record_id"),
        (span(9, spanId="0" * 16), "type", "source_record_id"),
        (span(9, spanId=None), "type", "source_record_id"),
        (span(9, attributes={"gen_ai.usage.input_tokens": "many"}), "type", "input_tokens"),
        (span(9, startTimeUnixNano=[1]), "type", "occurred_at"),
        (span(9, status=2), "type", "is_error"),
        (span(9) | {"attributes": {"gen_ai.system": "x"}}, "type", "attributes"),
    ],
)
def test_a_malformed_span_is_refused_by_itself(read, member, rule, column):
    found = read(FORMAT, request(span(1), member, span(3)))
    assert [row["row_number"] for row in found.usage] == [1, 3]
    (refusal,) = found.refused
    assert (refusal["row_number"], refusal["rule"], refusal.get("column_name")) == (2, rule, column)


@pytest.mark.parametrize(
    ("change", "rule", "column"),
    [
        ({"attributes": {"gen_ai.usage.input_tokens": -1}}, "at_least", "input_tokens"),
        ({"attributes": {"gen_ai.operation.name": "daydream"}}, "one_of", "operation_name"),
        ({"startTimeUnixNano": "0"}, "not_null", "occurred_at"),
        ({"startTimeUnixNano": "1778000000"}, "not_before", "occurred_at"),
        ({"startTimeUnixNano": str(10**30)}, "type", "occurred_at"),
    ],
)
def test_the_gate_names_the_column_that_is_wrong(stage, change, rule, column):
    found = stage(FORMAT, request(span(1, endTimeUnixNano=None, **change), span(2)))
    assert [(one["row_number"], one["rule"], one["column_name"]) for one in found.refused] == [(1, rule, column)]
    assert len(found.usage) == 1


def test_a_request_a_line_or_an_array_of_them_is_read(read):
    lines = [request(span(1)), request(span(2))]
    assert [row["row_number"] for row in read(FORMAT, lines).usage] == [1, 2]
    assert [row["row_number"] for row in read(FORMAT, {"resourceSpans": lines[0]["resourceSpans"] * 2}).usage] == [1, 2]


def test_a_request_over_the_limit_is_refused_unread(read):
    found = read(FORMAT, request(*(span(number) for number in range(1, 40))), limit=2000)
    assert [one["rule"] for one in found.refused] == ["document_size"]


def test_a_wrong_line_is_refused_where_it_stands(read):
    lines = [request(span(1)), {"logs": []}, request(span(2))]
    found = read(FORMAT, lines)
    assert [row["row_number"] for row in found.usage] == [1, 3]
    assert [(one["row_number"], one["rule"]) for one in found.refused] == [(2, "known_shape")]


VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
)
ANY = VALUES | st.lists(VALUES, max_size=2) | st.dictionaries(st.text(max_size=5), VALUES, max_size=2)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(field=st.sampled_from(sorted(span())), key=st.sampled_from(["value", "key"]), value=ANY, nth=st.integers(0, 4))
def test_every_genai_span_is_a_row_or_a_refusal_whatever_it_holds(read, field, key, value, nth):
    changed = span(2) | {field: value}
    inner = span(3)
    inner["attributes"][nth] = inner["attributes"][nth] | {key: value}
    found = read(FORMAT, request(span(1), changed, inner, value, span(5)))
    places = [row["row_number"] for row in found.usage] + [one["row_number"] for one in found.refused]
    # without attributes, or with none that it can be told by, it is no GenAI span
    is_plain = field == "attributes" and value in (None, [])
    # an object that is no GenAI span either
    is_object = isinstance(value, dict)
    assert sorted({*places, *([2] if is_plain else []), *([4] if is_object else [])}) == [1, 2, 3, 4, 5]
    assert len(places) == len(set(places))
