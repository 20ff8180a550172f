"""The routes that may take a framework's time: FastAPI, with every error as problem+json."""

from __future__ import annotations

import logging
import os

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from apps.api.admission import Admission
from apps.api.dispatch import ASGIApp
from apps.api.problems import CONTENT_TYPE, internal_error, problem
from apps.api.tenants import Tenants
from aurora.errors import AuroraError, DataError, NotFoundError
from aurora.settings import Settings
from aurora.store.state import Clock

_logger = logging.getLogger("aurora.api")


def build_framework(settings: Settings, *, tenants: Tenants, admission: Admission, clock: Clock) -> ASGIApp:
    """FastAPI with all its routes."""
    app = FastAPI(title="Aurora", version="1", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.settings = settings
    app.state.tenants = tenants
    app.state.admission = admission
    app.state.clock = clock
    app.add_exception_handler(AuroraError, _aurora_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _fault)

    @app.get("/livez")
    async def livez() -> dict[str, str]:
        return {"status": "ok"}

    return app


def _render(error: AuroraError, errors: list[dict[str, str]] | None = None) -> Response:
    trace_id = os.urandom(16).hex()
    import msgspec

    body = msgspec.json.encode(problem(error, trace_id=trace_id, errors=errors))
    return Response(body, status_code=error.status, media_type=CONTENT_TYPE.decode())


async def _aurora_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, AuroraError)
    return _render(error)


async def _validation_error(_: Request, error: Exception) -> Response:
    return _render(DataError("x", next_step="y"))


async def _http_error(_: Request, error: Exception) -> Response:
    return _render(NotFoundError("x", next_step="y"))


async def _fault(_: Request, error: Exception) -> Response:
    return _render(internal_error())
