"""What these tests share: a tenant, the shipped pack, and small assistants that are real HTTP servers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aurora.assistants.commands import Fleet
from aurora.assistants.endpoints import connect
from aurora.handoffs.sharing import load_sharing
from aurora.packs.loading import load_pack
from aurora.packs.pack import Pack
from aurora.settings import Settings
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.state import StateStore
from contracts.messages.commands import EndpointRequest
from tests.assistants.small_assistant import SmallAssistant


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@pytest.fixture(scope="session")
def pack() -> Pack:
    return load_pack(Settings().packs_dir, "real_estate")


@pytest.fixture
def paths(tmp_path: Path) -> TenantPaths:
    return create_tenant(tmp_path / "data", "demo", "ae-dubai")


@pytest.fixture
def settings(paths: TenantPaths) -> Settings:
    return Settings(data_dir=paths.data_dir)


@pytest.fixture
def store(paths: TenantPaths) -> Iterator[StateStore]:
    with StateStore.open(paths, clock=now) as opened:
        yield opened


@pytest.fixture
def fleet(store: StateStore, settings: Settings, pack: Pack) -> Fleet:
    return Fleet(
        tenant="demo",
        region="ae-dubai",
        pack=pack,
        sharing=load_sharing(settings.packs_dir, pack),
        state=store,
        live=None,
        callback_base="http://127.0.0.1:1",
        clock=now,
    )


@pytest.fixture
def small() -> Iterator[Callable[..., SmallAssistant]]:
    """Starts small assistants on loopback and ends them."""
    running: list[SmallAssistant] = []

    def start(assistant_id: str, **changed: object) -> SmallAssistant:
        one = SmallAssistant(assistant_id, **changed)
        running.append(one)
        return one

    yield start
    for one in running:
        one.stop()


@pytest.fixture
def join(store: StateStore, settings: Settings) -> Callable[[str, str], None]:
    """Connects an assistant as the operator does on the command line."""

    def connected(assistant_id: str, url: str) -> None:
        _, (record, statements) = connect(
            EndpointRequest(base_url=url),
            settings,
            assistant_id=assistant_id,
            actor_id="owner",
            is_local=True,
            now=now(),
        )
        store.append([record], statements=statements).result()

    return connected
