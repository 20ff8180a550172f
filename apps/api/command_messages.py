"""What is said about assistants and commands over HTTP, besides the contract's own messages. One Struct a document."""

from __future__ import annotations

from msgspec import Struct

from apps.api.messages import FleetAssistant
from aurora.packs.assistants import Parameter, Thresholds
from contracts.messages.assistants import StatusReply
from contracts.messages.commands import Endpoint, LiveAssistant


class AssistantDetail(Struct, frozen=True, kw_only=True):
    """One assistant: as the pack declares it, as Aurora sees it now, and where it is reached."""

    assistant: FleetAssistant
    live: LiveAssistant
    endpoint: Endpoint | None
    """Null while it is not connected."""
    depends_on: tuple[str, ...]
    """Assistants without which it cannot do its work."""
    parameters: dict[str, Parameter]
    """What may be tuned, and how far; the values in force stand in `live`."""
    thresholds: Thresholds
    performance_formula: str


class AssistantStatus(Struct, frozen=True, kw_only=True):
    """Aurora's live view of an assistant, with what it last said of itself."""

    assistant_id: str
    live: LiveAssistant
    reply: StatusReply | None
    """Its last answer; null when it never answered, or when another process polls it."""
