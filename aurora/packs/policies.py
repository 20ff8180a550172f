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
    shadow: Slug | None = None
    """Policy that is run beside it: its choice is recorded, never answered."""
    canary_share: Share = 0.0
    """Share of decisions that the policy in shadow answers, so that there is evidence of it."""
    act_share: Share = 0.0
    """Share of the work that may be acted on where acting is asked for; the rest is advice."""
    assistant_act_shares: dict[Slug, Share] = {}
    """The same for single assistants."""


class PolicySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one policy is run."""

    epsilon: Annotated[float, Meta(ge=0.0, le=0.5)] = 0.0
    """Share of decisions spent on exploring admissible candidates."""
    min_confidence: Share = 0.0
    """Below it the decision goes to a person."""
    max_wrong_share: Annotated[float, Meta(gt=0.0, lt=1.0)] | None = None
    """Of route_llm: at most this share of what is answered is wrong; sets the confidence below which a person decides."""
    parameters: dict[str, float] = {}


class Policies(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole of policies.yaml."""

    kinds: dict[DecisionKind, PolicyChoice]
    policies: dict[Slug, PolicySettings]
    contradictions: dict[Slug, Annotated[tuple[Slug, ...], Meta(min_length=2)]] = {}
    """Topic to the recommendations of which only one can be right: two of them about one subject are a conflict."""
