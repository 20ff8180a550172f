"""What a request leaves to Aurora to fill in, and what an acting decision sets in motion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from aurora.assistants.commands import find_command
from aurora.decisions.kinds.tune import COMMAND, command_arguments
from aurora.errors import NotFoundError
from aurora.store.fleet import settings_of
from aurora.store.journal import StateReader
from contracts.messages.commands import CommandRequest, LiveFleet
from contracts.messages.decision_details import Tuned
from contracts.messages.decisions import Decision, DecisionRequest, TuneRequest

_DEADLINE_S: Final = 300


def completed(request: DecisionRequest, state: StateReader, live: LiveFleet | None) -> DecisionRequest:
    """The request with what the state knows: a parameter's present value, and the one before its last change.

    The receipt holds it, so that replay needs no state.
    """
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


def command_of(decision: Decision) -> tuple[str, CommandRequest] | None:
    """The command that an acting decision sends, and to whom; None for advice, and for what the caller does itself.

    Moves of a rebalancing and replicas are carried out by whoever asked: only they can move work or start machines.
    """
    details = decision.details
    if decision.mode != "act" or decision.action is None or not isinstance(details, Tuned):
        return None
    if details.value == details.value_before or not isinstance(decision.request, TuneRequest):
        return None
    return decision.request.assistant_id, CommandRequest(
        command_kind=COMMAND,
        arguments=command_arguments(details),
        deadline_s=_DEADLINE_S,
        decision_id=decision.decision_id,
    )
