"""Langfuse exports in JSON: a trace with its observations, an array of them, observations or traces one a line.

What becomes a row, and why, is `aurora.ingest.langfuse`'s.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import msgspec

from aurora.ingest import foreign, langfuse
from aurora.ingest.documents import PlainDocument, Positions, document_of, read_quickly, unknown_shape
from aurora.ingest.langfuse import ObservationRows
from aurora.ingest.langfuse_quick import QuickObservations
from aurora.ingest.langfuse_structs import DOCUMENTS
from aurora.ingest.portions import Portion, Refusal, SourceFile
from aurora.ingest.quick_columns import ordered
from aurora.ingest.sample_operations import Operation, conversations, sample_operations

CONTRACTS: Final = ("usage", "conversation")
_MARKS: Final = (b'"observations"', b'"sessionId"', b'"traceId"', b'"trace_id"')
_OTHERS: Final = (b'"resourceSpans"', b'"call_type"')
"""OpenTelemetry's and LiteLLM's records may name a trace id and a start, too."""
_OWN_MARKS: Final = (
    b'"parentObservationId"',
    b'"parent_observation_id"',
    b'"startTime"',
    b'"start_time"',
    b'"projectId"',
)
_SCORE: Final = (b'"dataType"', b'"data_type"')
_NO_SCORE: Final = (b'"observations"', b'"startTime"', b'"start_time"')
"""A score has a data type, and no observations and no start."""


_KINDS: Final = {operation: kind for kind, operation in langfuse.OPERATIONS.items()}


def matches(head: bytes, file_name: str) -> bool:  # noqa: ARG001 - one signature for all formats
    """JSON that begins with a trace, or names observations, a session or a trace id beside Langfuse's own keys."""
    start = head.lstrip()
    if not start.startswith((b"{", b"[")) or any(mark in head for mark in _OTHERS):
        return False
    return (
        start.lstrip(b"[{ \r\n\t").startswith(b'"trace"')
        or (any(mark in head for mark in _MARKS) and any(mark in head for mark in _OWN_MARKS))
        or (b'"bookmarked"' in head and b'"timestamp"' in head)
    )


def _is_document(value: Mapping[str, Any]) -> bool:
    plain = {langfuse.camel(name): part for name, part in value.items()}
    return (
        "observations" in plain
        or {"trace", "id"} <= plain.keys()
        or {"type", "traceId"} <= plain.keys()
        or langfuse.is_trace(plain)
    )


def read(file: SourceFile) -> Iterator[Portion]:
    """Usage rows of the observations, and a conversation row for each trace without a session."""
    observations, traces = Positions(), Positions()
    for documents in read_quickly(file, is_document=_is_document, quick=DOCUMENTS):
        found = ObservationRows(observations, traces)
        quick = QuickObservations(found)
        for document in documents:
            if isinstance(document, Refusal):
                found.refused.append(observations.placed(document))
            elif not isinstance(document, PlainDocument):
                found.add(document)
            elif not quick.add(document.value, document.raw):
                _add_with_care(document.raw, found)
        plain, talks = quick.rows()
        found.settle()
        usage = foreign.text_portion("usage", found.usage, found.refused)
        yield replace(usage, rows=ordered("usage", plain, usage.rows))
        if found.talks or found.refused_talks or talks.height:
            conversation = foreign.text_portion("conversation", found.talks, found.refused_talks)
            yield replace(conversation, rows=ordered("conversation", talks, conversation.rows))


def _add_with_care(raw: bytes, found: ObservationRows) -> None:
    document = document_of(raw)
    if isinstance(document, Refusal):
        found.refused.append(found.observations.placed(document))
    elif _is_document(document):
        found.add(document, raw.decode())
    else:
        found.refused.append(unknown_shape(document, found.observations.next()))


def write(operations: Sequence[Operation]) -> bytes:
    """Operations as traces, one a line: the ones of a conversation together."""
    encoder = msgspec.json.Encoder()
    return b"".join(encoder.encode(_trace(trace_id, calls)) + b"\n" for trace_id, calls in conversations(operations))


def _trace(trace_id: str, calls: Sequence[Operation]) -> dict[str, Any]:
    about = {"id": trace_id, "name": calls[0].assistant_id, "timestamp": written(calls[0].at), "projectId": "fleet"}
    return {"trace": about, "observations": [observation(call, trace_id) for call in calls]}


def observation(call: Operation, trace_id: str) -> dict[str, Any]:
    """An operation as an observation."""
    return {
        "id": call.operation_id,
        "traceId": trace_id,
        "type": _KINDS.get(call.operation_name, "GENERATION"),
        "startTime": written(call.at),
        "endTime": written(call.ended_at),
        "model": call.llm,
        "usageDetails": {"input": call.input_tokens, "output": call.output_tokens},
        "metadata": {"attributes": {"gen_ai.provider.name": call.provider_name, "gen_ai.agent.id": call.assistant_id}},
        "level": "ERROR" if call.error_type else "DEFAULT",
        "statusMessage": call.error_type,
        "timeToFirstToken": call.first_chunk_ms / 1000,
    }


def written(at: dt.datetime) -> str:
    """A time as Langfuse's blob exports write it."""
    return f"{at:%Y-%m-%d %H:%M:%S.%f}"


def sample(*, contract: str, row_count: int, seed: int) -> bytes:
    """Traces without a session: one an operation where conversations are asked for."""
    return write(sample_operations(row_count, seed=seed, is_alone=contract == "conversation"))
