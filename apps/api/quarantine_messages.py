"""What is said about refused rows over HTTP: the list, one row, an act on some of them. One Struct a document."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from contracts.messages.decisions import Text

RowState = Literal["open", "still_failing", "repaired", "released", "discarded"]


class QuarantineRow(Struct, frozen=True, kw_only=True):
    """One refused row, without its content."""

    quarantine_id: str
    state: RowState
    source: str
    contract: str
    source_format: str
    file_name: str
    row_number: int
    """Where it stood in the file, from 1."""
    column_name: str | None
    rule: str
    """The first check that it failed."""
    check_count: int
    """How many checks it failed."""
    act_count: int
    """How often somebody acted on it."""
    refused_at: dt.datetime
    batch_id: str


class QuarantinePage(Struct, frozen=True, kw_only=True):
    """Refused rows, newest first."""

    rows: list[QuarantineRow]
    counts: dict[str, int]
    """Rows in each state, over all."""
    next_cursor: str | None
    """Send it as `cursor` for the next page; null behind the last one."""


class QuarantineDetail(Struct, frozen=True, kw_only=True):
    """One refused row with its content, every check it failed, and what was done to it."""

    quarantine_id: str
    state: RowState
    source: str
    contract: str
    source_format: str
    file_name: str
    row_number: int
    refused_at: dt.datetime
    batch_id: str
    raw_row: str | None
    """The row as it rests: encrypted where it holds personal data."""
    checks: list[dict[str, Any]]
    """Column, rule and reason of each check."""
    history: list[dict[str, Any]]
    """Acts on it, oldest first."""


class RowCorrection(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """New values for one refused row."""

    quarantine_id: Text
    values: dict[str, str | int | float | bool | None]
    """Contract column and value; null takes the column out."""
    is_whole: bool = False
    """The values are the whole row, not changes of what came."""


class QuarantineRequest(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """An act on refused rows: `repair` wants corrections, `rerun` a batch_id, the others quarantine_ids."""

    act: Literal["repair", "release", "rerun", "discard"]
    reason: Annotated[str, Meta(min_length=8, max_length=2000)]
    """Why; it stands in the audit log."""
    quarantine_ids: Annotated[tuple[Text, ...], Meta(max_length=1000)] = ()
    corrections: Annotated[tuple[RowCorrection, ...], Meta(max_length=1000)] = ()
    batch_id: str | None = None
    is_dry_run: bool = False
    """Say what the gate would say, and change nothing."""


class RowOutcome(Struct, frozen=True, kw_only=True):
    """What became of one row."""

    quarantine_id: str
    contract: str
    row_number: int
    state: RowState
    reason: str | None
    """Why it still fails."""


class QuarantineAct(Struct, frozen=True, kw_only=True):
    """What an act did to the refused rows of one batch."""

    act: str
    batch_id: str
    repair_batch_id: str
    """The batch by which it was done; empty when there was nothing to do."""
    landed: int
    duplicates: int
    still_failing: int
    is_known: bool
    """It had been done before: nothing changed."""
    is_dry_run: bool
    results: list[RowOutcome]


class QuarantineAnswer(Struct, frozen=True, kw_only=True):
    """What an act did, batch by batch."""

    acts: list[QuarantineAct]
