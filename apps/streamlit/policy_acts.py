"""A person's word on policies, from the page: how far a kind acts, who is tried, which bundle decides. All sealed."""

from __future__ import annotations

import datetime as dt
from typing import Final, Literal

import msgspec

from apps.streamlit.reads.fleet import fleet_pack
from apps.streamlit.reads.lake import Pin
from apps.streamlit.ui.access import Role, Viewer
from aurora.decisions.modes import change_mode, read_switches, stop_acting
from aurora.errors import DataError, PermissionDeniedError
from aurora.store.state import StateStore
from contracts.messages.modes import ModeRequest

_SHORTEST_REASON: Final = 3
Act = Literal["promoted", "rolled_back"]


def set_mode(
    pin: Pin,
    kind: str,
    *,
    reason: str,
    act_share: float,
    shadow: str | None,
    canary_share: float,
    assistant_id: str | None = None,
    viewer: Viewer,
) -> None:
    """Change how far a kind may act and who is run beside it; of one assistant, its share alone.

    Errors: `PermissionDeniedError` below operator, `DataError` without a reason, `UsageError` for what does not exist.
    """
    _require(viewer, "operator", "change how far decisions act")
    given = {"kind": kind, "reason": _said(reason), "act_share": act_share, "assistant_id": assistant_id}
    if assistant_id is None:
        given |= {"shadow_policy": shadow or "", "canary_share": canary_share}
    try:
        request = msgspec.convert(given, ModeRequest)
    except msgspec.ValidationError as error:
        raise DataError(
            f"The change does not fit: {error}.", field="act_share", next_step="Shares lie in 0 to 1."
        ) from None
    with StateStore.open(pin.paths, clock=_now) as store:
        _, record = change_mode(request, fleet_pack(), read_switches(store), actor_id=viewer.actor_id, now=_now())
        store.append([record]).result()


def set_stopped(pin: Pin, *, is_stopped: bool, reason: str, viewer: Viewer) -> None:
    """The switch that makes every decision advise, or lets them act again. Errors: as `set_mode`, `ConflictError`."""
    _require(viewer, "operator", "stop decisions")
    with StateStore.open(pin.paths, clock=_now) as store:
        before = read_switches(store)
        _, record = stop_acting(
            before, is_stopped=is_stopped, reason=_said(reason), actor_id=viewer.actor_id, now=_now()
        )
        store.append([record]).result()


def change_champion(pin: Pin, act: Act, *, reason: str, viewer: Viewer) -> str:
    """Promote the challenger, or go back to the champion before; the hash of who decides now.

    Errors: `PermissionDeniedError` below owner, `DataError` without a reason, `NotFoundError` or `ConflictError` where
    there is no such bundle.
    """
    _require(viewer, "owner", "change the champion")
    said = _said(reason)
    from ml.learning.loop import KIND, promote, roll_back
    from ml.learning.steps import step_by_person

    with StateStore.open(pin.paths, clock=_now) as store:
        bundle_hash, before = promote(pin.paths) if act == "promoted" else roll_back(pin.paths)
        record = step_by_person(act, bundle_hash, before, kind=KIND, actor_id=viewer.actor_id, reason=said, now=_now())
        store.append([record]).result()
    return bundle_hash


def _said(reason: str) -> str:
    if len(reason.strip()) < _SHORTEST_REASON:
        raise DataError(
            "The change needs a reason.", field="reason", rule="given", next_step="Say why in at least three letters."
        )
    return reason.strip()


def _require(viewer: Viewer, role: Role, what: str) -> None:
    if not viewer.reaches(role):
        raise PermissionDeniedError(
            f"The role {viewer.role} may not {what}.",
            field="role",
            rule=role,
            next_step=f"Ask the owner for the role {role}.",
        )


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
