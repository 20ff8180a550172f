"""A whole assistant in memory that keeps every rule, in small methods that a broken one replaces."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

KINDS = ("ping", "run_task", "cancel_task", "pause", "resume")
FIELDS = {"command_id", "command_kind", "arguments", "deadline_at", "task_id", "case_id", "is_sample"}
EXPORTS = {"task": "2.0.0", "conversation": "1.0.0", "usage": "1.1.0", "assistant_status": "1.0.0", "handoff": "1.0.0"}
JSON = "application/json"
Reply = tuple[int, Any, dict[str, str]]


class Refusal(Exception):  # noqa: N818 - an answer, not a fault
    """A refusal with its status and headers."""

    def __init__(self, status: int, detail: str, **headers: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Reference:
    """Keeps every rule. One instance is one assistant named `ref`."""

    assistant_id = "ref"
    token: str | None = None
    problem_type = "application/problem+json"

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.known: dict[str, tuple[Any, dict[str, Any]]] = {}
        self.commands_of: dict[str, str] = {}
        self.talks: set[str] = set()
        self.is_paused = False
        self.count = 0
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in EXPORTS}
        self.rows["task"] = [self.task_row(f"old-{number}", "completed") for number in range(7)]

    def now(self) -> str:
        return dt.datetime.now(dt.UTC).isoformat()

    def status(self) -> dict[str, Any]:
        return {
            "assistant_id": "ref",
            "assistant_state": "active",
            "protocol_version": "1",
            "version": "1.0",
            "updated_at": self.now(),
            "window_s": 3600,
            "uptime_share": 1.0,
            "error_share": 0.0,
            "request_count": self.count,
            "latency": {"p50_ms": 1.0, "p95_ms": 2.0, "p99_ms": 3.0},
            "open_task_count": 0,
            "capacity_count": 4,
            "is_paused": self.is_paused,
        }

    def card(self, url: str) -> dict[str, Any]:
        return {
            "name": "Ref",
            "description": "A reference.",
            "supportedInterfaces": [{"url": url, "protocolBinding": "HTTP+JSON", "protocolVersion": "1.0"}],
            "provider": {"organization": "Tests", "url": url},
            "version": "1.0",
            "capabilities": {},
            "defaultInputModes": [JSON],
            "defaultOutputModes": [JSON],
            "skills": [{"id": "echo", "name": "echo", "description": "Says it again.", "tags": []}],
        }

    def card_headers(self) -> dict[str, str]:
        return {"ETag": '"1"', "Cache-Control": "max-age=60"}

    def execute(self, body: bytes) -> Reply:
        command = self.parsed(body)
        with self.lock:
            found = self.remembered(command)
            if found is None:
                found = self.do(command)
                self.known[command["command_id"]] = (command, found)
            return (202 if found["command_state"] == "accepted" else 200), found, {}

    def parsed(self, body: bytes) -> dict[str, Any]:
        try:
            command = json.loads(body)
        except ValueError:
            raise Refusal(400, "no JSON") from None
        if command.get("command_kind") not in KINDS:
            raise Refusal(422, "unknown kind")
        if set(command) - FIELDS:
            raise Refusal(422, "unknown field")
        return command

    def remembered(self, command: dict[str, Any]) -> dict[str, Any] | None:
        if command["command_id"] not in self.known:
            return None
        before, reply = self.known[command["command_id"]]
        if before != command:
            raise Refusal(409, "another body")
        return reply

    def is_late(self, command: dict[str, Any]) -> bool:
        deadline = command.get("deadline_at")
        return deadline is not None and dt.datetime.fromisoformat(deadline) < dt.datetime.now(dt.UTC)

    def do(self, command: dict[str, Any]) -> dict[str, Any]:
        self.count += 1
        if self.is_late(command):
            return self.reply(command, "refused")
        kind = command["command_kind"]
        if kind == "run_task":
            if self.is_paused:
                raise Refusal(503, "paused", Retry_After="1")
            if self.is_full():
                raise Refusal(429, "full", Retry_After="1")
            self.commands_of[command["task_id"]] = command["command_id"]
            return self.reply(command, "accepted")
        if kind == "cancel_task":
            self.finish(self.commands_of[command["task_id"]], "canceled")
        if kind in ("pause", "resume"):
            self.is_paused = kind == "pause"
        return self.reply(command, "completed")

    def is_full(self) -> bool:
        return sum(reply["command_state"] == "accepted" for _, reply in self.known.values()) >= 4

    def finish(self, command_id: str, state: str) -> None:
        command, reply = self.known[command_id]
        if reply["command_state"] == "accepted":
            done = "completed" if state == "completed" else "failed"
            self.known[command_id] = (command, self.reply(command, done))
            self.rows["task"].append(self.task_row(command["task_id"], state))

    def asked_for(self, command_id: str) -> dict[str, Any]:
        """Work is done by the second time somebody asks for it."""
        if command_id not in self.known:
            raise Refusal(404, "no such command")
        found = self.known[command_id][1]
        self.finish(command_id, "completed")
        return found

    def reply(self, command: dict[str, Any], state: str) -> dict[str, Any]:
        return {"command_id": command["command_id"], "command_state": state, "updated_at": self.now()}

    def task_row(self, task_id: str, state: str) -> dict[str, Any]:
        at = self.now()
        row = {"task_id": task_id, "task_type": "echo", "task_state": state, "submitted_at": at, "updated_at": at}
        return {**row, "assistant_id": "ref", "is_sample": True}

    def export(self, contract: str, cursor: str | None, limit: int) -> Reply:
        if contract not in EXPORTS:
            raise Refusal(404, "no such export")
        rows, following = self.page(self.rows[contract], int(cursor or 0), limit)
        head = {"version": 1, "assistant_id": "ref", "contract": contract, "contract_version": EXPORTS[contract]}
        head |= {"exported_at": self.now(), "cursor": str(following), "row_count": len(rows)}
        return 200, {"aurora_export": head, "rows": rows}, {}

    def page(self, rows: list[dict[str, Any]], start: int, limit: int) -> tuple[list[dict[str, Any]], int]:
        found = rows[start : start + limit]
        return found, start + len(found)

    def talked(self, message: dict[str, Any] | None) -> dict[str, Any]:
        if message is None:
            raise Refusal(400, "no message")
        self.talks.add(message["messageId"])
        return self.a2a_task(message["messageId"])

    def a2a_task(self, task_id: str) -> dict[str, Any]:
        if task_id not in self.talks:
            raise Refusal(404, "no such task")
        return {"id": task_id, "contextId": "c", "status": {"state": "TASK_STATE_COMPLETED"}}

    def check_token(self, given: str | None) -> None:
        if self.token is not None and given != f"Bearer {self.token}":
            raise Refusal(401, "who are you?")

    def answer(self, method: str, path: str, headers: Any, body: bytes, url: str) -> Reply:
        split = urlsplit(path)
        asked = dict(parse_qsl(split.query))
        if split.path == "/.well-known/agent-card.json":
            if headers.get("If-None-Match") == '"1"':
                return 304, None, self.card_headers()
            return 200, self.card(url), self.card_headers()
        self.check_token(headers.get("Authorization"))
        if split.path == "/message:send":
            return 200, {"task": self.talked(json.loads(body).get("message"))}, {}
        if split.path.startswith("/tasks/"):
            return 200, self.a2a_task(split.path.removeprefix("/tasks/")), {}
        rest = split.path.removeprefix("/api/ref/")
        kind, _, name = rest.partition("/")
        if rest == "status":
            return 200, self.status(), {}
        if rest == "execute" and method == "POST":
            return self.execute(body)
        if kind == "commands":
            return 200, self.asked_for(name), {}
        if kind == "export":
            return self.export(name, asked.get("cursor"), int(asked.get("limit", 1000)))
        raise Refusal(404, "no such path")


@contextmanager
def served(assistant: Reference) -> Iterator[str]:
    """The assistant on a port of its own: its base address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            try:
                status, value, headers = assistant.answer(self.command, self.path, self.headers, body, url)
                kind = JSON
            except Refusal as refusal:
                status, headers, kind = refusal.status, refusal.headers, assistant.problem_type
                value = {"type": "about:blank", "title": "No", "status": status, "detail": refusal.detail}
            content = b"" if value is None else json.dumps(value).encode()
            self.send_response(status)
            for header, text in {**headers, "Content-Type": kind, "Content-Length": str(len(content))}.items():
                self.send_header(header, text)
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815 - http.server's name

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a fault ends the connection
    url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    try:
        yield url
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
