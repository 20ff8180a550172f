"""Tables of the twin in the formats of gateways, tracers and recorders.

Rows of usage become operations and go through the formats' own writers. These are small parts of a history; the
bulk goes as Parquet.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import polars as pl

from aurora.ingest.formats import (
    azure_llm_csv,
    langfuse_csv,
    langfuse_json,
    litellm_spend_logs_csv,
    litellm_spend_logs_json,
    litellm_standard_logging_jsonl,
    otlp_json,
    otlp_protobuf,
    provider_responses_jsonl,
)
from aurora.ingest.sample_operations import Operation

_PROJECT: Final = "twin-simulated"


def _operations(rows: pl.DataFrame) -> list[Operation]:
    names = (
        "span_id", "trace_id", "conversation_id", "assistant_id", "occurred_at", "operation_name", "provider_name",
        "request_model", "input_tokens", "output_tokens", "cache_read_input_tokens", "duration_ms",
        "time_to_first_chunk_ms", "error_type", "cost_usd",
    )  # fmt: skip
    return [
        Operation(
            operation_id=span,
            trace_id=trace,
            conversation_id=talk or trace,
            assistant_id=assistant,
            at=at,
            operation_name=operation,
            provider_name=provider,
            llm=llm,
            input_tokens=inputs,
            output_tokens=outputs,
            cache_read_tokens=read or 0,
            duration_ms=duration,
            first_chunk_ms=first or max(1, duration // 3),
            error_type=error,
            cost_usd=None if cost is None else float(cost),
        )
        for (
            span, trace, talk, assistant, at, operation, provider, llm, inputs, outputs, read, duration, first, error, cost,
        ) in rows.select(names).iter_rows()
    ]  # fmt: skip


def _json_lines(documents: Iterator[dict[str, Any]]) -> bytes:
    encoder = msgspec.json.Encoder()
    return b"".join(encoder.encode(one) + b"\n" for one in documents)


# usage ----------------------------------------------------------------------------------------


def litellm_log(rows: pl.DataFrame) -> bytes:
    """LiteLLM's standard logging payloads."""
    return litellm_standard_logging_jsonl.write(_operations(rows))


def litellm_spend(rows: pl.DataFrame) -> bytes:
    """LiteLLM's spend table as its API gives it."""
    return litellm_spend_logs_json.write(_operations(rows))


def litellm_dump(rows: pl.DataFrame) -> bytes:
    """LiteLLM's spend table as a dump."""
    return litellm_spend_logs_csv.write(_operations(rows))


def langfuse_traces(rows: pl.DataFrame) -> bytes:
    """Langfuse's traces, each with its observations."""
    return langfuse_json.write(_operations(rows))


def langfuse_observations(rows: pl.DataFrame) -> bytes:
    """Langfuse's observations, one a line."""
    return _json_lines(langfuse_json.observation(call, call.trace_id) for call in _operations(rows))


def langfuse_observations_v2(rows: pl.DataFrame) -> bytes:
    """Langfuse's enriched observations (`observations_v2/` of the blob export)."""
    return _json_lines(_enriched(call) for call in _operations(rows))


def _enriched(call: Operation) -> dict[str, Any]:
    whole = langfuse_json.observation(call, call.trace_id)
    return {
        "id": whole["id"],
        "trace_id": whole["traceId"],
        "project_id": _PROJECT,
        "type": whole["type"],
        "parent_observation_id": None,
        "start_time": whole["startTime"],
        "end_time": whole["endTime"],
        "level": whole["level"],
        "status_message": whole["statusMessage"],
        "provided_model_name": whole["model"],
        "usage_details": {name: count for name, count in whole["usageDetails"].items() if count is not None},
        "metadata": whole["metadata"],
        "time_to_first_token": whole["timeToFirstToken"],
        "session_id": call.conversation_id,
    }


def langfuse_table(rows: pl.DataFrame) -> bytes:
    """Langfuse's observations as CSV."""
    return langfuse_csv.write(_operations(rows))


def otlp_lines(rows: pl.DataFrame) -> bytes:
    """OTLP/JSON."""
    return otlp_json.write(_operations(rows))


def otlp_protobuf_bytes(rows: pl.DataFrame) -> bytes:
    """OTLP in protobuf."""
    return otlp_protobuf.write(_operations(rows))


def responses(rows: pl.DataFrame) -> bytes:
    """Recorded answers of providers."""
    return provider_responses_jsonl.write(_operations(rows))


def azure_requests(rows: pl.DataFrame) -> bytes:
    """Azure's bare request log: when, and how many tokens."""
    return azure_llm_csv.write(_operations(rows))


# judgements -----------------------------------------------------------------------------------


def langfuse_scores(rows: pl.DataFrame) -> bytes:
    """Langfuse's scores, one a line."""
    return _json_lines(_scores(rows))


def langfuse_score_table(rows: pl.DataFrame) -> bytes:
    """Langfuse's scores as CSV."""
    found = list(_scores(rows))
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(found[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(found)
    return out.getvalue().encode()


_SOURCES: Final = {"human": "ANNOTATION", "llm": "EVAL", "code": "API"}


def _scores(rows: pl.DataFrame) -> Iterator[dict[str, Any]]:
    for row in rows.iter_rows(named=True):
        at = f"{row['occurred_at']:%Y-%m-%d %H:%M:%S.%f}"
        yield {
            "id": row["evaluation_id"],
            "timestamp": at,
            "project_id": _PROJECT,
            "environment": "default",
            "trace_id": row["trace_id"],
            "observation_id": None,
            "session_id": None,
            "name": row["evaluation_name"],
            "value": row["score_value"],
            "source": _SOURCES[row["evaluator_kind"]],
            "comment": None,
            "data_type": "NUMERIC",
            "string_value": None,
            "created_at": at,
            "updated_at": at,
        }
