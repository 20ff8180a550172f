"""One industry pack as a whole."""

from __future__ import annotations

from msgspec import Struct

from aurora.packs.assistants import Assistant
from aurora.packs.industry import Benchmark, IndustryProfile, TaskType, TenantPolicy
from aurora.packs.llms import Llm
from aurora.packs.policies import Policies
from aurora.packs.rules import Rule
from contracts.messages.workflows import Workflow


class Pack(Struct, frozen=True, kw_only=True):
    """One industry pack, checked. Assistants, rules and workflows are in the order of their ids."""

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
    security_level: str = ""
    compliance_requirements: tuple[str, ...] = ()
    terminology: dict[str, str] = {}
    roles: dict[str, str] = {}
    benchmarks: dict[str, Benchmark] = {}
    workflows: tuple[Workflow, ...] = ()

    @property
    def profile(self) -> IndustryProfile:
        """The industry as the Auterity plan speaks of it."""
        return IndustryProfile(
            industry=self.name,
            compliance_requirements=self.compliance_requirements,
            terminology=self.terminology,
            workflow_templates=tuple(workflow.workflow_id for workflow in self.workflows),
            security_level=self.security_level,
        )
