"""OTLP/JSON: ExportTraceServiceRequests, one a file, an array of them, or one a line.

What becomes a usage row: a span with a `gen_ai.` attribute, under OpenTelemetry's present names, or
the older ones where the present is absent. Other spans of a trace (HTTP, database ...) are no rows of
this contract and are not counted; a span that cannot be told at all, or a GenAI span without ids, is
refused with its position among all the file's spans. Tokens of a span that encloses another one with tokens, in the
same request, are the inner one's: the outer stays as an operation without tokens.

Attributes are read by hand: opentelemetry-proto-json would build an object a value, to be taken apart again,
and refuses a request as a whole where one span is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from aurora.ingest import foreign
from aurora.ingest.documents import Positions, as_json, read_documents, unknown_shape
from aurora.ingest.foreign import Record, Values, WrongValueError
from aurora.ingest.portions import Portion, Refusal, SourceFile
from aurora.ingest.sample_operations import Operation, conversations, sample_operations

CONTRACTS: Final = ("usage",)
_IDS: Final = {"traceId": re.compile(r"[0-9a-fA-F]{32}"), "spanId": re.compile(r"[0-9a-fA-F]{16}")}
_GEN_AI: Final = "gen_ai."
_ERROR_CODES: Final = (2, "2", "STATUS_CODE_ERROR")
_NANOS: Final = 10**9

_TEXTS: Final = {
    "provider_name": ("gen_ai.provider.name", "gen_ai.system"),
    "request_model": ("gen_ai.request.model",),
    "response_model": ("gen_ai.response.model",),
    "assistant_id": ("gen_ai.agent.id", "gen_ai.agent.name"),
    "conversation_id": ("gen_ai.conversation.id", "session.id"),
    "user_id": ("user.id", "enduser.id"),
    "decision_id": ("aurora.decision.id",),
}
_COUNTS: Final = {
    "input_tokens": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
    "output_tokens": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
    "cache_read_input_tokens": ("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens"),
    "cache_creation_input_tokens": (
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
    ),
    "reasoning_output_tokens": ("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens"),
}
_OPERATION: Final = ("gen_ai.operation.name", "llm.request.type")
_OLD_OPERATIONS: Final = {"completion": "text_completion", "embedding": "embeddings", "text_generation": "chat"}
_FIRST_CHUNK: Final = ("gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token")
_COST: Final = ("gen_ai.usage.cost", "gen_ai.usage.total_cost")


def matches(head: bytes, file_name: str) -> bool:  # noqa: ARG001 - one signature for all formats
    """JSON that begins with resource spans."""
    return head.lstrip()[:1] in (b"{", b"[") and (b'"resourceSpans"' in head or b'"resource_spans"' in head)


def _is_document(value: Mapping[str, Any]) -> bool:
    return "resourceSpans" in value or "resource_spans" in value


def read(file: SourceFile) -> Iterator[Portion]:
    """One usage row a GenAI span."""
    positions = Positions()
    for documents in read_documents(file, is_document=_is_document):
        rows: list[Record] = []
        refused: list[Refusal] = []
        for document in documents:
            if isinstance(document, Refusal):
                refused.append(positions.placed(document))
            else:
                rows += _request(document, positions, refused)
        yield foreign.text_portion("usage", rows, refused)


def _request(document: Mapping[str, Any], positions: Positions, refused: list[Refusal]) -> list[Record]:
    read: list[tuple[int, str, str, str | None, Values]] = []
    for resource, span in _spans(document, positions, refused):
        position = positions.next()
        try:
            values = _operation(span, resource)
            if values:
                parent = f"{span['traceId']}/{span['parentSpanId']}" if span.get("parentSpanId") else None
                read.append((position, as_json(span), str(values["source_record_id"]), parent, values))
        except WrongValueError as wrong:
            refused.append(wrong.refusal(position, as_json(span)))
    outer = foreign.enclosing([(own, parent, values) for _, _, own, parent, values in read])
    return [
        (position, foreign.without_tokens(values) if own in outer else values, raw)
        for position, raw, own, _, values in read
    ]


def _spans(
    document: Mapping[str, Any], positions: Positions, refused: list[Refusal]
) -> Iterator[tuple[Mapping[str, Any], dict[str, Any]]]:
    """Each span with its resource's attributes; what stands where a span belongs and is none is refused."""
    for resource_spans in _objects(document, ("resourceSpans", "resource_spans"), positions, refused):
        resource = resource_spans.get("resource")
        about = _attributes_or_none(resource.get("attributes")) if isinstance(resource, dict) else None
        scopes = ("scopeSpans", "scope_spans", "instrumentationLibrarySpans")
        for scope_spans in _objects(resource_spans, scopes, positions, refused):
            for span in _objects(scope_spans, ("spans",), positions, refused):
                yield about or {}, span


def _objects(
    holder: Mapping[str, Any], names: Sequence[str], positions: Positions, refused: list[Refusal]
) -> Iterator[dict[str, Any]]:
    members = foreign.first(holder, names)
    if members is None:
        return
    if not isinstance(members, list):
        refused.append(unknown_shape(members, positions.next()))
        return
    for member in members:
        if isinstance(member, dict):
            yield member
        else:
            refused.append(unknown_shape(member, positions.next()))


def _operation(span: Mapping[str, Any], resource: Mapping[str, Any]) -> Values | None:
    """The span as a usage row; None when it is no GenAI span."""
    attributes = _attributes(span.get("attributes"))
    if not any(name.startswith(_GEN_AI) for name in attributes):
        return None
    trace_id, span_id = _hex(span, "traceId"), _hex(span, "spanId")
    status = foreign.mapping(span.get("status"), "is_error")
    error = foreign.text(attributes.get("error.type"), "error_type")
    is_error = bool(error) or (isinstance(status.get("code"), int | str) and status["code"] in _ERROR_CODES)
    known = {**{name: resource[name] for name in ("gen_ai.agent.id", "gen_ai.agent.name") if name in resource}}
    known |= attributes
    started, ended = span.get("startTimeUnixNano"), span.get("endTimeUnixNano")
    return {
        "source_record_id": f"{trace_id}/{span_id}",
        "trace_id": trace_id,
        "occurred_at": foreign.unix_time(started, "occurred_at", per_second=_NANOS),
        "operation_name": _operation_name(attributes),
        **{column: foreign.text(foreign.first(known, names), column) for column, names in _TEXTS.items()},
        **{
            column: foreign.count_text(foreign.count(foreign.first(attributes, names), column))
            for column, names in _COUNTS.items()
        },
        "duration_ms": _duration(started, ended),
        "time_to_first_chunk_ms": _milliseconds(foreign.first(attributes, _FIRST_CHUNK)),
        "is_error": "true" if is_error else "false",
        "error_type": error or ("error" if is_error else None),
        "reported_cost_usd": foreign.money(foreign.first(attributes, _COST), "reported_cost_usd"),
    }


def _operation_name(attributes: Mapping[str, Any]) -> str:
    """As given; what an older instrumentation left out is told by what the span carries."""
    given = foreign.text(foreign.first(attributes, _OPERATION), "operation_name")
    if given:
        return _OLD_OPERATIONS.get(given, given)
    return "execute_tool" if "gen_ai.tool.name" in attributes else "chat"


def _hex(span: Mapping[str, Any], name: str) -> str:
    value = span.get(name)
    if not isinstance(value, str) or not _IDS[name].fullmatch(value) or not value.strip("0"):
        digits = _IDS[name].pattern[-4:-1].strip("{")
        raise WrongValueError("source_record_id", value, f"a {name} of {digits} hex digits")
    return value.lower()


def _duration(started: Any, ended: Any) -> str | None:
    start, end = foreign.count(started, "occurred_at"), foreign.count(ended, "duration_ms")
    return str((end - start) // 10**6) if start and end else None


def _milliseconds(seconds: Any) -> str | None:
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or abs(seconds) >= 2.0**52:
        raise WrongValueError("time_to_first_chunk_ms", seconds, "a number of seconds")
    return str(round(seconds * 1000))


def _attributes_or_none(given: Any) -> Mapping[str, Any] | None:
    try:
        return _attributes(given)
    except WrongValueError:
        return None


def _attributes(given: Any) -> dict[str, Any]:
    """Attributes by key; of values only scalars, since no column holds an array."""
    if given is None:
        return {}
    if not isinstance(given, list):
        raise WrongValueError("attributes", given, "an array of attributes")
    found: dict[str, Any] = {}
    for pair in given:
        if not isinstance(pair, dict) or not isinstance(pair.get("key"), str):
            raise WrongValueError("attributes", pair, "an attribute with a key")
        value = pair.get("value")
        if isinstance(value, dict):
            found[pair["key"]] = _scalar(value)
    return found


def _scalar(value: Mapping[str, Any]) -> Any:
    if "intValue" in value:  # 64 bits do not fit a JSON number everywhere: it comes as a text
        return value["intValue"]
    return foreign.first(value, ("stringValue", "doubleValue", "boolValue"))


def write(operations: Sequence[Operation]) -> bytes:
    """Operations as requests, one a line: the spans of a trace together, below the HTTP call that asked for them."""
    encoder = msgspec.json.Encoder()
    return b"".join(encoder.encode(_export(trace_id, calls)) + b"\n" for trace_id, calls in conversations(operations))


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


def sample(*, contract: str, row_count: int, seed: int) -> bytes:  # noqa: ARG001 - one signature for all formats
    """Requests of one to four GenAI spans each."""
    return write(sample_operations(row_count, seed=seed))
