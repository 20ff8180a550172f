"""The fleet in the lake: the pack's assistants as rows of `raw.assistant`, so that marts know them."""

from __future__ import annotations

import msgspec

from aurora.packs import Pack
from aurora.store.paths import TenantPaths
from contracts.registry import polars_schema, table


def sync_assistants(paths: TenantPaths, pack: Pack) -> int:
    """Make `raw.assistant` what the pack declares and return the number of rows written; 0 when it is so already.

    An assistant that left the pack leaves the table; its earlier rows stay in the lake's snapshots.
    """
    import polars as pl

    from aurora.store.lake import LakeWriter, read_lake, write_lake

    contract = table("assistant")
    columns = list(contract.columns)
    wanted = pl.DataFrame(assistant_rows(paths, pack), schema=polars_schema(contract)).sort("assistant_id")
    with read_lake(paths) as lake:
        present = lake.query(f"SELECT {', '.join(columns)} FROM raw.assistant").sort("assistant_id")
    if present.cast(wanted.schema).equals(wanted):
        return 0

    def replace(lake: LakeWriter) -> int:
        lake.execute("DELETE FROM raw.assistant")
        return lake.append("assistant", wanted)

    return write_lake(paths, "raw", replace, author="pack", message=f"Assistants of {pack.name} {pack.version}")


def assistant_rows(paths: TenantPaths, pack: Pack) -> list[dict[str, object]]:
    """One row an assistant, as the contract `assistant` has it."""
    return [
        {
            "assistant_id": assistant.assistant_id,
            "assistant_name": assistant.assistant_name,
            "role": assistant.role,
            "industry": pack.name,
            "skills": msgspec.json.encode(assistant.skills).decode(),
            "control_level": assistant.control_level,
            "assistant_state": assistant.assistant_state,
            "priority": assistant.priority,
            "is_sample": assistant.is_sample,
            "capacity_count": assistant.capacity_count,
            "backup_assistant_id": assistant.backup_assistant_id,
            "region": paths.region,
        }
        for assistant in pack.assistants
    ]
