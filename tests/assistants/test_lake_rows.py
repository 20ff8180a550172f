"""Commands and golden records' own commands and alerts reach the lake by the journal's copy, once, protected."""

from __future__ import annotations

import datetime as dt

import msgspec
import pytest

from aurora.assistants.client import Answer
from aurora.assistants.commands import issue
from aurora.assistants.lifecycle import answered, closed
from aurora.entities.conflicts import _record, read_open
from aurora.errors import ComplianceError
from aurora.ingest.journal import copy_journal
from aurora.store.lake import create_lake, read_lake
from contracts.messages.assistants import CommandReply
from contracts.messages.commands import CommandRequest
from contracts.messages.entities import RecordName, SyncAlert, SyncCommand

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


def clock() -> dt.datetime:
    return NOW


@pytest.fixture
def lake(paths):
    create_lake(paths)

    def look(sql: str) -> list[tuple]:
        copy_journal(paths, clock=clock)
        copy_journal(paths, clock=clock)
        with read_lake(paths) as reader:
            return reader.query(sql).rows()

    return look


def test_each_state_of_a_command_is_a_row(fleet, store, join, lake) -> None:
    join("clara", "http://127.0.0.1:9")
    request = CommandRequest(command_kind="notify", arguments={"text": "Call 784-1990-1234567-6 back."})
    made = issue(request, fleet, assistant_id="clara", actor_id="person:amal", idempotency_key="k-1")
    store.append(made.records, statements=made.statements).result()
    later = made.command.issued_at + dt.timedelta(seconds=2)
    reply = CommandReply(
        command_id=made.command.command_id, command_state="completed", updated_at=later, result={"a": 1}
    )
    move = answered(made.command, Answer(status=200, reply=reply), sent_at=later, now=later)
    store.append(move.records, statements=move.statements).result()
    rows = lake(
        "SELECT command_state, arguments, result, attempt_count, idempotency_key, source FROM raw.command ORDER BY updated_at"
    )
    assert [row[0] for row in rows] == ["issued", "delivered", "completed"]
    assert all("784-1990" not in row[1] for row in rows)
    assert all("Call" in row[1] for row in rows)
    assert msgspec.json.decode(rows[-1][2]) == {"a": 1}
    assert rows[-1][3:] == (1, "k-1", "journal")
    assert lake("SELECT count(*), count(DISTINCT updated_at) FROM raw.command") == [(3, 3)]
    assert lake("SELECT sum(finding_count) > 0 FROM raw.privacy_finding WHERE contract = 'command'") == [(True,)]


def test_refused_and_expired_commands_are_rows_too(fleet, store, join, lake) -> None:
    join("clara", "http://127.0.0.1:9")
    refused = issue(CommandRequest(command_kind="tune"), fleet, assistant_id="linda", actor_id="owner")
    assert isinstance(refused.refusal, ComplianceError)
    late = issue(CommandRequest(command_kind="ping"), fleet, assistant_id="clara", actor_id="owner")
    for made in (refused, late):
        store.append(made.records, statements=made.statements).result()
    move = closed(late.command, "expired", late.command.deadline_at, error_type="deadline")
    store.append(move.records, statements=move.statements).result()
    rows = lake("SELECT assistant_id, command_state, error_type FROM raw.command ORDER BY assistant_id, updated_at")
    assert rows == [("clara", "issued", None), ("clara", "expired", "deadline"), ("linda", "refused", "control_level")]


def test_what_golden_records_tell_systems_is_in_the_lake(store, lake) -> None:
    common = {
        "assistant_id": "clara",
        "entity_kind": "party",
        "entity_id": "ent_1",
        "record": RecordName(source="sample_clara", record_id="C-1"),
        "column": "phone",
        "golden_from": RecordName(source="sample_nina", record_id="N-1"),
        "batch_seq": 3,
        "updated_at": NOW,
        "is_sample": True,
        "region": "ae-dubai",
    }
    command = SyncCommand(
        command_id="cmd_sync_1",
        command_kind="sync",
        command_state="issued",
        control_level="full_orchestration",
        actor_id="aurora",
        issued_at=NOW,
        **common,
    )
    alert = SyncAlert(
        alert_id="alr_sync_1",
        alert_kind="golden_conflict",
        severity="medium",
        summary="Clara holds another phone.",
        raised_at=NOW,
        resolved_at=None,
        **common,
    )
    store.append([_record(command), _record(alert)]).result()
    assert lake("SELECT command_id, command_kind, command_state, is_sample FROM raw.command") == [
        ("cmd_sync_1", "sync", "issued", True)
    ]
    assert lake("SELECT alert_id, alert_kind, about_contract, about_id, resolved_at FROM raw.alert") == [
        ("alr_sync_1", "golden_conflict", "party", "C-1", None)
    ]


def test_golden_records_see_their_own_commands_among_others(fleet, store, join) -> None:
    join("clara", "http://127.0.0.1:9")
    request = CommandRequest(command_kind="sync", arguments={"contract": "party", "record_id": "C-9"})
    made = issue(request, fleet, assistant_id="clara", actor_id="owner")
    store.append(made.records, statements=made.statements).result()
    assert read_open(store) == ({}, {})
    own = SyncCommand(
        command_id="cmd_sync_2",
        command_kind="sync",
        command_state="issued",
        control_level="full_orchestration",
        actor_id="aurora",
        issued_at=NOW,
        assistant_id="clara",
        entity_kind="party",
        entity_id="ent_1",
        record=RecordName(source="sample_clara", record_id="C-1"),
        column="phone",
        golden_from=RecordName(source="sample_nina", record_id="N-1"),
        batch_seq=3,
        updated_at=NOW,
        is_sample=True,
        region="ae-dubai",
    )
    store.append([_record(own)]).result()
    waiting, _ = read_open(store)
    assert [one.said for one in waiting.values()] == [own]
