"""LiteLLM's StandardLoggingPayload: one call a line, in an array, or alone; what its callbacks and buckets write.

What was said (`messages`, `response`) is passed over, undecoded but for the response's usage.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import msgspec

from aurora.ingest import foreign, litellm, litellm_quick
from aurora.ingest.documents import PlainDocument, Positions, as_json, document_of, read_quickly
from aurora.ingest.foreign import Record, WrongValueError
from aurora.ingest.portions import Portion, Refusal, SourceFile
from aurora.ingest.quick_columns import ordered
from aurora.ingest.sample_operations import Operation, sample_operations

CONTRACTS: Final = ("usage",)
_MARKS: Final = (b'"call_type"', b'"startTime"', b'"response_cost"')


def matches(head: bytes, file_name: str) -> bool:  # noqa: ARG001 - one signature for all formats
    """JSON that names a call's type, start and cost as LiteLLM does."""
    return head.lstrip()[:1] in (b"{", b"[") and all(mark in head for mark in _MARKS)


def _is_document(value: Mapping[str, Any]) -> bool:
    return "call_type" in value and "startTime" in value


def read(file: SourceFile) -> Iterator[Portion]:
    """One usage row a call."""
    positions = Positions()
    for documents in read_quickly(file, is_document=_is_document, quick=litellm_quick.PAYLOADS):
        plain: list[tuple[int, PlainDocument]] = []
        rows: list[Record] = []
        refused: list[Refusal] = []
        for document in documents:
            if isinstance(document, Refusal):
                refused.append(positions.placed(document))
            elif isinstance(document, PlainDocument):
                plain.append((positions.next(), document))
            else:
                _add(positions.next(), document, as_json(document), rows, refused)
        columns = litellm_quick.usage_columns([document.value for _, document in plain])
        for place in columns.odd.arg_true():
            position, document = plain[place]
            record = document_of(document.raw)
            if isinstance(record, Refusal):
                refused.append(replace(record, row_number=position))
            else:
                _add(position, record, document.raw.decode(), rows, refused)
        quick = columns.frame([position for position, _ in plain], [document.raw for _, document in plain])
        portion = foreign.text_portion("usage", rows, refused)
        yield replace(portion, rows=ordered("usage", quick, portion.rows))


def _add(position: int, record: Mapping[str, Any], raw: str, rows: list[Record], refused: list[Refusal]) -> None:
    try:
        rows.append((position, litellm.usage_values(record, record_id="id", cost="response_cost"), raw))
    except WrongValueError as wrong:
        refused.append(wrong.refusal(position, raw))


def write(operations: Sequence[Operation]) -> bytes:
    """Operations as LiteLLM's proxy logs them, what was said included."""
    encoder = msgspec.json.Encoder()
    return b"".join(encoder.encode(_payload(call)) + b"\n" for call in operations)


_CALL_TYPES: Final = {"embeddings": "aembedding", "generate_content": "agenerate_content"}
_USD_PER_TOKEN: Final = (2.5e-07, 2e-06)
_SAID: Final = "Please tell me about two-bedroom flats in Dubai Marina with a view of the water. " * 6


def _payload(call: Operation) -> dict[str, Any]:
    start, end = call.at.timestamp(), call.ended_at.timestamp()
    inputs, outputs = call.input_tokens or 0, call.output_tokens or 0
    made_up = inputs * _USD_PER_TOKEN[0] + outputs * _USD_PER_TOKEN[1]
    cost = 0.0 if call.error_type else made_up if call.cost_usd is None else call.cost_usd
    usage = {
        "prompt_tokens": inputs,
        "completion_tokens": outputs,
        "total_tokens": inputs + outputs,
        "prompt_tokens_details": {"cached_tokens": call.cache_read_tokens, "audio_tokens": None},
        "completion_tokens_details": None,
    }
    provider = next((theirs for theirs, ours in litellm.PROVIDERS.items() if ours == call.provider_name), None)
    return {
        "id": f"chatcmpl-{call.operation_id}",
        "trace_id": call.trace_id,
        "call_type": _CALL_TYPES.get(call.operation_name, "acompletion"),
        "cache_hit": None,
        "stream": True,
        "status": "failure" if call.error_type else "success",
        "custom_llm_provider": provider or call.provider_name,
        "saved_cache_cost": 0.0,
        "startTime": start,
        "endTime": end,
        "completionStartTime": start + call.first_chunk_ms / 1000,
        "response_time": end - start,
        "model": call.llm,
        "metadata": {
            "user_api_key_hash": "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b",
            "user_api_key_alias": call.assistant_id,
            "user_api_key_team_id": None,
            "user_api_key_team_alias": "fleet",
            "spend_logs_metadata": {"conversation_id": call.conversation_id},
            "requester_ip_address": None,
            "user_api_key_end_user_id": None,
            "usage_object": usage,
        },
        "cache_key": None,
        "response_cost": round(cost, 12),
        "total_tokens": inputs + outputs,
        "prompt_tokens": inputs,
        "completion_tokens": outputs,
        "request_tags": ["fleet"],
        "end_user": "",
        "api_base": "",
        "model_group": call.llm,
        "model_id": "",
        "requester_ip_address": None,
        "messages": [{"role": "user", "content": _SAID}],
        "response": None
        if call.error_type
        else {
            "id": f"chatcmpl-{call.operation_id}",
            "created": int(start),
            "model": call.llm,
            "object": "chat.completion",
            "choices": [{"finish_reason": "stop", "index": 0, "message": {"role": "assistant", "content": _SAID * 2}}],
            "usage": usage,
        },
        "model_parameters": {"temperature": 0.2, "stream": True},
        "hidden_params": {"model_id": None, "api_base": None, "response_cost": cost, "litellm_model_name": call.llm},
        "model_map_information": {
            "model_map_key": call.llm,
            "model_map_value": {
                "key": call.llm,
                "max_tokens": 16384,
                "input_cost_per_token": _USD_PER_TOKEN[0],
                "output_cost_per_token": _USD_PER_TOKEN[1],
                "litellm_provider": provider or call.provider_name,
                "mode": "chat",
            },
        },
        "error_str": call.error_type,
        "error_information": {"error_code": "", "error_class": call.error_type or "", "llm_provider": ""},
        "response_cost_failure_debug_info": None,
        "guardrail_information": None,
    }


def sample(*, contract: str, row_count: int, seed: int) -> bytes:  # noqa: ARG001 - one signature for all formats
    """Calls of one to four a conversation."""
    return write(sample_operations(row_count, seed=seed))
