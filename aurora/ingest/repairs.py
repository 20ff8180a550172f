"""Acts on refused rows: repair, release, run again, discard. Each is a batch that names what it repairs.

Rows take the one path of ingest again: gate, keys, prices, one transaction, which also holds what became
of each row. So a row lands at most once however often an act is repeated, and a kill leaves all of an act
or nothing. The journal's record follows from the rows in the lake; one that a kill prevented is written
by the next act.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

from aurora.errors import NotFoundError, UsageError
from aurora.gateway.prices import PriceBook, default_book
from aurora.ingest.commit import UNKNOWN_FORMAT, commit_batches, last_batch_seq
from aurora.ingest.portions import BatchOrigin, Portion
from aurora.ingest.quarantine import RefusedRow, find_rows, rows_of_batch
from aurora.ingest.repair_reports import ActReport, act_records, act_report, closed_report, staged_report
from aurora.ingest.rereading import (
    Values,
    batch_file,
    corrected,
    no_file,
    portion_of,
    read_rows,
    reread_file,
    without_rows,
)
from aurora.ingest.resolutions import CLOSED, Act, Resolving, missing_rows
from aurora.ingest.staging import StagedBatch, StagedPart, stage_portions
from aurora.privacy.disclosure import open_refused
from aurora.privacy.door import Doorkeeper
from aurora.settings import PROJECT_DIR, Settings
from aurora.store.journal import IdempotencyKey
from aurora.store.lake import LakeReader, read_lake, table_folder
from aurora.store.paths import TenantPaths
from aurora.store.state import StateStore
from contracts import registry

Clock = Callable[[], dt.datetime]
Prepared = tuple[str, StagedBatch, Sequence[RefusedRow], Mapping[int, Sequence[str]]]
"""The batch that is repaired, its rows staged again, the refused rows, and the columns corrected by row number."""
MIN_NOTE: Final = 8
MAX_NOTE: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """New values for a refused row; with `is_whole` they are all of it, else they replace single columns."""

    quarantine_id: str
    values: Values
    is_whole: bool = False


@dataclass(slots=True)
class Repairs:
    """Acts of one person on one tenant's quarantine."""

    paths: TenantPaths
    store: StateStore
    actor_id: str
    clock: Clock
    book: PriceBook | None = None
    max_line_mb: int = Settings().max_upload_mb
    is_dry_run: bool = False
    answered: Callable[[Sequence[ActReport]], IdempotencyKey] | None = None
    """Gives the idempotency key to be recorded with the act, where the request had one."""
    _next_seq: int = 0

    def repair(self, corrections: Sequence[Correction], note: str) -> list[ActReport]:
        """Bring rows in with corrected values. Errors: `UsageError`, `NotFoundError`, `ConflictError`."""
        given = {one.quarantine_id: one for one in corrections}
        return self._rows_act("repair", list(given), note, given)

    def release(self, quarantine_ids: Sequence[str], note: str) -> list[ActReport]:
        """Put rows through the gate again as they are: the contract, the code or the price book has changed."""
        return self._rows_act("release", quarantine_ids, note, {})

    def discard(self, quarantine_ids: Sequence[str], note: str) -> list[ActReport]:
        """End rows' life without landing them; they stay in quarantine, with the reason."""
        return self._rows_act("discard", quarantine_ids, note, {})

    def rerun(self, batch_id: str, note: str) -> list[ActReport]:
        """Read a whole batch's file again with today's code and contracts: all that did not land is tried.

        Errors: `NotFoundError` for a batch that is not in the ledger, or whose file is gone.
        """
        note = _checked_note(note)
        with read_lake(self.paths) as lake:
            self._begin(lake)
            ledger = _ledger(lake, batch_id)
            batch_id = str(ledger[0]["batch_id"])
            refused = rows_of_batch(lake, batch_id)
            left_out = _ended(lake, batch_id, [str(row["contract"]) for row in ledger], refused)
        first = ledger[0]
        about = {name: str(first[name]) for name in ("source", "file_name")}
        file = batch_file(self.paths, **about, batch_id=batch_id)
        if file is None:
            raise no_file(about["file_name"], about["source"])
        tried = [row for row in refused if row.state not in CLOSED]
        named = str(first["source_format"])
        again = reread_file(file, str(first["contract"]), named, max_line_mb=self.max_line_mb)
        if named != UNKNOWN_FORMAT:
            again = without_rows(again, left_out)
        repair_id = _repair_id("rerun", batch_id, self._basis(), sorted(row.quarantine_id for row in tried))
        origin = self._origin(repair_id, about, again.source_format)
        staged = self._stage(again.portions, str(first["contract"]), origin)
        is_read = again.source_format != UNKNOWN_FORMAT
        if named != UNKNOWN_FORMAT or not is_read:
            _add_missing(staged, tried, again.seen)
        is_idle = not tried and not any(part.good_count or part.quarantined_count for part in staged.parts)
        return self._finish("rerun", [(batch_id, staged, tried, {})], note, is_idle=is_idle)

    def _rows_act(
        self, act: Act, quarantine_ids: Sequence[str], note: str, given: Mapping[str, Correction]
    ) -> list[ActReport]:
        note = _checked_note(note)
        if not quarantine_ids:
            raise UsageError("No row is named.", field="quarantine_id", next_step="Name at least one quarantine id.")
        with read_lake(self.paths) as lake:
            self._begin(lake)
            named = find_rows(lake, quarantine_ids)
        by_batch: dict[str, dict[RefusedRow, None]] = {}
        wanted: dict[str, Correction] = {}
        for quarantine_id, row in named.items():
            by_batch.setdefault(row.batch_id, {})[row] = None
            if quarantine_id in given:
                wanted[row.quarantine_id] = given[quarantine_id]
        prepared = []
        closed: list[ActReport] = []
        try:
            for rows in by_batch.values():
                open_rows = [row for row in rows if row.state not in CLOSED]
                if len(open_rows) < len(rows):
                    closed.append(closed_report(act, [row for row in rows if row.state in CLOSED]))
                if open_rows:
                    prepared.append(self._staged(act, open_rows, wanted, note))
        except BaseException:
            for _, staged, _, _ in prepared:
                staged.discard()
            raise
        return self._finish(act, prepared, note, closed=closed)

    def _staged(self, act: Act, rows: Sequence[RefusedRow], wanted: Mapping[str, Correction], note: str) -> Prepared:
        one = rows[0]
        about = {"source": one.source, "file_name": one.file_name}
        if act == "discard":
            repair_id = _repair_id(act, one.batch_id, "", sorted(row.quarantine_id for row in rows))
            parts = tuple(StagedPart(contract) for contract in sorted({row.contract for row in rows}))
            return one.batch_id, StagedBatch(self._origin(repair_id, about, one.source_format), parts), rows, {}
        portions, changed, content = [], dict[int, Sequence[str]](), []
        for contract in sorted({row.contract for row in rows}):
            own = [row for row in rows if row.contract == contract]
            values, refused = self._values(own, wanted, changed, note)
            content.append((contract, sorted((number, _plain(row)) for number, row in values.items())))
            lost = frozenset(row.row_number for row in own) - set(values) - set(refused)
            if lost:
                refused |= {number: missing_rows(frozenset({number})) for number in lost}
            portions.append(portion_of(contract, values, refused))
        repair_id = _repair_id(act, one.batch_id, self._basis(), sorted(row.quarantine_id for row in rows), content)
        origin = self._origin(repair_id, about, one.source_format)
        staged = self._stage(iter(portions), one.contract, origin)
        return one.batch_id, staged, rows, changed

    def _stage(self, portions: Iterator[Portion], contract: str, origin: BatchOrigin) -> StagedBatch:
        folders = table_folder(self.paths, "raw", "usage").parent
        with Doorkeeper(self.paths) as keeper:
            return stage_portions(
                portions, contract, origin, folders=folders, book=self._book(), expected_rows=1000, keeper=keeper
            )

    def _values(
        self,
        rows: Sequence[RefusedRow],
        wanted: Mapping[str, Correction],
        changed: dict[int, Sequence[str]],
        note: str,
    ) -> tuple[dict[int, dict[str, Any]], dict[int, Any]]:
        """Values to bring in by row number, corrected ones in place, and refusals of rows that cannot be read."""
        whole = {row.quarantine_id for row in rows if (w := wanted.get(row.quarantine_id)) and w.is_whole}
        kept = self._opened([row for row in rows if row.quarantine_id not in whole], note)
        values, refused = read_rows(self.paths, kept, max_line_mb=self.max_line_mb)
        for row in rows:
            correction = wanted.get(row.quarantine_id)
            if correction is not None:
                base = {} if correction.is_whole else values.get(row.row_number, {})
                values[row.row_number] = corrected(row.contract, base, correction.values)
                changed[row.row_number] = sorted(correction.values)
                refused.pop(row.row_number, None)
        return values, refused

    def _opened(self, rows: Sequence[RefusedRow], note: str) -> list[RefusedRow]:
        """The rows as they came: what rests encrypted is opened, on record, to go back through the door."""
        with Doorkeeper(self.paths) as keeper:
            raw = open_refused(
                self.store,
                keeper.vault,
                [row.raw_row for row in rows],
                actor_id=self.actor_id,
                reason=note,
                now=self.clock(),
            )
        return [replace(row, raw_row=text) for row, text in zip(rows, raw, strict=True)]

    def _finish(
        self,
        act: Act,
        prepared: Sequence[Prepared],
        note: str,
        *,
        closed: Sequence[ActReport] = (),
        is_idle: bool = False,
    ) -> list[ActReport]:
        """Commit what was prepared, and journal it; `closed` are reports of rows that there was nothing to do with."""
        batches = []
        for batch_id, staged, rows, changed in prepared:
            resolving = Resolving(
                act=act,
                batch_id=batch_id,
                rows=_numbers(rows),
                actor_id=self.actor_id,
                note=note,
                record_id=f"qua_{staged.origin.batch_id[:40]}",
                columns=changed,
            )
            batches.append((replace(staged, resolving=resolving), rows))
        if self.is_dry_run or is_idle:
            told = [staged_report(act, staged, rows) for staged, rows in batches]
            for staged, _ in batches:
                staged.discard()
            return [*closed, *(replace(one, is_dry_run=self.is_dry_run) for one in told)]
        landed = commit_batches(self.paths, [staged for staged, _ in batches], book=self._book()) if batches else []
        with read_lake(self.paths) as lake:
            done = [act_report(lake, act, staged, rows, of) for (staged, rows), of in zip(batches, landed, strict=True)]
            reports = [*closed, *done]
            self._settle(lake, reports)
        return reports

    def _begin(self, lake: LakeReader) -> None:
        self._next_seq = last_batch_seq(lake) + 1
        self._settle(lake)

    def _settle(self, lake: LakeReader, reports: Sequence[ActReport] = ()) -> None:
        """Write the journal's records of acts that are in the lake and not in the journal yet."""
        if self.is_dry_run:
            return
        records = [record for record in act_records(lake) if self.store.get(record.record_id) is None]
        answer = self.answered(reports) if self.answered and reports else None
        if records or answer:
            self.store.append(records, idempotency=answer).result()

    def _origin(self, repair_id: str, about: Mapping[str, str], source_format: str) -> BatchOrigin:
        return BatchOrigin(
            batch_id=repair_id,
            batch_seq=self._next_seq,
            source=about["source"],
            source_format=source_format,
            file_name=about["file_name"],
            region=self.paths.region,
            ingested_at=self.clock(),
        )

    def _basis(self) -> str:
        with Doorkeeper(self.paths) as keeper:
            return _basis(self._book(), keeper.allowed_regions)

    def _book(self) -> PriceBook:
        return self.book or default_book()


def _checked_note(note: str) -> str:
    text = note.strip()
    if not MIN_NOTE <= len(text) <= MAX_NOTE:
        raise UsageError(
            "An act on refused rows needs a reason.",
            field="reason",
            rule="length",
            next_step=f"Say why, in {MIN_NOTE} to {MAX_NOTE} letters.",
        )
    return text


def _ledger(lake: LakeReader, batch_id: str) -> list[dict[str, Any]]:
    """The batch's rows of the ledger; a beginning of the id is enough where only one batch has it."""
    found = lake.query(
        "SELECT * FROM raw.ingest_batch WHERE starts_with(batch_id, $id) AND repairs_batch_id IS NULL ORDER BY batch_seq",
        {"id": batch_id},
    )
    if found["batch_id"].n_unique() != 1 or not batch_id:
        raise NotFoundError(
            f"There is no batch {batch_id[:64]!r}."
            if found.is_empty()
            else f"Several batches begin with {batch_id!r}.",
            field="batch_id",
            next_step="`aurora quarantine list` shows the batches of refused rows.",
        )
    return found.to_dicts()


def _ended(
    lake: LakeReader, batch_id: str, contracts: Iterable[str], refused: Sequence[RefusedRow]
) -> dict[str, frozenset[int]]:
    """Row numbers by contract that landed with the batch, or came to their end in quarantine."""
    ended = {}
    for contract in set(contracts):
        landed = lake.query(f"SELECT row_number FROM raw.{contract} WHERE batch_id = $id", {"id": batch_id})
        closed = [row.row_number for row in refused if row.contract == contract and row.state in CLOSED]
        ended[contract] = frozenset([*landed["row_number"].to_list(), *closed])
    return ended


def _add_missing(staged: StagedBatch, tried: Sequence[RefusedRow], seen: set[tuple[str, int]]) -> None:
    for part in staged.parts:
        lost = frozenset(
            row.row_number
            for row in tried
            if row.contract == part.contract and (part.contract, row.row_number) not in seen
        )
        if lost:
            part.refused.append(missing_rows(lost))
            part.row_count += len(lost)
            part.quarantined_count += len(lost)


def _numbers(rows: Sequence[RefusedRow]) -> dict[str, frozenset[int]]:
    return {
        contract: frozenset(row.row_number for row in rows if row.contract == contract)
        for contract in sorted({row.contract for row in rows})
    }


def _repair_id(*parts: object) -> str:
    """The same act on the same rows with the same content, code and prices is the same batch."""
    return hashlib.sha256(json.dumps(parts, default=str, sort_keys=True).encode()).hexdigest()


def _plain(row: Values) -> list[tuple[str, str]]:
    return sorted((name, str(value)) for name, value in row.items())


def _basis(book: PriceBook, regions: Iterable[str]) -> str:
    """What the gate's answer depends on besides the row: contracts, the door's own code, regions allowed, prices."""
    known = "".join([*sorted(book.rows["price_id"]), *sorted(regions)])
    return f"{_code_hash()}{hashlib.sha256(known.encode()).hexdigest()}"


@cache
def _code_hash() -> str:
    digest = hashlib.sha256(repr(sorted(registry.tables().items())).encode())
    for room in ("ingest", "privacy"):
        for file in sorted((PROJECT_DIR / "aurora" / room).rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()
