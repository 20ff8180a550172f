"""What a policy is: it scores admissible candidates. A file in `policies/` is its own registration.

A policy sees estimates, never records: what is forbidden was taken out before it is asked. Choosing,
exploring and abstaining are the same for all of them and live in `aurora.decisions.choice`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Protocol

import aurora.decisions.policies
from aurora.errors import DataError
from aurora.packs import Policies, PolicySettings
from contracts.messages.decisions import DecisionKind


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is expected of one admissible candidate."""

    candidate_id: str
    quality: float
    """Calibrated probability, 0 to 1, that this request ends well with it."""
    prior_quality: float
    """The same for any request: what a policy that does not look at the request goes by."""
    cost_usd: Decimal
    latency_ms: float
    load_share: float
    """Share of its capacity in use, 0 to 1."""
    utility: float | None = None
    """Expected gain in USD, where the question itself says what right and wrong are worth."""
    spread: float = 0.0
    """Standard error of the quality, where the policy's estimator knows it."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What the policy is run with: its parameters, and the quality the request insists on."""

    parameters: Mapping[str, float]
    min_quality: float | None = None


class Policy(Protocol):
    """One way to prefer one admissible candidate over another."""

    @property
    def policy_id(self) -> str:
        """Its name, as in policies.yaml and on every decision: the name of its file."""
        ...

    @property
    def kinds(self) -> frozenset[DecisionKind]:
        """The questions it can answer."""
        ...

    @property
    def needs_bundle(self) -> bool:
        """Whether it wants a trained bundle; without one the kind's fallback decides."""
        ...

    @property
    def parameters(self) -> Mapping[str, float]:
        """The parameters it takes, each with its default."""
        ...

    def scores(self, estimates: Sequence[Estimate], ask: Ask) -> list[float]:
        """One finite score a candidate; the highest is preferred. A candidate's place must not matter."""
        ...

    def explain(self, chosen: Estimate, ask: Ask) -> str:
        """Why the preferred candidate is preferred, as a plain sentence."""
        ...


@cache
def policies() -> Mapping[str, Policy]:
    """Every policy there is, by id."""
    found: dict[str, Policy] = {}
    for module_info in pkgutil.iter_modules(aurora.decisions.policies.__path__):
        module = importlib.import_module(f"aurora.decisions.policies.{module_info.name}")
        policy: Policy = module.policy
        if policy.policy_id != module_info.name:
            raise ValueError(
                f"policies/{module_info.name}.py names its policy {policy.policy_id!r}. Use the file's name."
            )
        found[policy.policy_id] = policy
    return MappingProxyType(found)


@dataclass(frozen=True, slots=True)
class ConfiguredPolicy:
    """A policy as a tenant runs it: its settings, and its parameters with defaults filled in."""

    policy: Policy
    settings: PolicySettings
    parameters: Mapping[str, float]
    promise: str = ""
    """What its threshold promises, and on what evidence; empty where nothing is promised."""


def configure(declared: Policies) -> dict[str, ConfiguredPolicy]:
    """The policies of policies.yaml. `DataError` names one that does not exist, or a parameter it does not take."""
    configured = {}
    for policy_id, settings in declared.policies.items():
        policy = policies().get(policy_id)
        if policy is None:
            raise _wrong(f"policies.{policy_id}", f"there is no such policy; there are {', '.join(policies())}")
        strange = sorted(set(settings.parameters) - set(policy.parameters))
        if strange:
            takes = ", ".join(policy.parameters) or "none"
            raise _wrong(f"policies.{policy_id}.parameters.{strange[0]}", f"is not a parameter; it takes {takes}")
        configured[policy_id] = ConfiguredPolicy(policy, settings, {**policy.parameters, **settings.parameters})
    for kind, choice in declared.kinds.items():
        for policy_id in filter(None, (choice.policy, choice.fallback, choice.shadow)):
            if policy_id not in configured:
                raise _wrong(f"kinds.{kind}", f"there are no settings of {policy_id}")
            if kind not in configured[policy_id].policy.kinds:
                raise _wrong(f"kinds.{kind}", f"{policy_id} does not decide {kind}")
        wants_bundle = any(c.policy.needs_bundle and kind in c.policy.kinds for c in configured.values())
        if wants_bundle and (choice.fallback is None or configured[choice.fallback].policy.needs_bundle):
            raise _wrong(f"kinds.{kind}.fallback", "must name a policy that decides while no bundle is published")
    return configured


def _wrong(field: str, problem: str) -> DataError:
    return DataError(
        f"policies.yaml, {field}: {problem}.", field=field, rule="policies", next_step="Correct policies.yaml."
    )
