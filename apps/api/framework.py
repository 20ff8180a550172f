"""The routes that may take a framework's time: FastAPI over `apps/api/routes/`, every error a problem.

A file in `routes/` with a `router` is its own registration. Routes are coroutines and read through
`asyncio.to_thread`: its few threads live as long as the server, and each keeps one connection to a tenant's
state. FastAPI's own threads come and go and would leave a connection behind each time.
"""

from __future__ import annotations

import importlib
import logging
import os
import pkgutil
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

import apps.api.routes
from apps.api.caller import Services
from apps.api.dispatch import ASGIApp
from apps.api.exchange import ClientGoneError, Receive, Scope, Send, trace_id_of, traceparent
from apps.api.problems import (
    CONTENT_TYPE,
    encode_problem,
    internal_error,
    method_not_allowed,
    problem_headers,
    validation_errors,
)
from aurora.errors import AuroraError, DataError, NotFoundError, UsageError

_logger = logging.getLogger("aurora.api")


def build_framework(services: Services) -> ASGIApp:
    """FastAPI with all its routes."""
    app = FastAPI(title="Aurora", version="1", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.services = services
    for module_info in pkgutil.iter_modules(apps.api.routes.__path__):
        app.include_router(importlib.import_module(f"apps.api.routes.{module_info.name}").router)
    app.add_exception_handler(AuroraError, _aurora_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _fault)
    return Traced(app)


class Traced:
    """Gives each request a trace id, each reply its `traceparent` and rate limits, and logs faults with it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        given = next((value for name, value in scope["headers"] if name == b"traceparent"), b"")
        trace_id = trace_id_of(given) or os.urandom(16).hex()
        state = scope["state"] = {**scope.get("state", {}), "trace_id": trace_id, "limit_headers": ()}

        async def with_headers(message: Scope) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    *state["limit_headers"],
                    (b"traceparent", traceparent(trace_id)),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        try:
            await self.app(scope, receive, with_headers)
        except ClientGoneError:
            return
        except Exception:  # the reply has gone out already, see `_fault`
            _logger.exception("Request %s failed", trace_id)


def _rendered(
    request: Request, error: AuroraError, *, errors: list[dict[str, str]] | None = None, status: int | None = None
) -> Response:
    body = encode_problem(error, trace_id=request.state.trace_id, errors=errors)
    response = Response(body, status_code=status or error.status, media_type=CONTENT_TYPE.decode())
    response.raw_headers.extend(problem_headers(error))
    return response


async def _aurora_error(request: Request, error: Exception) -> Response:
    return _rendered(request, error if isinstance(error, AuroraError) else internal_error())


async def _validation_error(request: Request, error: Exception) -> Response:
    found = validation_errors(error.errors() if isinstance(error, RequestValidationError) else ())
    first = found[0] if found else {"parameter": "request", "detail": "It does not fit."}
    problem = DataError(
        f"{first['parameter']}: {first['detail']}",
        next_step="The parameters, their types and limits are at /docs and in /openapi.json.",
    )
    return _rendered(request, problem, errors=found)


async def _http_error(request: Request, error: Exception) -> Response:
    """Starlette's own errors: no such path, no such method."""
    status, headers = (error.status_code, error.headers) if isinstance(error, HTTPException) else (500, None)
    if status == HTTPStatus.NOT_FOUND:
        path = request.url.path[:200]
        return _rendered(request, NotFoundError(f"There is no route {path}.", next_step="/docs lists the routes."))
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return _rendered(request, method_not_allowed(request.method, _allowed(headers)))
    usage = UsageError(f"{HTTPStatus(status).phrase}.", next_step="/docs shows what the routes take.")
    return _rendered(request, usage)


def _allowed(headers: Mapping[str, str] | None) -> str:
    return (headers or {}).get("Allow", "GET")


async def _fault(request: Request, _: Exception) -> Response:
    return _rendered(request, internal_error())
