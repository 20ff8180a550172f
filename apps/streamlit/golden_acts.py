"""A person's word on golden records, from the page: sealed in the journal, and matched again at once."""

from __future__ import annotations

import datetime as dt

import msgspec
import streamlit as st

from apps.streamlit.reads.lake import Pin, current_settings
from apps.streamlit.ui.access import Viewer
from aurora.entities import golden
from aurora.entities.judgements import Speaker, decision_record
from aurora.entities.policy import EntityKind, load_policies, policy_of
from aurora.entities.resolve import resolve_entities
from aurora.errors import DataError, PermissionDeniedError
from aurora.store.ids import IdMaker
from aurora.store.lake import read_lake
from aurora.store.state import StateStore
from contracts.messages.entities import MergeRequest, RecordName, UnmergeRequest


def join(pin: Pin, kind: EntityKind, entity_id: str, other: str, *, reason: str, viewer: Viewer) -> None:
    """Two golden records are one. Errors: as `part`, and `ConflictError` where identifiers say otherwise."""
    _say(pin, kind, entity_id, {"other_entity_id": other, "reason": reason.strip()}, MergeRequest, viewer)


def keep_apart(pin: Pin, kind: EntityKind, entity_id: str, other: str, *, reason: str, viewer: Viewer) -> None:
    """Two golden records are two. Errors: as `part`."""
    _say(pin, kind, entity_id, {"other_entity_id": other, "reason": reason.strip()}, UnmergeRequest, viewer)


def part(pin: Pin, kind: EntityKind, entity_id: str, leaving: list[RecordName], *, reason: str, viewer: Viewer) -> None:
    """Some records leave. Errors: `PermissionDeniedError` below operator, `DataError` for what makes no sense."""
    _say(pin, kind, entity_id, {"records": leaving, "reason": reason.strip()}, UnmergeRequest, viewer)


def _say(
    pin: Pin,
    kind: EntityKind,
    entity_id: str,
    said: dict[str, object],
    request_kind: type[MergeRequest] | type[UnmergeRequest],
    viewer: Viewer,
) -> None:
    if not viewer.reaches("operator"):
        raise PermissionDeniedError(
            f"The role {viewer.role} may not change golden records.",
            field="role",
            rule="operator",
            next_step="Ask the owner for the role operator.",
        )
    try:
        request = msgspec.convert(msgspec.to_builtins(said), request_kind)
    except msgspec.ValidationError as error:
        raise DataError(
            f"The change does not fit: {error}.", field="reason", next_step="Say why in at least three letters."
        ) from None
    settings = current_settings()
    policy = policy_of(settings.packs_dir, settings.pack, kind)
    speaker = Speaker(
        actor_id=viewer.actor_id, now=_now(), region=pin.paths.region, decision_id=IdMaker(_now).new("ent")
    )
    with read_lake(pin.paths) as lake:
        if isinstance(request, MergeRequest):
            decision = golden.decide_merge(lake, policy, entity_id, request, speaker=speaker)
        else:
            decision = golden.decide_unmerge(lake, policy, entity_id, request, speaker=speaker)
    with StateStore.open(pin.paths, clock=_now) as store:
        store.append([decision_record(decision)]).result()
    resolve_entities(pin.paths, load_policies(settings.packs_dir, settings.pack), clock=_now)
    st.cache_data.clear()


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
