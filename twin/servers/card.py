"""The A2A agent card of a live assistant, with its ETag."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec

from aurora.packs import Assistant, Pack
from contracts.messages.assistants import (
    AgentCapabilities,
    AgentCard,
    AgentInterface,
    AgentProvider,
    AgentSkill,
)
from twin.servers.worker import VERSION

A2A_VERSION: Final = "1.0"
_JSON: Final = "application/json"


def agent_card(assistant: Assistant, pack: Pack, *, url: str, is_guarded: bool) -> AgentCard:
    """The card of an assistant that is reached at `url`; `is_guarded`: it wants a bearer token."""
    schemes: dict[str, Any] = {"bearer": {"httpAuthSecurityScheme": {"scheme": "Bearer"}}} if is_guarded else {}
    needs: tuple[dict[str, Any], ...] = ({"schemes": {"bearer": {"list": []}}},) if is_guarded else ()
    return AgentCard(
        name=f"{assistant.assistant_name} (simulated)",
        description=f"{assistant.description or assistant.role} Simulated by Aurora's twin.",
        supported_interfaces=(AgentInterface(url=url, protocol_binding="HTTP+JSON", protocol_version=A2A_VERSION),),
        provider=AgentProvider(organization=f"{pack.title} (simulated)", url=url),
        version=VERSION,
        capabilities=AgentCapabilities(),
        default_input_modes=(_JSON, "text/plain"),
        default_output_modes=(_JSON,),
        skills=tuple(
            AgentSkill(
                id=name,
                name=name.replace("_", " "),
                description=pack.task_types[name].meaning,
                tags=("acting",) if pack.task_types[name].is_acting else ("reading",),
            )
            for name in assistant.skills
        ),
        security_schemes=schemes,
        security_requirements=needs,
    )


def encoded_card(card: AgentCard) -> tuple[bytes, bytes]:
    """The card as JSON, and its ETag."""
    body = msgspec.json.encode(card)
    return body, b'"%s"' % hashlib.sha256(body).hexdigest()[:32].encode()
