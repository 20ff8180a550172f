"""Holds: records that nothing is done with until a person releases them, kept in the journal.

A `block` is the hold of a rule that is asked before an act: it falls by itself when the record no longer breaks it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from aurora.errors import ConflictError, NotFoundError
from aurora.store.journal import JournalEntry, JournalRecord, StateReader
from aurora.store.state import StateStore
from contracts import registry
from contracts.messages.compliance import Hold, HoldRelease
from contracts.messages.decisions import StandingHold, canonical

HOLD: Final = "hold"
RELEASE: Final = "hold_release"
ALL: Final = 1_000_000
_HOLDS: Final = msgspec.json.Decoder(Hold)
_RELEASES: Final = msgspec.json.Decoder(HoldRelease)


def read_holds(state: StateReader, *, is_active: bool = True) -> list[Hold]:
    """Holds, newest first: those that stand, or all there ever were."""
    placed = [_HOLDS.decode(entry.body) for entry in state.page(HOLD, limit=ALL)]
    if not placed:
        return []
    ended = {one.hold_id: one for one in (_RELEASES.decode(entry.body) for entry in state.page(RELEASE, limit=ALL))}
    found = [_released(one, ended.get(one.hold_id)) for one in placed]
    return [one for one in found if one.released_at is None] if is_active else found


def opened_or_ended(entry: JournalEntry, standing: dict[str, Hold]) -> None:
    """Bring holds that stand, by id, up to date with one of their records in the journal."""
    if entry.kind == HOLD:
        hold = _HOLDS.decode(entry.body)
        standing[hold.hold_id] = hold
    else:
        standing.pop(_RELEASES.decode(entry.body).hold_id, None)


def hold_record(hold: Hold) -> JournalRecord:
    """The journal record that places a hold."""
    return JournalRecord(
        record_id=hold.hold_id,
        kind=HOLD,
        subject_id=hold.finding_id,
        actor_id=hold.actor_id,
        recorded_at=hold.placed_at,
        body=canonical(hold),
    )


def release_record(hold: Hold, *, actor_id: str, note: str, now: dt.datetime) -> JournalRecord:
    """The journal record that ends a hold; a second one is refused by its id."""
    ended = HoldRelease(hold_id=hold.hold_id, released_at=now, released_by=actor_id, release_note=note)
    return JournalRecord(
        record_id=f"{hold.hold_id}.released",
        kind=RELEASE,
        subject_id=hold.finding_id,
        actor_id=actor_id,
        recorded_at=now,
        body=canonical(ended),
    )


def release_hold(store: StateStore, hold_id: str, *, actor_id: str, note: str, now: dt.datetime) -> Hold:
    """End a hold for a person's reason. Errors: `NotFoundError`, `ConflictError` for one that is released."""
    hold = next((one for one in read_holds(store, is_active=False) if one.hold_id == hold_id), None)
    if hold is None:
        raise NotFoundError(
            f"There is no hold {hold_id[:64]!r}.",
            field="hold_id",
            next_step="`aurora rules holds` lists those that stand.",
        )
    if hold.released_at is not None:
        raise ConflictError(
            f"Hold {hold_id} was released by {hold.released_by}.",
            field="hold_id",
            rule="released",
            next_step="Nothing is to be done.",
        )
    store.append([release_record(hold, actor_id=actor_id, note=note, now=now)]).result()
    return msgspec.structs.replace(hold, released_at=now, released_by=actor_id, release_note=note)


def holds_of(state: StateReader, about_contract: str, values: Mapping[str, Any]) -> list[Hold]:
    """Holds that stand on the record with those key values; of every source when `values` names none."""
    key = [name for name in registry.table(about_contract).key if name != "source"]
    if any(values.get(name) is None for name in key):
        return []
    about_id, source = "|".join(str(values[name]) for name in key), values.get("source")
    return [
        one
        for one in read_holds(state)
        if (one.about_contract, one.about_id) == (about_contract, about_id) and source in (None, one.record_source)
    ]


def holds_named_in(state: StateReader, arguments: Mapping[str, Any]) -> list[Hold]:
    """Holds that stand on a record whose id is one of the arguments: `deal_id`, `buyer_party_id` and the like."""
    texts = {name: str(value) for name, value in arguments.items() if isinstance(value, str | int)}
    if not texts:
        return []
    return [one for one in read_holds(state) if is_named(one, texts)]


def is_named(hold: Hold | StandingHold, texts: Mapping[str, str]) -> bool:
    """Whether the record on hold is among these ids. A key of one column goes by its own name or with a part before it."""
    key = [name for name in registry.table(hold.about_contract).key if name != "source"]
    if len(key) > 1:
        return "|".join(texts.get(name, "") for name in key) == hold.about_id
    (name,) = key
    return any(given == hold.about_id for one, given in texts.items() if one == name or one.endswith(f"_{name}"))


def _released(hold: Hold, ended: HoldRelease | None) -> Hold:
    if ended is None:
        return hold
    return msgspec.structs.replace(
        hold, released_at=ended.released_at, released_by=ended.released_by, release_note=ended.release_note
    )
