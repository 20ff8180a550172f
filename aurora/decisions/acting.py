"""What a request leaves to Aurora to fill in: what the state knows of a parameter, what is published of demand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import msgspec

from aurora.assistants.commands import find_command
from aurora.decisions.capacity.asked import with_published
from aurora.decisions.kinds.scale import REPLICAS
from aurora.decisions.kinds.tune import COMMAND
from aurora.errors import NotFoundError
from aurora.store.fleet import settings_of
from aurora.store.journal import StateReader
from aurora.store.paths import TenantPaths
from contracts.messages.commands import LiveFleet
from contracts.messages.decisions import DecisionRequest, ScaleRequest, TuneRequest


def completed(
    request: DecisionRequest, state: StateReader, live: LiveFleet | None, paths: TenantPaths
) -> DecisionRequest:
    """The request with what the state knows: a parameter's present value, and the one before its last change.

    To scale: demand, limits and forecast as they are published. The receipt holds it, so that replay needs no state.
    """
    if isinstance(request, ScaleRequest):
        replicas, scaled_at = _running(state, live, request.target_id)
        return with_published(request, paths, replicas=replicas, scaled_at=scaled_at)
    if not isinstance(request, TuneRequest) or (request.value is not None and request.previous_value is not None):
        return request
    place = (request.assistant_id, request.parameter)
    known = settings_of(state, COMMAND).get(place)
    value, previous = request.value, request.previous_value
    if value is None:
        value = _reported(live, request.assistant_id).get(request.parameter, known[0] if known else None)
    if previous is None and known is not None:
        try:
            previous = find_command(state, known[1]).previous_value
        except NotFoundError:
            previous = None
    return msgspec.structs.replace(request, value=value, previous_value=previous)


def _reported(live: LiveFleet | None, assistant_id: str) -> Mapping[str, float]:
    found = live.assistants if live is not None else ()
    return next((one.parameters for one in found if one.assistant_id == assistant_id), {})


def _running(state: StateReader, live: LiveFleet | None, target_id: str) -> tuple[int | None, dt.datetime | None]:
    """Replicas of an assistant as it reported them, else as they were set last, and when; None where nobody knows."""
    known = settings_of(state, COMMAND).get((target_id, REPLICAS))
    value = _reported(live, target_id).get(REPLICAS, None if known is None else known[0])
    scaled_at = None
    if known is not None:
        try:
            scaled_at = find_command(state, known[1]).completed_at
        except NotFoundError:
            scaled_at = None
    return (None if value is None else round(value)), scaled_at
