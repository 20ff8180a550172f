"""A person's act on refused rows from the page: through the same door as the API and the command line."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from apps.streamlit.reads.lake import Pin, current_settings
from apps.streamlit.reads.quality import forget_refused
from apps.streamlit.ui.access import Viewer
from aurora.errors import PermissionDeniedError, UsageError
from aurora.ingest.repair_reports import ActReport
from aurora.ingest.repairs import Correction, Repairs
from aurora.ingest.resolutions import Act
from aurora.store.state import StateStore


def mend(
    pin: Pin,
    act: Act,
    *,
    quarantine_id: str,
    batch_id: str,
    values: Mapping[str, Any],
    note: str,
    viewer: Viewer,
    is_dry_run: bool,
) -> list[ActReport]:
    """Do one act and say what came of it.

    Errors: `PermissionDeniedError` below operator, and those of `aurora.ingest.repairs`.
    """
    if not viewer.reaches("operator"):
        raise PermissionDeniedError(
            f"The role {viewer.role} may not act on refused rows.",
            field="role",
            rule="operator",
            next_step="Ask the owner for the role operator.",
        )
    with StateStore.open(pin.paths, clock=_now) as store:
        acts = Repairs(
            paths=pin.paths,
            store=store,
            actor_id=viewer.actor_id,
            clock=_now,
            max_line_mb=current_settings().max_upload_mb,
            is_dry_run=is_dry_run,
        )
        reports = _done(acts, act, quarantine_id, batch_id, values, note)
    forget_refused()
    return reports


def _done(
    acts: Repairs, act: Act, quarantine_id: str, batch_id: str, values: Mapping[str, Any], note: str
) -> list[ActReport]:
    match act:
        case "repair":
            if not values:
                raise UsageError("No value is corrected.", field="values", next_step="Fill in at least one column.")
            return acts.repair([Correction(quarantine_id=quarantine_id, values=values)], note)
        case "release":
            return acts.release([quarantine_id], note)
        case "discard":
            return acts.discard([quarantine_id], note)
        case "rerun":
            return acts.rerun(batch_id, note)


def other_values(text: str) -> dict[str, Any]:
    """Columns and values that a person wrote as a JSON object; `UsageError` when it is none."""
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UsageError(
            f"The other columns are not JSON: {error}.",
            field="values",
            next_step='Write an object such as {"operation_name": "chat"}.',
        ) from None
    if not isinstance(found, dict):
        raise UsageError(
            "The other columns are no JSON object.",
            field="values",
            next_step='Write an object such as {"operation_name": "chat"}.',
        )
    return found


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
