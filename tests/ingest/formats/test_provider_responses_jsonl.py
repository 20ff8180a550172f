"""Recorded provider responses: each shape of usage block, in the contract's counts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from genai_prices.data import providers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aurora.ingest.portions import SourceFile
from aurora.ingest.provider_hosts import operation_of, path_llm, provider_of
from aurora.ingest.source_formats import detect, source_format

FORMAT = "provider_responses_jsonl"
COUNTS = (
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "reasoning_output_tokens",
)
LISTED = {"aws.bedrock": "aws", "azure.ai.openai": "openai", "gcp.gemini": "google", "mistral_ai": "mistral"}


def line(
    response: Any, host: str = "api.openai.com", path: str = "/v1/chat/completions", **more: Any
) -> dict[str, Any]:
    date = "Tue, 05 May 2026 16:53:20 GMT"
    return {"host": host, "path": path, "status": 200, "date": date, "request_model": "m", "response": response} | more


def usage(**counts: Any) -> dict[str, Any]:
    return {"usage": counts}


SHAPES = {
    "openai chat": (
        usage(
            prompt_tokens=9,
            completion_tokens=5,
            prompt_tokens_details={"cached_tokens": 4},
            completion_tokens_details={"reasoning_tokens": 2},
        ),
        "api.openai.com",
        "/v1/chat/completions",
        ("chat", 9, 5, 4, None, 2),
    ),
    "openai responses": (
        {"object": "response"}
        | usage(
            input_tokens=9,
            output_tokens=5,
            input_tokens_details={"cached_tokens": 4},
            output_tokens_details={"reasoning_tokens": 2},
        ),
        "api.openai.com",
        "/v1/responses",
        ("chat", 9, 5, 4, None, 2),
    ),
    "openai embeddings": (
        {"object": "list"} | usage(prompt_tokens=8, total_tokens=8),
        "api.openai.com",
        "/v1/embeddings",
        ("embeddings", 8, None, None, None, None),
    ),
    "deepseek": (
        usage(prompt_tokens=9, completion_tokens=5, prompt_cache_hit_tokens=6, prompt_cache_miss_tokens=3),
        "api.deepseek.com",
        "/chat/completions",
        ("chat", 9, 5, 6, None, None),
    ),
    "anthropic": (
        {"type": "message"}
        | usage(input_tokens=4, cache_creation_input_tokens=100, cache_read_input_tokens=30, output_tokens=7),
        "api.anthropic.com",
        "/v1/messages",
        ("chat", 134, 7, 30, 100, None),
    ),
    "anthropic stream": (
        {"_stream_usage_event": {"type": "message_delta", "usage": {"output_tokens": 7}}},
        "api.anthropic.com",
        "/v1/messages",
        ("chat", None, 7, None, None, None),
    ),
    "responses stream": (
        {
            "_stream_usage_event": {
                "type": "response.completed",
                "response": {"object": "response"} | usage(input_tokens=3),
            }
        },
        "api.openai.com",
        "/v1/responses",
        ("chat", 3, None, None, None, None),
    ),
    "bedrock converse": (
        usage(inputTokens=20, outputTokens=7, cacheReadInputTokens=5, cacheReadInputTokenCount=5, totalTokens=32),
        "bedrock-runtime.us-east-1.amazonaws.com",
        "/model/amazon.nova-lite-v1:0/converse",
        ("chat", 25, 7, 5, None, None),
    ),
    "bedrock titan": (
        {"inputTextTokenCount": 6, "results": [{"tokenCount": 12, "outputText": "x"}]},
        "bedrock-runtime.us-east-1.amazonaws.com",
        "/model/amazon.titan-text-express-v1/invoke",
        ("text_completion", 6, 12, None, None, None),
    ),
    "bedrock llama": (
        {"generation": "x", "prompt_token_count": 6, "generation_token_count": 12},
        "bedrock-runtime.us-east-1.amazonaws.com",
        "/model/meta.llama3-8b-instruct-v1:0/invoke",
        ("text_completion", 6, 12, None, None, None),
    ),
    "cohere v2": (
        usage(billed_units={"input_tokens": 7, "output_tokens": 9}, tokens={"input_tokens": 69, "output_tokens": 9}),
        "api.cohere.com",
        "/v2/chat",
        ("chat", 7, 9, None, None, None),
    ),
    "cohere v1": (
        {"generation_id": "g", "meta": {"billed_units": {"input_tokens": 7, "output_tokens": 9}}},
        "api.cohere.ai",
        "/v1/chat",
        ("chat", 7, 9, None, None, None),
    ),
    "cohere rerank": (
        {"results": [], "meta": {"billed_units": {"search_units": 1}}},
        "api.cohere.com",
        "/v2/rerank",
        ("rerank", None, None, None, None, None),
    ),
    "gemini": (
        {
            "usageMetadata": {
                "promptTokenCount": 10,
                "candidatesTokenCount": 5,
                "thoughtsTokenCount": 20,
                "cachedContentTokenCount": 4,
                "toolUsePromptTokenCount": 3,
            }
        },
        "generativelanguage.googleapis.com",
        "/v1beta/models/gemini-2.5-flash:generateContent",
        ("generate_content", 13, 25, 4, None, 20),
    ),
    "ollama": (
        {"model": "l", "created_at": "2026-05-05T16:53:20.5Z", "prompt_eval_count": 6, "eval_count": 8},
        "localhost:11434",
        "/api/chat",
        ("chat", 6, 8, None, None, None),
    ),
    "watsonx": (
        {"results": [{"input_token_count": 6, "generated_token_count": 8}]},
        "us-south.ml.cloud.ibm.com",
        "/ml/v1/text/generation",
        ("text_completion", 6, 8, None, None, None),
    ),
    "voyage": (
        usage(total_tokens=31),
        "api.voyageai.com",
        "/v1/embeddings",
        ("embeddings", 31, None, None, None, None),
    ),
    "replicate": (
        {"id": "p", "status": "succeeded", "metrics": {"input_token_count": 6, "output_token_count": 8}},
        "api.replicate.com",
        "/v1/models/meta/llama/predictions",
        ("text_completion", 6, 8, None, None, None),
    ),
    "usage not given": ({"usage": None}, "localhost:8000", "/v1/completions", ("text_completion", *[None] * 5)),
    "vector search": (usage(readUnits=6), "x.svc.pinecone.io", "/query", ("retrieval", *[None] * 5)),
}


@pytest.mark.parametrize(("response", "host", "path", "wanted"), SHAPES.values(), ids=SHAPES)
def test_each_shape_is_counted_as_the_contract_counts(read, response, host, path, wanted):
    (row,) = read(FORMAT, [line(response, host, path)]).usage
    operation, *counts = wanted
    assert row["operation_name"] == operation
    assert [row.get(name) for name in COUNTS] == [None if one is None else str(one) for one in counts]


def test_a_response_is_priced_and_dated_by_its_own_clock(stage):
    body = {"id": "r", "created": 1_778_000_000, "model": "gpt-4o-mini"} | usage(
        prompt_tokens=100, completion_tokens=20
    )
    (row,) = stage(FORMAT, [line(body, openai_processing_ms="498")]).usage
    assert (row["usage_id"], row["duration_ms"]) == ("tests:r", 498)
    assert row["occurred_at"].isoformat() == "2026-05-05T16:53:20+00:00"
    assert (row["cost_source"], row["cost_usd"]) == ("price_book", Decimal("0.000027"))


@pytest.mark.parametrize("created", [1_778_000_000_000, "1778000000", 63_400, None])
def test_a_clock_in_milliseconds_text_or_none_at_all_gives_the_same_time(stage, created):
    (row,) = stage(FORMAT, [line({"created": created})]).usage
    assert row["occurred_at"].isoformat() == "2026-05-05T16:53:20+00:00"


def test_an_error_answer_is_a_row_without_tokens(read):
    body = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
    found = read(FORMAT, [line(body, "api.anthropic.com", "/v1/messages", status=529), line({}, status=503)])
    assert [(row["is_error"], row["error_type"]) for row in found.usage] == [
        ("true", "overloaded_error"),
        ("true", "503"),
    ]


def test_polls_of_a_run_are_refused_and_its_end_lands(read):
    run = {"id": "run_1", "object": "thread.run", "assistant_id": "asst", "thread_id": "th", "usage": None}
    end = run | {"status": "completed", "usage": {"prompt_tokens": 3, "completion_tokens": 4}}
    path = "/v1/threads/th/runs/run_1"
    lines = [line(run | {"status": state}, path=path) for state in ("queued", "in_progress", "requires_action")]
    found = read(FORMAT, [*lines, line(end, path=path)])
    (row,) = found.usage
    assert (row["operation_name"], row["assistant_id"], row["conversation_id"]) == ("invoke_agent", "asst", "th")
    assert [(one["row_number"], one["rule"]) for one in found.refused] == [(n, "unfinished") for n in (1, 2, 3)]


def test_what_is_no_ai_operation_is_refused_by_name(read):
    found = read(FORMAT, [line({"text": "x"}, "api.cloud.llamaindex.ai", "/api/parsing/job/1/result/text")])
    assert found.usage == []
    assert found.refused[0]["rule"] == "known_operation"
    assert "api.cloud.llamaindex.ai" in found.refused[0]["reason"]


@pytest.mark.parametrize(
    ("bad", "rule", "column"),
    [
        (line([1]), "type", "response"),
        (line(usage(prompt_tokens="many")), "type", "input_tokens"),
        (line({"usage": [1]}), "type", "usage"),
        (line({"id": {"x": 1}}), "type", "source_record_id"),
        (b"[1]", "json", None),
        (b'{"host": "a", "pa', "json", None),
    ],
)
def test_a_malformed_line_is_refused_by_itself(read, bad, rule, column):
    good = msgspec.json.encode(line(usage(prompt_tokens=1)))
    content = b"\n".join([good, bad if isinstance(bad, bytes) else msgspec.json.encode(bad), good])
    found = read(FORMAT, content)
    assert [row["row_number"] for row in found.usage] == [1, 3]
    assert [(one["row_number"], one["rule"], one.get("column_name")) for one in found.refused] == [(2, rule, column)]


def test_hosts_and_paths_are_told_apart():
    assert provider_of("fleet.openai.azure.com") == "azure.ai.openai"
    assert provider_of("api.openai.com.evil.example") == "api.openai.com.evil.example"
    assert provider_of("") is None
    assert path_llm("/model/arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-3-7/converse") == (
        "us.anthropic.claude-3-7"
    )
    assert operation_of("/openai/deployments/d/chat/completions?api-version=1", {}) == "chat"
    assert operation_of("/v1/files", {}) is None


VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
)
ANY = VALUES | st.lists(VALUES, max_size=2) | st.dictionaries(st.text(max_size=5), VALUES, max_size=2)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shape=st.sampled_from(sorted(SHAPES)), field=st.text(max_size=5), value=ANY, data=st.data())
def test_every_line_is_a_row_or_a_refusal_whatever_it_holds(read, shape, field, value, data):
    response, host, path, _ = SHAPES[shape]
    name = data.draw(st.sampled_from([*response, "id", "created", "status", "error", "model", "object", field]))
    envelope = data.draw(st.sampled_from(["status", "date", "path", "host", "request_model", "response"]))
    lines = [line(response | {name: value}, host, path), line(response, host, path) | {envelope: value}]
    found = read(FORMAT, lines)
    places = [row["row_number"] for row in found.usage] + [one["row_number"] for one in found.refused]
    assert sorted(places) == [1, 2]


def test_the_real_responses_are_all_accounted_for(shared):
    (file,) = (shared / "usage" / "provider_responses").glob("*.jsonl")
    assert detect(file) == FORMAT
    portions = list(source_format(FORMAT).read(SourceFile(path=file)))
    landed = sum(portion.rows.height for portion in portions)
    rules = [rule for portion in portions for rule in portion.refused["rule"]]
    assert landed + len(rules) == len(file.read_bytes().splitlines()) == 956
    assert (rules.count("unfinished"), rules.count("known_operation")) == (163, 4)
    counted = sum(portion.rows["output_tokens"].count() for portion in portions)
    assert counted / landed > 0.85


def test_the_price_lists_own_reader_counts_the_real_responses_the_same(shared):
    (file,) = (shared / "usage" / "provider_responses").glob("*.jsonl")
    lines = [msgspec.json.decode(one) for one in file.read_bytes().splitlines()]
    compared = 0
    for portion in source_format(FORMAT).read(SourceFile(path=file)):
        for row in portion.rows.iter_rows(named=True):
            theirs = _listed_counts(row["provider_name"], lines[row["row_number"] - 1]["response"])
            if theirs:
                assert [int(row[name] or 0) for name in COUNTS[:4]] == theirs, row["row_number"]
                compared += 1
    assert compared > 600


def _listed_counts(provider_name: str, body: dict[str, Any]) -> list[int] | None:
    """What genai-prices reads from a response; None where it knows no such shape."""
    listed = {provider.id: provider for provider in providers}
    provider = listed.get(LISTED.get(provider_name, provider_name))
    event = body.get("_stream_usage_event") or {}
    whole = {**body, **event, **(event.get("response") or event.get("delta") or {})}
    for extractor in (provider.extractors if provider else None) or ():
        try:
            _, counts = provider.extract_usage(whole, api_flavor=extractor.api_flavor)
        except (LookupError, ValueError, TypeError):
            continue
        return [
            getattr(counts, name) or 0
            for name in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
        ]
    return None
