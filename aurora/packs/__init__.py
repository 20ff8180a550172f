"""Industry packs: the assistants, language models, rules, policies and workflows a tenant is made from.

Reads `packs/<name>/` and checks it as a whole: a wrong key, a duplicate or a name that points nowhere
fails with the file and the field. What the declarations mean (compiling a rule, choosing by a policy)
belongs to `aurora.compliance` and `aurora.decisions`.
"""

from aurora.packs.assistants import PROTOCOL_EXPORTS, Assistant, AssistantPrior, Parameter, Thresholds
from aurora.packs.industry import TaskType, TenantPolicy
from aurora.packs.llms import Llm, LlmPrior, Price
from aurora.packs.loading import list_packs, load_pack, pack_files, tenant_policy
from aurora.packs.pack import Pack
from aurora.packs.policies import Policies, PolicyChoice, PolicySettings
from aurora.packs.reading import read_declared
from aurora.packs.rules import Rule, RuleExample
from aurora.packs.words import Line, Share, Slug, Usd

__all__ = [
    "PROTOCOL_EXPORTS",
    "Assistant",
    "AssistantPrior",
    "Line",
    "Llm",
    "LlmPrior",
    "Pack",
    "Parameter",
    "Policies",
    "PolicyChoice",
    "PolicySettings",
    "Price",
    "Rule",
    "RuleExample",
    "Share",
    "Slug",
    "TaskType",
    "TenantPolicy",
    "Thresholds",
    "Usd",
    "list_packs",
    "load_pack",
    "pack_files",
    "read_declared",
    "tenant_policy",
]
