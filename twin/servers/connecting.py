"""Making a tenant know its twin: endpoints of the registry, and the sources that `aurora pull` asks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Final

import msgspec
import yaml

from aurora.assistants.endpoints import connect, connected
from aurora.ingest.pull_sources import FILE, PullSource
from aurora.settings import Settings
from aurora.store.journal import StateReader
from aurora.store.paths import TenantPaths
from aurora.store.state import StateStore
from contracts.messages.commands import EndpointRequest

ACTOR: Final = "person:twin_operator"
"""Who connects simulated assistants: what somebody else connected stays as it is."""
SECRET: Final = "twin"  # noqa: S105 - the name of a file, not what is in it
PULLED: Final = ("task", "conversation", "usage", "assistant_status")
"""What the live assistants write of themselves."""
_MARK: Final = (
    "# Written by `aurora twin up --connect`: the exports of simulated assistants. Remove this line to keep the file.\n"
)
_INTERVAL_S: Final = 60


def connect_assistants(
    paths: TenantPaths,
    settings: Settings,
    assistants: Mapping[str, str],
    *,
    has_token: bool,
    clock: Callable[[], dt.datetime],
) -> dict[str, str]:
    """Register the base address of each assistant that nobody else connected, in one transaction; which they are."""
    secret = f"file:{SECRET}" if has_token else None
    with StateStore.open(paths, clock=clock) as store:
        others = other_assistants(store)
        mine = {name: url for name, url in assistants.items() if name not in others}
        changes = [
            connect(
                EndpointRequest(base_url=url, secret=secret),
                settings,
                assistant_id=name,
                actor_id=ACTOR,
                is_local=True,
                now=clock(),
            )[1]
            for name, url in mine.items()
        ]
        store.append(
            [record for record, _ in changes],
            statements=[statement for _, statements in changes for statement in statements],
        ).result()
    return mine


def other_assistants(state: StateReader) -> frozenset[str]:
    """Assistants that a person connected: real ones."""
    return frozenset(name for name, endpoint in connected(state).items() if endpoint.actor_id != ACTOR)


def write_sources(paths: TenantPaths, assistants: Mapping[str, str], *, has_token: bool) -> bool:
    """Write the tenant's sources for `aurora pull`; False, and nothing is written, where the file is a person's."""
    file = paths.directory / FILE
    if file.exists() and not file.read_text(encoding="utf-8").startswith(_MARK):
        return False
    sources = [
        PullSource(
            source=f"twin_{name}",
            url=f"{url}/api/{name}/export/{contract}",
            contract=contract,
            interval_s=_INTERVAL_S,
            secret=f"file:{SECRET}" if has_token else None,
        )
        for name, url in assistants.items()
        for contract in PULLED
    ]
    text = yaml.safe_dump({"pulls": [_plain(one) for one in sources]}, sort_keys=False)
    fresh = file.with_suffix(".tmp")
    fresh.write_text(_MARK + text, encoding="utf-8")
    fresh.replace(file)
    return True


def _plain(source: PullSource) -> dict[str, object]:
    defaults = PullSource(source="", url="", contract="")
    return {
        name: value
        for name, value in msgspec.structs.asdict(source).items()
        if name in ("source", "url", "contract") or value != getattr(defaults, name)
    }
