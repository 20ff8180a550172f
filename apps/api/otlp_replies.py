"""What an OTLP sender is answered, in the encoding it sent: two small messages, written by hand.

ExportTraceServiceResponse { partial_success = 1 { rejected_spans = 1, error_message = 2 } } and
google.rpc.Status { code = 1, message = 2 }: two fields each do not want a code generator's classes.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import msgspec

JSON: Final = "application/json"
PROTOBUF: Final = "application/x-protobuf"
_INVALID_ARGUMENT: Final = 3
_CODES: Final = {
    HTTPStatus.UNAUTHORIZED: 16,
    HTTPStatus.FORBIDDEN: 7,
    HTTPStatus.NOT_FOUND: 5,
    HTTPStatus.REQUEST_TIMEOUT: 4,
    HTTPStatus.CONFLICT: 10,
    HTTPStatus.TOO_MANY_REQUESTS: 8,
    HTTPStatus.INTERNAL_SERVER_ERROR: 13,
    HTTPStatus.SERVICE_UNAVAILABLE: 14,
}
_VARINT: Final = 0
_BYTES: Final = 2


def export_response(kind: str, *, rejected_spans: int = 0, error_message: str = "") -> bytes:
    """An ExportTraceServiceResponse; `partial_success` is left out where all was taken."""
    if not rejected_spans and not error_message:
        return b"" if kind == PROTOBUF else b"{}"
    if kind == PROTOBUF:
        return _field(1, _number(1, rejected_spans) + _field(2, error_message.encode()))
    partial: dict[str, Any] = {"rejectedSpans": str(rejected_spans), "errorMessage": error_message}
    return msgspec.json.encode({"partialSuccess": partial})


def status_message(kind: str, *, http_status: int, message: str) -> bytes:
    """A google.rpc.Status for an error."""
    code = _CODES.get(HTTPStatus(http_status), _INVALID_ARGUMENT)
    if kind == PROTOBUF:
        return _number(1, code) + _field(2, message.encode())
    return msgspec.json.encode({"code": code, "message": message})


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3 | _VARINT) + _varint(value) if value else b""


def _field(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | _BYTES) + _varint(len(data)) + data if data else b""


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
