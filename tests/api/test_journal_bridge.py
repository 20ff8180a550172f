"""Appends from the event loop: told once each, gathered under load, never kept from the others by one of them."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest

from apps.api.journal_bridge import GATHER_FROM, JournalBridge
from aurora.errors import ConflictError, NotReadyError
from aurora.store.journal import JournalRecord
from aurora.store.paths import create_tenant
from aurora.store.state import StateStore, Submission

NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)


def record(name: str) -> JournalRecord:
    return JournalRecord(record_id=name, kind="decision", subject_id=name, actor_id="t", recorded_at=NOW, body=b"{}")


@pytest.fixture
def store(tmp_path):
    with StateStore.open(create_tenant(tmp_path, "demo", "ae-dubai"), clock=lambda: NOW) as opened:
        yield opened


def checkpoints(store: StateStore) -> int:
    return sum(1 for _ in store.checkpoints())


def test_under_load_later_turns_of_the_loop_share_a_commit(store):
    async def two_turns_apart(bridge: JournalBridge, names: str) -> None:
        first = bridge.append([record(names[0])])
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.gather(first, bridge.append([record(names[1])]))

    async def run() -> tuple[int, int]:
        bridge = JournalBridge(store, asyncio.get_running_loop())
        await bridge.append([record("alone")])
        alone = checkpoints(store)
        await asyncio.gather(*(bridge.append([record(f"r{n}")]) for n in range(GATHER_FROM)))
        before = checkpoints(store)
        await two_turns_apart(bridge, "xy")
        return alone, checkpoints(store) - before

    assert asyncio.run(run()) == (1, 1)
    assert store.last_seq() == GATHER_FROM + 3


def test_one_that_cannot_be_told_keeps_nobody_else_from_it(store, caplog):
    def broken(_: Submission) -> None:
        raise ZeroDivisionError

    async def run() -> list[int]:
        bridge = JournalBridge(store, asyncio.get_running_loop())
        bridge.post(broken, [record("a")])
        return await bridge.append([record("b")])

    assert asyncio.run(run()) == [2]
    assert "ZeroDivisionError" in caplog.text


def test_what_is_refused_is_raised(store):
    async def run() -> None:
        bridge = JournalBridge(store, asyncio.get_running_loop())
        await bridge.append([record("a")])
        with pytest.raises(ConflictError):
            await bridge.append([record("a")])
        store.close()
        with pytest.raises(NotReadyError, match="closed"):
            await bridge.append([record("b")])

    asyncio.run(run())
