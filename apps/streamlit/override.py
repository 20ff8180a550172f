"""A person's change of a decision, written to the journal as the API writes it: sealed, durable, once."""

from __future__ import annotations

import datetime as dt

import msgspec

from apps.streamlit.reads.decisions import forget_journal
from apps.streamlit.reads.lake import Pin
from apps.streamlit.ui.access import Viewer
from aurora.audit.records import override_record, read_decision
from aurora.errors import DataError, PermissionDeniedError
from aurora.store.ids import IdMaker
from aurora.store.state import StateStore
from contracts.messages.decisions import OverrideRequest


def override(pin: Pin, decision_id: str, *, action: str, reason: str, viewer: Viewer) -> int:
    """Record the override and return its place in the audit log.

    Errors: `PermissionDeniedError` below operator, `DataError` for a reason that says nothing or an
    action that is no candidate, `ComplianceError` for one that a rule forbids, `NotFoundError`.
    """
    if not viewer.reaches("operator"):
        raise PermissionDeniedError(
            f"The role {viewer.role} may not change decisions.",
            field="role",
            rule="operator",
            next_step="Ask the owner for the role operator.",
        )
    request = _request(action, reason.strip())
    with StateStore.open(pin.paths, clock=_now) as store:
        record = override_record(
            request,
            read_decision(store, decision_id),
            override_id=IdMaker(_now).new("ovr"),
            actor_id=viewer.actor_id,
            now=_now(),
        )
        (seq,) = store.append([record]).result()
    forget_journal()
    return seq


def _request(action: str, reason: str) -> OverrideRequest:
    try:
        return msgspec.convert({"action": action, "reason": reason}, OverrideRequest)
    except msgspec.ValidationError as error:
        raise DataError(
            f"The change does not fit: {error}.",
            field="reason",
            next_step="Choose an action and say why in at least three letters.",
        ) from None


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
