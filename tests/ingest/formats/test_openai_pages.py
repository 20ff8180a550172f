"""OpenAI's usage and costs API: what each kind of result counts, restated buckets, pages in any arrangement."""

from __future__ import annotations

from typing import Any

import pytest

USAGE, COSTS = "openai_usage_json", "openai_costs_json"
DAY = 1_788_220_800


def page(*results: Any, **changes: Any) -> dict[str, Any]:
    bucket = {"object": "bucket", "start_time": DAY, "end_time": DAY + 86_400, "results": list(results)}
    return {"object": "page", "data": [bucket], "has_more": False, "next_page": None} | changes


def completions(**changes: Any) -> dict[str, Any]:
    return {
        "object": "organization.usage.completions.result",
        "input_tokens": 1000,
        "input_cached_tokens": 800,
        "output_tokens": 500,
        "num_model_requests": 5,
        "project_id": "proj_abc",
        "user_id": None,
        "api_key_id": "key_1",
        "model": "gpt-4o-mini-2024-07-18",
        "batch": False,
    } | changes


def cost(**changes: Any) -> dict[str, Any]:
    return {
        "object": "organization.costs.result",
        "amount": {"value": 0.06, "currency": "usd"},
        "line_item": "Image models",
        "project_id": "proj_abc",
    } | changes


def test_a_result_of_completions_becomes_a_row(read):
    (row,) = read(USAGE, page(completions())).rows["provider_usage"]
    assert (row["operation_name"], row["request_model"]) == ("chat", "gpt-4o-mini-2024-07-18")
    assert (row["input_tokens"], row["cache_read_input_tokens"], row["output_tokens"]) == ("1000", "800", "500")
    assert (row["provider_request_count"], row["is_batch"], row["project_id"]) == ("5", "false", "proj_abc")
    assert row["charge_period_start"] == "2026-09-01T00:00:00.000000+00:00"
    assert row["retrieved_at"] == row["charge_period_end"] == "2026-09-02T00:00:00.000000+00:00"


@pytest.mark.parametrize(
    ("kind", "facts", "operation", "column", "value"),
    [
        ("embeddings", {"input_tokens": 16}, "embeddings", "input_tokens", "16"),
        ("moderations", {"input_tokens": 16}, "moderation", "input_tokens", "16"),
        ("images", {"images": 2, "size": "1024x1024"}, "image_generation", "image_count", "2"),
        ("audio_speeches", {"characters": 45}, "speech", "character_count", "45"),
        ("audio_transcriptions", {"seconds": 20.5}, "transcription", "audio_s", "20.5"),
        ("vector_stores", {"usage_bytes": 1024}, "retrieval", "storage_bytes", "1024"),
        ("code_interpreter_sessions", {"num_sessions": 1}, "execute_tool", "session_count", "1"),
        ("completions", {"input_tokens": 9, "input_cache_write_tokens": 4}, "chat", "cache_creation_input_tokens", "4"),
    ],
)
def test_each_kind_has_its_own_count(stage, kind, facts, operation, column, value):
    found = stage(USAGE, page({"object": f"organization.usage.{kind}.result", **facts}))
    (row,) = found.rows["provider_usage"]
    assert (row["operation_name"], str(row[column])) == (operation, value)


def test_groups_and_periods_make_different_rows_and_equal_ones_the_same(read):
    results = [completions(), completions(model="gpt-5"), completions(batch=True), completions()]
    ids = [row["provider_usage_id"] for row in read(USAGE, page(*results)).rows["provider_usage"]]
    assert (ids[0] == ids[3], len(set(ids))) == (True, 3)
    later = page(completions())
    later["data"][0]["start_time"] += 86_400
    (moved,) = read(USAGE, later).rows["provider_usage"]
    assert moved["provider_usage_id"] not in ids


def test_a_restated_bucket_is_another_state_of_the_same_row(stage):
    first = page(completions(input_tokens=10), retrieved_at="2026-09-01T10:00:00Z")
    second = page(completions(input_tokens=90), retrieved_at=1_788_260_000)
    found = stage(USAGE, [first, second])
    rows = found.rows["provider_usage"]
    assert ({row["provider_usage_id"] for row in rows}, found.refused) == ({rows[0]["provider_usage_id"]}, [])
    assert [row["input_tokens"] for row in sorted(rows, key=lambda row: row["retrieved_at"])] == [10, 90]


def test_costs_are_in_their_currency_and_may_be_negative(stage):
    results = [cost(), cost(amount={"value": -1.5, "currency": "eur"}, line_item="Credit"), cost(line_item=None)]
    rows = stage(COSTS, page(*results)).rows["provider_cost"]
    assert [(str(row["billed_cost"]), row["billing_currency"]) for row in rows] == [
        ("0.060000000", "USD"),
        ("-1.500000000", "EUR"),
        ("0.060000000", "USD"),
    ]


@pytest.mark.parametrize(
    "change", [{"amount": None}, {"amount": {"value": "much", "currency": "usd"}}, {"object": "x"}]
)
def test_a_cost_without_an_amount_is_refused(stage, change):
    found = stage(COSTS, page(cost(), cost(**change)))
    assert len(found.rows["provider_cost"]) == 1
    assert {one["row_number"] for one in found.refused} == {2}


def test_pages_in_an_array_and_a_bucket_alone_are_read(read):
    pages = [page(completions()), page(completions(model="gpt-5"))]
    assert len(read(USAGE, {"object": "list", "data": pages[0]["data"] + pages[1]["data"]}).rows["provider_usage"]) == 2
    assert len(read(USAGE, pages[0]["data"][0]).rows["provider_usage"]) == 1


@pytest.mark.parametrize("result", [None, 3, [], {"object": "organization.usage.dreams"}, {}])
def test_what_is_no_result_is_refused_where_it_stands(read, result):
    found = read(USAGE, page(completions(), result, completions(model="b")))
    assert [row["row_number"] for row in found.rows["provider_usage"]] == [1, 3]
    assert [one["row_number"] for one in found.refused] == [2]
