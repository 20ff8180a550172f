"""Langfuse exports: traces with their observations, as one document, as an array, or one a line.

Shapes read: `{"trace": {...}, "observations": [...]}` (the page's download), a trace that holds its
`observations` (API), and single observations a line (blob storage, also in snake case). A file that holds
both a trace and its observations counts an observation once; `trace.observations` beside
`observations` is the same list and is left alone.

What becomes a usage row: an observation that is an AI operation by its type (`_OPERATIONS`), and one of
another type (SPAN, CHAIN, EVENT ...) that names a language model and tokens. Other spans are steps of the
program around them, no rows of this contract, and are not counted; what is no observation at all is
refused. Tokens of an observation that encloses another one with tokens are the inner one's: it stays as
an operation without tokens, so that nothing is paid for twice.

A trace without a session is a conversation of its own and becomes a `conversation` row. Sessions span
traces and files, so no single trace knows where they begin or end: theirs are read off the usage rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from aurora.ingest import foreign
from aurora.ingest.documents import Positions, as_json, read_documents, unknown_shape
from aurora.ingest.foreign import Record, Values, WrongValueError
from aurora.ingest.portions import Portion, Refusal, SourceFile
from aurora.ingest.sample_operations import Operation, conversations, sample_operations

CONTRACTS: Final = ("usage", "conversation")
_OPERATIONS: Final = {
    "GENERATION": "chat",
    "EMBEDDING": "embeddings",
    "TOOL": "execute_tool",
    "AGENT": "invoke_agent",
    "RETRIEVER": "retrieval",
    "GUARDRAIL": "moderation",
}
_STEPS: Final = frozenset({"SPAN", "CHAIN", "EVENT", "EVALUATOR"})
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

_INPUT: Final = ("input", "input_tokens", "promptTokens", "prompt_tokens")
_OUTPUT: Final = ("output", "output_tokens", "completionTokens", "completion_tokens")
_READ_INSIDE: Final = ("prompt_details.cache_read", "prompt_tokens_details.cached_tokens")
_READ_BESIDE: Final = ("input_cache_read", "input_cached_tokens", "cache_read_input_tokens")
_WRITE_BESIDE: Final = ("input_cache_creation", "cache_creation_input_tokens")
_REASON_INSIDE: Final = ("completion_details.reasoning", "completion_tokens_details.reasoning_tokens")
_REASON_BESIDE: Final = ("output_reasoning", "output_reasoning_tokens")
_LISTED_PROVIDER: Final = {"google_vertexai": "gcp.vertex_ai", "google_genai": "gcp.gemini", "google": "gcp.gen_ai"}


def matches(head: bytes, file_name: str) -> bool:  # noqa: ARG001 - one signature for all formats
    """JSON that begins with a trace, or names observations, a session or a trace id beside Langfuse's own keys."""
    start = head.lstrip()
    if not start.startswith((b"{", b"[")) or any(mark in head for mark in _OTHERS):
        return False
    return start.lstrip(b"[{ \r\n\t").startswith(b'"trace"') or (
        any(mark in head for mark in _MARKS) and any(mark in head for mark in _OWN_MARKS)
    )


def _is_document(value: Mapping[str, Any]) -> bool:
    names = {_camel(name) for name in value}
    return "observations" in names or {"trace", "id"} <= names or {"type", "traceId"} <= names


def read(file: SourceFile) -> Iterator[Portion]:
    """Usage rows of the observations, and a conversation row for each trace without a session."""
    positions, traces = Positions(), Positions()
    for documents in read_documents(file, is_document=_is_document):
        usage, talks = _Rows(), _Rows()
        for document in documents:
            if isinstance(document, Refusal):
                usage.refused.append(positions.placed(document))
            else:
                _read_document(document, positions, traces, usage, talks)
        yield foreign.text_portion("usage", usage.rows, usage.refused)
        if talks.rows or talks.refused:
            yield foreign.text_portion("conversation", talks.rows, talks.refused)


class _Rows:
    """What was read of some documents for one contract."""

    __slots__ = ("refused", "rows")

    def __init__(self) -> None:
        self.rows: list[Record] = []
        self.refused: list[Refusal] = []


def _read_document(
    document: Mapping[str, Any], positions: Positions, traces: Positions, usage: _Rows, talks: _Rows
) -> None:
    if "observations" not in document:
        _read_observations([document], {}, positions, usage)
        return
    about = document.get("trace", {key: value for key, value in document.items() if key != "observations"})
    members = document["observations"]
    if not isinstance(about, dict) or not isinstance(members, list):
        usage.refused.append(unknown_shape(document, positions.next()))
        return
    trace = {_camel(key): value for key, value in about.items()}
    starts = _read_observations(members, trace, positions, usage)
    if trace.get("id") and not trace.get("sessionId"):
        _read_trace(trace, starts, traces.next(), talks)


def _read_observations(
    members: Sequence[Any], trace: Mapping[str, Any], positions: Positions, usage: _Rows
) -> list[dt.datetime]:
    """Adds the members' rows and refusals; returns when they began and ended."""
    read: list[tuple[int, str, str | None, str | None, Values]] = []
    times: list[dt.datetime] = []
    for member in members:
        if not isinstance(member, dict):
            usage.refused.append(unknown_shape(member, positions.next()))
            continue
        seen = {_camel(key): value for key, value in member.items()}
        times += [at for at in (foreign.moment(seen.get("startTime")), foreign.moment(seen.get("endTime"))) if at]
        position = positions.next()
        try:
            values = _operation(seen, trace)
            if values:
                parent = foreign.text(seen.get("parentObservationId"), "parent id")
                read.append((position, as_json(member), values["source_record_id"], parent, values))
        except WrongValueError as wrong:
            usage.refused.append(wrong.refusal(position, as_json(member)))
    outer = foreign.enclosing([(own, parent, values) for _, _, own, parent, values in read])
    usage.rows += [
        (position, foreign.without_tokens(values) if own in outer else values, raw)
        for position, raw, own, _, values in read
    ]
    return times


def _operation(seen: Mapping[str, Any], trace: Mapping[str, Any]) -> Values | None:
    """The observation as a usage row; None for a step that is no AI operation."""
    kind = str(foreign.text(seen.get("type"), "type") or "").upper()
    llm = foreign.text(foreign.first(seen, ("model", "providedModelName")), "request_model")
    tokens = _tokens(seen)
    named = _named(seen.get("metadata"))
    operation = _OPERATIONS.get(kind)
    if operation is None and kind not in _STEPS:
        raise WrongValueError("operation_name", kind, f"one of {', '.join([*_OPERATIONS, *sorted(_STEPS)])}")
    if operation is None and not (llm and any(tokens.values())):
        return None
    own = foreign.text(seen.get("id"), "source_record_id")
    if own is None:
        raise WrongValueError("source_record_id", None, "the observation's id")
    trace_id = foreign.text(foreign.first(seen, ("traceId",)) or trace.get("id"), "trace_id")
    session = foreign.text(foreign.first(trace, ("sessionId",)) or seen.get("sessionId"), "conversation_id")
    start, end = foreign.moment(seen.get("startTime")), foreign.moment(seen.get("endTime"))
    is_error = foreign.text(seen.get("level"), "is_error") == "ERROR"
    cost = _cost(seen)
    return {
        "source_record_id": own,
        "occurred_at": foreign.text(seen.get("startTime"), "occurred_at"),
        "operation_name": operation or "chat",
        "provider_name": named.get("provider_name"),
        "request_model": None if llm == "unknown" else llm and llm.rsplit("/models/", 1)[-1],
        "assistant_id": named.get("assistant_id"),
        "conversation_id": session or trace_id,
        "trace_id": trace_id,
        "user_id": foreign.text(foreign.first(trace, ("userId",)) or seen.get("userId"), "user_id"),
        **{name: foreign.count_text(value) for name, value in tokens.items()},
        "duration_ms": foreign.milliseconds(start, end),
        "time_to_first_chunk_ms": _first_chunk(seen, start),
        "is_error": "true" if is_error else "false",
        "error_type": (foreign.text(seen.get("statusMessage"), "error_type") or "error")[:200] if is_error else None,
        "reported_cost_usd": foreign.money(cost, "reported_cost_usd"),
    }


def _tokens(seen: Mapping[str, Any]) -> dict[str, int | None]:
    """Counts under old and new names. Details may be part of input and output or stand beside them.

    `total` tells which where it is there; else the name does: `input_...` and `output_...` stand beside.
    """
    plain = _counts(seen)

    def one(names: Sequence[str], column: str) -> int | None:
        return foreign.count(foreign.first(plain, names), column)

    inputs, outputs = one(_INPUT, "input_tokens"), one(_OUTPUT, "output_tokens")
    read, write = one(_READ_BESIDE, "cache_read_input_tokens"), one(_WRITE_BESIDE, "cache_creation_input_tokens")
    reasoning = one(_REASON_BESIDE, "reasoning_output_tokens")
    whole = one(("total", "totalTokens", "total_tokens"), "total_tokens")
    if not any((inputs, outputs, whole)):  # zeros are written where nothing is known
        inputs = outputs = None
    elif whole is None or whole != foreign.total(inputs, outputs):
        inputs = inputs if inputs is None else foreign.total(inputs, read, write)
        outputs = outputs if outputs is None else foreign.total(outputs, reasoning)
    return {
        "input_tokens": inputs,
        "output_tokens": outputs,
        "cache_read_input_tokens": read if read is not None else one(_READ_INSIDE, "cache_read_input_tokens"),
        "cache_creation_input_tokens": write,
        "reasoning_output_tokens": reasoning
        if reasoning is not None
        else one(_REASON_INSIDE, "reasoning_output_tokens"),
    }


def _counts(seen: Mapping[str, Any]) -> Mapping[str, Any]:
    """The observation's counts by name, wherever its version keeps them; none where they count no tokens."""
    for name in ("usageDetails", "usage"):
        block = foreign.flat(foreign.mapping(seen.get(name), name))
        if block:
            return block if str(block.get("unit", "TOKENS")).upper() == "TOKENS" else {}
    # beside these, `input` and `output` are what was said
    return {name: seen[name] for name in ("promptTokens", "completionTokens", "totalTokens") if name in seen}


def _cost(seen: Mapping[str, Any]) -> Any:
    """The exporter's total; 0 is what it writes where it knows no price."""
    details = foreign.mapping(seen.get("costDetails"), "reported_cost_usd")
    amount = foreign.first({**seen, "total": details.get("total")}, ("total", "calculatedTotalCost", "totalCost"))
    return amount or None


def _first_chunk(seen: Mapping[str, Any], start: dt.datetime | None) -> str | None:
    """From the time of the first token; `timeToFirstToken` is in seconds."""
    began = foreign.moment(seen.get("completionStartTime"))
    if began:
        return foreign.milliseconds(start, began)
    seconds = seen.get("timeToFirstToken")
    if isinstance(seconds, int | float) and not isinstance(seconds, bool):
        return foreign.number_text(float(round(seconds * 1000)) if abs(seconds) < 2.0**52 else float(seconds))
    return foreign.text(seconds, "time_to_first_chunk_ms")


def _named(metadata: Any) -> dict[str, str | None]:
    """Provider and agent, as instrumentations leave them in the observation's metadata."""
    known = _object(metadata)
    attributes = _object(known.get("attributes"))
    provider = foreign.first(attributes, ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"))
    provider = provider or known.get("ls_provider")
    agent = foreign.first(attributes, ("gen_ai.agent.id", "gen_ai.agent.name"))
    name = provider.lower() if isinstance(provider, str) else None
    return {
        "provider_name": _LISTED_PROVIDER.get(name, name) if name else None,
        "assistant_id": agent if isinstance(agent, str) else None,
    }


def _object(value: Any) -> Mapping[str, Any]:
    """Metadata is free: an object, an object as text, or anything else, which says nothing here."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def _read_trace(trace: Mapping[str, Any], times: Sequence[dt.datetime], position: int, talks: _Rows) -> None:
    try:
        started = foreign.text(trace.get("timestamp"), "started_at")
        values: Values = {
            "conversation_id": foreign.text(trace.get("id"), "conversation_id"),
            "user_id": foreign.text(trace.get("userId"), "user_id"),
            "started_at": started or (min(times).isoformat() if times else None),
            "ended_at": max(times).isoformat() if times else None,
        }
        talks.rows.append((position, values, as_json({**trace, "observations": len(times)})))
    except WrongValueError as wrong:
        talks.refused.append(wrong.refusal(position, as_json(trace)))


def _camel(name: str) -> str:
    """Blob exports write `start_time` where the API writes `startTime`."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest) if head else name


def write(operations: Sequence[Operation]) -> bytes:
    """Operations as traces, one a line: the ones of a conversation together."""
    encoder = msgspec.json.Encoder()
    return b"".join(encoder.encode(_trace(trace_id, calls)) + b"\n" for trace_id, calls in conversations(operations))


def _trace(trace_id: str, calls: Sequence[Operation]) -> dict[str, Any]:
    about = {"id": trace_id, "name": calls[0].assistant_id, "timestamp": _written(calls[0].at), "projectId": "fleet"}
    kinds = {operation: kind for kind, operation in _OPERATIONS.items()}
    return {
        "trace": about,
        "observations": [
            {
                "id": call.operation_id,
                "traceId": trace_id,
                "type": kinds.get(call.operation_name, "GENERATION"),
                "startTime": _written(call.at),
                "endTime": _written(call.ended_at),
                "model": call.llm,
                "usageDetails": {"input": call.input_tokens, "output": call.output_tokens},
                "metadata": {
                    "attributes": {"gen_ai.provider.name": call.provider_name, "gen_ai.agent.id": call.assistant_id}
                },
                "level": "ERROR" if call.error_type else "DEFAULT",
                "statusMessage": call.error_type,
                "timeToFirstToken": call.first_chunk_ms / 1000,
            }
            for call in calls
        ],
    }


def _written(at: dt.datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S.%f}"


def sample(*, contract: str, row_count: int, seed: int) -> bytes:
    """Traces without a session: one an operation where conversations are asked for."""
    return write(sample_operations(row_count, seed=seed, is_alone=contract == "conversation"))
