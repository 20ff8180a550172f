"""What LiteLLM records of a call, as a usage row: its logging payload and its spend table name the same facts.

- A cost of 0 is what LiteLLM writes where it knows no price. It is believed only where it says why: the answer
  came from its own cache, or the language model is listed at a price of 0. Else the call is unpriced.
- An answer from LiteLLM's own cache used no tokens of a provider: its counts are 0, whatever it repeats.
- `prompt_tokens` holds cached tokens; where it is smaller than they are, an old version left them out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from aurora.ingest import foreign
from aurora.ingest.foreign import Values, WrongValueError

_OPERATIONS: Final = {
    "completion": "chat",
    "responses": "chat",
    "anthropic_messages": "chat",
    "text_completion": "text_completion",
    "embedding": "embeddings",
    "image_generation": "image_generation",
    "image_edit": "image_generation",
    "image_variation": "image_generation",
    "speech": "speech",
    "transcription": "transcription",
    "moderation": "moderation",
    "rerank": "rerank",
    "search": "retrieval",
    "vector_store_search": "retrieval",
    "generate_content": "generate_content",
    "generate_content_stream": "generate_content",
    "call_mcp_tool": "execute_tool",
    "send_message": "invoke_agent",
}
"""By LiteLLM's `call_type`; asynchronous calls have an `a` before it."""
PROVIDERS: Final = {
    "azure": "azure.ai.openai",
    "azure_text": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "bedrock_converse": "aws.bedrock",
    "sagemaker": "aws.sagemaker",
    "vertex_ai": "gcp.vertex_ai",
    "vertex_ai_beta": "gcp.vertex_ai",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "xai": "x_ai",
    "watsonx": "ibm.watsonx.ai",
    "cohere_chat": "cohere",
    "together_ai": "together",
    "fireworks_ai": "fireworks",
    "text-completion-openai": "openai",
}
FAILED: Final = ("failure", "failed", "error")
CACHED: Final = (True, "True", "true")


def usage_values(record: Mapping[str, Any], *, record_id: str, cost: str) -> Values:
    """The call as a usage row. `record_id` and `cost` name the keys that differ between payload and table.

    Errors: `WrongValueError` for a value that cannot stand in its column.
    """
    metadata = nested(record.get("metadata"), "metadata")
    noted = nested(metadata.get("spend_logs_metadata"), "metadata")
    is_cached = record.get("cache_hit") in CACHED
    is_error = foreign.text(record.get("status") or metadata.get("status"), "is_error") in FAILED
    provider = foreign.text(record.get("custom_llm_provider"), "provider_name")
    response = nested(record.get("response"), "response", is_free=True)
    start, end = instant(record.get("startTime"), "occurred_at"), instant(record.get("endTime"), "duration_ms")
    first = instant(record.get("completionStartTime"), "time_to_first_chunk_ms") if record.get("stream") else None
    own = foreign.text(record.get(record_id), "source_record_id")
    if own is None:
        raise WrongValueError("source_record_id", None, "the id of the call")
    return {
        "source_record_id": own,
        "occurred_at": written(start, record.get("startTime")),
        "operation_name": _operation(record),
        "provider_name": PROVIDERS.get(provider or "", provider),
        "request_model": plain_llm(foreign.text(record.get("model"), "request_model"), provider),
        "response_model": foreign.text(response.get("model"), "response_model"),
        "assistant_id": foreign.text(
            foreign.first(noted, ("assistant_id", "agent_id"))
            or record.get("agent_id")
            or foreign.first(metadata, ("user_api_key_alias", "user_api_key_team_alias")),
            "assistant_id",
        ),
        "conversation_id": foreign.text(
            foreign.first(noted, ("conversation_id", "session_id")) or record.get("session_id"), "conversation_id"
        ),
        "trace_id": foreign.text(record.get("trace_id") or record.get("session_id"), "trace_id"),
        "user_id": foreign.text(record.get("end_user") or metadata.get("user_api_key_end_user_id"), "user_id"),
        "decision_id": foreign.text(noted.get("decision_id"), "decision_id"),
        **_tokens(record, _usage(record, metadata, response), is_cached=is_cached, is_error=is_error),
        "duration_ms": foreign.milliseconds(start, end),
        "time_to_first_chunk_ms": foreign.milliseconds(start, first),
        "is_error": "true" if is_error else "false",
        "error_type": _error(record, metadata) if is_error else None,
        "reported_cost_usd": _cost(record.get(cost), record, metadata, is_cached=is_cached),
    }


def plain_llm(llm: str | None, provider: str | None) -> str | None:
    """The language model without LiteLLM's prefix."""
    return llm.removeprefix(f"{provider}/") if llm and provider else llm


def nested(value: Any, column: str, *, is_free: bool = False) -> Mapping[str, Any]:
    """An object, also as JSON text, as the table keeps them; what is `free` may be anything else, and says nothing."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError):
            value = None if is_free else value
    if isinstance(value, dict):
        return value
    if value is None or value == "" or is_free:
        return {}
    raise WrongValueError(column, value, "an object")


def instant(value: Any, column: str) -> dt.datetime | None:
    """A time in unix seconds or as text; None where there is none or it cannot be read."""
    if value is None or isinstance(value, str):
        return foreign.moment(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongValueError(column, value, "a time")
    try:
        return dt.datetime.fromtimestamp(value, dt.UTC) if value else None
    except (ValueError, OverflowError, OSError):
        return None


def written(moment: dt.datetime | None, given: Any) -> str | None:
    """The time for the gate; one that could not be read goes on as it is, to be refused by name."""
    if moment is not None:
        return moment.isoformat(timespec="microseconds")
    return None if not given else str(given)[:40]


def _operation(record: Mapping[str, Any]) -> str | None:
    return operation_name(foreign.text(record.get("call_type"), "operation_name"))


def operation_name(given: str | None) -> str | None:
    """OpenTelemetry's name of a call's type; one that is not known goes on, to be refused by name."""
    if given is None:
        return None
    plain = given.removeprefix("_")
    return _OPERATIONS.get(plain) or _OPERATIONS.get(plain.removeprefix("a"), given)


def _usage(record: Mapping[str, Any], metadata: Mapping[str, Any], response: Mapping[str, Any]) -> Mapping[str, Any]:
    hidden = nested(record.get("hidden_params"), "hidden_params", is_free=True)
    given = (metadata.get("usage_object"), hidden.get("usage_object"), response.get("usage"))
    return nested(next((one for one in given if one is not None), None), "input_tokens", is_free=True)


def _tokens(record: Mapping[str, Any], usage: Mapping[str, Any], *, is_cached: bool, is_error: bool) -> Values:
    inputs = foreign.count(record.get("prompt_tokens"), "input_tokens")
    outputs = foreign.count(record.get("completion_tokens"), "output_tokens")
    if is_cached and not is_error:
        return {"input_tokens": "0", "output_tokens": "0"}
    if is_error and not inputs and not outputs:
        return {}
    inside = nested(usage.get("prompt_tokens_details"), "input_tokens", is_free=True)
    out = nested(usage.get("completion_tokens_details"), "output_tokens", is_free=True)
    read = foreign.count(
        _either(usage.get("cache_read_input_tokens"), inside.get("cached_tokens")), "cache_read_input_tokens"
    )
    write = foreign.count(
        _either(usage.get("cache_creation_input_tokens"), inside.get("cache_creation_tokens")),
        "cache_creation_input_tokens",
    )
    return {
        "input_tokens": foreign.count_text(with_cached(inputs, read, write)),
        "output_tokens": foreign.count_text(outputs),
        "cache_read_input_tokens": foreign.count_text(read or None),
        "cache_creation_input_tokens": foreign.count_text(write or None),
        "reasoning_output_tokens": foreign.count_text(
            foreign.count(out.get("reasoning_tokens"), "reasoning_output_tokens") or None
        ),
    }


def _either(first: Any, second: Any) -> Any:
    return second if first is None else first


def with_cached(inputs: int | None, read: int | None, write: int | None) -> int | None:
    """Input tokens with cached ones, which an old version left out."""
    if inputs is not None and (read or 0) + (write or 0) > inputs:
        return foreign.total(inputs, read, write)
    return inputs


def _error(record: Mapping[str, Any], metadata: Mapping[str, Any]) -> str:
    about = nested(record.get("error_information") or metadata.get("error_information"), "error_type", is_free=True)
    named = foreign.first(about, ("error_class", "error_code"))
    return str(named)[:200] if named else "error"


def _cost(amount: Any, record: Mapping[str, Any], metadata: Mapping[str, Any], *, is_cached: bool) -> str | None:
    """What LiteLLM says the call cost; None where it says 0 and does not know."""
    told = foreign.money(amount, "reported_cost_usd")
    if told is None or (isinstance(amount, int | float) and amount != 0) or is_cached:
        return told
    if isinstance(amount, str) and told.strip("-0."):
        return told
    listed = nested(
        record.get("model_map_information") or metadata.get("model_map_information"), "reported_cost_usd", is_free=True
    )
    prices = nested(listed.get("model_map_value"), "reported_cost_usd", is_free=True)
    is_free = prices.get("input_cost_per_token") == 0 and prices.get("output_cost_per_token") == 0
    return told if is_free else None
