"""The assistant protocol: what every assistant of a fleet answers, and what it may be told.

    GET  {base}/api/{assistant_id}/status                    StatusReply
    POST {base}/api/{assistant_id}/execute                   ExecuteRequest -> CommandReply, 200 done or 202 accepted
    GET  {base}/api/{assistant_id}/commands/{command_id}     CommandReply, for what was accepted
    GET  {base}/api/{assistant_id}/export/{contract}         rows under the export envelope, `?cursor=&limit=`
    GET  {base}/.well-known/agent-card.json                  A2A 1.0 agent card

A command's id is its idempotency key: the same id and body again gets the same reply and has no second
effect; the same id with another body is refused with 409. Errors are problem+json (RFC 9457). An assistant
that cannot take work now answers 503 or 429 with `Retry-After`.
Requests are strict. Replies may hold more keys than these: they come with later versions of the protocol.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from contracts.messages.decisions import PrivacyClass, Share, Text

PROTOCOL_VERSION: Final = "1"
AGENT_CARD_PATH: Final = "/.well-known/agent-card.json"

AssistantState = Literal["active", "degraded", "down", "disabled"]
ControlLevel = Literal[
    "full_orchestration", "read_write", "read_only_alerts", "command_authority", "monitoring_thresholds"
]
CommandKind = Literal[
    "ping", "notify", "run_task", "cancel_task", "sync", "hold", "release", "pause", "resume", "tune", "set_threshold"
]
CommandState = Literal["issued", "delivered", "accepted", "completed", "failed", "refused", "expired"]

COMMAND_MEANINGS: Final[dict[str, str]] = {
    "ping": "Answer, and change nothing.",
    "notify": "Take note of something; what to do about it is the assistant's own affair.",
    "run_task": "Do a task of one of the assistant's task types.",
    "cancel_task": "Give up a task that is not finished.",
    "sync": "Bring a record in line with the golden record.",
    "hold": "Stop working on a case or record until it is released.",
    "release": "Go on with what was held.",
    "pause": "Take no new work.",
    "resume": "Take work again.",
    "tune": "Change a parameter of the assistant within its bounds.",
    "set_threshold": "Change the value of a health figure beyond which the assistant raises an alarm.",
}
"""What each kind of command asks for."""

CONTROL: Final[dict[str, frozenset[str]]] = {
    "full_orchestration": frozenset(COMMAND_MEANINGS),
    "read_write": frozenset({"ping", "notify", "run_task", "cancel_task", "sync", "hold", "release"}),
    "read_only_alerts": frozenset({"ping", "notify", "run_task"}),
    "command_authority": frozenset({"ping", "notify", "run_task", "cancel_task"}),
    "monitoring_thresholds": frozenset({"ping", "notify", "set_threshold"}),
}
"""Commands that a control level lets through (Aurora plan 2.2). Two limits stand beside it: `read_only_alerts`
runs only task types that change nothing, and an assistant with `command_authority` may itself hold and release
the work of any other."""

AUTHORITY_KINDS: Final = frozenset({"notify", "hold", "release"})
"""What an assistant with `command_authority` may command others."""

PEER_KINDS: Final = frozenset({"ping", "notify", "run_task", "cancel_task"})
"""What one assistant may command another over an edge of the communication matrix, if the other's control level
lets it through. Tuning, pausing and thresholds are for people and for Aurora itself."""


class Latency(Struct, frozen=True, kw_only=True):
    """Percentiles of the time to finish a request, in milliseconds, over the window the reply names."""

    p50_ms: Annotated[float, Meta(ge=0)]
    p95_ms: Annotated[float, Meta(ge=0)]
    p99_ms: Annotated[float, Meta(ge=0)]


class StatusReply(Struct, frozen=True, kw_only=True):
    """How an assistant is, as it says itself."""

    assistant_id: Text
    assistant_state: AssistantState
    protocol_version: Text
    version: Text
    """Release of the assistant."""
    updated_at: dt.datetime
    window_s: Annotated[int, Meta(ge=1)]
    """Seconds that the shares and latencies below are taken over."""
    uptime_share: Share
    error_share: Share
    """0 while nothing was asked of it: `request_count` tells the two apart."""
    request_count: Annotated[int, Meta(ge=0)]
    latency: Latency
    open_task_count: Annotated[int, Meta(ge=0)]
    capacity_count: Annotated[int, Meta(ge=0)]
    performance_score: Annotated[float, Meta(ge=0, le=100)] | None = None
    """Its own score; Aurora computes one of its own beside it."""
    parameters: dict[str, float] = {}
    """Values of what can be tuned."""
    thresholds: dict[str, float] = {}
    is_paused: bool = False
    is_simulated: bool = False


class ExecuteRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A command as an assistant gets it. What `arguments` hold depends on the kind; see docs/reference/protocol.md."""

    command_id: Text
    command_kind: CommandKind
    arguments: dict[str, Any] = {}
    deadline_at: dt.datetime | None = None
    """After it the work is of no use: an assistant that cannot keep it refuses."""
    task_id: Text | None = None
    case_id: Text | None = None
    decision_id: Text | None = None
    callback_url: Annotated[str, Meta(max_length=2048)] | None = None
    """Where to POST the CommandReply once accepted work is done; it can be asked for either way."""
    is_sample: bool = False


class RunTaskArguments(Struct, frozen=True, kw_only=True):
    """Arguments of `run_task`; what else stands there is the task's own."""

    task_type: str
    priority: Literal["critical", "high", "medium", "low"] = "medium"
    privacy_class: PrivacyClass | None = None


class TuneArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Arguments of `tune`."""

    parameter: str
    value: float


class ThresholdArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Arguments of `set_threshold`."""

    threshold: str
    value: float


class SyncArguments(Struct, frozen=True, kw_only=True):
    """Arguments of `sync`: a record as the golden record has it."""

    contract: str
    record_id: str
    values: dict[str, Any] = {}


class CommandReply(Struct, frozen=True, kw_only=True):
    """What came of a command."""

    command_id: Text
    command_state: Literal["accepted", "completed", "failed", "refused"]
    updated_at: dt.datetime
    result: dict[str, Any] = {}
    error_type: Text | None = None
    error: Annotated[str, Meta(max_length=2000)] | None = None
    duration_ms: Annotated[int, Meta(ge=0)] | None = None
    cost_usd: Decimal | None = None
    quality: Share | None = None


class AgentInterface(Struct, frozen=True, kw_only=True, rename="camel"):
    """Where and how an agent is spoken to."""

    url: str
    protocol_binding: Literal["JSONRPC", "GRPC", "HTTP+JSON"]
    protocol_version: str
    tenant: str | None = None


class AgentProvider(Struct, frozen=True, kw_only=True, rename="camel"):
    """Who runs an agent."""

    organization: str
    url: str


class AgentCapabilities(Struct, frozen=True, kw_only=True, rename="camel"):
    """What of A2A an agent can do beside plain messages."""

    streaming: bool = False
    push_notifications: bool = False
    extended_agent_card: bool = False


class AgentSkill(Struct, frozen=True, kw_only=True, rename="camel"):
    """One task type, as A2A names it."""

    id: str
    name: str
    description: str
    tags: tuple[str, ...]


class AgentCard(Struct, frozen=True, kw_only=True, rename="camel"):
    """A2A 1.0 agent card; served with `ETag` and `Cache-Control`."""

    name: str
    description: str
    supported_interfaces: Annotated[tuple[AgentInterface, ...], Meta(min_length=1)]
    provider: AgentProvider
    version: str
    capabilities: AgentCapabilities
    default_input_modes: tuple[str, ...]
    default_output_modes: tuple[str, ...]
    skills: tuple[AgentSkill, ...]
    security_schemes: dict[str, Any] = {}
    security_requirements: tuple[dict[str, Any], ...] = ()
