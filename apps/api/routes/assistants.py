"""The fleet: who can be chosen, with what skills, clearances and load."""

from __future__ import annotations

import hashlib

from fastapi import APIRouter, Request
from fastapi.responses import Response

from apps.api.caller import Reader, documented, header
from apps.api.messages import Fleet, FleetAssistant, encode
from apps.api.tenants import TenantRuntime

router = APIRouter(tags=["fleet"])


@router.get("/api/v1/assistants", **documented(Fleet, scope="read"))
async def list_assistants(caller: Reader, request: Request) -> Response:
    """The tenant's assistants as the engine sees them. `If-None-Match` with the last `ETag` gives 304."""
    body = encode(_fleet(caller.runtime))
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"etag": etag, "cache-control": "private, no-cache"}
    if _is_known(header(request, b"if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


def _is_known(given: bytes | None, etag: str) -> bool:
    """Whether If-None-Match names the tag; weakly, as RFC 9110 has it."""
    tags = [tag.strip().removeprefix("W/") for tag in (given or b"").decode("latin-1").split(",")]
    return etag in tags or tags == ["*"]


def _fleet(runtime: TenantRuntime) -> Fleet:
    engine = runtime.require_engine()
    open_counts: dict[str, int] = {}
    for row in engine.features.rows if engine.features is not None else ():
        open_counts[row.assistant_id] = open_counts.get(row.assistant_id, 0) + row.open_task_count
    fleet = [
        FleetAssistant(
            open_task_count=open_counts.get(assistant.assistant_id, 0),
            **{name: getattr(assistant, name) for name in _FIELDS},
        )
        for assistant in sorted(engine.pack.assistants, key=lambda one: one.assistant_id)
    ]
    return Fleet(pack=engine.pack.name, pack_version=engine.pack.version, assistants=fleet)


_FIELDS = tuple(name for name in FleetAssistant.__struct_fields__ if name != "open_task_count")
