"""Errors as RFC 9457 problem+json: what was wrong where, and the one thing to do now."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from aurora.errors import (
    AuroraError,
    AuthenticationError,
    ComplianceError,
    ConflictError,
    DataError,
    NotFoundError,
    NotReadyError,
    PermissionDeniedError,
    UsageError,
)

Header = tuple[bytes, bytes]

CONTENT_TYPE = b"application/problem+json"
_CHALLENGE: Header = (b"www-authenticate", b'Bearer realm="aurora"')
_RETRY: Header = (b"retry-after", b"1")
_ENCODER = msgspec.json.Encoder()
_PARAMETERS = frozenset(
    {
        "decision_id",
        "record_id",
        "prefix",
        "code",
        "contract",
        "format",
        "source",
        "handoff_id",
        "command_id",
        "assistant_id",
    }
)
_PARTS = frozenset({"engine", "state", "journal", "lake", "checkpoint", "ingest"})
"""Fields of errors that are no field of a body: parameters of a path, parts of the server."""
_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?:key in )?(?P<path>\$[^`]*)`)?$", re.DOTALL)
_NAMED = re.compile(r"field `(?P<field>[^`]*)`")
_STEP = re.compile(r"\.(?P<name>[^.\[\]]+)|\[(?P<index>\d+|\.\.\.)\]")


class HttpError(AuroraError):
    """An error that only HTTP knows; `headers` go with its reply."""

    def __init__(
        self,
        message: str,
        *,
        next_step: str,
        field: str | None = None,
        rule: str | None = None,
        headers: Sequence[Header] = (),
    ) -> None:
        super().__init__(message, next_step=next_step, field=field, rule=rule)
        self.headers = tuple(headers)


class PayloadTooLargeError(HttpError):
    """The request body is larger than the route takes."""

    code, status, exit_code = "payload-too-large", 413, 2


class UnsupportedMediaTypeError(HttpError):
    """The request body is not in a form the route reads."""

    code, status, exit_code = "unsupported-media-type", 415, 2


class RequestTimeoutError(HttpError):
    """The request body came too slowly."""

    code, status, exit_code = "request-timeout", 408, 6


class MethodNotAllowedError(HttpError):
    """The path exists and the method does not."""

    code, status, exit_code = "method-not-allowed", 405, 2


class RateLimitError(HttpError):
    """The key sends more than its rate."""

    code, status, exit_code = "rate-limited", 429, 6


class InternalError(AuroraError):
    """A fault of ours; the trace id finds it in the log."""

    code, status, exit_code = "internal", 500, 1


PROBLEMS: dict[str, tuple[type[AuroraError], str]] = {
    kind.code: (kind, next_step)
    for kind, next_step in (
        (
            UsageError,
            "Correct the request: `errors` names the field. Sending it again unchanged gives the same answer.",
        ),
        (AuthenticationError, "Send `Authorization: Bearer aur_...` with a key that was not revoked."),
        (
            PermissionDeniedError,
            "Use a key with the scope that `errors` names; `aurora key grant` gives it to this one.",
        ),
        (
            ComplianceError,
            "Choose what no rule forbids, or `human` to give the work to a person. `errors` names the rule.",
        ),
        (NotFoundError, "Check the id or the path. What belongs to another tenant is not found either."),
        (MethodNotAllowedError, "Use a method that the `Allow` header names."),
        (ConflictError, "Look at what is recorded; a request in flight may be sent again a moment later."),
        (RequestTimeoutError, "Send it again, in smaller parts where the line is slow."),
        (PayloadTooLargeError, "Send less at once: `detail` names the limit."),
        (UnsupportedMediaTypeError, "Send `Content-Type: application/json`."),
        (DataError, "Correct the field that `errors` points at; its type and limits are in /docs."),
        (RateLimitError, "Wait for `Retry-After`, then send it again, with the same Idempotency-Key."),
        (InternalError, "Send it again; if it lasts, give the operator the trace_id, which the log knows."),
        (NotReadyError, "Wait for `Retry-After`, then try again; /readyz says when everything is ready."),
    )
}
"""Every problem type the API answers with, by code, and the next step for a caller."""


def internal_error() -> InternalError:
    """What a caller is told about a fault of ours: nothing of its inside."""
    return InternalError(
        "Aurora failed to answer this request.",
        next_step="Try again; if it lasts, give your operator the trace_id: the log has the cause.",
    )


def method_not_allowed(method: str, allowed: str) -> MethodNotAllowedError:
    """The error for a method that the path does not take; it names those that it does."""
    return MethodNotAllowedError(
        f"{method[:32]} is not a method of this path.",
        rule="one_of",
        next_step=f"Use {allowed}; /docs lists the routes.",
        headers=[(b"allow", allowed.encode())],
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


def problem_headers(error: AuroraError) -> list[Header]:
    """Headers that go with an error: its own, the challenge of a 401, when to try again."""
    headers = list(error.headers) if isinstance(error, HttpError) else []
    if isinstance(error, AuthenticationError):
        headers.append(_CHALLENGE)
    if error.status in (429, 503) and all(name != b"retry-after" for name, _ in headers):
        headers.append(_RETRY)
    return headers


def encode_problem(error: AuroraError, *, trace_id: str, errors: list[dict[str, str]] | None = None) -> bytes:
    """The problem object as JSON."""
    return _ENCODER.encode(problem(error, trace_id=trace_id, errors=errors))


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
    if field in _PARAMETERS:
        return {"parameter": field}
    if field in _PARTS:
        return {"part": field}
    return {"header": field} if field[:1].isupper() else {"pointer": f"/{_escape(field)}"}


def validation_errors(found: Sequence[Any]) -> list[dict[str, str]]:
    """FastAPI's findings about query and path, each with its place, what is wrong and the rule it breaks."""
    return [
        {
            "parameter": str(one["loc"][-1]),
            "detail": f"{one['msg'].removeprefix('Value error, ')}.",
            "rule": one["type"],
        }
        for one in found
    ]
