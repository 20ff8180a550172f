"""What was acknowledged is in the journal, whatever happens to the process: killed under load, many times."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import uuid
from contextlib import closing

import httpx
import pytest

from aurora.audit.verify import verify
from aurora.identity.keys import create_key
from aurora.store.journal import StateReader
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.state import StateStore

ROUNDS = 10
CONNECTIONS = 16
TASK = {"kind": "route_task", "task_type": "property_matching"}


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@pytest.fixture(scope="module")
def paths(tmp_path_factory) -> TenantPaths:
    return create_tenant(tmp_path_factory.mktemp("durable"), "demo", "ae-dubai")


@pytest.fixture(scope="module")
def token(paths) -> str:
    with StateStore.open(paths, clock=now) as store:
        key = create_key(
            store, actor_id="t", label="", scopes=["decide"], created_by="t", now=now(), rate_per_s=1_000_000
        )
    return key.token


async def load_until_killed(port: int, token: str, child, *, after: int) -> dict[str, bytes]:
    """Replies by idempotency key. The process is killed right after the reply with that number."""
    replies: dict[str, bytes] = {}

    async def one_connection(client: httpx.AsyncClient) -> None:
        while child.returncode is None:
            key = uuid.uuid4().hex
            try:
                reply = await client.post("/api/v1/decisions", json=TASK, headers={"idempotency-key": key})
            except httpx.TransportError:
                return
            assert reply.status_code == 201
            replies[key] = reply.content
            if len(replies) == after:
                child.kill()
                child.wait()

    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=20) as client:
        await asyncio.gather(*[one_connection(client) for _ in range(CONNECTIONS)])
    return replies


@pytest.mark.slow
def test_every_acknowledged_decision_survives_kill_9(paths, token, start_child):
    draw = random.Random(7)
    acknowledged: dict[str, bytes] = {}
    for _ in range(ROUNDS):
        with start_child(paths.data_dir) as (child, port):
            if acknowledged:
                assert_repeated(port, token, *draw.choice(list(acknowledged.items())))
            replies = asyncio.run(load_until_killed(port, token, child, after=draw.randrange(1, 120)))
        assert replies
        acknowledged |= replies
    with closing(StateReader(paths)) as state:
        for reply in acknowledged.values():
            entry = state.get(httpx.Response(200, content=reply).json()["decision_id"])
            assert entry is not None
            assert entry.body == reply
    report = verify(paths)
    assert report.is_valid, report.summary
    assert report.record_count >= len(acknowledged)


def assert_repeated(port: int, token: str, key: str, answer: bytes) -> None:
    """The process after a kill still knows the answer that the one before gave."""
    headers = {"authorization": f"Bearer {token}", "idempotency-key": key}
    reply = httpx.post(f"http://127.0.0.1:{port}/api/v1/decisions", json=TASK, headers=headers, timeout=20)
    assert reply.content == answer
    assert reply.headers["idempotency-replayed"] == "true"
