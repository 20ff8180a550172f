"""One lake transaction for staged batches: rows, refused rows and the ledger, all or nothing.

The ledger is a table of the same lake, so "exactly once" is the transaction's own promise: a batch is
in it if and only if its rows are in the lake.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from aurora.gateway.prices import PriceBook
from aurora.ingest.keys import conflict_refusals
from aurora.ingest.portions import ROW, BatchOrigin
from aurora.ingest.small_parts import SmallParts
from aurora.ingest.small_parts import twins as find_twins
from aurora.ingest.staging import StagedBatch, StagedPart
from aurora.ingest.volume import batch_days
from aurora.store.lake import LakeReader, LakeWriter, write_lake
from aurora.store.paths import TenantPaths
from contracts import registry
from contracts.table import Table

UNKNOWN_FORMAT = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchReport:
    """What became of a batch: `rows` = `good` + `quarantined` + `duplicates`, over all its contracts.

    `is_known` says that the lake held it before; the counts are then those of that time.
    """

    batch_id: str
    batch_seq: int
    source: str
    source_format: str
    file_name: str
    contracts: tuple[str, ...]
    rows: int
    good: int
    quarantined: int
    duplicates: int
    unpriced: int
    is_known: bool


def known_batches(lake: LakeReader, batch_ids: Sequence[str] | None = None) -> dict[tuple[str, str], BatchReport]:
    """Batches in the ledger by (batch_id, contract it was read for): those of these ids, or all."""
    wanted = "" if batch_ids is None else "WHERE batch_id IN (SELECT unnest(?::VARCHAR[])) "
    rows = lake.query(
        f"SELECT * FROM raw.ingest_batch {wanted}ORDER BY batch_seq, contract",
        () if batch_ids is None else [list(batch_ids)],
    ).rows(named=True)
    whole: dict[str, list[dict[str, object]]] = {}
    for row in rows:
        whole.setdefault(row["batch_id"], []).append(row)
    return {(row["batch_id"], row["contract"]): _report(whole[row["batch_id"]], is_known=True) for row in rows}


def last_batch_seq(lake: LakeReader) -> int:
    """Sequence number of the newest batch, 0 for none."""
    return int(lake.query("SELECT coalesce(max(batch_seq), 0) AS seq FROM raw.ingest_batch").item())


def _report(rows: Sequence[dict[str, object]], *, is_known: bool) -> BatchReport:
    def total(column: str) -> int:
        return sum(int(str(row[column])) for row in rows)

    first = rows[0]
    return BatchReport(
        batch_id=str(first["batch_id"]),
        batch_seq=int(str(first["batch_seq"])),
        source=str(first["source"]),
        source_format=str(first["source_format"]),
        file_name=str(first["file_name"]),
        contracts=tuple(str(row["contract"]) for row in rows),
        rows=total("row_count"),
        good=total("good_count"),
        quarantined=total("quarantined_count"),
        duplicates=total("duplicate_count"),
        unpriced=total("unpriced_count"),
        is_known=is_known,
    )


def commit_batches(paths: TenantPaths, staged: Sequence[StagedBatch], *, book: PriceBook) -> list[BatchReport]:
    """Commit batches in the order given, in one transaction; staged files that are not taken are removed."""
    taken: set[str] = set()

    def work(lake: LakeWriter) -> list[BatchReport]:
        taken.clear()
        return _Transaction(lake, book, taken).run(staged)

    try:
        reports = write_lake(paths, "raw", work, author="ingest", message=_message(staged))
    except BaseException:
        taken.clear()
        raise
    finally:
        for batch in staged:
            for part in batch.parts:
                for file in part.files:
                    if str(file) not in taken:
                        file.unlink(missing_ok=True)
    return reports


def _message(staged: Sequence[StagedBatch]) -> str:
    names = ", ".join(batch.origin.file_name for batch in staged[:3])
    return f"Ingest {names}" + (f" and {len(staged) - 3} more" if len(staged) > 3 else "")


class _Transaction:
    """The work inside one open transaction."""

    def __init__(self, lake: LakeWriter, book: PriceBook, taken: set[str]) -> None:
        self._lake = lake
        self._book = book
        self._taken = taken
        self._quarantine: list[pl.DataFrame] = []
        self._ledger: list[dict[str, object]] = []
        self._resolutions: list[pl.DataFrame] = []
        self._books: dict[str, list[pl.DataFrame]] = {}
        self._small = SmallParts(lake, ())

    def run(self, staged: Sequence[StagedBatch]) -> list[BatchReport]:
        known = known_batches(self._lake, [batch.origin.batch_id for batch in staged])
        seq = last_batch_seq(self._lake)
        self._small = SmallParts(self._lake, staged)
        reports = []
        for batch in staged:
            before = known.get((batch.origin.batch_id, batch.parts[0].contract))
            if before and UNKNOWN_FORMAT in {before.source_format, batch.origin.source_format}:
                is_known = batch.origin.source_format == UNKNOWN_FORMAT
            else:
                is_known = before is not None
            if before and is_known:
                reports.append(replace(before, is_known=True))
                continue
            seq += 1
            report = self._take(batch, seq)
            known |= {(batch.origin.batch_id, part.contract): report for part in batch.parts}
            reports.append(report)
        self._small.append()
        self._sync_prices()
        if self._quarantine:
            self._lake.append("quarantine", pl.concat(self._quarantine))
        if self._ledger:
            schema = registry.polars_schema(registry.table("ingest_batch"))
            self._lake.append("ingest_batch", pl.DataFrame(self._ledger, schema=schema))
            self._lake.append("batch_day", self._days())
        for table, frames in self._books.items():
            self._lake.append(table, pl.concat(frames))
        if self._resolutions:
            self._lake.append("quarantine_resolution", pl.concat(self._resolutions))
        return reports

    def _take(self, batch: StagedBatch, seq: int) -> BatchReport:
        """Bring one batch in; one that acts on refused rows also says what became of each."""
        resolving = batch.resolving
        if resolving:
            resolving.require_open(self._lake)
        rows, refused = [], {}
        for part in batch.parts:
            row, refused[part.contract] = self._land(batch.origin, part, seq)
            row["repairs_batch_id"] = resolving.batch_id if resolving else None
            new = resolving.new_refusals(refused[part.contract], part.contract) if resolving else refused[part.contract]
            if new:
                self._quarantine.append(_quarantine(pl.concat(new), batch.origin, part.contract))
            for table, frame in part.books.items():
                self._books.setdefault(table, []).append(frame)
            rows.append(row)
        if resolving:
            self._resolutions.append(resolving.resolutions(self._lake, batch.origin, seq, refused))
        self._ledger += rows
        return _report(rows, is_known=False)

    def _days(self) -> pl.DataFrame:
        landed = [row for row in self._ledger if row["good_count"]]
        contracts = sorted({str(row["contract"]) for row in landed})
        found = [
            batch_days(self._lake, contract, [row for row in landed if row["contract"] == contract])
            for contract in contracts
        ]
        return pl.concat(found) if found else pl.DataFrame(schema=registry.polars_schema(registry.table("batch_day")))

    def _land(
        self, origin: BatchOrigin, part: StagedPart, seq: int
    ) -> tuple[dict[str, object], Sequence[pl.DataFrame]]:
        """The batch's row of the ledger, and what was refused."""
        declared = registry.table(part.contract)
        twins = self._small.twins(origin.batch_id, part)
        if twins is None:
            twins = find_twins(self._lake, declared, part.files).drop("batch_id")
        conflicts = self._append(part, declared, seq=seq, origin=origin, twins=twins)
        same = twins.height - conflicts.height
        refused = [*part.refused, conflicts] if conflicts.height else part.refused
        row: dict[str, object] = {
            "batch_id": origin.batch_id,
            "batch_seq": seq,
            "contract": part.contract,
            "source": origin.source,
            "source_format": origin.source_format,
            "file_name": origin.file_name,
            "row_count": part.row_count,
            "good_count": part.good_count - twins.height,
            "quarantined_count": part.quarantined_count + conflicts.height,
            "duplicate_count": part.duplicate_count + same,
            "unpriced_count": part.unpriced_count - int(twins["is_unpriced"].sum()),
            "ingested_at": origin.ingested_at,
            "source_cursor": origin.source_cursor,
        }
        return row, refused

    def _append(
        self, part: StagedPart, declared: Table, *, seq: int, origin: BatchOrigin, twins: pl.DataFrame
    ) -> pl.DataFrame:
        """Bring the staged rows into the lake and return refusals of those in conflict with it."""
        if not part.files:
            return conflict_refusals(_nothing(declared), declared, where="")
        if twins.is_empty() and seq == origin.batch_seq:
            if not self._small.take(origin.batch_id, part):
                self._lake.add_files(declared.name, part.files)
                self._taken |= {str(file) for file in part.files}
            return conflict_refusals(_nothing(declared), declared, where="")
        # another batch came first, or some rows were there: the files do not hold what must land
        key = list(declared.row_key)
        types = registry.polars_schema(declared, is_stored=True)
        scan = pl.scan_parquet(part.files).select(pl.col(name).cast(kind) for name, kind in types.items())
        fresh = scan.join(twins.lazy().select(key), on=key, how="anti", maintain_order="left")
        if twins.height < part.good_count:
            self._lake.append(declared.name, fresh.with_columns(pl.lit(seq, dtype=pl.Int64).alias("batch_seq")))
        different = twins.lazy().filter(~pl.col("is_same")).select(key)
        conflicts = scan.join(different, on=key, how="semi").sort(ROW).collect()
        return conflict_refusals(conflicts, declared, where="in the lake")

    def _sync_prices(self) -> None:
        have = self._lake.query("SELECT price_id FROM raw.price")
        new = self._book.rows.join(have, on="price_id", how="anti")
        if new.height:
            self._lake.append("price", new)


def _nothing(declared: Table) -> pl.DataFrame:
    return pl.DataFrame(schema=registry.polars_schema(declared, is_stored=True))


def _quarantine(refused: pl.DataFrame, origin: BatchOrigin, contract: str) -> pl.DataFrame:
    about = {
        "batch_id": origin.batch_id,
        "contract": contract,
        "source": origin.source,
        "source_format": origin.source_format,
        "file_name": origin.file_name,
    }
    parts = refused.select(ROW, "column_name", "rule").rows()
    ids = [_quarantine_id(origin.batch_id, contract, *part, nth=nth) for nth, part in enumerate(parts)]
    schema = registry.polars_schema(registry.table("quarantine"))
    return refused.with_columns(
        pl.Series("quarantine_id", ids, dtype=pl.String),
        *(pl.lit(value).alias(name) for name, value in about.items()),
        pl.lit(origin.ingested_at).alias("ingested_at"),
    ).select(pl.col(name).cast(kind) for name, kind in schema.items())


def _quarantine_id(batch_id: str, contract: str, row: int, column: str | None, rule: str, *, nth: int) -> str:
    text = f"{batch_id}|{contract}|{row}|{column}|{rule}|{nth}"
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
