"""OTLP/HTTP traces: any OpenTelemetry SDK exports here, and its GenAI spans become usage rows.

Errors are google.rpc.Status in the sender's encoding, as OTLP asks, not problem+json. 429 and 503 with
Retry-After are what exporters try again after; the same request again changes nothing.
"""

from __future__ import annotations

import importlib.util
from typing import Any, BinaryIO, Final

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from apps.api.caller import Parts, Services, header, needs
from apps.api.ingest_messages import job_of
from apps.api.intake import receive_from
from apps.api.otlp_replies import JSON, PROTOBUF, export_response, status_message
from apps.api.problems import UnsupportedMediaTypeError, problem_headers
from aurora.errors import AuroraError, DataError, UsageError
from aurora.ingest.spool import About, new_spool_id

router = APIRouter(tags=["ingest"])
_CONTRACT: Final = "usage"
_FORMATS: Final = {JSON: "otlp_json", PROTOBUF: "otlp_protobuf"}
_SUFFIXES: Final = {JSON: ".json", PROTOBUF: ".pb"}
_NOTHING: Final = b"{}"
"""A request without spans."""
_UNREADABLE: Final = frozenset({"json", "encoding", "protobuf", "document_size", "line_length"})
"""Rules of a body that is no request at all: 400, where a span that is refused is a partial success."""
_EXAMPLE: Final[dict[str, Any]] = {"resourceSpans": []}


def _documented() -> dict[str, Any]:
    answer = {"schema": {"type": "object", "description": "ExportTraceServiceResponse"}}
    status = {"schema": {"type": "object", "description": "google.rpc.Status"}}
    request = {"schema": {"type": "object", "description": "ExportTraceServiceRequest"}}
    return {
        "status_code": 200,
        "responses": {
            200: {
                "description": "Taken; `partialSuccess` says how many spans were refused and why.",
                "content": {JSON: answer, PROTOBUF: answer},
            },
            "default": {"description": "Why nothing was taken.", "content": {JSON: status, PROTOBUF: status}},
        },
        "openapi_extra": {
            "security": [{"bearer": []}],
            "x-scope": "ingest:write",
            "requestBody": {
                "required": True,
                "content": {JSON: {**request, "example": _EXAMPLE}, PROTOBUF: request},
            },
        },
    }


@router.post("/v1/traces", **_documented())
async def take_traces(request: Request, parts: Parts) -> Response:
    """Take an ExportTraceServiceRequest of an OpenTelemetry exporter: JSON or protobuf, gzip if it likes."""
    given = (header(request, b"content-type") or b"").partition(b";")[0].strip().lower().decode("latin-1")
    kind = PROTOBUF if given == PROTOBUF else JSON
    try:
        reply = await _taken(request, parts, given)
    except AuroraError as error:
        body = status_message(kind, http_status=_status(error), message=str(error))
        response = Response(body, status_code=_status(error), media_type=kind)
        response.raw_headers.extend(problem_headers(error))
        return response
    return Response(reply, media_type=kind)


def _status(error: AuroraError) -> int:
    """422 is no status that exporters know: what they sent is wrong, and stays wrong."""
    return UsageError.status if isinstance(error, DataError) else error.status


async def _taken(request: Request, parts: Services, kind: str) -> bytes:
    caller = await needs("ingest:write")(request)
    source_format = _FORMATS.get(kind)
    if source_format is None or importlib.util.find_spec(f"aurora.ingest.formats.{source_format}") is None:
        raise UnsupportedMediaTypeError(
            f"Traces in {kind[:80]!r} are not read here.",
            field="Content-Type",
            rule="one_of",
            next_step=f"Export as {' or '.join(_FORMATS)}.",
        )
    lane = parts.lanes.lane(caller.runtime.paths)
    with lane.place():
        about = About(
            spool_id=new_spool_id("otlp"),
            suffix=_SUFFIXES[kind],
            source=caller.source,
            contract=_CONTRACT,
            source_format=source_format,
        )
        try:
            body = await receive_from(request, parts, caller, about, max_mb=parts.settings.max_upload_mb)
        except DataError as empty:
            if empty.rule == "not_empty" and kind == PROTOBUF:  # a request without spans has no bytes
                return export_response(kind)
            raise
        if body.size <= len(_NOTHING) and body.file.read_bytes().split() == [_NOTHING]:
            body.remove()
            return export_response(kind)
        answer, lines = await lane.put(body, job_of(body, "errors"))
    with lines:
        return _reply(kind, answer.quarantined, lines)


def _reply(kind: str, refused_count: int, lines: BinaryIO) -> bytes:
    if not refused_count:
        return export_response(kind)
    first = msgspec.json.decode(lines.readline())["errors"][0]
    if first["rule"] in _UNREADABLE and refused_count == 1:
        raise UsageError(first["message"], field="body", rule=first["rule"], next_step="Export it as OTLP asks.")
    more = (
        f" ({refused_count} spans in all; they are in the quarantine with their reasons)" if refused_count > 1 else ""
    )
    return export_response(kind, rejected_spans=refused_count, error_message=f"{first['message']}{more}")
