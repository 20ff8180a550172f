"""The API's description: one OpenAPI document, and the same as a page that needs no network and no script."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from apps.api.caller import reply
from apps.api.docs_page import docs_page
from apps.api.openapi import document

router = APIRouter(tags=["docs"], include_in_schema=False)


@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    """The whole API as OpenAPI 3.1."""
    return reply(document(request.app))


@router.get("/docs")
async def docs(request: Request) -> Response:
    """The same for people."""
    return HTMLResponse(docs_page(document(request.app)))
