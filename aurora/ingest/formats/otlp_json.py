"""OTLP/JSON: ExportTraceServiceRequests, one a file, an array of them, or one a line.

What becomes a row, and why, is `aurora.ingest.otlp`'s; plain requests go through `aurora.ingest.otlp_quick`, which
gives the same rows for a tenth of the work.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import msgspec

from aurora.ingest import foreign
from aurora.ingest.documents import PlainDocument, Positions, read_quickly
from aurora.ingest.otlp import EVALUATION, SpanRows
from aurora.ingest.otlp_quick import REQUESTS, QuickSpans
from aurora.ingest.portions import Portion, Refusal, SourceFile
from aurora.ingest.quick_columns import ordered
from aurora.ingest.sample_operations import Operation, conversations, sample_operations

CONTRACTS: Final = ("usage", "evaluation")


def matches(head: bytes, file_name: str) -> bool:  # noqa: ARG001 - one signature for all formats
    """JSON that begins with resource spans."""
    return head.lstrip()[:1] in (b"{", b"[") and (b'"resourceSpans"' in head or b'"resource_spans"' in head)


def _is_document(value: Mapping[str, Any]) -> bool:
    return "resourceSpans" in value or "resource_spans" in value


def read(file: SourceFile) -> Iterator[Portion]:
    """One usage row a GenAI span, one evaluation row an evaluation event."""
    spans, judgements = Positions(), Positions()
    for documents in read_quickly(file, is_document=_is_document, quick=REQUESTS):
        found = SpanRows(spans, judgements)
        quick = QuickSpans(found)
        for document in documents:
            if isinstance(document, PlainDocument):
                quick.add(document.value, document.raw)
            elif isinstance(document, Refusal):
                found.refused.append(spans.placed(document))
            else:
                found.add(document)
        plain = quick.rows()
        portion = foreign.text_portion("usage", found.usage, found.refused)
        yield replace(portion, rows=ordered("usage", plain, portion.rows))
        if found.evaluations or found.refused_evaluations:
            yield foreign.text_portion("evaluation", found.evaluations, found.refused_evaluations)


def write(operations: Sequence[Operation]) -> bytes:
    """Operations as requests, one a line: the spans of a trace together, below the HTTP call that asked for them."""
    encoder = msgspec.json.Encoder()
    return b"".join(encoder.encode(request) + b"\n" for request in requests(operations))


def requests(operations: Sequence[Operation]) -> Iterator[dict[str, Any]]:
    """Operations as requests, one a trace."""
    return (_export(trace_id, calls) for trace_id, calls in conversations(operations))


def _export(trace_id: str, calls: Sequence[Operation]) -> dict[str, Any]:
    root_id = f"{int(calls[0].operation_id, 16) ^ 1 or 2:016x}"
    root = {
        "traceId": trace_id,
        "spanId": root_id,
        "name": "POST /conversations",
        "startTimeUnixNano": _unix_nano(calls[0], 0),
        "endTimeUnixNano": _unix_nano(calls[-1], calls[-1].duration_ms),
        "attributes": [_attribute("http.request.method", "POST")],
    }
    spans = [root, *(_span(call, trace_id, root_id) for call in calls)]
    resource = {"attributes": [_attribute("service.name", calls[0].assistant_id)]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "fleet"}, "spans": spans}]}]}


def _span(call: Operation, trace_id: str, parent_id: str) -> dict[str, Any]:
    attributes = {
        "gen_ai.operation.name": call.operation_name,
        "gen_ai.provider.name": call.provider_name,
        "gen_ai.request.model": call.llm,
        "gen_ai.agent.id": call.assistant_id,
        "gen_ai.conversation.id": call.conversation_id,
        "gen_ai.usage.input_tokens": call.input_tokens,
        "gen_ai.usage.output_tokens": call.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": call.cache_read_tokens or None,
        "gen_ai.response.time_to_first_chunk": call.first_chunk_ms / 1000,
        "error.type": call.error_type,
    }
    return {
        "traceId": trace_id,
        "spanId": call.operation_id,
        "parentSpanId": parent_id,
        "name": f"{call.operation_name} {call.llm}",
        "kind": 3,
        "startTimeUnixNano": _unix_nano(call, 0),
        "endTimeUnixNano": _unix_nano(call, call.duration_ms),
        "attributes": [_attribute(key, value) for key, value in attributes.items() if value is not None],
        "status": {"code": 2} if call.error_type else {},
    }


def _unix_nano(call: Operation, plus_ms: int) -> str:
    return str((int(call.at.timestamp() * 1000) + plus_ms) * 10**6)


def _attribute(key: str, value: str | float) -> dict[str, Any]:
    if isinstance(value, int):
        return {"key": key, "value": {"intValue": str(value)}}
    return {"key": key, "value": {"doubleValue" if isinstance(value, float) else "stringValue": value}}


def sample(*, contract: str, row_count: int, seed: int) -> bytes:
    """Requests of one to four GenAI spans each; for evaluations each span is judged once."""
    encoder = msgspec.json.Encoder()
    return b"".join(encoder.encode(request) + b"\n" for request in sample_requests(contract, row_count, seed=seed))


def sample_requests(contract: str, row_count: int, *, seed: int) -> Iterator[dict[str, Any]]:
    """Requests whose spans give `row_count` rows of the contract."""
    draw = random.Random(seed)
    for request in requests(sample_operations(row_count, seed=seed)):
        if contract == "evaluation":
            spans = request["resourceSpans"][0]["scopeSpans"][0]["spans"]
            for span in spans[1:]:
                span["events"] = [_judgement(span, draw)]
        yield request


def _judgement(span: Mapping[str, Any], draw: random.Random) -> dict[str, Any]:
    score = round(draw.random(), 3)
    attributes: dict[str, str | float] = {
        "gen_ai.evaluation.name": "relevance",
        "gen_ai.evaluation.score.value": score,
        "gen_ai.evaluation.score.label": "pass" if score >= 0.5 else "fail",
        "gen_ai.evaluation.explanation": "made up",
    }
    return {
        "name": EVALUATION,
        "timeUnixNano": span["endTimeUnixNano"],
        "attributes": [_attribute(key, value) for key, value in attributes.items()],
    }
