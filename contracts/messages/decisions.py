"""What the decision API speaks, and what the journal keeps: msgspec Structs, the contract itself.

Requests are strict (an unknown field is refused). Records are frozen and are written as canonical
JSON (`canonical`): the bytes that the audit log hashes and that replay must reproduce.
Decimals travel as strings, times as RFC 3339 in UTC.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from contracts.messages.decision_details import DecisionDetails, ShadowChoice

Text = Annotated[str, Meta(min_length=1, max_length=256)]
LongText = Annotated[str, Meta(min_length=1, max_length=100_000)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
PrivacyClass = Literal["public", "internal", "personal", "sensitive"]
Slug = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_.\-]{0,63}$")]
About = Annotated[dict[Slug, Text], Meta(max_length=16)]
"""Ids of records by the names of their columns, such as `{"deal_id": "D-7", "buyer_party_id": "P-9"}`. No other content."""
DecisionKind = Literal["route_task", "route_llm", "resolve_conflict", "scale", "rebalance", "tune"]
DecisionMode = Literal["advise", "shadow", "act"]
DecisionStatus = Literal["chosen", "abstained"]


class RouteTaskRequest(
    Struct, tag_field="kind", tag="route_task", forbid_unknown_fields=True, frozen=True, kw_only=True
):
    """Which assistant takes a task."""

    task_type: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_.\-]{0,63}$")]
    task_id: Text | None = None
    case_id: Text | None = None
    priority: Literal["critical", "high", "medium", "low"] = "medium"
    privacy_class: PrivacyClass = "internal"
    data_region: Text | None = None
    """Region the data belongs to; the tenant's own when absent."""
    compliance_levels: Annotated[tuple[Text, ...], Meta(max_length=16)] = ()
    """Regimes the taker must be cleared for, such as uae_aml."""
    max_cost_usd: Decimal | None = None
    deadline_ms: Annotated[int, Meta(ge=0)] | None = None
    candidates: Annotated[tuple[Text, ...], Meta(min_length=1, max_length=256)] | None = None
    """Assistants to choose from; the whole fleet when absent."""
    about: About | UnsetType = UNSET
    """Records that the task works on: while one of them is on hold, nobody is chosen and a person decides."""
    policy: Text | None = None
    mode: DecisionMode = "advise"


class RouteLlmRequest(Struct, tag_field="kind", tag="route_llm", forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Which language model answers a question well enough at the lowest cost."""

    prompt: LongText
    task_type: Text | None = None
    conversation_id: Text | None = None
    assistant_id: Text | None = None
    privacy_class: PrivacyClass = "internal"
    data_region: Text | None = None
    min_quality: Share | None = None
    """Expected quality the answer must reach; the policy's own floor when absent."""
    max_cost_usd: Decimal | None = None
    expected_output_tokens: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    candidates: Annotated[tuple[Text, ...], Meta(min_length=1, max_length=256)] | None = None
    """Language models to choose from; all of the tenant's when absent."""
    about: About | UnsetType = UNSET
    """Records that the question is about: while one of them is on hold, nobody is chosen and a person decides."""
    policy: Text | None = None
    mode: DecisionMode = "advise"


class Recommendation(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """What one assistant says should be done about a subject."""

    assistant_id: Text
    action: Text
    confidence: Share | None = None
    """How sure it says it is that this is right."""
    recommended_at: dt.datetime | None = None
    recommendation_id: Text | None = None
    """Where it comes from, such as an `ai_decision_id` or a `handoff_id`."""
    gain_usd: Decimal | None = None
    """What following it is worth when it is right."""
    loss_usd: Decimal | None = None
    """What following it costs when it is wrong."""


class ResolveConflictRequest(
    Struct, tag_field="kind", tag="resolve_conflict", forbid_unknown_fields=True, frozen=True, kw_only=True
):
    """Which of contradictory recommendations about one subject is followed."""

    subject_id: Text
    topic: Slug
    """What the recommendations are about: how far each recommender is right is kept by topic."""
    recommendations: Annotated[tuple[Recommendation, ...], Meta(min_length=2, max_length=64)]
    conflict_id: Text | None = None
    case_id: Text | None = None
    privacy_class: PrivacyClass = "internal"
    data_region: Text | None = None
    compliance_levels: Annotated[tuple[Text, ...], Meta(max_length=16)] = ()
    min_confidence: Share | None = None
    """Below it a person decides; the policy's own floor when absent."""
    policy: Text | None = None
    mode: DecisionMode = "advise"


class PlanStanding(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Plans since a forecast was promoted, beside the autoscaler that they replaced."""

    observed_count: Annotated[int, Meta(ge=0)]
    violation_count: Annotated[int, Meta(ge=0)]
    """Windows whose demand was beyond what was ready."""
    saved_replica_windows: float
    """Replicas times windows that the autoscaler would have taken more."""
    autoscaler_violation_count: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    """Windows whose demand would have been beyond what the autoscaler had ready."""


class Demand(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What a target was asked to do lately, and what it runs on."""

    window_s: Annotated[int, Meta(gt=0)]
    ends_at: dt.datetime
    demand: Annotated[tuple[Annotated[float, Meta(ge=0)] | None, ...], Meta(min_length=1, max_length=2048)]
    """Units a second (requests or tokens) of each window, oldest first; null where nothing was observed."""
    replicas: Annotated[int, Meta(ge=0)]
    scaled_at: dt.datetime | None = None
    backlog: Annotated[float, Meta(ge=0)] = 0.0
    standing: PlanStanding | None = None
    """How plans with a forecast have fared; no safeguards when absent."""


class DemandQuantiles(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A forecast of demand: units a second, one row a window, one column a quantile level."""

    made_at: dt.datetime
    window_s: Annotated[int, Meta(gt=0)]
    levels: Annotated[tuple[float, ...], Meta(min_length=1, max_length=99)]
    values: Annotated[tuple[tuple[float, ...], ...], Meta(min_length=1, max_length=2048)]
    is_promoted: bool = False
    bundle_hash: str | None = None
    published_hash: Text | UnsetType = UNSET
    """Filled in by Aurora: SHA-256 of the tenant's published capacity file that the forecast was read from."""


class ScaleLimits(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """Bounds of a plan. Those left out are what capacity plans usually go by."""

    replica_rate: Annotated[float, Meta(gt=0)]
    """Units a second that one replica serves."""
    min_replicas: Annotated[int, Meta(ge=0)] = 1
    max_replicas: Annotated[int, Meta(ge=1, le=10_000)] = 100
    target_share: Annotated[float, Meta(gt=0, le=1)] | None = None
    stabilisation_s: Annotated[int, Meta(ge=0)] | None = None
    startup_s: Annotated[int, Meta(ge=0)] | None = None
    cooldown_s: Annotated[int, Meta(ge=0)] | None = None
    hysteresis_share: Annotated[float, Meta(ge=0, lt=1)] | None = None
    drain_s: Annotated[int, Meta(gt=0)] | None = None
    forecast_quantile: Annotated[float, Meta(gt=0, lt=1)] | None = None
    forecast_share: Annotated[float, Meta(gt=0, le=2)] | None = None
    floor_share: Annotated[float, Meta(gt=0, le=2)] | None = None
    floor_s: Annotated[int, Meta(ge=0)] | None = None
    violation_budget: Annotated[float, Meta(gt=0, lt=1)] | None = None
    replica_usd_per_hour: Decimal = Decimal(0)


class ScaleRequest(Struct, tag_field="kind", tag="scale", forbid_unknown_fields=True, frozen=True, kw_only=True):
    """How many replicas a target (assistant or language model) gets until the next plan."""

    target_id: Text
    history: Demand | None = None
    """What is published about the target when absent."""
    limits: ScaleLimits | None = None
    """As `history`."""
    forecast: DemandQuantiles | None = None
    """The tenant's published one when absent; none where nothing is published about the target."""
    policy: Text | None = None
    mode: DecisionMode = "advise"


class OpenTask(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """Work that is not finished, and who holds it now; nobody when absent."""

    task_id: Text
    task_type: Slug
    assistant_id: Text | None = None
    priority: Literal["critical", "high", "medium", "low"] = "medium"
    privacy_class: PrivacyClass = "internal"
    data_region: Text | None = None
    compliance_levels: Annotated[tuple[Text, ...], Meta(max_length=16)] = ()
    is_started: bool = False
    """Moving work that was begun costs more."""
    about: About | UnsetType = UNSET
    """Records that the task works on: while one of them is on hold, it stays where it is."""


class RebalanceRequest(
    Struct, tag_field="kind", tag="rebalance", forbid_unknown_fields=True, frozen=True, kw_only=True
):
    """Which open work moves to which assistant, at the least cost, within capacity and rules."""

    tasks: Annotated[tuple[OpenTask, ...], Meta(min_length=1, max_length=5000)]
    candidates: Annotated[tuple[Text, ...], Meta(min_length=1, max_length=256)] | None = None
    """Assistants that may take work; the whole fleet when absent."""
    capacities: dict[str, Annotated[int, Meta(ge=0, le=100_000)]] = {}
    """How many of these tasks an assistant may hold at once; its declared capacity when absent."""
    policy: Text | None = None
    mode: DecisionMode = "advise"


class Trial(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What came of work while a parameter had a value."""

    value: float
    task_count: Annotated[int, Meta(ge=0)]
    success_count: Annotated[int, Meta(ge=0)]
    cost_usd_mean: Decimal | None = None


class TuneRequest(Struct, tag_field="kind", tag="tune", forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Whether a parameter of an assistant is changed: one bounded step, the way back, or nothing."""

    assistant_id: Text
    parameter: Slug
    trials: Annotated[tuple[Trial, ...], Meta(max_length=256)] = ()
    """Evidence, oldest first; one entry a value."""
    value: float | None = None
    """What it is now; the pack's own value when absent."""
    previous_value: float | None = None
    """What it was before the last change: where a rollback leads."""
    policy: Text | None = None
    mode: DecisionMode = "advise"


DecisionRequest = (
    RouteTaskRequest | RouteLlmRequest | ResolveConflictRequest | ScaleRequest | RebalanceRequest | TuneRequest
)


KIND_OF: dict[type, DecisionKind] = {
    RouteTaskRequest: "route_task",
    RouteLlmRequest: "route_llm",
    ResolveConflictRequest: "resolve_conflict",
    ScaleRequest: "scale",
    RebalanceRequest: "rebalance",
    TuneRequest: "tune",
}
"""Kind of each request."""


class BatchRequest(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Several decisions at once. Each is decoded by itself: one that does not fit leaves the others alone."""

    requests: Annotated[tuple[msgspec.Raw, ...], Meta(min_length=1, max_length=500)]


class StandingHold(Struct, frozen=True, kw_only=True):
    """A hold that stood when a decision was made, and spoke against it or against a candidate."""

    hold_id: str
    rule_id: str
    about_contract: str
    about_id: str
    reason: str


class Veto(Struct, frozen=True, kw_only=True):
    """Why a candidate may not be chosen. `source` is scope (not able) or rule (not allowed)."""

    source: Literal["scope", "rule"]
    rule_id: str
    reason: str


class Candidate(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One candidate as the decision saw it. Score, quality and cost are absent when vetoed unscored.

    A field that holds its default is left out of the JSON: receipts are a quarter smaller, on the wire and
    for as long as the audit log is kept.
    """

    candidate_id: str
    is_eligible: bool
    vetoes: tuple[Veto, ...] = ()
    score: float | None = None
    quality: float | None = None
    """Calibrated expectation of success or answer quality, 0 to 1."""
    cost_usd: Decimal | None = None
    latency_ms: float | None = None
    propensity: float = 0.0
    utility_usd: Decimal | None = None
    """Expected gain of the action, where the request says what right and wrong are worth."""


class Decision(Struct, frozen=True, kw_only=True):
    """The receipt: what was asked, what was possible, what was chosen and why, and what it was derived from."""

    decision_id: str
    tenant_id: str
    region: str
    kind: DecisionKind
    mode: DecisionMode
    status: DecisionStatus
    action: str | None
    reason: str
    confidence: float
    propensity: float | None
    decided_at: dt.datetime
    actor_id: str
    policy_id: str
    bundle_hash: str | None
    rule_pack_hash: str
    rules_checked: tuple[str, ...]
    snapshot_id: int | None
    feature_hash: str | None
    seed: int
    request: DecisionRequest
    candidates: tuple[Candidate, ...]
    expected_cost_usd: Decimal | None = None
    baseline_cost_usd: Decimal | None = None
    assistant_states: dict[str, str] = {}
    """Assistants that were not simply active when it was made: degraded, down, disabled or paused. What it knew live."""
    engine_hash: str | UnsetType = UNSET
    """The archived declarations (pack, policies) it was made with, 16 hex digits; absent in old receipts."""
    act_share: float | UnsetType = UNSET
    """Share of such work that may be acted on; only where acting was asked for. `mode` is what came of it."""
    shadows: tuple[ShadowChoice, ...] | UnsetType = UNSET
    """What policies in shadow would have chosen; absent while none is."""
    details: DecisionDetails | UnsetType = UNSET
    """What kinds other than routing rest on; absent when they abstain without a plan."""
    holds: tuple[StandingHold, ...] | UnsetType = UNSET
    """Holds that counted; absent while none did."""


class OutcomeRequest(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What came of a decision, as the acting assistant reports it."""

    is_success: bool
    quality: Share | None = None
    cost_usd: Decimal | None = None
    duration_ms: Annotated[int, Meta(ge=0)] | None = None
    occurred_at: dt.datetime | None = None
    note: Annotated[str, Meta(max_length=2000)] | None = None


class OverrideRequest(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A person's choice in place of the decision's. The reason is not optional."""

    action: Text
    reason: Annotated[str, Meta(min_length=3, max_length=2000)]


class Outcome(Struct, frozen=True, kw_only=True):
    """The journal's record of an outcome."""

    outcome_id: str
    decision_id: str
    actor_id: str
    occurred_at: dt.datetime
    is_success: bool
    region: str
    quality: float | None = None
    cost_usd: Decimal | None = None
    duration_ms: int | None = None
    note: str | None = None


class Override(Struct, frozen=True, kw_only=True):
    """The journal's record of an override."""

    override_id: str
    decision_id: str
    actor_id: str
    occurred_at: dt.datetime
    action: str
    reason: str
    region: str


_ENCODER = msgspec.json.Encoder(decimal_format="string", order="deterministic")


def canonical_raw(part: Any) -> msgspec.Raw:
    """The canonical JSON of a part of a record, which `canonical` then writes as it is."""
    return msgspec.Raw(_ENCODER.encode(part))


def canonical(record: Struct) -> bytes:
    """Canonical JSON of a record: keys sorted, no white space, UTF-8. Same record, same bytes."""
    return _ENCODER.encode(record)
