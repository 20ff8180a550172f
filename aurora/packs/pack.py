"""One industry pack as a whole."""

from __future__ import annotations

from msgspec import Struct

from aurora.packs.assistants import Assistant
from aurora.packs.industry import TaskType, TenantPolicy
from aurora.packs.llms import Llm
from aurora.packs.policies import Policies
from aurora.packs.rules import Rule


class Pack(Struct, frozen=True, kw_only=True):
    """One industry pack, checked. Assistants and rules are in the order of their ids."""

    name: str
    title: str
    version: str
    tenant: TenantPolicy
    compliance_levels: dict[str, str]
    task_types: dict[str, TaskType]
    assistants: tuple[Assistant, ...]
    llms: tuple[Llm, ...]
    rules: tuple[Rule, ...]
    policies: Policies
