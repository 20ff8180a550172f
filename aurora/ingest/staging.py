"""From a file to Parquet files that wait to be committed, and the rows that were refused.

Staged files lie in the lake's own folder, inside the tenant's region, and belong to nobody until a
transaction registers them. A process that dies here leaves orphans, which maintenance removes.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from aurora.gateway.prices import PriceBook
from aurora.ingest.completion import Completion
from aurora.ingest.judging import judged
from aurora.ingest.keys import KeyFilter, conflict_refusals
from aurora.ingest.portions import ROW, BatchOrigin, Portion, SourceFile
from aurora.ingest.resolutions import Resolving
from aurora.ingest.source_formats import source_format
from aurora.ingest.writing import StagedWriter
from aurora.privacy.door import Doorkeeper
from contracts import registry
from contracts.table import Table

ROWS_PER_FILE: Final = 250_000
"""Rows gated, priced and written at once: few enough for memory, enough for good Parquet files."""
_BYTES_PER_ROW: Final = 180
_PORTIONS_AHEAD: Final = 8
"""Enough for the reader to go on while a whole file's worth of rows is gated and written."""


SMALL_ROWS: Final = 5_000
"""A batch that is not expected to have more is staged without threads: they would cost more than its rows."""


@dataclass(slots=True)
class StagedPart:
    """The rows of one batch for one contract."""

    contract: str
    files: list[Path] = field(default_factory=list)
    refused: list[pl.DataFrame] = field(default_factory=list)
    row_count: int = 0
    good_count: int = 0
    quarantined_count: int = 0
    duplicate_count: int = 0
    unpriced_count: int = 0
    books: dict[str, pl.DataFrame] = field(default_factory=dict)
    """Rows of Aurora's own tables that are committed with the batch, by table: what privacy found."""


@dataclass(frozen=True, slots=True)
class StagedBatch:
    """A whole file, ready for its transaction; `resolving` when its rows had been refused before."""

    origin: BatchOrigin
    parts: tuple[StagedPart, ...]
    resolving: Resolving | None = None

    def discard(self) -> None:
        """Remove the staged files: they were not registered."""
        for part in self.parts:
            for file in part.files:
                file.unlink(missing_ok=True)


class _PartStager:
    """Gathers portions of one contract, and gates, prices and writes them a few hundred thousand at a time."""

    def __init__(
        self,
        declared: Table,
        origin: BatchOrigin,
        *,
        folder: Path,
        book: PriceBook,
        expected_rows: int,
        keeper: Doorkeeper | None,
    ) -> None:
        self._door = keeper.door(declared, origin) if keeper else None
        is_small = expected_rows <= SMALL_ROWS
        self._writer = StagedWriter(declared, origin, folder=folder, book=book, is_small=is_small)
        self.part = StagedPart(declared.name, files=self._writer.files)
        self._declared = declared
        self._keys = KeyFilter(declared, expected_rows=expected_rows)
        self._completion = Completion(declared, origin.source, origin.source_format, origin.region)
        self._waiting: list[pl.DataFrame] = []
        self._waiting_rows = 0

    def add(self, portion: Portion) -> None:
        if portion.refused.height:
            self._refuse(portion.refused)
        self.part.row_count += portion.rows.height + portion.refused[ROW].n_unique()
        if portion.rows.height:
            self._waiting.append(portion.rows)
            self._waiting_rows += portion.rows.height
        if self._waiting_rows >= ROWS_PER_FILE:
            self._flush()

    def finish(self) -> StagedPart:
        self._flush()
        self._writer.flush()
        settled = self._keys.settle(self.part.files)
        if settled:
            self.part.duplicate_count += settled.duplicate_count
            self._refuse(conflict_refusals(settled.conflicts, self._declared, where="in the same file"))
            self.part.good_count += self._writer.write(settled.good)
        self.part.unpriced_count = self._writer.flush()
        self._writer.close()
        if self._door:
            self.part.books = self._door.books()
        return self.part

    def _flush(self) -> None:
        if not self._waiting:
            return
        read = self._admitted(pl.concat(self._waiting, how="diagonal_relaxed"))
        self._waiting, self._waiting_rows = [], 0
        good = self._gated(read)
        if good.height:
            rows = self._completion.completed(good)
            rows = self._door.protect(rows) if self._door else rows
            self.part.good_count += self._writer.write(rows, self._keys.fresh(rows))

    def _admitted(self, read: pl.DataFrame) -> pl.DataFrame:
        """Rows whose region may rest here; the others are refused."""
        if self._door is None:
            return read
        admitted, foreign = self._door.admit(read)
        if foreign is not None:
            self._refuse(foreign)
        return admitted

    def _gated(self, read: pl.DataFrame) -> pl.DataFrame:
        good, refused = judged(read, self._declared, self._completion)
        self._refuse(refused)
        return good

    def _refuse(self, refused: pl.DataFrame) -> None:
        if refused.height:
            refused = self._door.seal(refused) if self._door else refused
            self.part.refused.append(refused)
            self.part.quarantined_count += refused[ROW].n_unique()

    def discard(self) -> None:
        """End the writer and remove what it wrote."""
        self._writer.close()
        for file in self._writer.files:
            file.unlink(missing_ok=True)


def stage_file(
    file: SourceFile, origin: BatchOrigin, *, folders: Path, book: PriceBook, keeper: Doorkeeper | None = None
) -> StagedBatch:
    """Read, gate, price, protect and write the file's rows. `folders` holds a folder a table.

    `keeper` is the tenant's privacy at the door; without one, rows rest as they came: only for looking at a format.
    Whatever is raised, the staged files are removed first.
    """
    portions = source_format(origin.source_format).read(file)
    expected = max(1000, file.path.stat().st_size // _BYTES_PER_ROW)
    return stage_portions(
        portions, file.contract, origin, folders=folders, book=book, expected_rows=expected, keeper=keeper
    )


def stage_portions(
    portions: Iterator[Portion],
    contract: str,
    origin: BatchOrigin,
    *,
    folders: Path,
    book: PriceBook,
    expected_rows: int,
    keeper: Doorkeeper | None = None,
) -> StagedBatch:
    """Gate, price and write rows that were read; `contract` has a part in the batch even without rows."""
    stagers: dict[str, _PartStager] = {}

    def stager(name: str) -> _PartStager:
        if name not in stagers:
            stagers[name] = _PartStager(
                registry.table(name),
                origin,
                folder=folders / name,
                book=book,
                expected_rows=expected_rows,
                keeper=keeper,
            )
        return stagers[name]

    stager(contract)
    try:
        for portion in portions if expected_rows <= SMALL_ROWS else _read_ahead(portions):
            stager(portion.contract).add(portion)
        return StagedBatch(origin, tuple(one.finish() for one in stagers.values()))
    except BaseException:
        for one in stagers.values():
            one.discard()
        raise


def _read_ahead(portions: Iterator[Portion]) -> Iterator[Portion]:
    """The same portions, read in a thread of their own while earlier ones are worked on."""
    ready: queue.Queue[Portion | BaseException | None] = queue.Queue(maxsize=_PORTIONS_AHEAD)
    stop = threading.Event()

    def read() -> None:
        try:
            for portion in portions:
                ready.put(portion)
                if stop.is_set():
                    return
            ready.put(None)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits, and raised there
            ready.put(error)

    thread = threading.Thread(target=read, name="ingest-reader", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        while thread.is_alive():
            _drain(ready)
            thread.join(timeout=0.01)


def _drain(ready: queue.Queue[Portion | BaseException | None]) -> None:
    while not ready.empty():
        ready.get_nowait()
