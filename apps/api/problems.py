"""Errors as RFC 9457 problem+json: what was wrong where, and the one thing to do now."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

import msgspec

from aurora.errors import AuroraError, DataError, UsageError

CONTENT_TYPE = b"application/problem+json"
_ENCODER = msgspec.json.Encoder()
_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?:key in )?(?P<path>\$[^`]*)`)?$", re.DOTALL)
_NAMED = re.compile(r"field `(?P<field>[^`]*)`")
_STEP = re.compile(r"\.(?P<name>[^.\[\]]+)|\[(?P<index>\d+|\.\.\.)\]")


class PayloadTooLargeError(AuroraError):
    """The request body is larger than the route takes."""

    code, status, exit_code = "payload-too-large", 413, 2


class UnsupportedMediaTypeError(AuroraError):
    """The request body is not in a form the route reads."""

    code, status, exit_code = "unsupported-media-type", 415, 2


class MethodNotAllowedError(AuroraError):
    """The path exists and the method does not."""

    code, status, exit_code = "method-not-allowed", 405, 2


class RateLimitError(AuroraError):
    """The key sends more than its rate."""

    code, status, exit_code = "rate-limited", 429, 6


class InternalError(AuroraError):
    """A fault of ours; the trace id finds it in the log."""

    code, status, exit_code = "internal", 500, 1


def internal_error() -> InternalError:
    """What a caller is told about a fault of ours: nothing of its inside."""
    return InternalError(
        "Aurora failed to answer this request.",
        next_step="Try again; if it lasts, give your operator the trace_id: the log has the cause.",
    )


def problem(error: AuroraError, *, trace_id: str, errors: list[dict[str, str]] | None = None) -> dict[str, Any]:
    """The problem object of an error."""
    found: dict[str, Any] = {
        "type": f"/problems/{error.code}",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": error.message,
        "next_step": error.next_step,
        "trace_id": trace_id,
    }
    if errors is None and error.field is not None:
        errors = [{**_place(error.field), "detail": error.message, **({"rule": error.rule} if error.rule else {})}]
    if errors:
        found["errors"] = errors
    return found


def encode_problem(error: AuroraError, *, trace_id: str) -> bytes:
    """The problem object as JSON."""
    return _ENCODER.encode(problem(error, trace_id=trace_id))


def decode_error(error: msgspec.DecodeError | UnicodeError | RecursionError) -> AuroraError:
    """A body that did not decode: malformed JSON is 400, a value that does not fit its field 422."""
    if not isinstance(error, msgspec.ValidationError):
        return UsageError(
            f"The body is not JSON in UTF-8: {error}.",
            field="body",
            rule="json",
            next_step="Send one JSON object; `python -m json.tool` finds the place.",
        )
    match = _AT.match(str(error))
    what, path = (match["what"], match["path"]) if match else (str(error), None)
    field = pointer(path or "$")
    named = _NAMED.search(what)
    if named:
        field += "/" + _escape(named["field"])
    return DataError(
        f"{what}.",
        field=field or "body",
        rule="unknown_field" if "unknown field" in what else "not_null" if "missing" in what else "type",
        next_step="The fields and their types are at /docs and in /openapi.json.",
    )


def pointer(path: str) -> str:
    """A JSON pointer from msgspec's path: `$.a[0]` is `/a/0`."""
    return "".join("/" + _escape(step["name"] or step["index"]) for step in _STEP.finditer(path))


def _escape(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")


def _place(field: str) -> dict[str, str]:
    if field.startswith("/"):
        return {"pointer": field}
    if field == "body":
        return {"pointer": ""}
    return {"header": field} if field[:1].isupper() else {"pointer": f"/{_escape(field)}"}
