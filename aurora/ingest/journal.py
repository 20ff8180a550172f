"""The journal's way into the lake: decisions, outcomes, overrides, handoffs, commands, alerts, figures, each exactly once.

The rows of a batch and the offset they reach are written in one lake transaction, so what a kill leaves
behind is either both or neither. Other records (keys) are not the lake's; the offset passes over them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

import msgspec
import polars as pl

from aurora.errors import DataError
from aurora.ingest.commit import last_batch_seq
from aurora.ingest.journal_work import alert_facts, command_facts, kpi_input_facts
from aurora.ingest.portions import BatchOrigin
from aurora.privacy.door import Doorkeeper
from aurora.store.journal import JournalEntry, StateReader
from aurora.store.lake import LakeReader, LakeWriter, read_lake, write_lake
from aurora.store.paths import TenantPaths
from contracts import registry
from contracts.messages.conflicts import Conflict
from contracts.messages.decisions import Decision, Outcome, Override
from contracts.messages.handoffs import Handoff

Clock = Callable[[], dt.datetime]

_BATCH_ENTRIES: Final = 5_000
_BATCH_BYTES: Final = 16 * 2**20
"""Of one transaction: whichever is reached first. A prompt may be 100,000 characters long."""
_READ_ENTRIES: Final = 200
_NANO: Final = Decimal("0.000000001")
_MAX_USD: Final = Decimal(10) ** 9


class _Sealed(msgspec.Struct, frozen=True):
    """Parts of a decision that go to the lake as the very bytes that were sealed."""

    candidates: msgspec.Raw
    request: msgspec.Raw


_DECISION: Final = msgspec.json.Decoder(Decision)
_SEALED: Final = msgspec.json.Decoder(_Sealed)
_OUTCOME: Final = msgspec.json.Decoder(Outcome)
_OVERRIDE: Final = msgspec.json.Decoder(Override)
_CONFLICT: Final = msgspec.json.Decoder(Conflict)
_HANDOFF: Final = msgspec.json.Decoder(Handoff)
_SOURCE: Final = "journal"
"""Source and format of rows that Aurora itself hands to a table that others fill too."""


def copy_journal(paths: TenantPaths, *, clock: Clock) -> int:
    """Copy what the journal holds beyond the lake's offset; returns how many rows landed.

    Run again after any end, a kill included: the result is the same. Errors: `NotFoundError` for an
    unknown tenant, `NotReadyError` before the lake is made, `DataError` for a record that cannot be read.
    """
    with read_lake(paths) as lake:
        offset = _offset(lake)
    if not paths.state.is_file():
        return 0
    row_count = 0
    with StateReader(paths) as state:
        end = state.last_seq()
        while offset < end:
            landed, offset = write_lake(
                paths,
                "raw",
                lambda lake: _copy_batch(lake, state, clock),
                author="ingest",
                message=f"Journal after {offset}",
            )
            row_count += landed
    return row_count


def _offset(lake: LakeReader) -> int:
    return int(lake.query("SELECT coalesce(max(journal_seq), 0) AS seq FROM raw.journal_offset").item())


def _copy_batch(lake: LakeWriter, state: StateReader, clock: Clock) -> tuple[int, int]:
    """Rows landed and the new offset. The offset is read again here, where nobody else can move it."""
    offset = _offset(lake)
    rows: dict[str, list[dict[str, Any]]] = {table: [] for table in _ROWS}
    end = offset
    for entry in _entries(state, offset):
        end = entry.seq
        if entry.kind in _ROWS:
            rows[entry.kind].append(_row(entry, state))
    if end == offset:
        return 0, offset
    landed = sum(
        lake.append(table, _frame(table, found)) for table, found in rows.items() if found and table not in _SHARED
    )
    with Doorkeeper(state.paths) as keeper:
        landed += sum(_land_batch(lake, table, rows[table], end, clock(), keeper) for table in _SHARED if rows[table])
    mark = {"journal_seq": end, "row_count": landed, "ingested_at": clock()}
    lake.append("journal_offset", _frame("journal_offset", [mark]))
    return landed, end


def _entries(state: StateReader, offset: int) -> Iterator[JournalEntry]:
    count = size = 0
    while count < _BATCH_ENTRIES and size < _BATCH_BYTES:
        found = state.after(offset, limit=_READ_ENTRIES)
        yield from found
        if len(found) < _READ_ENTRIES:
            return
        offset = found[-1].seq
        count += len(found)
        size += sum(len(entry.body) for entry in found)


def _land_batch(
    lake: LakeWriter, table: str, rows: list[dict[str, Any]], end: int, now: dt.datetime, keeper: Doorkeeper
) -> int:
    """Rows of a table that others fill too: a batch of the ledger like theirs, through the same door."""
    origin = BatchOrigin(
        batch_id=hashlib.sha256(f"{_SOURCE}/{table}/{end}".encode()).hexdigest(),
        batch_seq=last_batch_seq(lake) + 1,
        source=_SOURCE,
        source_format=_SOURCE,
        file_name=f"{_SOURCE}-{end}",
        region=keeper.paths.region,
        ingested_at=now,
    )
    stamps = {"batch_id": origin.batch_id, "batch_seq": origin.batch_seq, "ingested_at": now}
    declared = registry.table(table)
    schema = registry.polars_schema(declared, is_stored=True)
    door = keeper.door(declared, origin)
    landed = lake.append(table, door.protect(pl.DataFrame([{**row, **stamps} for row in rows], schema=schema)))
    for book, found in door.books().items():
        lake.append(book, found)
    batch = {
        **stamps,
        "contract": table,
        "source": _SOURCE,
        "source_format": _SOURCE,
        "file_name": origin.file_name,
        "row_count": landed,
        "good_count": landed,
        "quarantined_count": 0,
        "duplicate_count": 0,
        "unpriced_count": 0,
    }
    lake.append("ingest_batch", _frame("ingest_batch", [batch]))
    return landed


def _frame(table: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=registry.polars_schema(registry.table(table)))


def _row(entry: JournalEntry, state: StateReader) -> dict[str, Any]:
    try:
        return command_facts(entry, state) if entry.kind == "command" else _ROWS[entry.kind](entry)
    except msgspec.MsgspecError as error:
        raise DataError(
            f"Journal record {entry.seq} ({entry.kind} {entry.record_id}) cannot be read: {error}.",
            field=f"journal.{entry.seq}",
            rule="contract",
            next_step="Run `aurora audit verify`; if the journal is whole, start the Aurora that wrote it.",
        ) from error


def _decision(entry: JournalEntry) -> dict[str, Any]:
    decision, sealed = _DECISION.decode(entry.body), _SEALED.decode(entry.body)
    return {
        "decision_id": decision.decision_id,
        "decision_kind": decision.kind,
        "decision_status": decision.status,
        "action": decision.action,
        "decided_at": decision.decided_at,
        "actor_id": decision.actor_id,
        "task_id": getattr(decision.request, "task_id", None),
        "conversation_id": getattr(decision.request, "conversation_id", None),
        "confidence": decision.confidence,
        "propensity": decision.propensity,
        "policy_id": decision.policy_id,
        "bundle_hash": decision.bundle_hash,
        "rule_pack_hash": decision.rule_pack_hash,
        "rules_checked_count": len(decision.rules_checked),
        "snapshot_id": decision.snapshot_id,
        "feature_hash": decision.feature_hash,
        "seed": decision.seed,
        "candidates": bytes(sealed.candidates).decode(),
        "context": bytes(sealed.request).decode(),
        "reason": decision.reason,
        "expected_cost_usd": _usd(decision.expected_cost_usd, entry),
        "baseline_cost_usd": _usd(decision.baseline_cost_usd, entry),
        "decide_us": entry.elapsed_us,
        "receipt_hash": hashlib.sha256(entry.body).hexdigest(),
        "region": decision.region,
        "journal_seq": entry.seq,
    }


def _outcome(entry: JournalEntry) -> dict[str, Any]:
    outcome = _OUTCOME.decode(entry.body)
    facts = {name: getattr(outcome, name) for name in outcome.__struct_fields__}
    return {**facts, "cost_usd": _usd(outcome.cost_usd, entry), "journal_seq": entry.seq}


def _override(entry: JournalEntry) -> dict[str, Any]:
    override = _OVERRIDE.decode(entry.body)
    facts = {name: getattr(override, name) for name in override.__struct_fields__ if name != "action"}
    return {**facts, "override_action": override.action, "journal_seq": entry.seq}


def _conflict(entry: JournalEntry) -> dict[str, Any]:
    conflict = _CONFLICT.decode(entry.body)
    names = (
        "conflict_id", "conflict_state", "topic", "detected_by", "detected_at", "updated_at", "actor_id", "decision_id",
        "action", "right_action", "is_resolution_right", "scored_by", "note", "region",
    )  # fmt: skip
    return {
        **{name: getattr(conflict, name) for name in names},
        "about_id": conflict.subject_id,
        "recommendations": msgspec.json.encode(conflict.recommendations).decode(),
        "journal_seq": entry.seq,
    }


def _handoff(entry: JournalEntry) -> dict[str, Any]:
    handoff = _HANDOFF.decode(entry.body)
    is_accepted = handoff.verdict == "accepted"
    return {
        "handoff_id": handoff.handoff_id,
        "from_assistant_id": handoff.from_assistant_id,
        "to_assistant_id": handoff.to_assistant_id,
        "handoff_state": handoff.verdict,
        "case_id": handoff.case_id,
        "task_id": handoff.task_id,
        "contract": handoff.contract,
        "payload_hash": handoff.payload_hash,
        "is_edge_allowed": handoff.is_edge_allowed,
        "is_contract_valid": handoff.is_contract_valid,
        "decision_id": handoff.decision_id,
        "error_type": None if is_accepted else handoff.faults[0].rule,
        "requested_at": handoff.requested_at,
        "accepted_at": handoff.requested_at if is_accepted else None,
        "duration_ms": (entry.elapsed_us or 0) // 1000,
        "updated_at": handoff.requested_at,
        "source": _SOURCE,
        "is_sample": False,
        "region": handoff.region,
        "row_number": entry.seq,
    }


def _usd(amount: Decimal | None, entry: JournalEntry) -> Decimal | None:
    """An amount with nine decimals, as the lake keeps them."""
    if amount is None:
        return None
    if not amount.is_finite() or abs(amount) >= _MAX_USD:
        raise DataError(
            f"Journal record {entry.seq} ({entry.kind} {entry.record_id}) holds an amount that the lake cannot: {amount}.",
            field=f"journal.{entry.seq}",
            rule="at_most",
            next_step="Report it: the doors refuse such amounts, so this is a fault of Aurora's own.",
        )
    return amount.quantize(_NANO)


_ROWS: Final[Mapping[str, Callable[[JournalEntry], dict[str, Any]]]] = MappingProxyType(
    {
        "decision": _decision,
        "outcome": _outcome,
        "override": _override,
        "conflict": _conflict,
        "handoff": _handoff,
        "alert": alert_facts,
        "kpi_input": kpi_input_facts,
        "command": lambda _: {},
    }
)
"""Kinds of record that are rows of the lake: the kind is the table's name. A command's row needs the state too."""
_SHARED: Final = ("handoff", "command", "alert", "kpi_input")
"""Tables that assistants or files fill too."""

JOURNAL_KINDS: Final = tuple(_ROWS)
"""Kinds of record that a copy brings to the lake; other kinds leave it as it is."""
