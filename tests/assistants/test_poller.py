"""The poller over real servers: states, journal, published file, rows; a dead one holds up nobody."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from aurora.assistants.client import AssistantClient
from aurora.assistants.live import STALE_S, live_states, read_live
from aurora.assistants.poller import Poller
from aurora.assistants.status_rows import spool_rows, status_row
from aurora.assistants.switch import switch_off
from aurora.ingest.push import recover_spool
from aurora.store.lake import create_lake, read_lake
from contracts.messages.commands import LiveFleet


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@pytest.fixture
def watching(store, settings, pack, paths) -> Callable[..., None]:
    """Runs `act` with a poller."""

    def run(act: Callable[[Poller, list[Any]], Awaitable[None]], **changed: object) -> None:
        async def in_loop() -> None:
            changed_settings = msgspec.structs.replace(settings, **changed)
            async with AssistantClient(paths, changed_settings) as client:
                kept: list[Any] = []

                async def append(records) -> None:
                    await asyncio.wrap_future(store.append(records))

                async def keep(found) -> None:
                    kept.extend(found)

                poller = Poller(
                    paths,
                    changed_settings,
                    state=store,
                    pack=lambda: pack,
                    append=append,
                    on_change=keep,
                    client=client,
                    clock=now,
                )
                await act(poller, kept)

        asyncio.run(in_loop())

    return run


def states(fleet: LiveFleet) -> dict[str, str]:
    return {one.assistant_id: one.assistant_state for one in fleet.assistants if one.is_connected}


def test_a_round_sees_everyone_and_the_dead_one_holds_up_nobody(watching, small, join, paths, store) -> None:
    alive, dead, slow = small("clara"), small("mary"), small("nina", slow_s=30.0)
    for one in (alive, dead, slow):
        join(one.assistant_id, one.url)
    dead.stop()

    async def act(poller: Poller, kept: list[Any]) -> None:
        await poller.round()
        assert states(poller.fleet) == {"clara": "active", "mary": "down", "nina": "down"}
        assert poller.states == (("mary", "down"), ("nina", "down"))
        clara = next(one for one in poller.fleet.assistants if one.assistant_id == "clara")
        assert clara.ping_ms < 450
        assert msgspec.json.decode(poller.last_replies["clara"])["version"] == "1.0"
        assert {one.assistant_id for one in kept} == {"clara", "mary", "nina"}
        assert read_live(paths, now=now()) == poller.fleet
        await poller.round()
        assert len(kept) == 3

    watching(act)
    said = [msgspec.json.decode(entry.body) for entry in store.page("assistant_state")]
    assert {(one["assistant_id"], one["assistant_state"]) for one in said} == {
        ("clara", "active"),
        ("mary", "down"),
        ("nina", "down"),
    }


def test_what_another_process_changes_is_seen(watching, small, join, store) -> None:
    clara = small("clara")

    async def act(poller: Poller, _: list[Any]) -> None:
        await poller.round()
        assert states(poller.fleet) == {}
        join("clara", clara.url)
        await poller.round()
        assert states(poller.fleet) == {"clara": "active"}
        made = switch_off(store, "clara", reason="It lies.", actor_id="owner", now=now())
        store.append(made.records, statements=made.statements).result()
        await poller.refresh()
        assert poller.states == (("clara", "disabled"),)

    watching(act)


def test_a_pause_is_passed_on_to_decisions(watching, small, join) -> None:
    clara = small("clara")
    clara.status["is_paused"] = True
    join("clara", clara.url)

    async def act(poller: Poller, _: list[Any]) -> None:
        await poller.round()
        assert poller.states == (("clara", "paused"),)
        assert states(poller.fleet) == {"clara": "active"}

    watching(act)


@pytest.mark.parametrize("wrong", [{"assistant_id": "mary"}, {"assistant_state": "splendid"}, {"latency": None}])
def test_an_answer_that_is_not_the_protocols_is_no_answer(watching, small, join, wrong) -> None:
    clara = small("clara")
    clara.status.update(wrong)
    join("clara", clara.url)

    async def act(poller: Poller, _: list[Any]) -> None:
        await poller.round()
        assert states(poller.fleet) == {"clara": "down"}

    watching(act)


def test_a_restart_says_nothing_that_is_known(watching, small, join, store) -> None:
    join("clara", small("clara").url)

    async def act(poller: Poller, _: list[Any]) -> None:
        await poller.round()

    watching(act)
    watching(act)
    assert len(store.page("assistant_state")) == 1


def test_a_published_fleet_goes_stale(watching, small, join, paths, store) -> None:
    join("clara", small("clara").url)

    async def act(poller: Poller, _: list[Any]) -> None:
        await poller.round()

    watching(act)
    later = now() + dt.timedelta(seconds=2 * STALE_S)
    assert read_live(paths, now=later) is None
    made = switch_off(store, "clara", reason="It lies.", actor_id="owner", now=now())
    store.append(made.records, statements=made.statements).result()
    assert live_states(paths, store, now=later) == (("clara", "disabled"),)


def test_rows_reach_the_lake_once_by_the_common_door(watching, small, join, paths) -> None:
    create_lake(paths)
    join("clara", small("clara").url)

    async def act(poller: Poller, _: list[Any]) -> None:
        await poller.round()
        rows = [status_row(one, poller.fleet) for one in poller.fleet.assistants if one.is_connected]
        for _ in range(2):  # the same body twice, as after a kill between the lake and the spool
            spool_rows(paths, rows).let_go()

    watching(act)
    recover_spool(paths, clock=now)
    with read_lake(paths) as lake:
        found = lake.query("SELECT assistant_id, assistant_state, latency_p95_ms, source FROM raw.assistant_status")
        assert found.rows() == [("clara", "active", 20, "aurora")]
        assert lake.query("SELECT count(*) FROM raw.quarantine").item() == 0
