"""What is expected of each source: declared in `sources.yaml` of the pack, and of the tenant, which goes first.

What is not declared is learnt from history (`aurora.ingest.freshness`). The lake holds the declarations, so
that marts and checks judge by the same ones.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Annotated, Final

import polars as pl
from msgspec import Meta, Struct

from aurora.packs import read_declared
from aurora.store.lake import LakeReader, LakeWriter, read_lake, write_lake
from aurora.store.paths import TenantPaths
from contracts import registry

FILE: Final = "sources.yaml"
LATE_TOLERANCE_DAYS: Final = 1


class Expectation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is expected of one source; what is left out is learnt."""

    expected_interval_h: Annotated[float, Meta(gt=0)] | None = None
    """Longest time between two batches, hours."""
    expected_low_count: Annotated[int, Meta(ge=0)] | None = None
    """Fewest rows of a day."""
    expected_high_count: Annotated[int, Meta(ge=0)] | None = None
    """Most rows of a day."""
    late_tolerance_days: Annotated[int, Meta(ge=0)] = LATE_TOLERANCE_DAYS
    """A row is late when its own day is more than so many days before the day it came."""
    quiet_days: tuple[dt.date, ...] = ()
    """Days on which nothing is expected, beside those of the whole file."""


class _SourcesFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    sources: dict[str, Expectation] = {}
    quiet_days: tuple[dt.date, ...] = ()
    """Days on which nothing is expected of any source: public holidays."""


EVERY_SOURCE: Final = "*"
"""Stands for all sources that no line names: it carries the quiet days of the whole file."""


def declared_expectations(paths: TenantPaths, *, packs_dir: Path, pack: str) -> dict[str, Expectation]:
    """Expectations by source, the tenant's before the pack's. `DataError` names a file and field that is wrong."""
    found: dict[str, Expectation] = {}
    quiet: set[dt.date] = set()
    for file in expectation_files(paths, packs_dir=packs_dir, pack=pack):
        declared = read_declared(file, _SourcesFile)
        quiet |= set(declared.quiet_days)
        found |= declared.sources
    every = Expectation(quiet_days=tuple(sorted(quiet)))
    return {
        EVERY_SOURCE: every,
        **{source: _with_quiet(one, quiet) for source, one in sorted(found.items())},
    }


def expectation_files(paths: TenantPaths, *, packs_dir: Path, pack: str) -> list[Path]:
    """The files there are, the pack's first: what a build watches."""
    return [file for file in (packs_dir / pack / FILE, paths.directory / FILE) if file.is_file()]


def _with_quiet(one: Expectation, quiet: set[dt.date]) -> Expectation:
    return Expectation(
        expected_interval_h=one.expected_interval_h,
        expected_low_count=one.expected_low_count,
        expected_high_count=one.expected_high_count,
        late_tolerance_days=one.late_tolerance_days,
        quiet_days=tuple(sorted(quiet | set(one.quiet_days))),
    )


def publish_expectations(paths: TenantPaths, *, packs_dir: Path, pack: str) -> int:
    """Bring the lake up to the declarations and return how many changed; none: nothing is written."""
    declared = declared_expectations(paths, packs_dir=packs_dir, pack=pack)
    schema = registry.polars_schema(registry.table("source_expectation"))
    wanted = pl.DataFrame([_row(source, one) for source, one in declared.items()], schema=schema)
    with read_lake(paths) as lake:
        there = lake.query("SELECT * FROM raw.source_expectation").select(list(schema))
    changed = wanted.join(there, on=wanted.columns, how="anti", nulls_equal=True)
    gone = there.join(wanted, on="source", how="anti")
    if changed.is_empty() and gone.is_empty():
        return 0

    def work(lake: LakeWriter) -> int:
        lake.execute("DELETE FROM raw.source_expectation")
        lake.append("source_expectation", wanted)
        return changed.height + gone.height

    return write_lake(paths, "raw", work, author="ingest", message="What is expected of the sources")


def published_expectations(lake: LakeReader) -> dict[str, Expectation]:
    """Expectations by source, as the lake holds them."""
    rows = lake.query("SELECT * FROM raw.source_expectation").to_dicts()
    return {row["source"]: _expectation(row) for row in rows}


def _row(source: str, one: Expectation) -> dict[str, object]:
    return {
        "source": source,
        "expected_interval_h": one.expected_interval_h,
        "expected_low_count": one.expected_low_count,
        "expected_high_count": one.expected_high_count,
        "late_tolerance_days": one.late_tolerance_days,
        "quiet_days": json.dumps([day.isoformat() for day in one.quiet_days]),
    }


def _expectation(row: dict[str, object]) -> Expectation:
    import msgspec

    values = {name: row[name] for name in Expectation.__struct_fields__}
    return msgspec.convert({**values, "quiet_days": json.loads(str(row["quiet_days"]))}, Expectation, strict=False)
