"""Refusals as RFC 9457 problem+json, with the field, the rule and the next step."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import Final

import msgspec

from aurora.errors import AuroraError, DataError, NotReadyError, UsageError

Header = tuple[bytes, bytes]

CONTENT_TYPE: Final = b"application/problem+json"
_ENCODER: Final = msgspec.json.Encoder()


class PausedError(NotReadyError):
    """It takes no work now; `retry_after_s` says when to ask again."""

    code = "paused"
    retry_after_s = 5.0


class BusyError(NotReadyError):
    """It has as much work as it can queue."""

    code, status = "busy", 429

    def __init__(self, message: str, *, next_step: str, retry_after_s: float) -> None:
        super().__init__(message, next_step=next_step, rule="capacity")
        self.retry_after_s = retry_after_s


class MethodError(UsageError):
    """The path exists and the method does not."""

    code, status = "method-not-allowed", 405


class TooLargeError(UsageError):
    """The body is larger than an assistant reads."""

    code, status = "payload-too-large", 413


class UnauthorizedError(AuroraError):
    """No valid token."""

    code, status, exit_code = "unauthenticated", 401, 4


def headers_of(error: AuroraError) -> list[Header]:
    """Headers that go with a refusal: when to ask again, how to say who one is."""
    headers: list[Header] = []
    wait = getattr(error, "retry_after_s", 5.0 if error.status == HTTPStatus.SERVICE_UNAVAILABLE else None)
    if wait is not None:
        headers.append((b"retry-after", b"%d" % max(1, math.ceil(wait))))
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers.append((b"www-authenticate", b'Bearer realm="assistant"'))
    return headers


def encode_problem(error: AuroraError) -> bytes:
    """The refusal as JSON."""
    problem: dict[str, object] = {
        "type": f"/problems/{error.code}",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": error.message,
        "next_step": error.next_step,
        "is_simulated": True,
    }
    if error.field is not None:
        problem["errors"] = [{"pointer": f"/{error.field.replace('.', '/')}", "rule": error.rule or "type"}]
    return _ENCODER.encode(problem)


def decode_error(error: msgspec.DecodeError | UnicodeError | RecursionError) -> AuroraError:
    """A body that did not decode: no JSON is 400, a value that does not fit its field 422."""
    if not isinstance(error, msgspec.ValidationError):
        return UsageError(
            f"The body is not JSON: {error}.", field="body", rule="json", next_step="Send one JSON object in UTF-8."
        )
    what, _, where = str(error).partition(" - at `")
    is_unknown = "unknown field" in what
    named = what.rpartition("field `")[2].rstrip("`") if "field `" in what else ""
    field = ".".join(part for part in (where.rstrip("`").removeprefix("$").removeprefix("."), named) if part)
    return DataError(
        f"{what}.",
        field=field or "body",
        rule="unknown_field" if is_unknown else "type",
        next_step="The fields of each message are in contracts/messages/assistants.py.",
    )
