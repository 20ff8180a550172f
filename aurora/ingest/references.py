"""Rows that name another row which the lake does not hold.

A reference is not part of the gate: exports arrive in any order, and the row that is missing today may come
tomorrow. What is still missing later is a hole in the fleet's story, and is shown.
"""

from __future__ import annotations

from dataclasses import dataclass

from aurora.store.lake import LakeReader
from contracts.references import Reference, references


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenReference:
    """A reference that does not hold: how many rows and ids are concerned, and one id as an example."""

    reference: Reference
    row_count: int
    missing_count: int
    example: str


def broken_references(lake: LakeReader) -> list[BrokenReference]:
    """Every reference with rows that name nothing, the one that concerns most rows first."""
    filled = _filled(lake)
    held = [found for one in references() if one.table in filled and (found := _broken(lake, one))]
    return sorted(held, key=lambda found: (-found.row_count, found.reference.table, found.reference.column))


def _filled(lake: LakeReader) -> frozenset[str]:
    tables = sorted({one.table for one in references()})
    asked = ", ".join(f"EXISTS (SELECT 1 FROM raw.{name}) AS {name}" for name in tables)
    return frozenset(name for name, is_filled in lake.query(f"SELECT {asked}").row(0, named=True).items() if is_filled)


def _broken(lake: LakeReader, one: Reference) -> BrokenReference | None:
    by_source = one.is_within_source
    # columns get names of their own: a named one would be taken for the outer table's, where both have it
    named = (
        f"SELECT DISTINCT {one.to_column} AS id{', source AS of_source' if by_source else ''} FROM raw.{one.to_table}"
    )
    found = lake.query(
        f"""
        SELECT sum(n) AS row_count, count(*) AS missing_count, min(id) AS example
        FROM (
            SELECT {one.column} AS id{", source AS of_source" if by_source else ""}, count(*) AS n
            FROM raw.{one.table} WHERE {one.column} IS NOT NULL GROUP BY ALL
        ) ANTI JOIN ({named}) USING (id{", of_source" if by_source else ""})
        """
    ).row(0, named=True)
    if not found["missing_count"]:
        return None
    return BrokenReference(
        reference=one,
        row_count=int(found["row_count"]),
        missing_count=int(found["missing_count"]),
        example=str(found["example"]),
    )
