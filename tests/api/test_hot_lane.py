"""The lane of recurring callers answers as the ordinary route does, and leaves to it whatever it does not know."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from apps.api.hot_lane import HotLane
from aurora.settings import Settings
from aurora.store.journal import StateReader
from aurora.store.paths import create_tenant
from aurora.store.state import StateStore
from tests.api.conftest import serve

BODY = b'{"kind":"route_task","task_type":"property_matching","task_id":"t-1"}'
VARIES = re.compile(rb"dec_[0-9a-f]{32}|00-[0-9a-f]{32}-[0-9a-f]{16}-01|dur=[0-9.]+|r=\d+|content-length: \d+")


class Caller:
    """One keep-alive connection, read reply by reply."""

    def __init__(self, port: int, token: str) -> None:
        self._token = token
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._read = self._socket.makefile("rb")

    def request(
        self, body: bytes = BODY, *, more: bytes = b"", line: bytes = b"POST /api/v1/decisions HTTP/1.1"
    ) -> bytes:
        head = b"%b\r\nHost: a\r\nAuthorization: Bearer %b\r\nContent-Type: application/json\r\n%bContent-Length: %d\r\n\r\n"
        return head % (line, self._token.encode(), more, len(body)) + body

    def close(self) -> None:
        self._read.close()
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def reply(self) -> tuple[bytes, bytes]:
        """The next reply's head and body."""
        head = b"".join(iter(self._read.readline, b"\r\n"))
        length = re.search(rb"content-length: (\d+)", head)
        assert length is not None, head
        return head, self._read.read(int(length[1]))

    def ends(self) -> bool:
        """Whether the server hangs up without another word."""
        return self._read.read(1) == b""

    def ask(self, body: bytes = BODY, **rest: bytes) -> tuple[bytes, bytes]:
        self.send(self.request(body, **rest))
        return self.reply()


@pytest.fixture
def taken(monkeypatch) -> list[bytes]:
    """The bodies that the lane has decided."""
    bodies: list[bytes] = []
    decide = HotLane.decide

    def noted(lane: HotLane, admitted, body: bytes):
        bodies.append(body)
        return decide(lane, admitted, body)

    monkeypatch.setattr(HotLane, "decide", noted)
    return bodies


@pytest.fixture
def call(service) -> Iterator[Callable[..., Caller]]:
    made: list[Caller] = []

    def new(token: str | None = None, **key: int) -> Caller:
        made.append(Caller(service.port, token or service.key("decide", **key)))
        return made[-1]

    yield new
    for caller in made:
        caller.close()


def known(caller: Caller) -> Caller:
    """The caller, after the two requests by which its head becomes known."""
    for _ in range(2):
        assert caller.ask()[0].startswith(b"HTTP/1.1 201 Created\r\n")
    return caller


def test_a_recurring_head_takes_the_lane_and_is_answered_as_before(call, taken, service):
    caller = call()
    first, second, third = caller.ask(), caller.ask(), caller.ask()
    assert taken == [BODY]
    assert VARIES.sub(b"*", third[0]) == VARIES.sub(b"*", first[0])
    assert json.loads(third[1]).keys() == json.loads(first[1]).keys()
    assert json.loads(third[1])["request"] == json.loads(first[1])["request"]
    ids = [json.loads(body)["decision_id"] for _, body in (first, second, third)]
    assert ids == sorted(set(ids))
    with closing(StateReader(service.tenants["demo"])) as state:
        entry = state.get(ids[2])
    assert entry is not None
    assert entry.body == third[1]
    assert f"location: /api/v1/decisions/{ids[2]}\r\n".encode() in third[0]


def test_another_connection_of_the_caller_is_known_at_once(call, taken, service):
    token = service.key("decide")
    known(call(token))
    assert call(token).ask()[0].startswith(b"HTTP/1.1 201")
    assert len(taken) == 1


@pytest.mark.parametrize(
    "more",
    [
        b"Idempotency-Key: k-1\r\n",
        b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n",
        b"Connection: close\r\n",
        b"Expect: 100-continue\r\n",
        b"Content-Length: 69\r\n",
    ],
)
def test_a_head_that_says_more_never_takes_the_lane(call, taken, more):
    caller = call()
    caller.send(caller.request(more=more))
    caller.close()
    for _ in range(3):
        caller = call(caller._token)
        caller.send(caller.request(more=more))
    assert taken == []


def test_requests_sent_at_once_are_answered_in_order(call, taken):
    caller = known(call())
    bodies = [BODY.replace(b"t-1", b"t-%d" % n) for n in range(2, 6)]
    caller.send(caller.request(bodies[0]))
    caller.send(b"".join(caller.request(body) for body in bodies[1:]))
    assert [json.loads(caller.reply()[1])["request"]["task_id"] for _ in bodies] == ["t-2", "t-3", "t-4", "t-5"]
    assert taken[0] == bodies[0]


def test_a_request_in_two_parts_is_answered(call):
    caller = known(call())
    whole = caller.request()
    for at in (20, len(whole) - 10):
        caller.send(whole[:at])
        caller.send(whole[at:])
        assert caller.reply()[0].startswith(b"HTTP/1.1 201")
    assert caller.ask()[0].startswith(b"HTTP/1.1 201")


@pytest.mark.parametrize("value", [b"x_matching", b'property_match"g'])
def test_a_body_that_does_not_fit_is_refused_as_before(call, taken, value):
    """A body of the known length, so that the lane has it."""
    wrong = (
        BODY.replace(b't-1"', b"t-1\x01")
        if value.startswith(b"x")
        else BODY.replace(b"property_matching", value + b" ")
    )
    assert len(wrong) == len(BODY)
    ordinary = call().ask(wrong)
    caller = known(call())
    lane = caller.ask(wrong)
    assert taken == [wrong]
    assert b"application/problem+json" in lane[0]
    for theirs, ours in zip(ordinary, lane, strict=True):
        assert re.sub(rb"[0-9a-f]{16,32}|\d+", b"*", ours) == re.sub(rb"[0-9a-f]{16,32}|\d+", b"*", theirs)
    assert caller.ask()[0].startswith(b"HTTP/1.1 201")


def test_the_lane_keeps_the_rate(call, taken):
    caller = known(call(rate=3))
    heads = [caller.ask()[0] for _ in range(3)]
    assert len(taken) < 3
    assert heads[-1].startswith(b"HTTP/1.1 429")
    assert b"retry-after: 1\r\n" in heads[-1]


def test_a_key_that_was_revoked_leaves_the_lane(call, taken, service):
    token = service.key("decide")
    caller = known(call(token))
    service.revoke(token)
    while caller.ask()[0].startswith(b"HTTP/1.1 201"):  # other processes' changes are seen within a second or so
        pass
    seen = len(taken)
    assert caller.ask()[0].startswith(b"HTTP/1.1 401")
    assert len(taken) == seen


def test_a_fault_is_answered_and_the_connection_lives_on(call, monkeypatch, caplog):
    caller = known(call())
    with monkeypatch.context() as broken:
        broken.setattr(HotLane, "decide", lambda *_: 1 / 0)
        head, body = caller.ask()
    assert head.startswith(b"HTTP/1.1 500")
    assert json.loads(body)["type"] == "/problems/internal"
    assert json.loads(body)["trace_id"].encode() in head
    assert "ZeroDivisionError" in caplog.text
    assert caller.ask()[0].startswith(b"HTTP/1.1 201")


class GatedStore(StateStore):
    """A store whose commits wait while its gate is closed."""

    gate = threading.Event()
    waits = threading.Event()

    def _sync(self) -> None:
        if not self.gate.is_set():
            self.waits.set()
        assert self.gate.wait(20)
        super()._sync()


def test_a_server_that_ends_answers_first_and_only_once_it_is_durable(tmp_path, monkeypatch):
    monkeypatch.setattr(GatedStore, "gate", threading.Event())
    monkeypatch.setattr(GatedStore, "waits", threading.Event())
    GatedStore.gate.set()
    settings = Settings(data_dir=tmp_path)
    paths = create_tenant(tmp_path, "demo", "ae-dubai")
    with serve(settings, [paths], open_store=GatedStore.open) as running:
        token = running.key("decide")
        idle, caller = known(Caller(running.port, token)), Caller(running.port, token)
        GatedStore.gate.clear()
        caller.send(caller.request())
        assert GatedStore.waits.wait(20)

        def open_when_ending() -> None:
            assert idle.ends()
            GatedStore.gate.set()

        opener = threading.Thread(target=open_when_ending)
        opener.start()
    opener.join()
    head, body = caller.reply()
    assert head.startswith(b"HTTP/1.1 201")
    assert b"connection: close\r\n" in head
    assert caller.ends()
    with closing(StateReader(paths)) as state:
        assert state.get(json.loads(body)["decision_id"]) is not None
    for one in (idle, caller):
        one.close()
