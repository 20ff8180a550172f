"""What an act on refused rows leaves in the lake, inside the transaction that lands them.

A batch that brings refused rows in again carries a `Resolving`. The transaction asks it first whether the
rows are still open, and gives it what the gate and the keys refused; it answers with the resolution rows.
So a row and what became of it are in the lake together or not at all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import polars as pl

from aurora.errors import ConflictError
from aurora.ingest.portions import ROW, BatchOrigin, Refusal, refusals
from aurora.store.lake import LakeReader
from contracts import registry

Act = Literal["repair", "release", "rerun", "discard"]
State = Literal["open", "repaired", "released", "discarded", "still_failing"]
CLOSED: Final[tuple[State, ...]] = ("repaired", "released", "discarded")
"""States that end a refused row's life; nothing is done to it any more."""
_ENDS: Final[Mapping[Act, State]] = {
    "repair": "repaired",
    "release": "released",
    "rerun": "released",
    "discard": "discarded",
}
_NEWEST: Final = """
    SELECT contract, row_number, arg_max(repair_state, batch_seq) AS state, count(*) AS act_count
    FROM raw.quarantine_resolution WHERE batch_id = $batch_id GROUP BY contract, row_number
"""
_NOT_FOUND: Final = (
    "file",
    "known_row",
    "Today's code finds no such row in the file. Repair it by hand, or discard it.",
)
Refusals = Mapping[int, tuple[str | None, str, str]]
"""Column, rule and reason of the first check that a row failed, by its row number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolving:
    """One act on refused rows of one batch; `rows` are their numbers by contract."""

    act: Act
    batch_id: str
    rows: Mapping[str, frozenset[int]]
    actor_id: str
    note: str
    record_id: str
    columns: Mapping[int, Sequence[str]]
    """Columns that a person gave new values, by row number."""

    def require_open(self, lake: LakeReader) -> None:
        """`ConflictError` when any of the rows has come to its end meanwhile."""
        newest = lake.query(_NEWEST, {"batch_id": self.batch_id})
        for contract, row_number, state, _ in newest.rows():
            if state in CLOSED and row_number in self.rows.get(contract, ()):
                raise ConflictError(
                    f"Row {row_number} of batch {self.batch_id[:12]} ({contract}) is {state} already.",
                    field="quarantine_id",
                    rule="is_open",
                    next_step="`aurora quarantine show` tells what was done and by whom.",
                )

    def new_refusals(self, refused: Sequence[pl.DataFrame], contract: str) -> list[pl.DataFrame]:
        """Those of the refusals that are about rows nobody knew: the others stand in quarantine already."""
        known = list(self.rows.get(contract, ()))
        return [rest for one in refused if (rest := one.filter(~pl.col(ROW).is_in(known))).height]

    def resolutions(
        self, lake: LakeReader, origin: BatchOrigin, seq: int, refused: Mapping[str, Sequence[pl.DataFrame]]
    ) -> pl.DataFrame:
        """The resolution rows of this act, given all refusals of the batch by contract."""
        about = _about(lake, self)
        rows = [
            self._row(origin, seq, contract, number, found, landed=landed, refused_at=about.get((contract, number)))
            for contract, numbers in sorted(self.rows.items())
            for found in [_first_refusals(refused.get(contract, ()))]
            for landed in [_landed(lake, origin.batch_id, contract) if self.act != "discard" else frozenset[int]()]
            for number in sorted(numbers)
        ]
        return pl.DataFrame(rows, schema=registry.polars_schema(registry.table("quarantine_resolution")))

    def _row(
        self,
        origin: BatchOrigin,
        seq: int,
        contract: str,
        number: int,
        found: Refusals,
        *,
        landed: frozenset[int],
        refused_at: object,
    ) -> dict[str, Any]:
        column, rule, reason = found.get(number, (None, None, None))
        text = f"{origin.batch_id}|{contract}|{number}"
        columns = self.columns.get(number)
        return {
            "resolution_id": hashlib.blake2b(text.encode(), digest_size=16).hexdigest(),
            "batch_id": self.batch_id,
            "contract": contract,
            "source": origin.source,
            "row_number": number,
            "refused_at": refused_at,
            "repair_act": self.act,
            "repair_state": "still_failing" if rule else _ENDS[self.act],
            "is_duplicate": self.act != "discard" and not rule and number not in landed,
            "repair_batch_id": origin.batch_id,
            "batch_seq": seq,
            "repaired_columns": None if columns is None else json.dumps(list(columns)),
            "column_name": column,
            "rule": rule,
            "reason": reason,
            "actor_id": self.actor_id,
            "note": self.note,
            "record_id": self.record_id,
            "resolved_at": origin.ingested_at,
        }


def row_states(lake: LakeReader, batch_id: str) -> dict[tuple[str, int], tuple[State, int]]:
    """Newest state and number of acts of each row of the batch that was acted on, by contract and row number."""
    newest = lake.query(_NEWEST, {"batch_id": batch_id})
    return {(contract, number): (state, count) for contract, number, state, count in newest.rows()}


def missing_rows(wanted: frozenset[int]) -> pl.DataFrame:
    """Refusals of rows that were asked for and that today's reader does not find."""
    column, rule, reason = _NOT_FOUND
    return refusals([Refusal(number, rule, reason, None, column) for number in sorted(wanted)])


def _about(lake: LakeReader, resolving: Resolving) -> dict[tuple[str, int], object]:
    refused = lake.query(
        "SELECT contract, row_number, min(ingested_at) AS refused_at FROM raw.quarantine"
        " WHERE batch_id = $batch_id GROUP BY contract, row_number",
        {"batch_id": resolving.batch_id},
    )
    return {(contract, number): refused_at for contract, number, refused_at in refused.rows()}


def _first_refusals(refused: Sequence[pl.DataFrame]) -> Refusals:
    found: dict[int, tuple[str | None, str, str]] = {}
    for frame in refused:
        for number, column, rule, reason in frame.select(ROW, "column_name", "rule", "reason").rows():
            found.setdefault(number, (column, rule, reason))
    return found


def _landed(lake: LakeReader, batch_id: str, contract: str) -> frozenset[int]:
    rows = lake.query(f"SELECT row_number FROM raw.{contract} WHERE batch_id = $batch_id", {"batch_id": batch_id})
    return frozenset(rows["row_number"].to_list())
