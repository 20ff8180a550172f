"""Where the time of workflows goes: the graph of what follows what, and its bottlenecks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from apps.render import Json, Tenant, print_json, print_table
from apps.session import open_paths

Workflow = Annotated[str | None, typer.Option("--workflow", help="Only of this workflow.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most so many.")]
LogFile = Annotated[Path, typer.Argument(help="CSV, Parquet or XES with case_id, activity and timestamp.", exists=True)]
_EDGE = ("workflow_id", "from_activity", "to_activity", "edge_count", "waiting_mean_h", "waiting_p95_h", "work_h")
_RANKED = ("workflow_id", "from_activity", "to_activity", "edge_count", "waiting_mean_h", "waiting_share", "main_cause")
_MINED = ("from_activity", "to_activity", "edge_count", "waiting_mean_h", "waiting_p95_h", "waiting_share")


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    room = typer.Typer(help="Where the time of workflows goes.", no_args_is_help=True)
    room.callback()(_room)
    for command in (edges, bottlenecks, mine):
        room.command()(command)
    app.add_typer(room, name="process")


def _room() -> None:
    """Where the time of workflows goes."""


def edges(*, workflow: Workflow = None, tenant: Tenant = None, json: Json = False) -> None:
    """What comes right after what in the tenant's workflows, most often first. Hours."""
    from aurora.process.graph import edge_dict

    found, snapshot = _read(tenant, workflow)
    _print([edge_dict(edge) for edge in found], _EDGE, json=json, mart_snapshot_id=snapshot)


def bottlenecks(*, workflow: Workflow = None, limit: Limit = 20, tenant: Tenant = None, json: Json = False) -> None:
    """Where cases wait longest, all together, and for what: largest share of the workflow's waiting first."""
    from aurora.process.graph import bottlenecks as ranked

    found, snapshot = _read(tenant, workflow)
    rows = [one.as_dict() for one in ranked(found, limit=limit)]
    _print(rows, _RANKED, json=json, mart_snapshot_id=snapshot)


def mine(file: LogFile, *, limit: Limit = 20, json: Json = False) -> None:
    """Mine an event log from elsewhere; nothing of it is kept. Such a log does not say what was work: all is waiting."""
    from aurora.process.graph import bottlenecks as ranked
    from aurora.process.graph import edge_dict, mine_log
    from aurora.process.logs import read_log

    found = mine_log(read_log(file))
    rows = [{**edge_dict(one.edge), "waiting_share": round(one.waiting_share, 6)} for one in ranked(found, limit=limit)]
    _print(rows, _MINED, json=json, edge_kinds_count=len(found))


def _read(tenant: str | None, workflow: str | None) -> tuple[list[Any], int]:
    from aurora.process.graph import read_edges
    from aurora.store.lake import read_lake

    _, paths = open_paths(tenant)
    with read_lake(paths) as lake:
        return read_edges(lake, workflow), lake.snapshot_id("mart")


def _print(rows: list[dict[str, Any]], columns: tuple[str, ...], *, json: bool, **facts: object) -> None:
    if json:
        print_json({**facts, "edges": rows})
    else:
        print_table(rows, columns)
