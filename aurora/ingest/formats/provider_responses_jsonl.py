"""Recorded responses of language-model providers, one a line, with their envelope.

The envelope is what a proxy or a test recorder keeps: `host`, `path`, `status`, `date`,
`request_model`, `response` (the body; of a stream its last event with usage, as `_stream_usage_event`). The
body is read by the names it carries, not by its host, so that compatible servers are read as well.

Counted as the contract counts: input with cached tokens (Anthropic's and Bedrock's counts leave them out:
they are added), output with reasoning (Gemini's leaves it out). Cohere's are `billed_units`, which
leave out its own preamble, since those are what is paid.

A line that is no AI operation is refused: a poll of a run that had not ended (`unfinished`: the answer that
ends the run carries its usage) and a service that the contract has no operation for (`known_operation`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from aurora.ingest import foreign
from aurora.ingest.foreign import Record, Values, WrongValueError
from aurora.ingest.lines import read_chunks
from aurora.ingest.portions import Portion, Refusal, SourceFile
from aurora.ingest.provider_hosts import host_of, operation_of, path_llm, provider_of
from aurora.ingest.sample_operations import Operation, sample_operations
from aurora.ingest.tables import json_records

CONTRACTS: Final = ("usage",)
_ENVELOPE: Final = ("host", "path", "response")
_EVENT: Final = "_stream_usage_event"
_BLOCKS: Final = ("usage", "usageMetadata", "meta", "metrics")
_OPEN_STATES: Final = frozenset({"queued", "in_progress", "requires_action", "cancelling"})
_FAILED_STATES: Final = frozenset({"failed", "expired", "cancelled"})
_FIRST_ERROR: Final = 400
_FIRST_BELIEVABLE: Final = 10**9
_FIRST_MS: Final = 10**11
_FIRST_UNBELIEVABLE: Final = 10**15
"""`created` is in seconds, at some servers in milliseconds; below 2001 it is no clock."""

_INPUT: Final = (
    "billed_units.input_tokens", "tokens.input_tokens", "input_tokens", "prompt_tokens", "inputTokens",
    "promptTokenCount", "inputTextTokenCount", "prompt_token_count", "prompt_eval_count", "input_token_count",
)  # fmt: skip
_OUTPUT: Final = (
    "billed_units.output_tokens", "tokens.output_tokens", "output_tokens", "completion_tokens", "outputTokens",
    "candidatesTokenCount", "generation_token_count", "eval_count", "generated_token_count", "output_token_count",
    "tokenCount",
)  # fmt: skip
_READ_INSIDE: Final = (
    "prompt_tokens_details.cached_tokens", "prompt_token_details.cached_tokens", "input_tokens_details.cached_tokens",
    "prompt_cache_hit_tokens", "cachedContentTokenCount",
)  # fmt: skip
_READ_BESIDE: Final = ("cache_read_input_tokens", "cacheReadInputTokens", "cacheReadInputTokenCount")
_WRITE_BESIDE: Final = ("cache_creation_input_tokens", "cacheWriteInputTokens", "cacheWriteInputTokenCount")
_REASON_INSIDE: Final = (
    "completion_tokens_details.reasoning_tokens", "completion_token_details.reasoning_tokens",
    "output_tokens_details.reasoning_tokens", "output_tokens_details.thinking_tokens",
)  # fmt: skip


def matches(head: bytes, file_name: str) -> bool:  # noqa: ARG001 - one signature for all formats
    """An object whose first line names a host, a path and a response."""
    line = head.lstrip().split(b"\n", 1)[0]
    return line.startswith(b"{") and all(re.search(rb'"%s"\s*:' % name.encode(), line) for name in _ENVELOPE)


def read(file: SourceFile) -> Iterator[Portion]:
    """One usage row a response."""
    for chunk in read_chunks(file):
        rows: list[Record] = []
        refused = list(chunk.refused)
        for number, record, raw in json_records(chunk, refused):
            try:
                values = _row(record, number, raw)
            except WrongValueError as wrong:
                values = wrong.refusal(number, raw)
            if isinstance(values, Refusal):
                refused.append(values)
            else:
                rows.append((number, values, raw))
        yield foreign.text_portion("usage", rows, refused)


def _row(record: Mapping[str, Any], number: int, raw: str) -> Values | Refusal:
    body = _body(record)
    state = body.get("status")
    if isinstance(state, str) and state in _OPEN_STATES:
        reason = f"The run was {state} when this answer was recorded. Its usage comes with the answer that ends it."
        return Refusal(number, "unfinished", reason, raw, "input_tokens")
    path = unquote(foreign.text(record.get("path"), "path") or "")
    host = host_of(foreign.text(record.get("host"), "provider_name") or "")
    operation = operation_of(path, body)
    if operation is None:
        reason = (
            f"A response of {host}{path[:80]} is no AI operation that the contract names. Leave it out of the export."
        )
        return Refusal(number, "known_operation", reason, raw, "operation_name")
    error = _error(record, body)
    return {
        "source_record_id": foreign.text(
            foreign.first(body, ("id", "responseId", "generation_id")), "source_record_id"
        ),
        "occurred_at": _began(record, body),
        "operation_name": operation,
        "provider_name": provider_of(host),
        "request_model": foreign.text(record.get("request_model"), "request_model") or path_llm(path),
        "response_model": _name(foreign.first(body, ("model", "modelVersion", "model_id", "model_name"))),
        "assistant_id": foreign.text(body.get("assistant_id"), "assistant_id"),
        "conversation_id": foreign.text(body.get("thread_id"), "conversation_id"),
        **_tokens(body, operation),
        "duration_ms": _duration(record, body),
        "is_error": "true" if error else "false",
        "error_type": error,
    }


def _body(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The response, or what a stream's last event says of it."""
    body = foreign.mapping(record.get("response"), "response")
    event = foreign.mapping(body.get(_EVENT), "response")
    if not event:
        return body
    inner = next((event[name] for name in ("response", "message", "delta") if _has_usage(event.get(name))), None)
    return {**event, **(inner or {})}


def _has_usage(part: Any) -> bool:
    return isinstance(part, dict) and isinstance(part.get("usage"), dict)


def _tokens(body: Mapping[str, Any], operation: str) -> Values:
    """Counts out of any of the shapes that are known; null where the response does not say."""
    given: dict[str, Any] = {name: value for name, value in body.items() if not isinstance(value, dict | list)}
    results = body.get("results")
    many = [one for one in results if isinstance(one, dict)] if isinstance(results, list) else []
    for block in many[:1]:
        given |= foreign.flat(block)
    for name in _BLOCKS:
        given |= foreign.flat(foreign.mapping(body.get(name), name))

    def one(names: Sequence[str], column: str) -> int | None:
        return foreign.count(foreign.first(given, names), column)

    read, write = one(_READ_BESIDE, "cache_read_input_tokens"), one(_WRITE_BESIDE, "cache_creation_input_tokens")
    inputs, outputs = one(_INPUT, "input_tokens"), one(_OUTPUT, "output_tokens")
    if inputs is not None:
        inputs = foreign.total(inputs, read, write, one(("toolUsePromptTokenCount",), "input_tokens"))
    elif operation in ("embeddings", "rerank"):  # Voyage and Jina give one count for both
        inputs = one(("total_tokens",), "input_tokens")
    thoughts = one(("thoughtsTokenCount",), "reasoning_output_tokens")
    counts = {
        "input_tokens": inputs,
        "output_tokens": foreign.total(outputs, thoughts),
        "cache_read_input_tokens": one(_READ_INSIDE, "cache_read_input_tokens") if read is None else read,
        "cache_creation_input_tokens": write,
        "reasoning_output_tokens": one(_REASON_INSIDE, "reasoning_output_tokens") if thoughts is None else thoughts,
    }
    return {name: foreign.count_text(value) for name, value in counts.items()}


def _began(record: Mapping[str, Any], body: Mapping[str, Any]) -> str | None:
    """When the provider says it began; else the date of the answer. Some servers put no clock in `created`."""
    created = foreign.first(body, ("created", "created_at", "createTime"))
    if isinstance(created, str) and not created.strip().isdigit():
        return created or None
    whole = int(created) if isinstance(created, float) and abs(created) < _FIRST_UNBELIEVABLE else created
    seconds = foreign.count(whole, "occurred_at")
    if seconds and seconds > _FIRST_MS:
        return foreign.unix_time(seconds, "occurred_at", per_second=1000)
    if seconds and seconds > _FIRST_BELIEVABLE:
        return foreign.unix_time(seconds, "occurred_at", per_second=1)
    return _http_date(foreign.text(record.get("date"), "occurred_at"))


def _http_date(given: str | None) -> str | None:
    if given is None:
        return None
    try:
        return parsedate_to_datetime(given).isoformat()
    except (ValueError, OverflowError):
        return given


def _duration(record: Mapping[str, Any], body: Mapping[str, Any]) -> str | None:
    """As the provider measured it; OpenAI's header tells nothing of a stream, which it precedes."""
    metrics = body.get("metrics")
    latency = metrics.get("latencyMs") if isinstance(metrics, dict) else None
    nanos = foreign.count(body.get("total_duration"), "duration_ms")  # Ollama
    if nanos is not None:
        return str(nanos // 10**6)
    is_stream = isinstance(record.get("response"), dict) and _EVENT in record["response"]
    header = None if is_stream else record.get("openai_processing_ms")
    return foreign.count_text(foreign.count(header if latency is None else latency, "duration_ms"))


def _error(record: Mapping[str, Any], body: Mapping[str, Any]) -> str | None:
    """What kind of failure it is; None when it is none."""
    status = foreign.count(record.get("status"), "status")
    failure = foreign.first(body, ("error", "last_error"))
    if isinstance(failure, dict):
        return _name(foreign.first(failure, ("type", "code", "status"))) or "error"
    if isinstance(failure, str) and failure:
        return failure[:200]
    state = body.get("status")
    if isinstance(state, str) and state in _FAILED_STATES:
        return state
    return _name(body.get("__type")) or str(status) if status is not None and status >= _FIRST_ERROR else None


def _name(value: Any) -> str | None:
    return foreign.text(value, "response_model")


def write(operations: Sequence[Operation]) -> bytes:
    """Operations as their providers answer them, one a line."""
    return b"".join(msgspec.json.encode(_line(call)) + b"\n" for call in operations)


def _line(call: Operation) -> dict[str, Any]:
    host, path, body = _SHAPES.get(call.provider_name, _openai)(call)
    if call.error_type:
        body = {"id": f"gen-{call.operation_id}", "error": {"type": call.error_type, "message": "It did not answer."}}
    return {
        "host": host,
        "path": path,
        "status": 500 if call.error_type else 200,
        "date": f"{call.at:%a, %d %b %Y %H:%M:%S} GMT",
        "openai_processing_ms": str(call.duration_ms),
        "request_model": call.llm,
        "response": body,
    }


def _openai(call: Operation) -> tuple[str, str, dict[str, Any]]:
    host = {"openai": "api.openai.com", "azure.ai.openai": "fleet.openai.azure.com"}.get(
        call.provider_name, "llm.fleet"
    )
    about = {"id": f"gen-{call.operation_id}", "created": int(call.at.timestamp()), "model": call.llm}
    usage: dict[str, Any] = {"prompt_tokens": call.input_tokens}
    if call.operation_name == "embeddings":
        return host, "/v1/embeddings", {**about, "object": "list", "usage": usage}
    usage |= {
        "completion_tokens": call.output_tokens,
        "prompt_tokens_details": {"cached_tokens": call.cache_read_tokens},
    }
    return host, "/v1/chat/completions", {**about, "object": "chat.completion", "usage": usage}


def _anthropic(call: Operation) -> tuple[str, str, dict[str, Any]]:
    usage = {
        "input_tokens": (call.input_tokens or 0) - call.cache_read_tokens,
        "cache_read_input_tokens": call.cache_read_tokens,
        "output_tokens": call.output_tokens,
    }
    body = {"id": f"msg-{call.operation_id}", "type": "message", "model": call.llm, "usage": usage}
    return "api.anthropic.com", "/v1/messages", body


def _gemini(call: Operation) -> tuple[str, str, dict[str, Any]]:
    usage = {
        "promptTokenCount": call.input_tokens,
        "cachedContentTokenCount": call.cache_read_tokens,
        "candidatesTokenCount": call.output_tokens,
    }
    body = {"responseId": f"gen-{call.operation_id}", "modelVersion": call.llm, "usageMetadata": usage}
    return "generativelanguage.googleapis.com", f"/v1beta/models/{call.llm}:generateContent", body


_SHAPES: Final = {"anthropic": _anthropic, "gcp.gemini": _gemini}


def sample(*, contract: str, row_count: int, seed: int) -> bytes:  # noqa: ARG001 - one signature for all formats
    """Answers of several providers in their own shapes."""
    return write(sample_operations(row_count, seed=seed))
