"""Whether a handoff is accepted: the sharing policy on what is handed to whom, the gate on the payload itself."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import polars as pl

from aurora.errors import NotFoundError
from aurora.handoffs.sharing import Sharing, classes_of
from aurora.ingest.completion import Completion
from aurora.ingest.judging import judged
from aurora.ingest.portions import ROW
from aurora.store.journal import JournalRecord, StateReader
from contracts import registry
from contracts.messages.decisions import canonical
from contracts.messages.handoffs import Handoff, HandoffFault, HandoffRequest
from contracts.table import Table

KIND: Final = "handoff"
_CANONICAL: Final = msgspec.json.Encoder(decimal_format="string", order="deterministic")
_HANDOFFS: Final = msgspec.json.Decoder(Handoff)


@dataclass(frozen=True, slots=True)
class Explained:
    """A fault with what its sender is told; the record keeps the fault alone, without a value."""

    fault: HandoffFault
    reason: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A handoff's record, and why it was refused."""

    record: Handoff
    faults: tuple[Explained, ...]


def check_handoff(
    request: HandoffRequest,
    sharing: Sharing,
    *,
    handoff_id: str,
    actor_id: str,
    tenant_id: str,
    region: str,
    now: dt.datetime,
) -> Checked:
    """The verdict with every fault. `NotFoundError` for a contract that the registry does not have."""
    declared = registry.tables().get(request.contract)
    if declared is None or not declared.is_ingested:
        raise NotFoundError(
            f"There is no contract {request.contract!r} for rows.",
            field="/contract",
            rule="one_of",
            next_step="The contracts are in docs/reference/contracts.md.",
        )
    from_id = request.from_assistant_id or actor_id
    columns = _columns(request.rows)
    objections = [
        Explained(HandoffFault(pointer=one.pointer, rule=one.rule, source="sharing"), one.reason)
        for one in sharing.objections(
            from_id=from_id,
            to_id=request.to_assistant_id,
            purpose=request.purpose,
            contract=request.contract,
            columns=columns.items(),
        )
    ]
    breaches = list(_breaches(request.rows, declared, source=from_id, region=region))
    faults = (*objections, *breaches)
    record = Handoff(
        handoff_id=handoff_id,
        tenant_id=tenant_id,
        region=region,
        verdict="refused" if faults else "accepted",
        from_assistant_id=from_id,
        to_assistant_id=request.to_assistant_id,
        purpose=request.purpose,
        contract=request.contract,
        row_count=len(request.rows),
        payload_hash=payload_hash(request.rows),
        privacy_classes=classes_of(columns),
        is_edge_allowed=sharing.is_edge(from_id, request.to_assistant_id),
        is_contract_valid=not breaches,
        faults=tuple(one.fault for one in faults),
        actor_id=actor_id,
        requested_at=now,
        task_id=request.task_id,
        case_id=request.case_id,
        decision_id=request.decision_id,
    )
    return Checked(record, faults)


def payload_hash(rows: Sequence[Mapping[str, Any]]) -> str:
    """SHA-256 of the rows as JSON with sorted keys and no white space, hex: what the receiver compares."""
    return hashlib.sha256(_CANONICAL.encode(rows)).hexdigest()


def handoff_record(handoff: Handoff, *, elapsed_us: int) -> JournalRecord:
    """The journal record of a handoff; its body is the receipt."""
    return JournalRecord(
        record_id=handoff.handoff_id,
        kind=KIND,
        subject_id=handoff.handoff_id,
        actor_id=handoff.actor_id,
        recorded_at=handoff.requested_at,
        body=canonical(handoff),
        elapsed_us=elapsed_us,
    )


def read_handoff(reader: StateReader, handoff_id: str) -> Handoff:
    """A handoff of this tenant; `NotFoundError` also when it is another tenant's."""
    entry = reader.get(handoff_id)
    if entry is None or entry.kind != KIND:
        raise NotFoundError(
            f"There is no handoff {handoff_id[:64]!r}.",
            field="handoff_id",
            next_step="Check the id: the answer to POST /api/v1/handoffs has it.",
        )
    return _HANDOFFS.decode(entry.body)


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Every column that holds a value, with the pointer of its first one."""
    found: dict[str, str] = {}
    for number, row in enumerate(rows):
        for name, value in row.items():
            if value is not None:
                found.setdefault(name, f"/rows/{number}/{_escaped(name)}")
    return found


def _breaches(rows: Sequence[Mapping[str, Any]], declared: Table, *, source: str, region: str) -> Iterator[Explained]:
    known = set(declared.columns)
    for number, row in enumerate(rows):
        for name in row:
            if name not in known:
                fault = HandoffFault(
                    pointer=f"/rows/{number}/{_escaped(name[:80])}", rule="unknown_field", source="contract"
                )
                yield Explained(fault, f"{declared.name} has no column {name[:80]!r}.")
    completion = Completion(declared, source, "handoff", region)
    _, refused = judged(_frame(rows, declared), declared, completion)
    for number, column, rule, reason in refused.select(ROW, "column_name", "rule", "reason").iter_rows():
        place = f"/rows/{number - 1}" + (f"/{_escaped(column)}" if column else "")
        yield Explained(HandoffFault(pointer=place, rule=rule, source="contract"), reason)


def _frame(rows: Sequence[Mapping[str, Any]], declared: Table) -> pl.DataFrame:
    """The rows as text, as an NDJSON body would be read."""
    given = {name for row in rows for name, value in row.items() if value is not None}
    columns = {
        name: pl.Series(name, [_text(row.get(name)) for row in rows], dtype=pl.String)
        for name in declared.columns
        if name in given
    }
    numbers = pl.Series(ROW, range(1, len(rows) + 1), dtype=pl.Int64)
    return pl.DataFrame([*columns.values(), numbers])


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return _CANONICAL.encode(value).decode()


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")
