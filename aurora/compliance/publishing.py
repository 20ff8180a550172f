"""The company's own rule packs as records of the lake: GEN-008 judges their freshness like anybody's.

No file brought them, so they name the book's hash as their batch, and the ledger of batches does not know it.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import polars as pl

from aurora.compliance.rulebook import Rulebook
from aurora.store.lake import LakeWriter, read_lake, write_lake
from aurora.store.paths import TenantPaths
from contracts import registry

SOURCE: Final = "aurora"
_SAME: Final = ("rule_pack_id", "pack_version", "rule_pack_hash", "rule_count", "checked_at")


def publish_rule_packs(paths: TenantPaths, rulebook: Rulebook, *, now: dt.datetime) -> int:
    """Append the state of each pack that is another than the lake's newest; returns how many rows."""
    schema = pl.Schema(registry.polars_schema(registry.table("rule_pack"), is_stored=True))
    stamps = {"batch_id": rulebook.book_hash, "batch_seq": 0, "ingested_at": now, "updated_at": now}
    rows = [
        {
            **stamps,
            "rule_pack_id": pack.file.rule_pack,
            "pack_version": pack.file.version,
            "rule_pack_hash": pack.pack_hash,
            "rule_count": len(pack.rules),
            "checked_at": pack.file.checked_at,
            "source": SOURCE,
            "is_sample": False,
            "region": paths.region,
            "row_number": number,
        }
        for number, pack in enumerate(rulebook.packs, start=1)
    ]
    packs = pl.DataFrame(rows, schema=schema)
    with read_lake(paths) as lake:
        known = lake.query(
            "SELECT * FROM raw.rule_pack WHERE source = ? QUALIFY row_number() OVER"
            " (PARTITION BY rule_pack_id ORDER BY updated_at DESC) = 1",
            [SOURCE],
        )
    fresh = packs.join(known.select(_SAME).cast({name: packs.schema[name] for name in _SAME}), on=_SAME, how="anti")
    if fresh.height:

        def work(lake: LakeWriter) -> int:
            return lake.append("rule_pack", fresh)

        write_lake(paths, "raw", work, author="rules", message="Rule packs in force")
    return fresh.height
