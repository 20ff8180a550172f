"""Assistants that are broken in one way each, by the check that must say so."""

from __future__ import annotations

import threading
from typing import Any

from tests.assistants.reference_assistant import Reference, Refusal, Reply


class TextForANumber(Reference):
    def status(self) -> dict[str, Any]:
        return super().status() | {"open_task_count": "0"}


class ShareAboveOne(Reference):
    def status(self) -> dict[str, Any]:
        return super().status() | {"uptime_share": 1.2}


class AnotherOne(Reference):
    def status(self) -> dict[str, Any]:
        return super().status() | {"assistant_id": "somebody"}


class LivesYesterday(Reference):
    def status(self) -> dict[str, Any]:
        return super().status() | {"updated_at": "2026-01-01T00:00:00Z"}


class Slow(Reference):
    def __init__(self) -> None:
        super().__init__()
        self.never = threading.Event()

    def status(self) -> dict[str, Any]:
        self.never.wait(0.6)
        return super().status()


class CardWithoutInterfaces(Reference):
    def card(self, url: str) -> dict[str, Any]:
        return super().card(url) | {"supportedInterfaces": []}


class CardWithoutETag(Reference):
    def card_headers(self) -> dict[str, str]:
        return {"Cache-Control": "max-age=60"}


class NamesStatesItsOwnWay(Reference):
    def a2a_task(self, task_id: str) -> dict[str, Any]:
        return super().a2a_task(task_id) | {"status": {"state": "done"}}


class KnowsEveryTask(Reference):
    def a2a_task(self, task_id: str) -> dict[str, Any]:
        self.talks.add(task_id)
        return super().a2a_task(task_id)


class OpenToAll(Reference):
    token = "secret"

    def check_token(self, given: str | None) -> None:
        self.seen = given


class Forgetful(Reference):
    def remembered(self, command: dict[str, Any]) -> dict[str, Any] | None:
        return None if command["command_kind"] == "ping" else super().remembered(command)


class TakesAnyBody(Reference):
    def remembered(self, command: dict[str, Any]) -> dict[str, Any] | None:
        found = self.known.get(command["command_id"])
        return None if found is None else found[1]


class Racing(Reference):
    """Looks whether it knows a command, and writes it down when several have looked."""

    def __init__(self) -> None:
        super().__init__()
        self.together = threading.Barrier(2)

    def execute(self, body: bytes) -> Reply:
        command = self.parsed(body)
        if command["command_kind"] != "ping" or self.remembered(command) is not None:
            return super().execute(body)
        try:
            self.together.wait(1)
        except threading.BrokenBarrierError:
            self.together.reset()
        reply = self.do(command)
        self.known[command["command_id"]] = (command, reply)
        return 200, reply, {}


class DancesToo(Reference):
    def parsed(self, body: bytes) -> dict[str, Any]:
        return super().parsed(body.replace(b'"dance"', b'"ping"'))


class PassesOverFields(Reference):
    def parsed(self, body: bytes) -> dict[str, Any]:
        return super().parsed(body.replace(b'"deadline":"2026-10-01T08:00:00Z"', b'"is_sample":true'))


class FallsOverBadJson(Reference):
    def parsed(self, body: bytes) -> dict[str, Any]:
        try:
            return super().parsed(body)
        except Refusal as refusal:
            raise Refusal(500 if refusal.status == 400 else refusal.status, refusal.detail) from None


class RefusesInHtml(Reference):
    problem_type = "text/html"


class KnowsEveryCommand(Reference):
    def asked_for(self, command_id: str) -> dict[str, Any]:
        if command_id not in self.known:
            return self.reply({"command_id": command_id}, "completed")
        return super().asked_for(command_id)


class NeverLate(Reference):
    def is_late(self, command: dict[str, Any]) -> bool:
        return command is None


class NeverFinishes(Reference):
    def finish(self, command_id: str, state: str) -> None:
        self.never_done = (command_id, state)


class DoesItAgain(Reference):
    """Work that was done is forgotten, and done once more."""

    def execute(self, body: bytes) -> Reply:
        command = self.parsed(body)
        known = self.known.get(command["command_id"])
        if command["command_kind"] == "run_task" and known is not None and known[1]["command_state"] == "completed":
            self.known.pop(command["command_id"])
            status, _, headers = super().execute(body)
            return 200 if status == 202 else status, self.reply(command, "completed"), headers
        return super().execute(body)


class CannotGiveUp(Reference):
    def do(self, command: dict[str, Any]) -> dict[str, Any]:
        if command["command_kind"] == "cancel_task":
            return self.reply(command, "failed")
        return super().do(command)


class WorksWhilePaused(Reference):
    def do(self, command: dict[str, Any]) -> dict[str, Any]:
        paused, self.is_paused = self.is_paused, False
        reply = super().do(command)
        self.is_paused = paused if command["command_kind"] == "run_task" else self.is_paused
        return reply


class SaysNotWhen(Reference):
    def do(self, command: dict[str, Any]) -> dict[str, Any]:
        try:
            return super().do(command)
        except Refusal as refusal:
            headers = {} if self.is_paused else {"Retry_After": "1"}
            raise Refusal(refusal.status, refusal.detail, **headers) from None


class NeverFull(Reference):
    def is_full(self) -> bool:
        return self.lock is None


class HidesItsPause(Reference):
    def status(self) -> dict[str, Any]:
        return super().status() | {"is_paused": False}


class CountsNothing(Reference):
    def status(self) -> dict[str, Any]:
        return super().status() | {"request_count": 0}


class WritesItsOwnWords(Reference):
    def task_row(self, task_id: str, state: str) -> dict[str, Any]:
        return super().task_row(task_id, state) | {"task_state": "done"}


class ForgetsItsWork(Reference):
    def finish(self, command_id: str, state: str) -> None:
        super().finish(command_id, state)
        del self.rows["task"][7:]


class LosesRows(Reference):
    def page(self, rows: list[dict[str, Any]], start: int, limit: int) -> tuple[list[dict[str, Any]], int]:
        found, following = super().page(rows, start, limit)
        return found, following + (1 if len(found) == limit else 0)


class DoublesRows(Reference):
    def page(self, rows: list[dict[str, Any]], start: int, limit: int) -> tuple[list[dict[str, Any]], int]:
        found, following = super().page(rows, start, limit)
        return found, following - (1 if len(found) == limit > 1 else 0)


class KeepsNoLimit(Reference):
    def page(self, rows: list[dict[str, Any]], start: int, limit: int) -> tuple[list[dict[str, Any]], int]:
        return super().page(rows, start, max(limit, 5))


class ForgetsWhatWasRead(Reference):
    def __init__(self) -> None:
        super().__init__()
        self.read: set[int] = set()

    def page(self, rows: list[dict[str, Any]], start: int, limit: int) -> tuple[list[dict[str, Any]], int]:
        found, following = super().page(rows, start, limit)
        if limit == 2 and start == 1:  # the place that only a second look comes to
            is_first, self.read = start not in self.read, self.read | {start}
            return (found if is_first else []), following
        return found, following


class ExportsAnything(Reference):
    def export(self, contract: str, cursor: str | None, limit: int) -> Reply:
        return super().export(contract if contract in self.rows else "task", cursor, limit)


BROKEN: dict[type[Reference], str] = {
    TextForANumber: "status",
    ShareAboveOne: "status",
    AnotherOne: "status",
    LivesYesterday: "clock",
    Slow: "latency",
    CardWithoutInterfaces: "agent_card",
    CardWithoutETag: "agent_card",
    NamesStatesItsOwnWay: "a2a",
    KnowsEveryTask: "a2a",
    OpenToAll: "authentication",
    Forgetful: "idempotency",
    TakesAnyBody: "conflict",
    Racing: "concurrency",
    DancesToo: "unknown_kind",
    PassesOverFields: "unknown_field",
    FallsOverBadJson: "bad_json",
    RefusesInHtml: "problem_json",
    KnowsEveryCommand: "unknown_command",
    NeverLate: "deadline",
    NeverFinishes: "work",
    DoesItAgain: "once",
    CannotGiveUp: "cancel",
    WorksWhilePaused: "pause",
    SaysNotWhen: "retry_after",
    NeverFull: "overload",
    HidesItsPause: "state",
    CountsNothing: "state",
    WritesItsOwnWords: "export_contract",
    ForgetsItsWork: "export_work",
    LosesRows: "export_whole",
    DoublesRows: "export_once",
    KeepsNoLimit: "export_pages",
    ForgetsWhatWasRead: "export_same_page",
    ExportsAnything: "export_unknown",
}
"""What is broken, and the one check that must fail."""
