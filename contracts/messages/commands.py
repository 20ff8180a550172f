"""What Aurora is asked to do with an assistant, and what it remembers of it: commands, endpoints, the kill switch.

`contracts.messages.assistants` is the protocol between Aurora and an assistant; here is the caller's side of it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from contracts.messages.assistants import AssistantState, CommandKind, CommandState, ControlLevel, Latency
from contracts.messages.decisions import Share, Text

Reason = Annotated[str, Meta(min_length=3, max_length=2000)]


class CommandRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A command for an assistant. `arguments` depend on the kind; see docs/reference/protocol.md."""

    command_kind: CommandKind
    arguments: dict[str, Any] = {}
    deadline_s: Annotated[int, Meta(ge=1, le=86_400)] = 300
    """Seconds from now after which it is of no use: what was not delivered by then expires."""
    task_id: Text | None = None
    case_id: Text | None = None
    decision_id: Text | None = None
    is_sample: bool = False


class Command(Struct, frozen=True, kw_only=True):
    """A command as it stands. Each state of it is one record of the journal and one row of the lake.

    In the journal `arguments` and `result` of all but settings are their hashes, see `hashed`.
    """

    command_id: Text
    assistant_id: Text
    command_kind: CommandKind
    command_state: CommandState
    control_level: ControlLevel
    allowed_command_kinds: tuple[str, ...]
    """What the control level let through when it was issued."""
    actor_id: Text
    arguments: dict[str, Any]
    issued_at: dt.datetime
    updated_at: dt.datetime
    deadline_at: dt.datetime
    region: Text
    attempt_count: int = 0
    result: dict[str, Any] | None = None
    error_type: Text | None = None
    """The rule that refused it, or what went wrong."""
    error: str | None = None
    completed_at: dt.datetime | None = None
    duration_ms: int | None = None
    cost_usd: Decimal | None = None
    quality: Share | None = None
    previous_value: float | None = None
    """What a tuned parameter or threshold was before; a rollback puts it back."""
    rolls_back: Text | None = None
    """The command that it undoes."""
    task_id: Text | None = None
    case_id: Text | None = None
    decision_id: Text | None = None
    idempotency_key: Text | None = None
    is_sample: bool = False
    after_command_id: Text | UnsetType = UNSET
    """It is not sent before that one is closed; work that is moved, not before its holder has let go of it."""


def hashed(value: dict[str, Any]) -> dict[str, Any]:
    """What stands for a value in the audit log: SHA-256 (hex) of its canonical JSON. Nothing stands for nothing."""
    if not value:
        return {}
    return {"sha256": hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()}


class CommandPage(Struct, frozen=True, kw_only=True):
    """Commands, newest first."""

    commands: list[Command]
    next_cursor: str | None
    """Send it as `cursor` for the next page; null behind the last one."""


class RollbackRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a tuned parameter or threshold goes back to what it was."""

    reason: Reason


class EndpointRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where an assistant is reached."""

    base_url: Annotated[str, Meta(min_length=8, max_length=2048)]
    secret: Annotated[str, Meta(max_length=80)] | None = None
    """Where the bearer token is, never the token itself: `env:ASSISTANT_<NAME>`, or `file:<name>` in the tenant's `secrets` folder."""


class Endpoint(Struct, frozen=True, kw_only=True):
    """Where an assistant is reached, and who said so."""

    assistant_id: Text
    base_url: str
    secret: str | None
    is_local: bool
    """Connected on the operator's command line: it may be on this very machine."""
    connected_at: dt.datetime
    actor_id: Text


class SwitchRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why an assistant is switched off, or on again."""

    reason: Reason


class Switch(Struct, frozen=True, kw_only=True):
    """An assistant that was switched off or on: a record of the journal."""

    assistant_id: Text
    is_disabled: bool
    reason: str
    actor_id: Text
    changed_at: dt.datetime
    refused_count: int = 0
    """Commands that waited for delivery and are refused now."""


class StateChange(Struct, frozen=True, kw_only=True):
    """An assistant's state as Aurora sees it changed: a record of the journal."""

    assistant_id: Text
    previous_state: AssistantState | None
    assistant_state: AssistantState
    reason: str
    changed_at: dt.datetime
    performance_score: float | None = None


class LiveAssistant(Struct, frozen=True, kw_only=True):
    """One assistant as Aurora sees it now."""

    assistant_id: Text
    assistant_state: AssistantState
    reason: str
    """Why it is in that state."""
    since: dt.datetime | None
    """When it came into it; null while nothing was asked of it."""
    is_connected: bool
    is_paused: bool = False
    is_simulated: bool = False
    last_ping: dt.datetime | None = None
    """When it last answered."""
    ping_ms: float | None = None
    """How long its last answer took."""
    performance_score: float | None = None
    """0 to 100 by `performance_formula`; null before its first answer."""
    uptime_share: Share | None = None
    """Share of Aurora's polls that it answered, over the last five minutes."""
    error_share: Share | None = None
    latency: Latency | None = None
    open_task_count: int | None = None
    capacity_count: int | None = None
    parameters: dict[str, float] = {}
    thresholds: dict[str, float] = {}
    version: str | None = None
    reported_state: AssistantState | None = None
    """What it said of itself in its last answer; null before the first."""


class LiveFleet(Struct, frozen=True, kw_only=True):
    """Every assistant of the pack as Aurora sees it now; what is published for other processes too."""

    tenant_id: Text
    updated_at: dt.datetime
    round_ms: float | None
    """How long the last round of polls took; null before the first."""
    assistants: tuple[LiveAssistant, ...]
