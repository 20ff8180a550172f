"""Journal records of commands, alerts and entered figures as rows of the lake: what assistants and golden records left there.

The log holds hashes in place of a command's arguments and result; the row takes the values from the state, where
they can be erased, if they are the ones that were hashed.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from aurora.store.fleet import command_row
from aurora.store.journal import JournalEntry, StateReader
from contracts.messages.alerts import Alert
from contracts.messages.assistants import CONTROL
from contracts.messages.commands import Command, hashed
from contracts.messages.entities import SyncAlert, SyncCommand
from contracts.messages.kpis import KpiInput

SOURCE: Final = "journal"
_KINDS: Final = msgspec.json.Decoder(dict[str, Any])
_COMMAND: Final = msgspec.json.Decoder(Command)
_SYNC: Final = msgspec.json.Decoder(SyncCommand)
_SYNC_ALERT: Final = msgspec.json.Decoder(SyncAlert)
_ALERT: Final = msgspec.json.Decoder(Alert)
_KPI_INPUT: Final = msgspec.json.Decoder(KpiInput)


def command_facts(entry: JournalEntry, state: StateReader) -> dict[str, Any]:
    """A command's state as a row of the contract `command`."""
    if b'"golden_from"' in entry.body and "golden_from" in _KINDS.decode(entry.body):
        return _sync_facts(_SYNC.decode(entry.body), entry)
    command = _COMMAND.decode(entry.body)
    row = command_row(state, command.command_id)
    now = command if row is None else _COMMAND.decode(row.record)
    names = ("assistant_id", "command_kind", "command_state", "control_level", "actor_id", "case_id", "task_id")
    more = ("decision_id", "idempotency_key", "attempt_count", "error_type", "issued_at", "deadline_at")
    rest = ("completed_at", "duration_ms", "updated_at", "is_sample", "region")
    return {
        "command_id": command.command_id,
        **{name: getattr(command, name) for name in (*names, *more, *rest)},
        "allowed_command_kinds": _text(list(command.allowed_command_kinds)),
        "arguments": _text(_told(command.arguments, now.arguments)),
        "result": None if command.result is None else _text(_told(command.result, now.result or {})),
        "source": SOURCE,
        "row_number": entry.seq,
    }


def _told(sealed: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """The value behind a hash, while it is known."""
    return known if hashed(known) == sealed else sealed


def _sync_facts(command: SyncCommand, entry: JournalEntry) -> dict[str, Any]:
    names = ("command_id", "assistant_id", "command_kind", "command_state", "control_level", "actor_id", "issued_at")
    is_closed = command.command_state != "issued"
    return {
        **{name: getattr(command, name) for name in (*names, "updated_at", "is_sample", "region")},
        "allowed_command_kinds": _text(sorted(CONTROL.get(command.control_level, ()))),
        "arguments": _text(
            {
                "contract": command.entity_kind,
                "record_id": command.record.record_id,
                "source": command.record.source,
                "column": command.column,
                "entity_id": command.entity_id,
                "golden_from": msgspec.to_builtins(command.golden_from),
            }
        ),
        "completed_at": command.updated_at if is_closed else None,
        "source": SOURCE,
        "row_number": entry.seq,
    }


def alert_facts(entry: JournalEntry) -> dict[str, Any]:
    """An alert's state as a row of the contract `alert`: of a rule, or of golden records."""
    if b'"golden_from"' not in entry.body:
        return _rule_alert_facts(_ALERT.decode(entry.body), entry)
    alert = _SYNC_ALERT.decode(entry.body)
    names = ("alert_id", "alert_kind", "severity", "summary", "assistant_id", "raised_at", "resolved_at")
    return {
        **{name: getattr(alert, name) for name in (*names, "updated_at", "is_sample", "region")},
        "about_contract": alert.entity_kind,
        "about_id": alert.record.record_id,
        "cause": f"{alert.column} differs from {alert.golden_from.source}",
        "suggested_action": f"Put {alert.column} right in {alert.record.source}.",
        "dedupe_key": alert.alert_id,
        "source": SOURCE,
        "row_number": entry.seq,
    }


def _rule_alert_facts(alert: Alert, entry: JournalEntry) -> dict[str, Any]:
    names = ("alert_id", "alert_kind", "severity", "summary", "assistant_id", "rule_id", "about_contract", "about_id")
    more = ("cause", "suggested_action", "dedupe_key", "alert_label", "raised_at", "acknowledged_at", "resolved_at")
    return {
        **{name: getattr(alert, name) for name in (*names, *more, "actor_id", "updated_at", "is_sample", "region")},
        "source": SOURCE,
        "row_number": entry.seq,
    }


def kpi_input_facts(entry: JournalEntry) -> dict[str, Any]:
    """A figure that somebody entered, as a row of the contract `kpi_input`."""
    entered = _KPI_INPUT.decode(entry.body)
    names = ("kpi_input_id", "kpi_id", "as_of_date", "kpi_value", "value_low", "value_high", "sample_count")
    return {
        **{name: getattr(entered, name) for name in (*names, "source_note", "actor_id", "note", "region")},
        "kpi_input_kind": entered.kind,
        "updated_at": entered.entered_at,
        "source": SOURCE,
        "is_sample": False,
        "row_number": entry.seq,
    }


def _text(value: object) -> str:
    return msgspec.json.encode(value, order="deterministic").decode()
