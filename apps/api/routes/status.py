"""The caller's tenant at a glance."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from fastapi.responses import Response

from apps.api.caller import Reader, documented, reply
from apps.api.messages import EngineStatus, JournalStatus, LakeStatus, TenantStatus
from apps.api.tenants import TenantRuntime
from aurora.errors import NotReadyError
from aurora.store.paths import Layer, TenantPaths

router = APIRouter(tags=["fleet"])


@router.get("/api/v1/status", **documented(TenantStatus, scope="read"))
async def show_status(caller: Reader) -> Response:
    """What decides, how long the audit log is, and the lake's newest snapshots."""
    return reply(await asyncio.to_thread(_status, caller.runtime))


def _status(runtime: TenantRuntime) -> TenantStatus:
    return TenantStatus(
        tenant_id=runtime.paths.tenant,
        region=runtime.paths.region,
        engine=_engine(runtime),
        journal=JournalStatus(record_count=runtime.store.last_seq(), is_writable=runtime.store.broken is None),
        lake=LakeStatus(
            raw_snapshot_id=_snapshot(runtime.paths, "raw"), mart_snapshot_id=_snapshot(runtime.paths, "mart")
        ),
    )


def _engine(runtime: TenantRuntime) -> EngineStatus:
    engine = runtime.engine
    return EngineStatus(
        is_ready=engine is not None,
        version=runtime.engine_version or None,
        bundle_hash=engine.bundle.bundle_hash if engine is not None and engine.bundle is not None else None,
        feature_hash=engine.features.feature_hash if engine is not None and engine.features is not None else None,
        error=runtime.engine_error or None,
    )


def _snapshot(paths: TenantPaths, layer: Layer) -> int | None:
    from aurora.store.connection import latest_snapshot  # DuckDB comes with it

    try:
        return latest_snapshot(paths, layer)
    except NotReadyError:
        return None
