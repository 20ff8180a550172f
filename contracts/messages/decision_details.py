"""What a receipt says beyond the choice itself: shadows, and what each kind but routing rests on."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from msgspec import UNSET, Struct, UnsetType


class ShadowChoice(Struct, frozen=True, kw_only=True):
    """What another policy would have chosen. It is recorded, never answered."""

    policy_id: str
    action: str | None
    """None: it would have asked a person."""
    propensity: float
    """Probability with which it chooses that."""
    taken_propensity: float
    """Probability with which it would have chosen the action that was taken."""
    confidence: float
    canary_share: float | UnsetType = UNSET
    """Share of such decisions that it answers; absent while it only watches."""
    bundle_hash: str | UnsetType = UNSET
    """The challenger's bundle, where it is one."""


class RecommenderWeight(Struct, frozen=True, kw_only=True):
    """How far a recommender is believed on a topic: scored conflicts, and the probability made of them."""

    assistant_id: str
    action: str
    right_count: int
    wrong_count: int
    probability: float


class Pooled(Struct, frozen=True, kw_only=True, tag_field="of", tag="resolve_conflict"):
    """Where a resolution's probabilities come from."""

    recommenders: tuple[RecommenderWeight, ...]
    reliability_hash: str | None
    """SHA-256 of the published reliability; None before anything was scored."""


class Scaled(Struct, frozen=True, kw_only=True, tag_field="of", tag="scale"):
    """The capacity plan that a scale decision rests on."""

    replicas_before: int
    planned_replicas: int
    until: dt.datetime
    decided_by: str
    reactive_replicas: int | None
    forecast_replicas: int | None
    forecast_demand: float | None
    forecast_hash: str | UnsetType = UNSET
    """SHA-256 of the tenant's published file that the forecast was read from; absent when the request brought it."""
    forecast_age_s: float | UnsetType = UNSET
    """Seconds since it was made."""
    is_forecast_stale: bool | UnsetType = UNSET
    """Whether it ends too soon to be planned by: then demand of late decides alone."""


class Move(Struct, frozen=True, kw_only=True):
    """One task that changes hands. `cost_change_usd` below 0 is a saving."""

    task_id: str
    from_assistant_id: str | None
    to_assistant_id: str
    is_failover: bool
    cost_change_usd: Decimal


class Unplaced(Struct, frozen=True, kw_only=True):
    """A task that no admissible assistant has room for: a person's."""

    task_id: str
    reason: str


class AssistantLoad(Struct, frozen=True, kw_only=True):
    """An assistant's share of the open work before and after."""

    assistant_id: str
    capacity_count: int
    before_count: int
    after_count: int


class Rebalanced(Struct, frozen=True, kw_only=True, tag_field="of", tag="rebalance"):
    """The moves of the chosen plan."""

    moves: tuple[Move, ...]
    unplaced: tuple[Unplaced, ...]
    loads: tuple[AssistantLoad, ...]


class Tuned(Struct, frozen=True, kw_only=True, tag_field="of", tag="tune"):
    """The change that was chosen; `value` equals `value_before` when it is kept."""

    parameter: str
    value_before: float
    value: float
    is_rollback: bool
    probability_better: float
    """Probability that success is higher with it than with the present value."""


DecisionDetails = Pooled | Scaled | Rebalanced | Tuned
