"""What an act on refused rows did: told to who asked for it, and written to the journal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from aurora.ingest.commit import BatchReport
from aurora.ingest.quarantine import RefusedRow
from aurora.ingest.resolutions import Act
from aurora.ingest.staging import StagedBatch
from aurora.store.journal import JournalRecord
from aurora.store.lake import LakeReader

_SETTLED_RECORDS: Final = 200
"""Newest acts that are looked at for a record that a kill prevented."""
_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowResult:
    """What became of one row."""

    quarantine_id: str
    row_number: int
    contract: str
    state: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActReport:
    """What an act did to the refused rows of one batch; `is_known` when it had been done before."""

    act: Act
    batch_id: str
    repair_batch_id: str
    source: str
    file_name: str
    rows: int
    landed: int
    duplicates: int
    still_failing: int
    results: tuple[RowResult, ...]
    is_known: bool
    is_dry_run: bool


def closed_report(act: Act, rows: Sequence[RefusedRow]) -> ActReport:
    """Rows whose life has ended already: nothing is done to them."""
    results = tuple(_result(row, row.state) for row in rows)
    return _made(act, rows[0], "", results, is_known=True)


def _result(row: RefusedRow, state: str, reason: str | None = None) -> RowResult:
    return RowResult(
        quarantine_id=row.quarantine_id, row_number=row.row_number, contract=row.contract, state=state, reason=reason
    )


def _made(
    act: Act, row: RefusedRow | None, repair_id: str, results: tuple[RowResult, ...], *, is_known: bool
) -> ActReport:
    return ActReport(
        act=act,
        batch_id=row.batch_id if row else "",
        repair_batch_id=repair_id,
        source=row.source if row else "",
        file_name=row.file_name if row else "",
        rows=len(results),
        landed=0,
        duplicates=0,
        still_failing=sum(one.state == "still_failing" for one in results),
        results=results,
        is_known=is_known,
        is_dry_run=False,
    )


def staged_report(act: Act, staged: StagedBatch, rows: Sequence[RefusedRow]) -> ActReport:
    """What the gate says, nothing committed: keys are compared with the lake only when rows land."""
    refused: dict[tuple[str, int], str] = {}
    for part in staged.parts:
        for frame in part.refused:
            for number, reason in frame.select("row_number", "reason").rows():
                refused.setdefault((part.contract, number), reason)
    end = {"repair": "repaired", "discard": "discarded"}.get(act, "released")
    results = tuple(
        _result(row, "still_failing" if reason else end, reason)
        for row in rows
        for reason in [refused.get((row.contract, row.row_number))]
    )
    report = _made(act, rows[0] if rows else None, staged.origin.batch_id, results, is_known=False)
    return replace(report, landed=sum(part.good_count for part in staged.parts))


def act_report(
    lake: LakeReader, act: Act, staged: StagedBatch, rows: Sequence[RefusedRow], committed: BatchReport
) -> ActReport:
    """What the lake holds of an act that is committed."""
    found = lake.query(
        "SELECT contract, row_number, repair_state, reason FROM raw.quarantine_resolution WHERE repair_batch_id = $id",
        {"id": staged.origin.batch_id},
    )
    states = {(contract, number): (state, reason) for contract, number, state, reason in found.rows()}
    results = tuple(_result(row, *states[row.contract, row.row_number]) for row in rows)
    report = _made(act, rows[0] if rows else None, staged.origin.batch_id, results, is_known=committed.is_known)
    return replace(
        report,
        source=committed.source,
        file_name=committed.file_name,
        landed=committed.good,
        duplicates=committed.duplicates,
    )


def act_records(lake: LakeReader) -> list[JournalRecord]:
    """The journal's records of the newest acts, made from what stands in the lake and nothing else."""
    found = lake.query(
        f"""
        WITH newest AS (
            SELECT record_id FROM raw.quarantine_resolution GROUP BY record_id
            ORDER BY max(batch_seq) DESC LIMIT {_SETTLED_RECORDS}
        )
        SELECT r.* FROM raw.quarantine_resolution AS r SEMI JOIN newest USING (record_id)
        ORDER BY r.batch_seq, r.contract, r.row_number
        """
    )
    return [_record(frame.to_dicts()) for (_,), frame in found.group_by("record_id", maintain_order=True)]


def _record(rows: list[dict[str, Any]]) -> JournalRecord:
    first = rows[0]
    body = {
        "act": first["repair_act"],
        "batch_id": first["batch_id"],
        "repair_batch_id": first["repair_batch_id"],
        "source": first["source"],
        "actor_id": first["actor_id"],
        "reason": first["note"],
        "rows": [
            {
                "contract": row["contract"],
                "row_number": row["row_number"],
                "state": row["repair_state"],
                "columns": json.loads(row["repaired_columns"]) if row["repaired_columns"] else [],
            }
            for row in rows
        ],
    }
    return JournalRecord(
        record_id=first["record_id"],
        kind=f"quarantine_{first['repair_act']}",
        subject_id=first["batch_id"],
        actor_id=first["actor_id"],
        recorded_at=first["resolved_at"],
        body=_ENCODER.encode(body),
    )
