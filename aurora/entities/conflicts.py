"""Systems that hold another value than the golden record are told so, once, until their export agrees.

A system that takes commands gets a `sync` command, one that Aurora never writes to an alert for its people.
Both name the record and the column and no value: whoever delivers the command reads the golden value then.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from aurora.entities.judgements import entries_of
from aurora.entities.policy import MADE_UP
from aurora.packs import Assistant
from aurora.store.journal import JournalRecord, StateReader
from aurora.store.lake import LakeReader, read_lake
from aurora.store.paths import TenantPaths
from aurora.store.state import StateStore
from contracts.messages.decisions import canonical
from contracts.messages.entities import RecordName, SyncAlert, SyncCommand

Clock = Callable[[], dt.datetime]
COMMAND: Final = "command"
ALERT: Final = "alert"
ACTOR: Final = "aurora"
_COMMANDABLE: Final = frozenset({"full_orchestration", "read_write", "command_authority"})
_BATCH: Final = 500
_GOLDEN: Final = b'"golden_from"'
"""Stands in golden's own commands and alerts; others, of which there may be many, are not read."""
Place = tuple[str, str, str, str]
"""Kind, source, record and column: where two values disagree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A command or alert that waits for its system, as the journal last said."""

    said: SyncCommand | SyncAlert
    nth: int
    """How often this place has disagreed, from 1."""


def place_of(said: SyncCommand | SyncAlert) -> Place:
    """Where the values disagree."""
    return (said.entity_kind, said.record.source, said.record.record_id, said.column)


def assistant_of(source: str, assistants: Iterable[Assistant]) -> Assistant | None:
    """The assistant whose export the source is."""
    names = {source, *(source.removeprefix(prefix) for prefix in MADE_UP)}
    return next((one for one in assistants if one.assistant_id in names), None)


def read_open(state: StateReader) -> tuple[dict[Place, Open], dict[Place, int]]:
    """What waits, and how often each place has disagreed so far."""
    waiting: dict[Place, Open] = {}
    seen: dict[Place, int] = {}
    for said in _said(state):
        place = place_of(said)
        if _is_open(said):
            seen[place] = seen.get(place, 0) + 1
            waiting[place] = Open(said=said, nth=seen[place])
        else:
            waiting.pop(place, None)
    return waiting, seen


def _said(state: StateReader) -> list[SyncCommand | SyncAlert]:
    """What the journal holds of both kinds, in its order; other commands and alerts are not golden's."""
    entries = sorted([*entries_of(state, COMMAND), *entries_of(state, ALERT)], key=lambda entry: entry.seq)
    said: list[SyncCommand | SyncAlert] = []
    for entry in entries:
        if _GOLDEN not in entry.body:
            continue
        named: dict[str, Any] = msgspec.json.decode(entry.body)
        if "golden_from" in named and named.get("command_kind") == "sync":
            said.append(msgspec.convert(named, SyncCommand))
        elif named.get("alert_kind") == "golden_conflict":
            said.append(msgspec.convert(named, SyncAlert))
    return said


def _is_open(said: SyncCommand | SyncAlert) -> bool:
    return said.command_state == "issued" if isinstance(said, SyncCommand) else said.resolved_at is None


def settle_conflicts(paths: TenantPaths, assistants: Iterable[Assistant], *, clock: Clock) -> dict[str, int]:
    """Bring the journal's open commands and alerts up to `mart.golden_conflicts`; returns figures.

    Run again after any end: what was said is not said again. Errors: `NotReadyError` before the marts are built.
    """
    fleet = list(assistants)
    with read_lake(paths) as lake:
        conflicts = _conflicts(lake)
        batches = _batches(lake)
    with StateStore.open(paths, clock=clock) as store:
        waiting, seen = read_open(store)
        now = clock()
        records = [
            _opened(conflict, assistant_of(conflict["source"], fleet), seen.get(place, 0) + 1, now, paths.region)
            for place, conflict in conflicts.items()
            if place not in waiting
        ]
        records += [_closed(one, batches, now) for place, one in sorted(waiting.items()) if place not in conflicts]
        for start in range(0, len(records), _BATCH):
            store.append(records[start : start + _BATCH]).result()
    closed = sum(place not in conflicts for place in waiting)
    return {
        "conflict_count": len(conflicts),
        "opened_count": len(records) - closed,
        "closed_count": closed,
    }


def _conflicts(lake: LakeReader) -> dict[Place, dict[str, Any]]:
    rows = lake.query("SELECT * FROM mart.golden_conflicts WHERE is_synced ORDER BY ALL").rows(named=True)
    return {(row["entity_kind"], row["source"], row["source_record_id"], row["survivor_column"]): row for row in rows}


def _batches(lake: LakeReader) -> dict[tuple[str, str, str], int]:
    """The newest batch of each record that golden records are made of."""
    rows = lake.query(
        """
        SELECT 'party' AS entity_kind, source, party_id AS record_id, max(batch_seq) AS seq FROM raw.party GROUP BY ALL
        UNION ALL
        SELECT 'property', source, property_id, max(batch_seq) FROM raw.property GROUP BY ALL
        """
    )
    return {(kind, source, record_id): seq for kind, source, record_id, seq in rows.iter_rows()}


def _opened(
    conflict: Mapping[str, Any], assistant: Assistant | None, nth: int, now: dt.datetime, region: str
) -> JournalRecord:
    common = {
        "entity_kind": conflict["entity_kind"],
        "entity_id": conflict["entity_id"],
        "record": RecordName(source=conflict["source"], record_id=conflict["source_record_id"]),
        "column": conflict["survivor_column"],
        "golden_from": RecordName(source=conflict["golden_source"], record_id=conflict["golden_record_id"]),
        "batch_seq": conflict["batch_seq"],
        "updated_at": now,
        "is_sample": bool(conflict["is_sample"]),
        "region": region,
    }
    text = "\x1f".join(
        [*(conflict[name] for name in ("entity_kind", "source", "source_record_id", "survivor_column")), str(nth)]
    )
    digest = hashlib.blake2b(text.encode(), digest_size=10).hexdigest()
    if assistant is not None and assistant.control_level in _COMMANDABLE:
        return _record(
            SyncCommand(
                command_id=f"cmd_sync_{digest}",
                assistant_id=assistant.assistant_id,
                command_kind="sync",
                command_state="issued",
                control_level=assistant.control_level,
                actor_id=ACTOR,
                issued_at=now,
                **common,
            )
        )
    who = assistant.assistant_name if assistant else conflict["source"]
    column = conflict["survivor_column"].replace("_", " ")
    return _record(
        SyncAlert(
            alert_id=f"alr_sync_{digest}",
            alert_kind="golden_conflict",
            severity="medium",
            summary=f"{who} holds another {column} of a {conflict['entity_kind']} than {conflict['golden_source']}; "
            "Aurora does not write there, so a person must put it right.",
            assistant_id=assistant.assistant_id if assistant else None,
            raised_at=now,
            resolved_at=None,
            **common,
        )
    )


def _closed(one: Open, batches: Mapping[tuple[str, str, str], int], now: dt.datetime) -> JournalRecord:
    """Completed where the system has sent a newer state, expired where the disagreement went away by itself."""
    said = one.said
    has_new_state = batches.get((said.entity_kind, said.record.source, said.record.record_id), 0) > said.batch_seq
    if isinstance(said, SyncAlert):
        return _record(msgspec.structs.replace(said, resolved_at=now, updated_at=now))
    state = "completed" if has_new_state else "expired"
    return _record(msgspec.structs.replace(said, command_state=state, updated_at=now))


def _record(said: SyncCommand | SyncAlert) -> JournalRecord:
    """The journal record of a state; the first one bears the id itself."""
    is_command = isinstance(said, SyncCommand)
    name = said.command_id if isinstance(said, SyncCommand) else said.alert_id
    return JournalRecord(
        record_id=name if _is_open(said) else f"{name}.closed",
        kind=COMMAND if is_command else ALERT,
        subject_id=name,
        actor_id=ACTOR,
        recorded_at=said.updated_at,
        body=canonical(said),
    )
