"""OTLP in protobuf: what collectors send as `application/x-protobuf`, and write with `format: proto`.

A file holds an ExportTraceServiceRequest (or several, one behind the other, which is one), or requests each
behind its length in four bytes, as the collector's file exporter writes them. The parts of a request are read
one by one, so that a file that was cut off loses only its last part. Each becomes what the same request is in
OTLP/JSON and goes the same way: `aurora.ingest.otlp` says what becomes a row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from aurora.ingest import foreign
from aurora.ingest.documents import Positions
from aurora.ingest.formats import otlp_json
from aurora.ingest.otlp import SpanRows
from aurora.ingest.portions import Portion, Refusal, SourceFile
from aurora.ingest.sample_operations import Operation

CONTRACTS: Final = ("usage", "evaluation")
IS_BINARY: Final = True
_RESOURCE_SPANS: Final = 0x0A
"""Tag of the only field of a request: number 1, with a length."""
_INNER_TAGS: Final = (0x0A, 0x12)
_NO_TEXT: Final = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_MAX_VARINT_BYTES: Final = 10
_PARTS_AT_ONCE: Final = 2000
_FRAME_BYTES: Final = 4
_SHOWN_BYTES: Final = 256


def matches(head: bytes, file_name: str) -> bool:  # noqa: ARG001 - one signature for all formats
    """A first field that is a request's, with a resource or spans in it, maybe behind a length."""
    return _begins_a_request(head) or (head[:1] == b"\0" and _begins_a_request(head[_FRAME_BYTES:]))


def _begins_a_request(head: bytes) -> bool:
    if head[:1] != bytes([_RESOURCE_SPANS]):
        return False
    length, size = 0, 0
    for size, byte in enumerate(head[1 : 1 + _MAX_VARINT_BYTES], start=1):
        length |= (byte & 0x7F) << (7 * (size - 1))
        if byte < 0x80:
            break
    inner = head[1 + size : 2 + size]
    return length > 1 and bool(inner) and inner[0] in _INNER_TAGS and _NO_TEXT.search(head) is not None


def read(file: SourceFile) -> Iterator[Portion]:
    """One usage row a GenAI span, one evaluation row an evaluation event."""
    spans, judgements = Positions(), Positions()
    parts = _parts(file.path, limit=file.max_line_bytes)
    is_open = True
    while is_open:
        found = SpanRows(spans, judgements)
        is_open = False
        for taken, part in enumerate(parts, start=1):
            if isinstance(part, Refusal):
                found.refused.append(spans.placed(part))
            else:
                _add(part, found)
            if taken == _PARTS_AT_ONCE:
                is_open = True
                break
        yield foreign.text_portion("usage", found.usage, found.refused)
        if found.evaluations or found.refused_evaluations:
            yield foreign.text_portion("evaluation", found.evaluations, found.refused_evaluations)


def _add(part: bytes, found: SpanRows) -> None:
    try:
        resource_spans = ResourceSpans.FromString(part)
    except DecodeError:
        reason = "Resource spans of the request are not protobuf, or were cut off. Export the request again."
        found.refused.append(found.spans.placed(Refusal(0, "protobuf", reason, part[:_SHOWN_BYTES].hex())))
        return
    found.add({"resourceSpans": [_as_json(resource_spans)]})


def _parts(path: Path, *, limit: int) -> Iterator[bytes | Refusal]:
    """Each ResourceSpans message of the file as bytes; where the file stops making sense, one refusal."""
    with path.open("rb") as stream:
        while True:
            tag = stream.read(1)
            if not tag:
                return
            if tag == b"\0":  # a length of four bytes goes before the request
                stream.read(_FRAME_BYTES - 1)
                continue
            length = _varint(stream) if tag[0] == _RESOURCE_SPANS else None
            if length is None:
                yield _broken(stream.tell(), tag + stream.read(_SHOWN_BYTES))
                return
            if length > limit:
                reason = f"Resource spans of {length / 2**20:.0f} MiB are over the limit (AURORA_MAX_UPLOAD_MB)."
                shown = stream.read(_SHOWN_BYTES).hex()
                yield Refusal(0, "document_size", f"{reason} Export fewer spans at once, or raise the limit.", shown)
                stream.seek(min(stream.tell() - _SHOWN_BYTES + length, path.stat().st_size))
                continue
            part = stream.read(length)
            if len(part) < length:
                yield _broken(stream.tell(), part[:_SHOWN_BYTES])
                return
            yield part


def _varint(stream: BinaryIO) -> int | None:
    value = 0
    for place in range(_MAX_VARINT_BYTES):
        byte = stream.read(1)
        if not byte:
            return None
        value |= (byte[0] & 0x7F) << (7 * place)
        if byte[0] < 0x80:
            return value
    return None


def _broken(at: int, shown: bytes) -> Refusal:
    reason = (
        f"The file stops being an OTLP request near byte {at}. It may be cut off; export it again. "
        "What came before has landed."
    )
    return Refusal(0, "protobuf", reason, shown.hex())


def _as_json(resource_spans: ResourceSpans) -> dict[str, Any]:
    """The message as OTLP/JSON: ids in hex, 64-bit numbers as text."""
    return {
        "resource": {"attributes": _attributes(resource_spans.resource.attributes)},
        "scopeSpans": [{"spans": [_span(span) for span in scope.spans]} for scope in resource_spans.scope_spans],
    }


def _span(span: Span) -> dict[str, Any]:
    found: dict[str, Any] = {
        "traceId": span.trace_id.hex(),
        "spanId": span.span_id.hex(),
        "name": span.name,
        "startTimeUnixNano": str(span.start_time_unix_nano),
        "endTimeUnixNano": str(span.end_time_unix_nano),
        "attributes": _attributes(span.attributes),
    }
    if span.parent_span_id:
        found["parentSpanId"] = span.parent_span_id.hex()
    if span.status.code:
        found["status"] = {"code": span.status.code}
    if span.events:
        found["events"] = [
            {
                "name": event.name,
                "timeUnixNano": str(event.time_unix_nano),
                "attributes": _attributes(event.attributes),
            }
            for event in span.events
        ]
    return found


def _attributes(pairs: Sequence[KeyValue]) -> list[dict[str, Any]]:
    return [{"key": pair.key, "value": _value(pair.value)} for pair in pairs]


def _value(value: AnyValue) -> dict[str, Any]:
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return {"stringValue": value.string_value}
    if kind == "int_value":
        return {"intValue": str(value.int_value)}
    if kind == "double_value":
        return {"doubleValue": value.double_value}
    return {"boolValue": value.bool_value} if kind == "bool_value" else {}


def write(operations: Sequence[Operation]) -> bytes:
    """Operations as one request: the spans of a trace are one of its parts."""
    return b"".join(_encoded(request) for request in otlp_json.requests(operations))


def _encoded(request: Mapping[str, Any]) -> bytes:
    """A request of OTLP/JSON in protobuf. protobuf's own JSON would want the ids in base64."""
    message = ExportTraceServiceRequest()
    for resource_spans in request["resourceSpans"]:
        part = message.resource_spans.add()
        _add_attributes(resource_spans["resource"]["attributes"], part.resource.attributes)
        for scope_spans in resource_spans["scopeSpans"]:
            scope = part.scope_spans.add()
            for span in scope_spans["spans"]:
                _add_span(span, scope.spans.add())
    return bytes(message.SerializeToString())


def _add_span(span: Mapping[str, Any], written: Span) -> None:
    written.trace_id = bytes.fromhex(span["traceId"])
    written.span_id = bytes.fromhex(span["spanId"])
    written.parent_span_id = bytes.fromhex(span.get("parentSpanId", ""))
    written.name = span["name"]
    written.start_time_unix_nano = int(span["startTimeUnixNano"])
    written.end_time_unix_nano = int(span["endTimeUnixNano"])
    written.status.code = span.get("status", {}).get("code", 0)
    _add_attributes(span["attributes"], written.attributes)
    for event in span.get("events", ()):
        told = written.events.add()
        told.name, told.time_unix_nano = event["name"], int(event["timeUnixNano"])
        _add_attributes(event["attributes"], told.attributes)


def _add_attributes(pairs: Sequence[Mapping[str, Any]], written: Any) -> None:
    for pair in pairs:
        attribute = written.add()
        attribute.key = pair["key"]
        ((kind, value),) = pair["value"].items()
        if kind == "intValue":
            attribute.value.int_value = int(value)
        elif kind == "doubleValue":
            attribute.value.double_value = value
        else:
            attribute.value.string_value = value


def sample(*, contract: str, row_count: int, seed: int) -> bytes:
    """A request of as many traces as it takes."""
    requests = otlp_json.sample_requests(contract, row_count, seed=seed)
    return b"".join(_encoded(request) for request in requests)
