"""What is tried in a replay: another policy, other parameters, another share of exploration, another bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from aurora.decisions.bundles import CHALLENGER, Bundle, champion_folder, load_bundle, named_folder
from aurora.decisions.policy import configure
from aurora.errors import UsageError
from aurora.packs import Pack, PolicySettings
from aurora.store.paths import TenantPaths
from contracts.messages.decisions import DecisionKind

_ROLES: Final = ("champion", CHALLENGER, "previous")
_SHORTEST_HASH: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody wants to try. What is left out stays as the pack has it now."""

    kind: DecisionKind
    policy_id: str | None = None
    parameters: Mapping[str, float] = field(default_factory=dict)
    epsilon: float | None = None
    min_confidence: float | None = None
    bundle: str | None = None
    """A bundle's hash, its beginning, or its role: champion, challenger or previous."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A policy with its settings whole, and the bundle it looks through; that of each receipt when None."""

    kind: DecisionKind
    policy_id: str
    settings: PolicySettings
    bundle: Bundle | None = None

    def packed(self, pack: Pack) -> Pack:
        """The pack with this policy deciding its kind, and nothing beside it. `DataError` where it cannot."""
        declared = pack.policies
        choice = declared.kinds[self.kind]
        alone = msgspec.structs.replace(choice, policy=self.policy_id, shadow=None, canary_share=0.0)
        policies = msgspec.structs.replace(
            declared,
            kinds={**declared.kinds, self.kind: alone},
            policies={**declared.policies, self.policy_id: self.settings},
        )
        return msgspec.structs.replace(pack, policies=policies)

    def as_dict(self) -> dict[str, Any]:
        """The proposal as JSON."""
        return {
            "kind": self.kind,
            "policy_id": self.policy_id,
            "epsilon": self.settings.epsilon,
            "min_confidence": self.settings.min_confidence,
            "parameters": dict(self.settings.parameters),
            "bundle_hash": None if self.bundle is None else self.bundle.bundle_hash,
        }


def propose(asked: Asked, pack: Pack, paths: TenantPaths) -> Proposal:
    """The proposal, whole. `UsageError` or `DataError` names what does not exist or does not fit."""
    choice = pack.policies.kinds.get(asked.kind)
    if choice is None:
        raise _unknown("kind", f"policies.yaml names no policy for {asked.kind[:64]!r}", pack.policies.kinds)
    bundle = None if asked.bundle is None else _bundle(asked, paths)
    policy_id = asked.policy_id or (choice.policy if bundle is None else bundle.policy_id)
    able = able_policies(pack, asked.kind)
    if policy_id not in able:
        raise _unknown("policy", f"there is no policy {policy_id[:64]!r} for {asked.kind}", able)
    proposal = Proposal(
        kind=asked.kind,
        policy_id=policy_id,
        settings=_settings(asked, pack.policies.policies.get(policy_id, PolicySettings())),
        bundle=bundle,
    )
    configure(proposal.packed(pack).policies)
    return proposal


def able_policies(pack: Pack, kind: DecisionKind) -> tuple[str, ...]:
    """Policies of policies.yaml that can decide a kind."""
    return tuple(sorted(name for name, one in configure(pack.policies).items() if kind in one.policy.kinds))


def _settings(asked: Asked, known: PolicySettings) -> PolicySettings:
    changed: dict[str, Any] = {"parameters": {**known.parameters, **asked.parameters}}
    if asked.epsilon is not None:
        changed["epsilon"] = asked.epsilon
    if asked.min_confidence is not None:
        changed |= {"min_confidence": asked.min_confidence, "max_wrong_share": None}
    try:
        return msgspec.convert({**msgspec.to_builtins(known), **changed}, PolicySettings)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"The policy cannot be run like that: {error}.",
            field="epsilon",
            next_step="epsilon lies between 0 and 0.5, min_confidence between 0 and 1.",
        ) from None


def _bundle(asked: Asked, paths: TenantPaths) -> Bundle:
    wanted = str(asked.bundle)
    if asked.kind != "route_llm":
        raise _unknown("bundle", f"{asked.kind} is not decided by a bundle", ("route_llm",))
    if wanted == "champion":
        folder = champion_folder(paths.serving, asked.kind)
    elif wanted in _ROLES:
        folder = named_folder(paths.serving, asked.kind, wanted)
    else:
        folders = (paths.serving / "bundles" / asked.kind).glob("*/manifest.json")
        found = [file.parent for file in folders if file.parent.name.startswith(wanted)]
        folder = found[0] if len(found) == 1 and len(wanted) >= _SHORTEST_HASH else None
    if folder is None:
        raise _unknown("bundle", f"no bundle is {wanted[:64]!r}, or more than one", (*_ROLES, "a hash"))
    return load_bundle(folder)


def _unknown(field: str, problem: str, known: object) -> UsageError:
    names = ", ".join(sorted(map(str, known))) if isinstance(known, (dict, tuple)) else ""
    return UsageError(f"{problem[0].upper()}{problem[1:]}.", field=field, rule="one_of", next_step=f"Use {names}.")
