"""The quarantine read: each refused row once, with its checks, its state and what was done to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from aurora.errors import NotFoundError, UsageError
from aurora.ingest.resolutions import State
from aurora.store.lake import LakeReader

STATES: Final[tuple[State, ...]] = ("open", "still_failing", "repaired", "released", "discarded")
PAGE_ROWS: Final = 50
_NEWEST: Final = """
    SELECT batch_id, contract, row_number, arg_max(repair_state, batch_seq) AS state, count(*) AS act_count
    FROM raw.quarantine_resolution GROUP BY batch_id, contract, row_number
"""
_ROWS: Final = f"""
    WITH refused AS (
        SELECT batch_id, contract, row_number, min(quarantine_id) AS quarantine_id, min(source) AS source,
            min(source_format) AS source_format, min(file_name) AS file_name, min(ingested_at) AS refused_at,
            count(*) AS check_count, arg_min(rule, quarantine_id) AS rule,
            arg_min(column_name, quarantine_id) AS column_name, arg_min(reason, quarantine_id) AS reason,
            bool_or($rule = '' OR rule = $rule) AS is_asked
        FROM raw.quarantine GROUP BY batch_id, contract, row_number
    ),
    newest AS ({_NEWEST})
    SELECT refused.*, coalesce(newest.state, 'open') AS state, coalesce(newest.act_count, 0) AS act_count
    FROM refused LEFT JOIN newest
        ON newest.batch_id = refused.batch_id AND newest.contract = refused.contract
        AND newest.row_number = refused.row_number
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRow:
    """One refused row; any of its checks' `quarantine_id`s names it."""

    quarantine_id: str
    batch_id: str
    contract: str
    source: str
    source_format: str
    file_name: str
    row_number: int
    refused_at: dt.datetime
    state: State
    raw_row: str | None


def refused_rows(
    lake: LakeReader,
    *,
    state: str | None = None,
    source: str | None = None,
    contract: str | None = None,
    rule: str | None = None,
    batch_id: str | None = None,
    before: tuple[dt.datetime, str] | None = None,
    limit: int = PAGE_ROWS,
) -> pl.DataFrame:
    """Refused rows, newest first, each once; `before` is (refused_at, quarantine_id) of the last row seen.

    `open` as a state means all that still wait, those that failed again included. Raw rows are left out.
    """
    if state is not None and state not in STATES:
        raise UsageError(
            f"There is no state {state[:40]!r}.",
            field="state",
            rule="one_of",
            next_step=f"Choose from {', '.join(STATES)}.",
        )
    moment, last = before or (dt.datetime(9999, 1, 1, tzinfo=dt.UTC), "")
    return lake.query(
        f"""
        SELECT * EXCLUDE (is_asked) FROM ({_ROWS})
        WHERE is_asked AND ($state = '' OR state = $state OR ($state = 'open' AND state = 'still_failing'))
            AND ($source = '' OR source = $source) AND ($contract = '' OR contract = $contract)
            AND ($batch_id = '' OR starts_with(batch_id, $batch_id))
            AND (refused_at < $moment OR (refused_at = $moment AND quarantine_id > $last))
        ORDER BY refused_at DESC, quarantine_id LIMIT $limit
        """,
        {
            "rule": rule or "",
            "state": state or "",
            "source": source or "",
            "contract": contract or "",
            "batch_id": batch_id or "",
            "moment": moment,
            "last": last,
            "limit": limit,
        },
    )


def state_counts(lake: LakeReader) -> dict[str, int]:
    """How many refused rows are in each state."""
    counted = lake.query(f"SELECT state, count(*) AS n FROM ({_ROWS}) GROUP BY state", {"rule": ""})
    return {state: dict(counted.rows()).get(state, 0) for state in STATES}


def find_rows(lake: LakeReader, quarantine_ids: Sequence[str]) -> dict[str, RefusedRow]:
    """The row that each of these ids names, in the order of the file; `NotFoundError` for an id of none."""
    found = lake.query(
        f"""
        WITH asked AS (
            SELECT batch_id, contract, row_number, quarantine_id, raw_row FROM raw.quarantine
            WHERE quarantine_id IN (SELECT unnest(?::VARCHAR[]))
        ),
        newest AS ({_NEWEST})
        SELECT asked.quarantine_id AS asked_id, q.*, coalesce(newest.state, 'open') AS state
        FROM asked
        JOIN raw.quarantine AS q
            ON q.batch_id = asked.batch_id AND q.contract = asked.contract AND q.row_number = asked.row_number
        LEFT JOIN newest
            ON newest.batch_id = q.batch_id AND newest.contract = q.contract AND newest.row_number = q.row_number
        ORDER BY q.ingested_at, q.batch_id, q.contract, q.row_number, q.quarantine_id
        """,
        [list(quarantine_ids)],
    )
    unknown = sorted(set(quarantine_ids) - set(found["asked_id"].to_list()))
    if unknown:
        raise NotFoundError(
            f"There is no row {unknown[0][:40]!r} in quarantine.",
            field="quarantine_id",
            next_step="`aurora quarantine list` shows the ids.",
        )
    return {
        row["asked_id"]: _row(row) for row in found.unique("asked_id", keep="first", maintain_order=True).to_dicts()
    }


def rows_of_batch(lake: LakeReader, batch_id: str) -> list[RefusedRow]:
    """Every refused row of one batch, in order."""
    ids = lake.query("SELECT quarantine_id FROM raw.quarantine WHERE batch_id = $id", {"id": batch_id})
    return list(dict.fromkeys(find_rows(lake, ids["quarantine_id"].to_list()).values())) if ids.height else []


def checks_of(lake: LakeReader, row: RefusedRow) -> list[dict[str, Any]]:
    """Every check that the row failed: column, rule, reason."""
    found = lake.query(
        "SELECT DISTINCT column_name, rule, reason FROM raw.quarantine"
        " WHERE batch_id = $batch_id AND contract = $contract AND row_number = $row_number ORDER BY ALL",
        {"batch_id": row.batch_id, "contract": row.contract, "row_number": row.row_number},
    )
    return found.to_dicts()


def history_of(lake: LakeReader, row: RefusedRow) -> list[dict[str, Any]]:
    """What was done to the row, oldest first."""
    found = lake.query(
        """
        SELECT resolved_at, repair_act, repair_state, actor_id, note, repaired_columns, column_name, rule, reason,
            is_duplicate, repair_batch_id, record_id
        FROM raw.quarantine_resolution
        WHERE batch_id = $batch_id AND contract = $contract AND row_number = $row_number ORDER BY batch_seq
        """,
        {"batch_id": row.batch_id, "contract": row.contract, "row_number": row.row_number},
    )
    return found.to_dicts()


def _row(row: dict[str, Any]) -> RefusedRow:
    return RefusedRow(
        quarantine_id=row["quarantine_id"],
        batch_id=row["batch_id"],
        contract=row["contract"],
        source=row["source"],
        source_format=row["source_format"],
        file_name=row["file_name"],
        row_number=row["row_number"],
        refused_at=row["ingested_at"],
        state=row["state"],
        raw_row=row["raw_row"],
    )
