"""How far decisions may act by themselves: shares by kind and assistant, policies in shadow, the switch that stops all."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from msgspec import Meta, Struct

from contracts.messages.decisions import DecisionKind, Share, Text

Reason = Annotated[str, Meta(min_length=3, max_length=2000)]


class ModeRequest(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A change of one kind's rollout. What is left out stays as it is."""

    kind: DecisionKind
    reason: Reason
    assistant_id: Text | None = None
    """Of this assistant alone; of all others when absent."""
    act_share: Share | None = None
    """Share of the work that may be acted on when acting is asked for; the rest is advice."""
    shadow_policy: Annotated[str, Meta(max_length=64)] | None = None
    """Policy that is run beside the one that decides; empty text ends it. Of the whole kind."""
    canary_share: Share | None = None
    """Share of decisions that the policy in shadow answers; 0 ends it. Of the whole kind."""


class StopRequest(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Why nothing is acted on any more, or why it is again."""

    reason: Reason


class ModeChange(Struct, frozen=True, kw_only=True):
    """A change of the modes: a record of the journal, and the whole of what holds since."""

    change_id: Text
    actor_id: Text
    changed_at: dt.datetime
    reason: str
    is_stopped: bool
    act_shares: tuple[tuple[DecisionKind, str, float], ...]
    """Kind, assistant (empty: every other), share; sorted. What is not here is as policies.yaml says."""
    shadow_policies: tuple[tuple[DecisionKind, str], ...]
    canary_shares: tuple[tuple[DecisionKind, float], ...] = ()


class KindMode(Struct, frozen=True, kw_only=True):
    """How one kind is decided now."""

    kind: DecisionKind
    policy: Text
    act_share: Share
    """What holds where no assistant has a share of its own."""
    assistant_shares: dict[str, float]
    shadow_policy: str | None
    canary_share: float = 0.0


class Modes(Struct, frozen=True, kw_only=True):
    """How far decisions may act now."""

    is_stopped: bool
    kinds: tuple[KindMode, ...]
    changed_at: dt.datetime | None = None
    changed_by: str | None = None
    reason: str | None = None
