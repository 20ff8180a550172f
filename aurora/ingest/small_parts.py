"""Small parts of one transaction, looked up and appended together: a query costs the same for one row as for many.

Only where every part of the contract is small and no key stands in two of them: then the order in which they
are taken cannot matter, and one look at the lake answers for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl

from aurora.ingest.keys import content_columns
from aurora.ingest.staging import StagedBatch, StagedPart
from aurora.store.lake import LakeWriter
from contracts import registry
from contracts.table import Table

SMALL_ROWS: Final = 20_000


class SmallParts:
    """The small parts of the batches of one transaction."""

    def __init__(self, lake: LakeWriter, staged: Sequence[StagedBatch]) -> None:
        self._lake = lake
        self._twins: dict[tuple[str, str], pl.DataFrame] = {}
        self._taken: dict[str, list[Path]] = {}
        for contract, parts in _gathered(staged).items():
            declared = registry.table(contract)
            files = [file for _, part in parts for file in part.files]
            if not self._has_twice(declared, files):
                found = twins(lake, declared, files)
                for batch_id, _ in parts:
                    self._twins[batch_id, contract] = found.filter(pl.col("batch_id") == batch_id).drop("batch_id")

    def twins(self, batch_id: str, part: StagedPart) -> pl.DataFrame | None:
        """What the lake holds of a part's keys; None for a part that is not looked up here."""
        return self._twins.get((batch_id, part.contract))

    def take(self, batch_id: str, part: StagedPart) -> bool:
        """Have a part appended with the others, as it is; False where it is not one of them."""
        if (batch_id, part.contract) not in self._twins:
            return False
        self._taken.setdefault(part.contract, []).extend(part.files)
        return True

    def append(self) -> None:
        """Append what was taken, one statement a contract."""
        for contract, files in self._taken.items():
            self._lake.execute(f"INSERT INTO raw.{contract} BY NAME SELECT * FROM read_parquet({listed(files)})")
        self._taken.clear()

    def _has_twice(self, declared: Table, files: Sequence[Path]) -> bool:
        key = ", ".join(declared.row_key)
        found = self._lake.query(
            f"SELECT count(*) > count(DISTINCT ({key})) AS twice FROM read_parquet({listed(files)})"
        )
        return bool(found.item())


def _gathered(staged: Sequence[StagedBatch]) -> dict[str, list[tuple[str, StagedPart]]]:
    """Parts by contract, of contracts that have several and none that is large or acts on refused rows."""
    found: dict[str, list[tuple[str, StagedPart]]] = {}
    large: set[str] = set()
    for batch in staged:
        for part in batch.parts:
            if part.good_count > SMALL_ROWS or batch.resolving is not None:
                large.add(part.contract)
            if part.files:
                found.setdefault(part.contract, []).append((batch.origin.batch_id, part))
    return {contract: parts for contract, parts in found.items() if len(parts) > 1 and contract not in large}


def twins(lake: LakeWriter, declared: Table, files: Sequence[Path]) -> pl.DataFrame:
    """Rows of staged files whose key the lake holds: batch and key, whether the content is the same and unpriced."""
    key = declared.row_key
    types = registry.polars_schema(declared)
    if not files or not lake.query(f"SELECT 1 FROM raw.{declared.name} LIMIT 1").height:
        about = {"batch_id": pl.String(), **{name: types[name] for name in key}}
        return pl.DataFrame(schema={**about, "is_same": pl.Boolean(), "is_unpriced": pl.Boolean()})
    named = ", ".join(f"s.{name}" for name in ("batch_id", *key))
    equal = " AND ".join(f"s.{name} = l.{name}" for name in key)
    same = " AND ".join(f"s.{name} IS NOT DISTINCT FROM l.{name}" for name in content_columns(declared))
    unpriced = "s.cost_source = 'unpriced'" if declared.name == "usage" else "false"
    return lake.query(
        f"""
        SELECT {named}, bool_or({same}) AS is_same, bool_or({unpriced}) AS is_unpriced
        FROM read_parquet({listed(files)}) AS s JOIN raw.{declared.name} AS l ON {equal}
        GROUP BY {named}
        """
    )


def listed(files: Sequence[Path]) -> str:
    """Files as DuckDB takes a list of them."""
    return "[" + ", ".join("'" + str(file).replace("'", "''") + "'" for file in files) + "]"
