"""The fleet in the lake: the pack's assistants as rows of `raw.assistant`."""

from __future__ import annotations

import json

import polars as pl

from aurora.packs import Assistant, Pack
from aurora.store.lake import LakeWriter, read_lake, write_lake
from aurora.store.paths import TenantPaths
from contracts import registry


def publish_fleet(paths: TenantPaths, pack: Pack) -> int:
    """Bring `raw.assistant` up to the pack and return how many rows changed; none: nothing is written.

    An assistant that left the pack keeps its row, as `disabled`: its history still names it.
    """
    with read_lake(paths) as lake:
        there = lake.query("SELECT * FROM raw.assistant")
    wanted = _rows(paths, pack)
    gone = there.join(wanted, on="assistant_id", how="anti").with_columns(assistant_state=pl.lit("disabled"))
    changed = pl.concat([wanted, gone]).join(there, on=wanted.columns, how="anti", nulls_equal=True)
    if changed.is_empty():
        return 0

    def work(lake: LakeWriter) -> int:
        for assistant_id in changed["assistant_id"]:
            lake.execute("DELETE FROM raw.assistant WHERE assistant_id = ?", [assistant_id])
        return lake.append("assistant", changed)

    return write_lake(paths, "raw", work, author="ingest", message=f"Fleet of pack {pack.name} {pack.version}")


def _rows(paths: TenantPaths, pack: Pack) -> pl.DataFrame:
    schema = registry.polars_schema(registry.table("assistant"))
    return pl.DataFrame([_row(paths, pack, assistant) for assistant in pack.assistants], schema=schema)


def _row(paths: TenantPaths, pack: Pack, assistant: Assistant) -> dict[str, object]:
    return {
        "assistant_id": assistant.assistant_id,
        "assistant_name": assistant.assistant_name,
        "role": assistant.role,
        "industry": pack.name,
        "skills": json.dumps(assistant.skills),
        "control_level": assistant.control_level,
        "assistant_state": assistant.assistant_state,
        "priority": assistant.priority,
        "is_sample": assistant.is_sample,
        "capacity_count": assistant.capacity_count,
        "backup_assistant_id": assistant.backup_assistant_id,
        "region": paths.region,
    }
