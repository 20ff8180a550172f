"""A small assistant: a real HTTP server that speaks the protocol and counts the effects that it has."""

from __future__ import annotations

import datetime as dt
import json
import threading
import urllib.request
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class SmallAssistant:
    """One assistant on a port of its own. `status` and the flags may be changed while it runs."""

    def __init__(self, assistant_id: str, **flags: Any) -> None:
        self.assistant_id = assistant_id
        self.slow_s = float(flags.get("slow_s", 0.0))
        self.busy_count = int(flags.get("busy_count", 0))
        """Answers 503 so many times before it takes a command."""
        self.is_slow_worker = bool(flags.get("is_slow_worker", False))
        """Accepts work (202) and is done when `finish` is called."""
        self.execute_status = int(flags.get("execute_status", 200))
        self.execute_body: bytes | None = flags.get("execute_body")
        self.calls_back = bool(flags.get("calls_back", False))
        self.effects: Counter[str] = Counter()
        self.requests: dict[str, dict[str, Any]] = {}
        self.replies: dict[str, dict[str, Any]] = {}
        self.deliveries: Counter[str] = Counter()
        self.got_one = threading.Event()
        self.status: dict[str, Any] = {
            "assistant_id": assistant_id,
            "assistant_state": "active",
            "protocol_version": "1",
            "version": "1.0",
            "updated_at": "2026-11-21T12:00:00Z",
            "window_s": 300,
            "uptime_share": 1.0,
            "error_share": 0.0,
            "request_count": 10,
            "latency": {"p50_ms": 5, "p95_ms": 20, "p99_ms": 40},
            "open_task_count": 1,
            "capacity_count": 10,
            "parameters": {},
        }
        self._release = threading.Event()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self._release.set()
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()
        self._server.drop_connections()

    def pause_for(self, seconds: float) -> None:
        """Waits as a slow server does, unless it is stopped."""
        self._release.wait(seconds)

    def finish(self, command_id: str) -> None:
        """End accepted work, and say so where it was asked for."""
        self.replies[command_id] = _reply(command_id, "completed", {"answer": 42})
        url = self.requests[command_id]["callback_url"]
        if self.calls_back:
            body = json.dumps(self.replies[command_id]).encode()
            request = urllib.request.Request(url, body, {"content-type": "application/json"})
            with urllib.request.urlopen(request, timeout=10) as answer:
                assert answer.status == 204


def _reply(command_id: str, state: str, result: dict[str, Any]) -> dict[str, Any]:
    at = dt.datetime.now(dt.UTC).isoformat()
    return {"command_id": command_id, "command_state": state, "updated_at": at, "result": result}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, owner: SmallAssistant) -> None:
        self.owner = owner
        self._open: list[Any] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    def get_request(self) -> Any:
        connection, address = super().get_request()
        self._open.append(connection)
        return connection, address

    def drop_connections(self) -> None:
        for connection in self._open:
            try:
                connection.shutdown(2)
            except OSError:
                continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that went away is nothing to report."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        owner = self.server.owner
        if self.path.endswith("/status"):
            owner.pause_for(owner.slow_s)
            self._answer(200, owner.status)
            return
        reply = owner.replies.get(self.path.rpartition("/")[2])
        self._answer(404, {"detail": "No such command."}) if reply is None else self._answer(200, reply)

    def do_POST(self) -> None:
        owner = self.server.owner
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        command_id = request["command_id"]
        owner.deliveries[command_id] += 1
        owner.got_one.set()
        if owner.busy_count > 0:
            owner.busy_count -= 1
            self._answer(503, {"detail": "Too much to do."}, {"retry-after": "0"})
            return
        if owner.execute_body is not None or owner.execute_status != 200:
            self._answer(owner.execute_status, {"detail": "It does not."}, raw=owner.execute_body)
            return
        known = owner.requests.get(command_id)
        if known is not None and known != request:
            self._answer(409, {"detail": "The id was used for another command."})
            return
        if known is None:
            owner.requests[command_id] = request
            owner.effects[command_id] += 1
            state = "accepted" if owner.is_slow_worker else "completed"
            owner.replies[command_id] = _reply(command_id, state, {"answer": 41} if state == "completed" else {})
        owner.pause_for(owner.slow_s)
        reply = owner.replies[command_id]
        self._answer(202 if reply["command_state"] == "accepted" else 200, reply)

    def _answer(
        self, status: int, body: object, headers: dict[str, str] | None = None, raw: bytes | None = None
    ) -> None:
        content = json.dumps(body).encode() if raw is None else raw
        self.send_response(status)
        for name, value in {"content-type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing a request."""
