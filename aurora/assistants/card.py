"""The A2A agent card of an assistant, built from the pack: what it can do, and that it is reached through Aurora."""

from __future__ import annotations

from aurora.packs.assistants import Assistant
from aurora.packs.pack import Pack
from contracts.messages.assistants import AgentCapabilities, AgentCard, AgentInterface, AgentProvider, AgentSkill

A2A_VERSION = "1.0"


def agent_card(assistant: Assistant, pack: Pack, *, base_url: str, organization: str) -> AgentCard:
    """The card. `base_url` is Aurora's own: work reaches an assistant through its control level, never around it."""
    return AgentCard(
        name=assistant.assistant_name,
        description=assistant.description or assistant.role,
        supported_interfaces=(
            AgentInterface(
                url=f"{base_url}/api/{assistant.assistant_id}",
                protocol_binding="HTTP+JSON",
                protocol_version=A2A_VERSION,
                tenant=organization,
            ),
        ),
        provider=AgentProvider(organization=organization, url=base_url),
        version=pack.version,
        capabilities=AgentCapabilities(push_notifications=True),
        default_input_modes=("application/json",),
        default_output_modes=("application/json",),
        skills=tuple(
            AgentSkill(
                id=skill,
                name=skill.replace("_", " "),
                description=pack.task_types[skill].meaning,
                tags=("acting" if pack.task_types[skill].is_acting else "reading", assistant.role.lower()),
            )
            for skill in assistant.skills
        ),
        security_schemes={"bearer": {"httpAuthSecurityScheme": {"scheme": "Bearer", "bearerFormat": "aur_..."}}},
        security_requirements=({"schemes": {"bearer": {"list": []}}},),
    )
