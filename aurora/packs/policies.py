"""Which policy decides what: `policies.yaml`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from aurora.packs.words import Share, Slug
from contracts.messages.decisions import DecisionKind


class PolicyChoice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The policy of one decision kind, and the one used when its bundle is absent."""

    policy: Slug
    fallback: Slug | None = None


class PolicySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one policy is run."""

    epsilon: Annotated[float, Meta(ge=0.0, le=0.5)] = 0.0
    """Share of decisions spent on exploring admissible candidates."""
    min_confidence: Share = 0.0
    """Below it the decision goes to a person."""
    parameters: dict[str, float] = {}


class Policies(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole of policies.yaml."""

    kinds: dict[DecisionKind, PolicyChoice]
    policies: dict[Slug, PolicySettings]
