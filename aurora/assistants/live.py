"""The fleet as it is now, for whoever reads it: the engine, the pages, the command line, another process.

The poller publishes `serving/fleet.json` after each round of polls, replaced atomically. What is older than
`STALE_S` says nothing any more: nobody polls. The kill switch is always read from the state, never from the file.
"""

from __future__ import annotations

import datetime as dt
import os
from typing import Final

import msgspec

from aurora.store.fleet import switches
from aurora.store.journal import StateReader
from aurora.store.paths import TenantPaths
from contracts.messages.commands import LiveFleet

FILE: Final = "fleet.json"
STALE_S: Final = 15.0
_ENCODER: Final = msgspec.json.Encoder(order="deterministic")
LiveStates = tuple[tuple[str, str], ...]
"""Assistants that are not simply active, sorted: `degraded`, `down`, `disabled` or `paused`. What decides is this."""


def publish_live(paths: TenantPaths, fleet: LiveFleet) -> None:
    """Replace the published fleet."""
    paths.serving.mkdir(parents=True, exist_ok=True)
    file = paths.serving / FILE
    draft = file.with_name(f".{FILE}.{os.getpid()}")
    draft.write_bytes(_ENCODER.encode(fleet))
    draft.replace(file)


def last_published(paths: TenantPaths) -> LiveFleet | None:
    """The fleet as it was last published, however long ago; None before the first time."""
    try:
        return msgspec.json.decode((paths.serving / FILE).read_bytes(), type=LiveFleet)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def read_live(paths: TenantPaths, *, now: dt.datetime) -> LiveFleet | None:
    """The fleet as it is now; None when nobody polls it."""
    fleet = last_published(paths)
    if fleet is None or abs((now - fleet.updated_at).total_seconds()) > STALE_S:
        return None
    return fleet


def states_of(fleet: LiveFleet | None, disabled: frozenset[str]) -> LiveStates:
    """What the engine goes by: what was seen of connected assistants, and who is switched off."""
    found = dict.fromkeys(disabled, "disabled")
    for one in fleet.assistants if fleet is not None else ():
        if not one.is_connected or one.assistant_id in disabled:
            continue
        if one.assistant_state in {"degraded", "down"}:
            found[one.assistant_id] = one.assistant_state
        elif one.assistant_state == "disabled" and one.last_ping is not None:
            found[one.assistant_id] = "disabled"  # it says so of itself
        elif one.is_paused:
            found[one.assistant_id] = "paused"
    return tuple(sorted(found.items()))


def live_states(paths: TenantPaths, state: StateReader, *, now: dt.datetime) -> LiveStates:
    """The same for a process that does not poll."""
    return states_of(read_live(paths, now=now), frozenset(row.assistant_id for row in switches(state)))
