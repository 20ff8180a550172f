"""LiteLLM's logging payload and spend table: costs that are believed, cached answers, and the quick way."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aurora.ingest import foreign, litellm
from aurora.ingest.foreign import WrongValueError
from aurora.ingest.formats import litellm_standard_logging_jsonl as standard
from aurora.ingest.portions import ROW, SourceFile

LOG, TABLE, TABLE_CSV = "litellm_standard_logging_jsonl", "litellm_spend_logs_json", "litellm_spend_logs_csv"
PRICES = {"model_map_value": {"input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05}}
FREE = {"model_map_value": {"input_cost_per_token": 0, "output_cost_per_token": 0.0}}


def payload(**changes: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "trace_id": "t-1",
        "call_type": "acompletion",
        "stream": True,
        "response_cost": 0.000225,
        "status": "success",
        "custom_llm_provider": "azure",
        "total_tokens": 30,
        "prompt_tokens": 10,
        "completion_tokens": 20,
        "startTime": 1778000000.25,
        "endTime": 1778000001.5,
        "completionStartTime": 1778000000.75,
        "model": "azure/gpt-4o",
        "metadata": {"user_api_key_alias": "clara", "spend_logs_metadata": {"conversation_id": "c-1"}},
        "cache_hit": None,
        "end_user": "u-1",
        "messages": [{"role": "user", "content": "hello"}],
        "response": {"model": "gpt-4o-2024-08-06", "usage": {"prompt_tokens_details": {"cached_tokens": 4}}},
        "model_map_information": PRICES,
    } | changes


def test_a_call_becomes_a_row(stage):
    (row,) = stage(LOG, [payload()]).usage
    assert row["usage_id"] == "tests:chatcmpl-1"
    assert (row["provider_name"], row["request_model"], row["response_model"]) == (
        "azure.ai.openai",
        "gpt-4o",
        "gpt-4o-2024-08-06",
    )
    assert (row["assistant_id"], row["conversation_id"], row["user_id"]) == ("clara", "c-1", "u-1")
    assert (row["input_tokens"], row["cache_read_input_tokens"], row["output_tokens"]) == (10, 4, 20)
    assert (row["duration_ms"], row["time_to_first_chunk_ms"]) == (1250, 500)
    assert row["reported_cost_usd"] == Decimal("0.000225")


@pytest.mark.parametrize(
    ("changes", "cost"),
    [
        ({"response_cost": 0.0}, None),
        ({"response_cost": 0, "model_map_information": None}, None),
        ({"response_cost": None}, None),
        ({"response_cost": 0.0, "model_map_information": FREE}, "0.000000000"),
        ({"response_cost": 0.0, "cache_hit": True}, "0.000000000"),
        ({"response_cost": 1e-7}, "0.000000100"),
    ],
)
def test_a_cost_of_nothing_is_believed_only_where_it_says_why(read, changes, cost):
    (row,) = read(LOG, [payload(**changes)]).usage
    assert row.get("reported_cost_usd") == cost


def test_a_call_nobody_can_price_is_unpriced_and_not_free(stage):
    (row,) = stage(LOG, [payload(response_cost=0.0, model="villa-writer-7b", custom_llm_provider="in_house")]).usage
    assert (row["cost_source"], row.get("cost_usd"), row.get("reported_cost_usd")) == ("unpriced", None, None)


def test_an_answer_from_the_gateways_cache_used_no_tokens(stage):
    (row,) = stage(LOG, [payload(cache_hit=True, response_cost=0.0)]).usage
    assert (row["input_tokens"], row["output_tokens"], row["cost_usd"]) == (0, 0, Decimal(0))


def test_cached_tokens_that_were_left_out_are_added(read):
    usage = {"cache_read_input_tokens": 400, "cache_creation_input_tokens": 50}
    (row,) = read(LOG, [payload(metadata={"usage_object": usage})]).usage
    assert (row["input_tokens"], row["cache_read_input_tokens"]) == ("460", "400")


def test_a_failed_call_has_an_error_and_no_tokens(read):
    failed = payload(
        status="failure", prompt_tokens=0, completion_tokens=0, error_information={"error_class": "RateLimitError"}
    )
    (row,) = read(LOG, [failed]).usage
    assert (row["is_error"], row["error_type"], row.get("input_tokens")) == ("true", "RateLimitError", None)


def test_a_call_type_nobody_knows_is_refused_by_name(stage):
    found = stage(LOG, [payload(call_type="abrainstorm")])
    assert [(one["rule"], one["column_name"]) for one in found.refused] == [("one_of", "operation_name")]


def test_the_table_gives_the_same_facts_as_json_and_as_csv(read):
    row = {
        "request_id": "chatcmpl-9",
        "session_id": "s-1",
        "call_type": "acompletion",
        "cache_hit": "None",
        "startTime": "2025-01-24 09:20:46.847371",
        "endTime": "2025-01-24 09:20:46.851954",
        "completionStartTime": "2025-01-24 09:20:46.851954",
        "model": "gpt-4o",
        "metadata": '{"user_api_key_alias": "omar", "usage_object": {"prompt_tokens_details": null}}',
        "spend": 0.00022500000000000002,
        "prompt_tokens": 10,
        "completion_tokens": 20,
        "custom_llm_provider": "openai",
        "status": "success",
    }
    (plain,) = read(TABLE, row).usage
    text = ",".join(row) + "\n" + ",".join('"{}"'.format(str(value).replace('"', '""')) for value in row.values())
    (from_csv,) = read(TABLE_CSV, text.encode()).usage
    assert from_csv == plain | {"row_number": 2}
    assert (plain["assistant_id"], plain["conversation_id"], plain["reported_cost_usd"]) == (
        "omar",
        "s-1",
        "0.000225000",
    )
    assert (plain["occurred_at"], plain["duration_ms"]) == ("2025-01-24T09:20:46.847371+00:00", "5")
    assert "time_to_first_chunk_ms" not in plain


ODD = st.sampled_from([None, "", "x", 0, 1, -1, 3.5, True, False, "True", [], {}, {"a": 1}, "12", 2**70, "2026-10-01"])
KEYS = st.sampled_from(sorted(payload()))
METADATA = st.sampled_from(
    [
        {"usage_object": {"cache_read_input_tokens": 400}},
        {"usage_object": {}, "user_api_key_team_alias": "t"},
        {"usage_object": {"prompt_tokens_details": {"cached_tokens": "7"}}},
        {"status": "failure", "error_information": {"error_class": "Timeout"}},
        {"spend_logs_metadata": {"assistant_id": 4}},
        {"spend_logs_metadata": {"agent_id": "", "decision_id": "d"}},
    ]
)
PAYLOADS = st.builds(
    lambda changes, metadata: payload(**changes) | ({"metadata": metadata} if metadata else {}),
    st.dictionaries(KEYS, ODD, max_size=2),
    st.none() | METADATA,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(payloads=st.lists(PAYLOADS, min_size=1, max_size=4))
def test_the_quick_way_gives_what_care_gives(tmp_path: Path, payloads: list[Any]) -> None:
    file = tmp_path / "log.jsonl"
    file.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in payloads))
    (portion,) = standard.read(SourceFile(path=file))
    rows, refused = [], []
    for position, record in enumerate(payloads, start=1):
        try:
            rows.append((position, litellm.usage_values(record, record_id="id", cost="response_cost"), "{}"))
        except WrongValueError as wrong:
            refused.append(wrong.refusal(position, "{}"))
    expected = foreign.text_portion("usage", rows, refused)
    assert (
        portion.rows.drop("raw_row", strict=False).to_dicts() == expected.rows.drop("raw_row", strict=False).to_dicts()
    )
    assert portion.refused.sort(ROW).drop("raw_row").rows() == expected.refused.drop("raw_row").rows()


def test_a_plain_log_takes_the_quick_way(tmp_path: Path, monkeypatch) -> None:
    file = tmp_path / "log.jsonl"
    file.write_bytes(standard.sample(contract="usage", row_count=300, seed=1))
    looked_at: list[Any] = []
    monkeypatch.setattr(litellm, "usage_values", lambda record, **_: looked_at.append(record))
    rows = pl.concat([portion.rows for portion in standard.read(SourceFile(path=file))])
    assert (rows.height, looked_at) == (300, [])
