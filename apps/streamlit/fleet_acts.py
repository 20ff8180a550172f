"""A person's word to an assistant, from the page: the kill switch and commands, by the door that the API uses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from apps.streamlit.reads.fleet import fleet_pack, fleet_sharing
from apps.streamlit.reads.lake import Pin, current_settings
from apps.streamlit.ui.access import Viewer
from aurora.assistants.commands import Fleet, issue, rollback_of
from aurora.assistants.live import read_live
from aurora.assistants.switch import switch_off, switch_on
from aurora.errors import DataError, PermissionDeniedError
from aurora.store.state import StateStore
from contracts.messages.commands import Command, CommandRequest, Switch, SwitchRequest

T = TypeVar("T")


def switch(pin: Pin, assistant_id: str, *, is_off: bool, reason: str, viewer: Viewer) -> Switch:
    """Switch an assistant off or on: sealed in the journal before this returns.

    Errors: `PermissionDeniedError` below operator, `DataError` for a reason that says nothing, `ConflictError`
    when it is switched so already.
    """
    _require_operator(viewer, "switch assistants off and on")
    said = _converted({"reason": reason.strip()}, SwitchRequest, "Say why in at least three letters; it is kept.")
    act = switch_off if is_off else switch_on
    with StateStore.open(pin.paths, clock=_now) as store:
        made = act(store, assistant_id, reason=said.reason, actor_id=viewer.actor_id, now=_now())
        store.append(made.records, statements=made.statements).result()
    return made.switch


def command(pin: Pin, assistant_id: str, kind: str, arguments: Mapping[str, Any], *, viewer: Viewer) -> Command:
    """Issue a command; a running Aurora delivers it. What is refused is recorded, then raised.

    Errors: `PermissionDeniedError` below operator, `ComplianceError` where the control level or a rule forbids it,
    `DataError` for arguments that do not fit, `NotReadyError` for an assistant that is not connected.
    """
    _require_operator(viewer, "command assistants")
    request = _converted(
        {"command_kind": kind, "arguments": dict(arguments)}, CommandRequest, "Choose a kind and fill in its fields."
    )
    with StateStore.open(pin.paths, clock=_now) as store:
        return _issued(store, _fleet(pin, store), request, assistant_id, viewer)


def put_back(pin: Pin, command_id: str, *, viewer: Viewer) -> Command:
    """Put a tuned parameter or threshold back to what it was before that command.

    Errors: as `command`, and `ConflictError` where there is nothing to put back or it was set again since.
    """
    _require_operator(viewer, "command assistants")
    with StateStore.open(pin.paths, clock=_now) as store:
        assistant_id, request = rollback_of(store, command_id)
        return _issued(store, _fleet(pin, store), request, assistant_id, viewer, rolls_back=command_id)


def _fleet(pin: Pin, store: StateStore) -> Fleet:
    return Fleet(
        tenant=pin.tenant,
        region=pin.paths.region,
        pack=fleet_pack(),
        sharing=fleet_sharing(),
        state=store,
        live=read_live(pin.paths, now=_now()),
        callback_base=current_settings().callback_base,
        clock=_now,
    )


def _issued(
    store: StateStore,
    fleet: Fleet,
    request: CommandRequest,
    assistant_id: str,
    viewer: Viewer,
    *,
    rolls_back: str | None = None,
) -> Command:
    made = issue(request, fleet, assistant_id=assistant_id, actor_id=viewer.actor_id, rolls_back=rolls_back)
    store.append(made.records, statements=made.statements).result()
    if made.refusal is not None:
        raise made.refusal
    return made.command


def _require_operator(viewer: Viewer, what: str) -> None:
    if not viewer.reaches("operator"):
        raise PermissionDeniedError(
            f"The role {viewer.role} may not {what}.",
            field="role",
            rule="operator",
            next_step="Ask the owner for the role operator.",
        )


def _converted(said: dict[str, Any], kind: type[T], next_step: str) -> T:
    try:
        return msgspec.convert(said, kind)
    except msgspec.ValidationError as error:
        raise DataError(f"It does not fit: {error}.", field="request", next_step=next_step) from None


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
