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
from msgspec import Meta, Struct

Text = Annotated[str, Meta(min_length=1, max_length=256)]
LongText = Annotated[str, Meta(min_length=1, max_length=100_000)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
PrivacyClass = Literal["public", "internal", "personal", "sensitive"]
DecisionKind = Literal["route_task", "route_llm"]
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
    policy: Text | None = None
    mode: DecisionMode = "advise"


DecisionRequest = RouteTaskRequest | RouteLlmRequest


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
