"""What a framework route is given: the API's parts, and the caller whose key has the scope it asks for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, cast

from fastapi import Depends, Request
from fastapi.responses import Response

from apps.api.admission import Admission, Admitted
from apps.api.exchange import read_json
from apps.api.ingest_lanes import IngestLanes
from apps.api.messages import encode
from apps.api.readiness import Readiness
from apps.api.tenants import Tenants
from aurora.identity.keys import Scope
from aurora.settings import Settings
from aurora.store.state import Clock

Answers = dict[str, Any]

IDEMPOTENCY_HEADER: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key with the same request gets the same answer, and nothing happens twice.",
    "schema": {"type": "string"},
}
PROBLEM_ANSWER: dict[str, Any] = {
    "description": "A problem: what was wrong where, and the next step.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts of the running API that routes use."""

    settings: Settings
    tenants: Tenants
    admission: Admission
    readiness: Readiness
    lanes: IngestLanes
    clock: Clock


def services(request: Request) -> Services:
    """The parts of the app that got the request."""
    return cast("Services", request.app.state.services)


def needs(scope: Scope) -> Callable[[Request], Awaitable[Admitted]]:
    """A dependency: the caller, if the key is valid, has the scope and is within its rate."""

    async def caller(request: Request) -> Admitted:
        admitted = services(request).admission.admit(header(request, b"authorization"), scope)
        request.state.limit_headers = admitted.limit_headers()
        return admitted

    return caller


Parts = Annotated[Services, Depends(services)]
Reader = Annotated[Admitted, Depends(needs("read"))]
Administrator = Annotated[Admitted, Depends(needs("admin"))]


def header(request: Request, name: bytes) -> bytes | None:
    """The raw value of a header, or None."""
    return next((value for key, value in request.scope["headers"] if key == name), None)


async def json_body(request: Request) -> bytes:
    """The request's JSON body under the limits of the raw routes."""
    length = header(request, b"content-length")
    return await read_json(request.receive, length=int(length or 0), content_type=header(request, b"content-type"))


def reply(message: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A message as JSON."""
    return Response(encode(message), status_code=status, headers=headers, media_type="application/json")


DOCUMENTED: dict[type, None] = {}
"""Messages that routes answer with or take, in the order in which they were declared: the document's schemas."""


def documented(
    message: type | None,
    *,
    scope: Scope | None = None,
    status: int = 200,
    meaning: str = "",
    takes: type | None = None,
) -> Answers:
    """What a route declares for OpenAPI: its answer's message, the scope it asks for, the message it takes."""
    DOCUMENTED.update(dict.fromkeys(one for one in (message, takes) if one is not None))
    answer: dict[str, Any] = {"description": meaning or ((message.__doc__ or "").split("\n")[0] if message else "")}
    if message is not None:
        answer["content"] = _json_of(message)
    extra: dict[str, Any] = {} if scope is None else {"security": [{"bearer": []}], "x-scope": scope}
    if takes is not None:
        extra["requestBody"] = {"required": True, "content": _json_of(takes)}
    return {
        "status_code": status,
        "responses": {status: answer, "default": PROBLEM_ANSWER},
        "openapi_extra": extra,
    }


def _json_of(message: type) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{message.__name__}"}}}
