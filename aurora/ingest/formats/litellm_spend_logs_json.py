"""LiteLLM's spend table as JSON: rows of `LiteLLM_SpendLogs`, one a line or in an array, as `/spend/logs` gives them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from aurora.ingest import litellm
from aurora.ingest.documents import Positions, as_json, document_portions
from aurora.ingest.foreign import Record, WrongValueError
from aurora.ingest.portions import Portion, Refusal, SourceFile
from aurora.ingest.sample_operations import Operation, sample_operations

CONTRACTS: Final = ("usage",)
COLUMNS: Final = ("request_id", "call_type", "spend", "startTime")
"""What tells a row of the table."""


def matches(head: bytes, file_name: str) -> bool:  # noqa: ARG001 - one signature for all formats
    """JSON that names the table's own columns."""
    return head.lstrip()[:1] in (b"{", b"[") and all(b'"%s"' % name.encode() in head for name in COLUMNS)


def _is_document(value: Mapping[str, Any]) -> bool:
    return "request_id" in value and "spend" in value


def read(file: SourceFile) -> Iterator[Portion]:
    """One usage row a row of the table."""
    return document_portions(file, "usage", is_document=_is_document, add=_read)


def _read(document: dict[str, Any], positions: Positions, rows: list[Record], refused: list[Refusal]) -> None:
    add(positions.next(), document, as_json(document), rows, refused)


def add(position: int, record: Mapping[str, Any], raw: str, rows: list[Record], refused: list[Refusal]) -> None:
    """One row of the table: a usage row, or a refusal."""
    first = record.get("completionStartTime")
    streamed = {**record, "stream": bool(first) and first != record.get("endTime")}
    try:
        rows.append((position, litellm.usage_values(streamed, record_id="request_id", cost="spend"), raw))
    except WrongValueError as wrong:
        refused.append(wrong.refusal(position, raw))


def write(operations: Sequence[Operation]) -> bytes:
    """Operations as rows of the table, one a line."""
    encoder = msgspec.json.Encoder()
    return b"".join(encoder.encode(spend_row(call)) + b"\n" for call in operations)


def spend_row(call: Operation) -> dict[str, Any]:
    """An operation as a row of the table."""
    inputs, outputs = call.input_tokens or 0, call.output_tokens or 0
    provider = next((theirs for theirs, ours in litellm.PROVIDERS.items() if ours == call.provider_name), None)
    about = {
        "user_api_key_alias": call.assistant_id,
        "usage_object": {"prompt_tokens_details": {"cached_tokens": call.cache_read_tokens}},
        "error_information": {"error_class": call.error_type} if call.error_type else None,
    }
    return {
        "request_id": f"chatcmpl-{call.operation_id}",
        "call_type": {"embeddings": "aembedding", "generate_content": "agenerate_content"}.get(
            call.operation_name, "acompletion"
        ),
        "api_key": "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b",
        "spend": _spend(call, inputs, outputs),
        "total_tokens": inputs + outputs,
        "prompt_tokens": inputs,
        "completion_tokens": outputs,
        "startTime": _written(call, 0),
        "endTime": _written(call, call.duration_ms),
        "completionStartTime": _written(call, call.first_chunk_ms),
        "model": call.llm,
        "model_id": "",
        "model_group": call.llm,
        "custom_llm_provider": provider or call.provider_name,
        "api_base": "",
        "user": "",
        "metadata": msgspec.json.encode(about).decode(),
        "cache_hit": "None",
        "cache_key": "Cache OFF",
        "request_tags": "[]",
        "team_id": "fleet",
        "end_user": "",
        "session_id": call.conversation_id,
        "status": "failure" if call.error_type else "success",
    }


def _spend(call: Operation, inputs: int, outputs: int) -> float:
    if call.error_type:
        return 0.0
    return round(inputs * 2.5e-07 + outputs * 2e-06, 12) if call.cost_usd is None else call.cost_usd


def _written(call: Operation, plus_ms: int) -> str:
    at = call.at.timestamp() + plus_ms / 1000
    return f"{litellm.instant(at, 'occurred_at'):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


def sample(*, contract: str, row_count: int, seed: int) -> bytes:  # noqa: ARG001 - one signature for all formats
    """Calls of one to four a conversation."""
    return write(sample_operations(row_count, seed=seed))
