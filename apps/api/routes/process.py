"""Processes over HTTP: what follows what in the tenant's workflows, and where they wait."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query
from fastapi.responses import Response

from apps.api.caller import Reader, documented, reply
from apps.api.process_messages import ProcessBottlenecks, ProcessGraph

router = APIRouter(tags=["process"])
Workflow = Annotated[str | None, Query(max_length=128, description="Only of this workflow.")]


@router.get("/api/v1/process/edges", **documented(ProcessGraph, scope="read"))
async def list_edges(caller: Reader, workflow: Workflow = None) -> Response:
    """What comes right after what, most often first."""

    def found() -> ProcessGraph:
        from aurora.process.graph import edge_dict, read_edges
        from aurora.store.lake import read_lake

        with read_lake(caller.runtime.paths) as lake:
            rows = [edge_dict(edge) for edge in read_edges(lake, workflow)]
            return msgspec.convert({"edges": rows, "mart_snapshot_id": lake.snapshot_id("mart")}, ProcessGraph)

    return reply(await asyncio.to_thread(found))


@router.get("/api/v1/process/bottlenecks", **documented(ProcessBottlenecks, scope="read"))
async def list_bottlenecks(
    caller: Reader,
    workflow: Workflow = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="At most so many.")] = 20,
) -> Response:
    """Where cases wait longest, all together, and for what."""

    def found() -> ProcessBottlenecks:
        from aurora.process.graph import bottlenecks, read_edges
        from aurora.store.lake import read_lake

        with read_lake(caller.runtime.paths) as lake:
            rows = [one.as_dict() for one in bottlenecks(read_edges(lake, workflow), limit=limit)]
            snapshot = lake.snapshot_id("mart")
        return msgspec.convert({"bottlenecks": rows, "mart_snapshot_id": snapshot}, ProcessBottlenecks)

    return reply(await asyncio.to_thread(found))
